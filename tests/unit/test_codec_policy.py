"""NSX Policy's JSON: bytes in, values out."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.errors import Malformed
from networking_nsx.model import Health, Kind, Observation
from networking_nsx.nsx import codec_policy as codec
from networking_nsx.nsx import words_policy as words
from networking_nsx.nsx.codec_policy import Tags, intent_from, intents_from, ports_from

TAGS = Tags()
A, B = "a" * 8 + "-1111-4111-8111-" + "a" * 12, "b" * 8 + "-1111-4111-8111-" + "b" * 12
PATH = f"/infra/segments/s/ports/{A}"
SCOPES = {
    Kind.NETWORK: "os-neutron-net-id",
    Kind.ROUTER: "os-neutron-router-id",
    Kind.PORT: "os-neutron-port-id",
}
COLLECTIONS = {Kind.NETWORK: "/infra/segments", Kind.ROUTER: "/infra/tier-1s"}


def hit(**changed):
    """A LogicalPort as the manager's search has it; None takes a key out."""
    port = {
        "id": "m1",
        "attachment": {"attachment_type": "VIF", "id": A},
        "tags": [{"scope": "os-neutron-port-id", "tag": A}, {"scope": "policyPath", "tag": PATH}],
        "status": {"status": "UP"},
    }
    return {key: value for key, value in (port | changed).items() if value is not None}


def tag(scope, value):
    return {"scope": scope, "tag": value}


def ports(*hits: object, tags=TAGS, **envelope):
    return ports_from(json.dumps({"results": hits, **envelope}).encode(), 5.0, tags)


def intents(kind, *things: object, tags=TAGS):
    return intents_from(kind, json.dumps({"results": things}).encode(), 5.0, tags)


def test_a_hit_is_read_with_its_evidence():
    """An observation names the row, the intent's path with the manager's id, and NSX's own word."""
    expected = Observation(Kind.PORT, A, Health.UP, 5.0, f"{PATH}#m1", "UP")

    assert ports(hit()).observations == [expected]


def test_a_page_tells_where_the_next_begins_and_how_many_there_are():
    read = ports(hit(), result_count=7, cursor="1")

    assert (read.cursor, read.total, read.size) == ("1", 7, 1)


@pytest.mark.parametrize(("word", "health"), words.PORT_WORDS.items())
def test_every_word_of_a_port_has_a_health(word, health):
    assert ports(hit(status={"status": word})).observations[0].health is health


@pytest.mark.parametrize("status", [None, {}, {"status": "SIDEWAYS"}])
def test_a_port_without_a_known_word_is_unknown(status):
    """Nobody wrote down whether every hit has a status."""
    assert ports(hit(status=status)).observations[0].health is Health.UNKNOWN


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": [tag("os-neutron-port-id", A)]},  # no intent's path
        {"tags": []},  # joined by what is attached
        {"attachment": None},  # joined by the tag
    ],
)
def test_a_port_is_joined_by_its_tag_or_its_attachment(changed):
    assert [one.id for one in ports(hit(**changed)).observations] == [A]


def test_a_port_without_an_intent_is_known_by_the_managers_path():
    assert ports(hit(tags=[])).observations[0].path == "/api/v1/logical-ports/m1"


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": [tag("os-neutron-port-id", B)]},  # the attachment says A
        {"tags": [tag("os-neutron-port-id", A), tag("os-neutron-port-id", B)], "attachment": None},
        {"attachment": {"id": B}},
    ],
)
def test_a_port_that_names_two_rows_is_nobodys(changed):
    """A tag that was tampered with lies about no other row."""
    read = ports(hit(**changed))

    assert (read.observations, read.malformed) == ([], 1)


def test_a_port_of_nobody_is_foreign():
    read = ports(hit(tags=[], attachment=None))

    assert (read.observations, read.foreign) == ([], 1)


@pytest.mark.parametrize(("deployment", "count"), [("ours", 0), ("theirs", 1), ("", 1)])
def test_objects_of_another_deployment_are_foreign(deployment, count):
    """If the option says which one is ours."""
    theirs = hit(tags=[tag("os-neutron-port-id", A), tag("os-deployment-id", "theirs")])
    segment = {"path": f"/infra/segments/{A}", "tags": [tag("os-neutron-net-id", A), *theirs["tags"][1:]]}
    tags = Tags(deployment=deployment)

    assert len(ports(theirs, tags=tags).observations) == count
    assert len(intents(Kind.NETWORK, segment, tags=tags).observations) == count


def test_the_tags_scopes_are_those_of_the_settings():
    """Beside another driver, the objects have that driver's tags."""
    tags = Tags({**SCOPES, Kind.PORT: "their-port"})
    theirs = hit(tags=[tag("their-port", A)], attachment=None)

    assert [one.id for one in ports(theirs, tags=tags).observations] == [A]
    assert ports(theirs).foreign == 1


def test_a_malformed_hit_costs_only_itself():
    read = ports(hit(), {"id": 7}, hit(tags="none"), hit(status={"status": 5}), hit())

    assert (len(read.observations), read.malformed) == (2, 3)


@pytest.mark.parametrize("kind", COLLECTIONS)
@pytest.mark.parametrize(("word", "health"), words.CONSOLIDATED_WORDS.items())
def test_every_realization_has_a_health(kind, word, health):
    """A hit of an intent has its realization as its status."""
    thing = {
        "path": f"{COLLECTIONS[kind]}/{A}",
        "tags": [tag(SCOPES[kind], A)],
        "status": {"consolidated_status": {"consolidated_status": word}},
    }

    assert intents(kind, thing).observations == [
        Observation(kind, A, health, 5.0, f"{COLLECTIONS[kind]}/{A}", word)
    ]


@pytest.mark.parametrize("kind", COLLECTIONS)
def test_an_intent_whose_id_is_another_rows_is_nobodys(kind):
    """Its tag says A, where it lies B: one of them was tampered with."""
    read = intents(kind, {"path": f"{COLLECTIONS[kind]}/{B}", "tags": [tag(SCOPES[kind], A)]})

    assert (read.observations, read.malformed) == ([], 1)


@pytest.mark.parametrize("kind", COLLECTIONS)
def test_an_intent_may_have_any_name(kind):
    """Another driver names segments after their VLANs."""
    read = intents(kind, {"path": f"{COLLECTIONS[kind]}/vlan-7", "tags": [tag(SCOPES[kind], A)]})

    assert [one.id for one in read.observations] == [A]


def test_an_intent_that_cannot_be_read_is_counted():
    assert intent_from(Kind.NETWORK, b'{"path": 5}', 5.0, TAGS).malformed == 1


@pytest.mark.parametrize(("word", "health"), words.STATE_WORDS.items())
def test_every_state_has_a_health(word, health):
    body = json.dumps({"segment_path": "/infra/segments/s", "state": word}).encode()
    listed = codec.segment_states_from(b'{"results": [%s]}' % body, 1.0).states["/infra/segments/s"]

    assert codec.segment_state_from(body) == listed == codec.State(health, word)


@pytest.mark.parametrize(
    ("state", "nodes", "health"),
    [
        ("success", [], Health.UP),  # distributed only: nothing but its configuration
        ("error", [], Health.FAILED),
        ("in_progress", [], Health.UNKNOWN),
        ("success", ["ACTIVE", "STANDBY"], Health.UP),
        ("success", ["STANDBY", "ACTIVE"], Health.UP),
        ("in_progress", ["ACTIVE", "DOWN"], Health.UP),
        ("success", ["DOWN", "DOWN"], Health.DOWN),
        ("success", ["DOWN", "STANDBY"], Health.UNKNOWN),  # a failover under way
        ("success", ["SYNC", "UNKNOWN"], Health.UNKNOWN),
        ("success", ["ADMIN_DOWN", "DOWN"], Health.UNKNOWN),
        ("failed", ["ACTIVE", "STANDBY"], Health.FAILED),
        (None, ["DOWN"], Health.DOWN),  # only a part was asked for
        (None, [], Health.UNKNOWN),
    ],
)
def test_a_gateway_is_as_well_as_its_best_edge(state, nodes, health):
    body = {
        "tier1_state": {"state": state},
        "tier1_status": {"per_node_status": [{"high_availability_status": word} for word in nodes]},
    }
    if state is None:
        del body["tier1_state"]

    assert codec.gateway_state_from(json.dumps(body).encode()).health is health


@pytest.mark.parametrize("word", words.NODE_WORDS)
def test_every_word_of_an_edge_has_a_line(word):
    """One that is not in the table proves nothing either."""
    body = {"tier1_status": {"per_node_status": [{"high_availability_status": word}]}}
    health = codec.gateway_state_from(json.dumps(body).encode()).health

    assert health is words.NODE_WORDS[word]


def test_a_ports_status_names_the_port_it_is_of():
    body = b'{"logical_port_id": "m1", "status": "DOWN"}'

    assert codec.port_status_from(body) == codec.State(Health.DOWN, "DOWN", "m1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("id", "path", "tags", "attachment", "status", "unique_id")
OBJECTS = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON | st.just(A))) | JSON


@given(st.sampled_from(Kind), st.lists(OBJECTS | st.just(hit()), max_size=8))
def test_every_object_is_counted_once(kind, things):
    """It is observed, malformed or foreign, whatever it is made of."""
    assert ports(*things).size == intents(kind, *things).size == len(things)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | JSON.map(json.dumps).map(str.encode))
def test_any_bytes_are_read_or_malformed(body):
    """Nothing that a manager sends raises anything else."""
    readers = [
        lambda: ports_from(body, 1.0, TAGS),
        lambda: intents_from(Kind.ROUTER, body, 1.0, TAGS),
        lambda: intent_from(Kind.PORT, body, 1.0, TAGS),
        lambda: codec.segment_states_from(body, 1.0),
        lambda: codec.segment_state_from(body),
        lambda: codec.gateway_state_from(body),
        lambda: codec.port_status_from(body),
        lambda: codec.realized_from(body),
    ]
    for read in readers:
        with suppress(Malformed):
            read()
