"""Rows that are not one object each: networks of several switches, gateway ports, external networks."""

import itertools
from datetime import datetime
from functools import partial

import pytest
from cloud import Cloud
from line import differing, settled

from networking_nsx.simulator import Simulator

SWITCHES = 3


@pytest.fixture
def sim():
    with Simulator(networks=1) as simulator:
        simulator.populate(networks=12, routers=4, ports=36, switches_per_network=SWITCHES)
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    with settled(sqlite, sim, page=10) as line:
        yield line


def switches(sim, network):
    return [item.nsx_id for item in sim.inventory("network") if item.neutron_id == network]


def last_network(sim):
    """The network of the last switch in a listing, and that switch."""
    item = sim.inventory("network")[-1]
    return item.neutron_id, item.nsx_id


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (words, "DOWN" if "down" in words else "ACTIVE" if set(words) == {"up"} else None)
        for words in itertools.product(("up", "down", "unknown"), repeat=SWITCHES)
    ],
)
@pytest.mark.parametrize("before", ["ACTIVE", "DOWN"])
def test_the_worst_switch_decides(sim, line, statuses, expected, before):
    """Any of them down: DOWN; all up: ACTIVE; else it is left alone. Whatever their order and pages."""
    network = last_network(sim)[0]
    line.execute("UPDATE networks SET status = :status WHERE id = :id", status=before, id=network)
    for nsx_id, status in zip(switches(sim, network), statuses, strict=True):
        sim.set_status("network", status, [nsx_id])
    summary = line.sweep()
    found = line.statuses()

    assert found["network", network] == (expected or before)
    assert differing(found, line.truth(found)) == {}
    assert summary.counts["duplicates"] == 0
    assert line.sweep().counts["written"] == 0


def test_one_switch_down_of_a_network_that_something_else_changes(sim, line):
    """The original judged it by the switches that had changed lately: ACTIVE although one is down."""
    network, switch = last_network(sim)
    sim.set_status("network", "down", [switch])
    line.sweep()
    other = next(each for each in switches(sim, network) if each != switch)
    sim.set_status("network", "unknown", [other])
    line.sweep()
    sim.set_status("network", "up", [other])
    line.sweep()

    assert line.statuses()["network", network] == "DOWN"


def test_a_switch_deleted_of_several(sim, line):
    """The others are the network: no ERROR while there is one, and the status is theirs."""
    network, switch = last_network(sim)
    sim.set_status("network", "down", [switch])
    line.sweep()
    down = line.statuses()["network", network]
    sim.delete("network", [switch])
    line.sweep(3)

    assert down == "DOWN"
    assert line.statuses()["network", network] == "ACTIVE"


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("skip-object", {}),
        ("malformed-object", {"variant": "no-tags"}),
        ("malformed-object", {"variant": "tag-without-value"}),
        ("malformed-object", {"variant": "duplicate-tags"}),
        ("malformed-object", {"variant": "wrong-type"}),
        ("malformed-object", {"variant": "no-relation"}),
    ],
)
def test_a_switch_that_is_down_and_hidden_makes_no_network_active(sim, line, fault, parameters):
    """A listing without it shows only what is up: that is no evidence for the whole network."""
    network, switch = last_network(sim)
    sim.set_status("network", "down", [switch])
    line.sweep()
    before = line.statuses()
    rule = sim.faults.add(fault, match="/ws.v1/lswitch", ids=[switch], count=None, **parameters)
    line.sweep(3)
    found = line.statuses()
    sim.faults.clear()
    line.sweep()

    assert rule.fired >= 3
    assert before["network", network] == "DOWN"
    assert differing(found, before) == {}
    assert differing(line.statuses(), line.truth(before)) == {}


def test_a_listing_that_ends_too_early_makes_no_network_active(sim, line):
    """NSX forgets everything behind the second page, the down switch of a network among it."""
    network, switch = last_network(sim)
    sim.set_status("network", "down", [switch])
    line.sweep()
    before = line.statuses()
    rule = sim.faults.add("inventory-lost", match="/ws.v1/lswitch", after=3, count=1)
    line.sweep()
    found = line.statuses()
    sim.faults.clear()
    line.sweep()

    assert rule.fired == 1
    assert before["network", network] == "DOWN"
    assert differing(found, before) == {}
    assert differing(line.statuses(), line.truth(before)) == {}


@pytest.mark.parametrize("kind", ["router", "port"])
def test_a_duplicate_that_is_down_is_not_hidden_by_its_twin(sim, line, kind):
    """Two objects of one row: the worst wins, in whichever order they come, and it is reported."""
    row_id = sim.inventory(kind)[0].neutron_id
    (created,) = sim.create(kind, ids=[row_id])
    twins = [item.nsx_id for item in sim.inventory(kind) if item.neutron_id == row_id]
    before = line.statuses()
    for down in twins:
        sim.set_status(kind, "up", twins)
        sim.set_status(kind, "down", [down])
        summary = line.sweep(2)

        assert created == row_id
        assert summary.counts["duplicates"] == 1
        assert differing(line.statuses(), line.truth(before)) == {}

    sim.set_status(kind, "up", twins)
    line.sweep(2)
    assert line.statuses() == before


@pytest.fixture
def cloud(sqlite, line):
    """Puts rows that NSX has not, and that have rested long enough."""
    cloud, moment = Cloud(sqlite), datetime(2020, 2, 2)  # noqa: DTZ001 - as Neutron stores it
    cloud.network = partial(cloud.network, created_at=moment, updated_at=moment)
    cloud.port = partial(cloud.port, created_at=moment, updated_at=moment)
    return cloud


def test_gateway_ports_follow_their_router(sim, line, cloud):
    """They have no object of their own: DOWN with the router, ACTIVE with it."""
    external = cloud.network(external=True)
    first, second = (item.neutron_id for item in sim.inventory("router")[:2])
    gateways = {
        router: cloud.port(external, vif_type=None, device_owner="network:router_gateway", device_id=router)
        for router in (first, second)
    }
    line.sweep()
    both_up = line.statuses()
    sim.set_status("router", "down", [first])
    line.sweep(2)
    one_down = line.statuses()
    sim.set_status("router", "up")
    line.sweep()

    assert {both_up["port", port] for port in gateways.values()} == {"ACTIVE"}
    assert (one_down["router", first], one_down["port", gateways[first]]) == ("ERROR", "DOWN")
    assert (one_down["router", second], one_down["port", gateways[second]]) == ("ACTIVE", "ACTIVE")
    assert line.statuses() == both_up


@pytest.mark.parametrize("fault", ["skip-object", "malformed-object"])
def test_gateway_ports_stay_while_their_router_is_hidden(sim, line, cloud, fault):
    """Nothing is known of the router in that sweep, hence nothing of its ports."""
    router = sim.inventory("router")[0]
    port = cloud.port(
        cloud.network(external=True),
        vif_type=None,
        device_owner="network:router_gateway",
        device_id=router.neutron_id,
    )
    sim.set_status("router", "down", [router.neutron_id])
    line.sweep(2)
    before = line.statuses()
    rule = sim.faults.add(fault, match="/ws.v1/lrouter", ids=[router.nsx_id], count=None)
    line.sweep(4)

    assert rule.fired >= 4
    assert before["port", port] == "DOWN"
    assert line.statuses() == before

    sim.faults.clear()
    sim.set_status("router", "up", [router.neutron_id])
    line.sweep()
    assert line.statuses()["port", port] == "ACTIVE"


def test_ports_on_external_networks(sim, line, cloud):
    """Those that NSX has get its word; for the others nothing is expected; floating IPs are nobody's."""
    external = cloud.network(external=True, status="ACTIVE")
    known, unknown = cloud.port(external), cloud.port(external, status="ACTIVE")
    floating = cloud.port(external, vif_type=None, device_owner="network:floatingip", status="N/A")
    sim.create("network", ids=[external], status="down")
    sim.create("port", ids=[known, floating], network_id=external)
    before = line.rows()
    line.sweep(4)
    up = line.statuses()
    sim.set_status("port", "down", [known, floating])
    line.sweep()
    down = line.statuses()

    assert (up["port", known], down["port", known]) == ("ACTIVE", "DOWN")
    for key in (("network", external), ("port", unknown), ("port", floating)):
        assert line.rows()[key] == before[key]


def test_router_interfaces_have_an_object_or_not(sim, line, cloud):
    """NSX-MH has one for each, but its absence proves nothing."""
    network = sim.inventory("network")[0].neutron_id
    owner = {"vif_type": None, "device_owner": "network:router_interface"}
    there, not_there = cloud.port(network, **owner), cloud.port(network, status="ACTIVE", **owner)
    sim.create("port", ids=[there], network_id=network)
    line.sweep(4)
    found = line.statuses()

    assert (found["port", there], found["port", not_there]) == ("ACTIVE", "ACTIVE")
