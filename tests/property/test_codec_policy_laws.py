"""The laws of NSX Policy's codec, for any JSON and for what is none."""

import json
from contextlib import suppress

import pytest
from anything import JSON
from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.errors import Malformed
from networking_nsx.model import Kind
from networking_nsx.nsx import codec_policy as codec
from networking_nsx.nsx.words_policy import CONSOLIDATED_WORDS, NODE_WORDS, PORT_WORDS, STATE_WORDS

TAGS = codec.Tags(deployment="ours")
KINDS = st.sampled_from(Kind)
WORDS = st.sampled_from(
    [w for words in (CONSOLIDATED_WORDS, NODE_WORDS, PORT_WORDS, STATE_WORDS) for w in words]
)
ANY_BYTES = (
    st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | JSON.map(json.dumps).map(str.encode)
)
READERS = {
    "ports": lambda body: codec.ports_from(body, 1.0, TAGS),
    "networks": lambda body: codec.intents_from(Kind.NETWORK, body, 1.0, TAGS),
    "a port": lambda body: codec.intent_from(Kind.PORT, body, 1.0, TAGS),
    "segment states": lambda body: codec.segment_states_from(body, 1.0),
    "a segment's state": codec.segment_state_from,
    "a gateway's state": codec.gateway_state_from,
    "a port's status": codec.port_status_from,
    "a realization": codec.realized_from,
}


def maybe(values, **fields):
    """An object with some of these fields, and `values` where NSX sends something else for once."""
    return st.fixed_dictionaries({}, optional={name: field | values for name, field in fields.items()})


def objects(values):
    """Policy objects and ports of the manager, as NSX sends them."""
    scopes = st.sampled_from(["policyPath", "os-deployment-id", *TAGS.scopes.values()])
    tag = maybe(values, scope=scopes, tag=st.sampled_from(["a", "b", "ours", ""]))
    consolidated = maybe(values, consolidated_status=WORDS)
    status = maybe(
        values, status=WORDS, logical_port_id=st.text(max_size=3), consolidated_status=consolidated | WORDS
    )
    return maybe(
        values,
        id=st.text(max_size=3),
        path=st.text(max_size=9),
        unique_id=st.text(max_size=3),
        tags=st.lists(tag | values, max_size=4),
        attachment=maybe(values, id=st.sampled_from(["a", "b", ""])),
        status=status,
        segment_path=st.text(max_size=9),
        state=WORDS,
        tier1_state=maybe(values, state=WORDS),
        tier1_status=maybe(
            values,
            per_node_status=st.lists(maybe(values, high_availability_status=WORDS) | values, max_size=3),
        ),
    )


LISTINGS = st.lists(objects(JSON) | JSON, max_size=8)


def listed(kind, things, *, manager=False):
    body = json.dumps({"results": things}).encode()
    return codec.ports_from(body, 1.0, TAGS) if manager else codec.intents_from(kind, body, 1.0, TAGS)


@given(KINDS, LISTINGS, st.booleans())
def test_every_object_is_counted_once(kind, things, manager):
    """An object is observed, malformed or foreign, whatever it is made of."""
    assert listed(kind, things, manager=manager).size == len(things)


@given(KINDS, LISTINGS, st.integers(0, 8), st.booleans())
def test_a_listing_is_the_same_in_any_pages(kind, things, cut, manager):
    """What an object says does not depend on its neighbours, malformed or not."""
    whole, first, second = (
        listed(kind, some, manager=manager) for some in (things, things[:cut], things[cut:])
    )

    assert first.observations + second.observations == whole.observations
    assert first.malformed + second.malformed == whole.malformed


@given(KINDS, objects(JSON))
def test_an_object_says_the_same_alone_and_in_a_list(kind, thing):
    """A direct read and a listing agree."""
    alone = codec.intent_from(kind, json.dumps(thing).encode(), 1.0, TAGS)

    assert alone._replace(total=None) == listed(kind, [thing])


@given(objects(st.nothing()))
def test_a_segments_state_is_the_same_alone_and_in_a_list(thing):
    """Asked for one or for all."""
    alone = codec.segment_state_from(json.dumps(thing).encode())
    states = codec.segment_states_from(json.dumps({"results": [thing]}).encode(), 1.0).states

    assert states == {thing.get("segment_path", ""): alone}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(body=ANY_BYTES | objects(JSON).map(json.dumps).map(str.encode))
def test_any_bytes_are_read_or_malformed(reader, body):
    """Nothing that a manager sends raises anything else."""
    with suppress(Malformed):
        reader(body)
