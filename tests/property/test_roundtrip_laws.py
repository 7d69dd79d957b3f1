"""What the simulated NSX says of an object, our codecs read: the two spell NSX's words independently.

For any object, status, guise and form in which an API shows it.
"""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.model import Health, Kind
from networking_nsx.nsx import codec_mh, codec_policy
from networking_nsx.simulator import mh_shapes, policy_shapes
from networking_nsx.simulator.generations import Generations
from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.manager_shapes import ManagerShapes
from networking_nsx.simulator.naming import Paths
from networking_nsx.simulator.population import KINDS, STATUSES, Item

OURS = "deployment-1"
TAGS = codec_policy.Tags(deployment=OURS)
UP, DOWN, FAILED, UNKNOWN = Health.UP, Health.DOWN, Health.FAILED, Health.UNKNOWN

# What an object's true condition looks like through each API (design section 5).
MH = {"up": UP, "down": DOWN, "unknown": UNKNOWN, "in_progress": UNKNOWN, "error": UNKNOWN}
PORT = {"up": UP, "down": DOWN, "unknown": UNKNOWN, "in_progress": UNKNOWN, "error": DOWN}
CONFIGURED = {"up": UP, "down": FAILED, "unknown": UNKNOWN, "in_progress": UNKNOWN, "error": FAILED}
ON_EDGES = {"up": UP, "down": DOWN, "unknown": UNKNOWN, "in_progress": UNKNOWN, "error": FAILED}


@st.composite
def items(draw):
    """An object of any kind and status, ours or not, alone or one of several, its tags as they were made."""
    kind = draw(st.sampled_from(KINDS))
    port = kind == "port"
    return Item(
        kind=kind,
        nsx_id=str(draw(st.uuids())),
        neutron_id=draw(st.none() | st.uuids().map(str)),
        status=draw(st.sampled_from(STATUSES)),
        number=draw(st.integers(0, 100_000)),
        tenant=str(draw(st.uuids())),
        network_id=str(draw(st.uuids())) if port else None,
        parent=str(draw(st.uuids())) if port else None,
        device_id=draw(st.none() | st.uuids().map(str)) if port else None,
        chained=draw(st.booleans()),
        twin=draw(st.booleans()),
    )


def inventory_of(item: Item) -> Inventory:
    inventory = Inventory(Generations())
    inventory.exchange([], [item])
    return inventory


def as_json(shape) -> bytes:
    return msgspec.json.encode(shape)


def page_of(shape) -> bytes:
    return b'{"results": [' + as_json(shape) + b'], "result_count": 1}'


@given(items())
def test_nsx_mh_is_read_as_it_is_meant(item):
    """In a list, with the fields that we ask for, and alone, with all."""
    kind, inventory = Kind(item.kind), inventory_of(item)
    form = codec_mh.FORMS[kind]
    fields, relations = (dict(form.asked)[name].split(",") for name in ("fields", "relations"))
    short = mh_shapes.Listed(frozenset(fields), tuple(relations)).shape(item, inventory)
    full = mh_shapes.Full(tuple(relations)).shape(item, inventory)
    wanted = [(item.neutron_id, MH[item.status], mh_shapes.href(item))] if item.neutron_id else []
    for page in (
        codec_mh.page_from(kind, page_of(short), 1.0),
        codec_mh.object_from(kind, as_json(full), 1.0),
    ):
        assert [(seen.id, seen.health, seen.path) for seen in page.observations] == wanted
        assert (page.malformed, page.foreign) == (0, 0 if wanted else 1)


def _policy(item: Item, share: float = 0.0):
    paths = Paths(inventory_of(item))
    return policy_shapes.PolicyShapes(paths, OURS, share), ManagerShapes(paths, OURS, share)


@given(items(), st.sampled_from([0.0, 1.0]))
def test_intents_of_nsx_policy_are_read_as_they_are_meant(item, share):
    """Networks and routers as search hits, which carry their realization; ports by whose they are."""
    shapes, _ = _policy(item, share)
    kind = Kind(item.kind)
    hit = {**shapes.shape(item), "status": shapes.realization(item, item.status)}
    hits = codec_policy.intents_from(kind, page_of(hit), 1.0, TAGS)
    said = {seen.id: seen.health for seen in hits.observations}
    realized = codec_policy.realized_from(as_json(shapes.realization(item, item.status)))
    if kind is Kind.PORT:  # realized, whether its link is up or not: nothing of its status
        assert [*said] == [item.neutron_id or item.device_id or item.nsx_id]
    else:
        # With an edge cluster, what NSX was told is in effect even where no edge is up.
        on_edges = kind is Kind.ROUTER and shapes.has_edges(item)
        meant = dict.fromkeys(STATUSES, UP) | {"error": FAILED} if on_edges else CONFIGURED
        assert said == ({item.neutron_id: meant[item.status]} if item.neutron_id else {})
        assert realized.health is meant[item.status]
    assert hits.malformed == 0


@given(items())
def test_ports_of_nsx_policy_are_read_as_they_are_meant(item):
    """Hits of the manager's ports, and the status of one, say the same of whom and how."""
    item = as_port(item)
    _, manager = _policy(item)
    status = policy_shapes.port_status(item, item.status, None)
    hits = codec_policy.ports_from(page_of({**manager.shape(item), "status": status}), 1.0, TAGS)
    (seen,) = hits.observations

    assert (seen.id, seen.health) == (item.neutron_id or item.device_id or item.nsx_id, PORT[item.status])
    assert codec_policy.port_status_from(as_json(status)).health is seen.health


@given(items(), st.sampled_from([0.0, 1.0]))
def test_states_of_nsx_policy_are_read_as_they_are_meant(item, share):
    """Of a segment, and of a gateway with and without an edge cluster."""
    shapes, _ = _policy(item, share)
    gateway = shapes.gateway(item, item.status, 1, ("GATEWAY_STATE", "GATEWAY_STATUS"))
    segment = shapes.segment_state(item, item.status)
    of_all = codec_policy.segment_states_from(page_of(segment), 1.0).states

    assert codec_policy.segment_state_from(as_json(segment)).health is CONFIGURED[item.status]
    assert [state.health for state in of_all.values()] == [CONFIGURED[item.status]]
    meant = ON_EDGES if shapes.has_edges(item) else CONFIGURED
    assert codec_policy.gateway_state_from(as_json(gateway)).health is meant[item.status]


def as_port(item: Item) -> Item:
    """The same as a port."""
    return (
        item
        if item.kind == "port"
        else Item(
            "port",
            item.nsx_id,
            item.neutron_id,
            item.status,
            item.number,
            item.tenant,
            item.tenant,
            item.tenant,
        )
    )
