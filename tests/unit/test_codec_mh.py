"""NSX-MH's JSON: bytes in, values out."""

import json

import pytest

from networking_nsx.errors import Malformed
from networking_nsx.model import Health, Kind, Observation
from networking_nsx.nsx.codec_mh import entries_from, object_from, page_from

PATH = "/ws.v1/lswitch/s1/lport/p1"


def port(tags=(("q_port_id", "n1"),), **status):
    """A port as NSX-MH lists it; `fabric_status_up` true unless told otherwise."""
    return {
        "uuid": "p1",
        "_href": PATH,
        "tags": [{"scope": scope, "tag": tag} for scope, tag in tags],
        "_relations": {"LogicalPortStatus": status or {"fabric_status_up": True}},
    }


def page(*objects: object, kind=Kind.PORT, **envelope):
    return page_from(kind, json.dumps({"results": objects, **envelope}).encode(), 5.0)


def test_a_page_tells_where_the_next_begins_and_how_many_there_are():
    """Cursor and total come from the envelope."""
    read = page(port(), result_count=7, page_cursor="c/+=")

    assert (read.cursor, read.total, read.as_of) == ("c/+=", 7, 5.0)


def test_the_last_page_has_no_cursor_and_a_later_page_no_total():
    """Absent is None, also for an empty cursor."""
    assert page(port())[2:4] == (None, None)
    assert page(port(), page_cursor="").cursor is None


def test_a_port_is_read_with_its_evidence():
    """An observation names the Neutron row, the NSX path and NSX's own word."""
    assert page(port()).observations == [Observation(Kind.PORT, "n1", Health.UP, 5.0, PATH, "true")]


@pytest.mark.parametrize(
    ("kind", "scope", "relation", "key", "path"),
    [
        (Kind.NETWORK, "quantum_net_id", "LogicalSwitchStatus", "fabric_status", "/ws.v1/lswitch/u1"),
        (Kind.ROUTER, "q_router_id", "LogicalRouterStatus", "fabric_status", "/ws.v1/lrouter/u1"),
    ],
)
def test_each_kind_has_its_own_words(kind, scope, relation, key, path):
    """Tag scope, relation and key are the kind's; without a reference the path is made from the uuid."""
    thing = {"uuid": "u1", "tags": [{"scope": scope, "tag": "n1"}], "_relations": {relation: {key: False}}}

    assert page(thing, kind=kind).observations == [Observation(kind, "n1", Health.DOWN, 5.0, path, "false")]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "null"),
        ("true", '"true"'),
        ("SYNCING", '"SYNCING"'),
        (1, "1"),
        (0, "0"),
        (["up"], '["up"]'),
        ("x" * 99, '"' + "x" * 39),
    ],
)
def test_an_unknown_word_proves_nothing_and_is_told(value, word):
    """Only JSON's true and false are words; 1, 0 and "true" are not."""
    (seen,) = page(port(fabric_status_up=value)).observations

    assert (seen.health, seen.word) == (Health.UNKNOWN, word)


@pytest.mark.parametrize(
    "relations",
    [None, {}, {"LogicalPortStatus": None}, {"LogicalPortStatus": {}}, {"Other": {"fabric_status_up": True}}],
)
def test_a_missing_status_is_unknown(relations):
    """An object without its status relation is there, and no more is known of it."""
    (seen,) = page({**port(), "_relations": relations}).observations

    assert (seen.health, seen.word) == (Health.UNKNOWN, "missing")


@pytest.mark.parametrize(
    "tags", [[], [("quantum", "1")], [("q_port_id", "")], [("q_port_id", None)], [("quantum_net_id", "n1")]]
)
def test_an_object_that_names_no_row_is_foreign(tags):
    """Without a value in the kind's own scope it is counted, and nobody's."""
    read = page(port(tags), port())

    assert (len(read.observations), read.foreign, read.malformed) == (1, 1, 0)


def test_an_object_without_tags_is_foreign():
    """So is one whose tag has no value at all."""
    assert page({"uuid": "u"}, {"tags": [{"scope": "q_port_id"}]}).foreign == 2


def test_an_object_that_names_two_rows_is_malformed():
    """It could be either's: nobody's status is taken from it."""
    read = page(port([("q_port_id", "n1"), ("q_port_id", "n2")]), port([("q_port_id", "n1")] * 2))

    assert (len(read.observations), read.malformed) == (1, 1)


@pytest.mark.parametrize(
    "broken",
    [
        1,
        None,
        "x",
        [],
        {"tags": "quantum"},
        {"tags": None},
        {**port(), "uuid": 5},
        {**port(), "_relations": []},
    ],
)
def test_a_malformed_object_costs_only_itself(broken):
    """The rest of its page is read."""
    read = page(port(), broken, port(), result_count=3, page_cursor="c")

    assert (len(read.observations), read.malformed, read.cursor, read.total) == (2, 1, "c", 3)


@pytest.mark.parametrize("field", ["display_name", "uuid"])
def test_a_name_cut_in_the_middle_of_a_character_costs_nothing(field):
    """Half of an emoji in a name that nobody reads must not spoil the page of everybody."""
    half = {**port(), field: "\ud83d"}
    body = json.dumps({"results": [port(), half]}).encode()

    assert len(page_from(Kind.PORT, body, 5.0).observations) == 2
    assert len(object_from(Kind.PORT, json.dumps(half).encode(), 5.0).observations) == 1


def test_a_strange_total_is_no_total():
    """It costs a progress bar, not a page."""
    assert page(port(), result_count="many").total is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"results": {}}',
        b'{"results": [], "page_cursor": 7}',
        b"\xff",
        b"[" * 99999,
        b'{"results": ["\\ud83d"',
    ],
)
def test_what_is_no_listing_is_malformed_as_a_whole(body):
    """No page is made up from it."""
    with pytest.raises(Malformed):
        page_from(Kind.PORT, body, 5.0)


def test_one_object_is_a_page_of_one():
    """The answer to a direct read."""
    assert object_from(Kind.PORT, json.dumps(port()).encode(), 5.0).observations == page(port()).observations


def test_one_object_that_does_not_fit_is_malformed_but_there():
    """A direct read that is JSON proves that something is there; one that is none proves nothing."""
    assert object_from(Kind.PORT, b'{"tags": 5}', 5.0).malformed == 1
    with pytest.raises(Malformed):
        object_from(Kind.PORT, b'{"tags": [', 5.0)


def test_entries_tell_all_tags_and_the_attachment():
    """A listing of whatever there is, to look for what should not be missing."""
    attached = {"LogicalPortAttachment": {"type": "VifAttachment", "vif_uuid": "n9"}}
    body = json.dumps({"results": [{**port(), "_relations": attached}, {"uuid": "u2"}, 7], "result_count": 3})
    read = entries_from("/ws.v1/x", body.encode())

    assert [tuple(entry) for entry in read.entries] == [
        (PATH, {("q_port_id", "n1")}, "n9"),
        ("/ws.v1/x/u2", frozenset(), ""),
    ]
    assert (read.total, read.malformed) == (3, 1)
