"""The laws of NSX-MH's codec, for any JSON and for what is none."""

import json
from contextlib import suppress

from anything import JSON
from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.errors import Malformed
from networking_nsx.model import Kind
from networking_nsx.nsx.codec_mh import FORMS, entries_from, object_from, page_from

KINDS = st.sampled_from(Kind)
SCOPES = st.sampled_from(["quantum", "os_tid", *(form.scope for form in FORMS.values())])


def objects(values):
    """Objects as NSX-MH sends them, with `values` where it sends something else for once."""
    tag = st.fixed_dictionaries({}, optional={"scope": SCOPES | values, "tag": st.text(max_size=3) | values})
    status = st.dictionaries(
        st.sampled_from(["fabric_status", "fabric_status_up", "type"]), st.booleans() | values
    )
    relations = st.dictionaries(st.sampled_from([form.relation for form in FORMS.values()]), status | values)
    return st.fixed_dictionaries(
        {},
        optional={
            "uuid": st.text() | values,
            "_href": st.text() | values,
            "tags": st.lists(tag | values, max_size=4) | values,
            "_relations": relations | values,
        },
    )


LISTINGS = st.lists(objects(JSON) | JSON, max_size=8)


def page(kind, things):
    return page_from(kind, json.dumps({"results": things}).encode(), 1.0)


@given(KINDS, LISTINGS)
def test_every_object_is_counted_once(kind, things):
    """An object is observed, malformed or foreign, whatever it is made of."""
    read = page(kind, things)

    assert len(read.observations) + read.malformed + read.foreign == len(things)


@given(KINDS, LISTINGS, st.integers(0, 8))
def test_a_listing_is_the_same_in_any_pages(kind, things, cut):
    """What an object says does not depend on its neighbours, malformed or not."""
    whole, first, second = page(kind, things), page(kind, things[:cut]), page(kind, things[cut:])

    assert first.observations + second.observations == whole.observations
    assert first.malformed + second.malformed == whole.malformed


@given(KINDS, objects(st.nothing()))
def test_an_object_says_the_same_alone_and_in_a_list(kind, thing):
    """A direct read and a listing agree."""
    alone, listed = object_from(kind, json.dumps(thing).encode(), 1.0), page(kind, [thing])

    assert alone._replace(total=None) == listed


@given(KINDS, st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_malformed(kind, body):
    """Nothing that a manager sends raises anything else."""
    for read in (page_from, object_from, lambda _kind, text, _as_of: entries_from("/ws.v1/x", text)):
        with suppress(Malformed):
            read(kind, body, 1.0)
