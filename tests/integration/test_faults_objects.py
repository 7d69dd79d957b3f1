"""Listings that hide, spoil, repeat or miscount objects, sweep after sweep: no status is made of that."""

import pytest
from line import differing, settled

from networking_nsx.simulator import Simulator
from networking_nsx.simulator.fault_table import CHOICES

KINDS = ("network", "router", "port")
DOWN = {"network": "DOWN", "router": "ERROR", "port": "DOWN"}
LISTS = {"network": "/ws.v1/lswitch", "router": "/ws.v1/lrouter", "port": "/ws.v1/lswitch/*/lport"}
# What the object then says is complete and unambiguous.
HARMLESS = {"huge"}


@pytest.fixture
def sim():
    with Simulator(networks=12, routers=11, ports=35) as simulator:
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    with settled(sqlite, sim, page=10) as line:
        yield line


def middle(sim, kind):
    """An object on the second page."""
    return sim.inventory(kind)[10]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("remembers", [True, False])
def test_an_object_that_listings_hide_for_good_is_not_absent(sim, line, kind, remembers):
    """Direct reads find it where it was; a process that does not know where finds no proof of absence."""
    hidden = middle(sim, kind)
    before = line.statuses()
    rule = sim.faults.add("skip-object", ids=[hidden.nsx_id], count=None)
    if not remembers:
        line.restart()
    summary = line.sweep(5)

    assert rule.fired >= 5
    assert summary.counts["missing"] == (4 if kind == "network" else 1)  # its ports' JSON has its id as well
    assert line.statuses() == before

    sim.faults.clear()
    line.sweep()
    assert differing(line.statuses(), line.truth(before)) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_object_that_went_down_is_found_by_direct_reads(sim, line, kind):
    """It takes the two sweeps that miss it (and for a router two looks), no listing."""
    hidden = middle(sim, kind)
    before = line.statuses()
    rule = sim.faults.add("skip-object", ids=[hidden.nsx_id], count=None)
    sim.set_status(kind, "down", [hidden.neutron_id])
    line.sweep(6)
    found = line.statuses()
    sim.faults.clear()
    line.sweep(2)

    assert rule.fired >= 6
    assert found[kind, hidden.neutron_id] in (DOWN[kind], before[kind, hidden.neutron_id])
    assert kind == "router" or found[kind, hidden.neutron_id] == DOWN[kind]
    assert differing(line.statuses(), line.truth(before)) == {}


def test_repeated_objects_are_no_duplicates(sim, line):
    """Every page of every kind begins with the last object of the page before."""
    before = line.statuses()
    rule = sim.faults.add("repeat-object", count=None)
    sim.set_status("port", "down", fraction=0.2)
    summary = line.sweep(2)

    assert rule.fired == 2 * (1 + 1 + 3)
    assert summary.counts["duplicates"] == 0
    assert differing(line.statuses(), line.truth(before)) == {}


def without_ports(line, network):
    """The network's ports go, and Neutron knows it: long ago, for the brake."""
    line.sim.delete(
        "port",
        [item.neutron_id for item in line.sim.inventory("port") if item.network_id == network.neutron_id],
    )
    line.sweep(4)
    line.clock.sleep(700)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", [5, -5])
def test_absence_is_not_proven_by_lists_shorter_than_announced(sim, line, kind, by):
    """NSX counts more than it lists: perhaps the lost one was left out. Counting less is no excuse."""
    without_ports(line, middle(sim, "network"))
    gone = middle(sim, kind)
    sim.delete(kind, [gone.neutron_id])
    before = line.statuses()
    rule = sim.faults.add("wrong-total", by=by, count=None)
    line.sweep(4)
    found = line.statuses()
    sim.faults.clear()
    line.sweep(2)

    assert rule.fired >= 12
    absent = {(kind, gone.neutron_id): "ERROR"}
    assert differing(found, before if by > 0 else before | absent) == {}
    assert differing(line.statuses(), line.truth(before) | absent) == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("variant", CHOICES["variant"])
def test_a_malformed_object_keeps_its_status(sim, line, kind, variant):
    """Spoilt wherever it is read, while it goes down: its row waits, all others go on; then the truth."""
    spoilt = middle(sim, kind)
    before = line.statuses()
    rule = sim.faults.add("malformed-object", variant=variant, ids=[spoilt.nsx_id], count=None)
    sim.set_status(kind, "down", [item.neutron_id for item in sim.inventory(kind)[8:11]])
    line.sweep(4)
    found = line.statuses()
    sim.faults.clear()
    line.sweep(2)

    assert rule.fired >= 4
    expected = line.truth(before)
    if variant not in HARMLESS:
        expected[kind, spoilt.neutron_id] = before[kind, spoilt.neutron_id]
    assert differing(found, expected) == {}
    assert differing(line.statuses(), line.truth(before)) == {}


@pytest.mark.parametrize("variant", sorted(set(CHOICES["variant"]) - HARMLESS))
def test_a_page_of_malformed_objects_costs_that_page(sim, line, variant):
    """All ports of the first page at once, wherever they are read: none of them is absent."""
    page = [item.nsx_id for item in sim.inventory("port")[:10]]
    before = line.statuses()
    rule = sim.faults.add("malformed-object", variant=variant, ids=page, count=None)
    line.sweep(4)
    found = line.statuses()
    line.restart()
    line.sweep(4)
    again = line.statuses()
    sim.faults.clear()
    line.sweep()

    assert rule.fired >= 8
    assert found == again == before
    assert differing(line.statuses(), line.truth(before)) == {}


def test_tags_lost_on_a_port_are_told_from_a_port_lost(sim, line):
    """An object without our tags lies where the row's object was: it may be the same one, so no ERROR."""
    spoilt = middle(sim, "port")
    before = line.statuses()
    rule = sim.faults.add("malformed-object", variant="no-tags", ids=[spoilt.nsx_id], count=None)
    summary = line.sweep(2)

    assert rule.fired >= 3
    assert summary.words == {"tag lost": 1}
    assert line.statuses() == before

    sim.faults.clear()
    line.sweep()
    assert differing(line.statuses(), line.truth(before)) == {}


@pytest.mark.parametrize(
    "fault", ["http-500", "http-404", "http-401", "timeout", "reset", "invalid-json", "inventory-lost"]
)
def test_a_fault_while_rows_are_looked_for(sqlite, sim, line, fault):
    """The confirmation of a loss fails: it is put off, and the sweep goes on (the original's loop ended).

    The direct reads of the lost port are struck, not the listings. A wrong 404 on its path, and on the list
    of its switch, is no absence: its tag is found.
    """
    hidden = middle(sim, "port")
    before = line.statuses()
    sim.faults.add("skip-object", ids=[hidden.nsx_id], count=None, query="tag_scope=quantum&")
    parameters = {"seconds": 0.1} if fault == "timeout" else {}
    rule = sim.faults.add(fault, match=f"/ws.v1/lswitch/{hidden.parent}", count=None, **parameters)
    line.sweep(4)
    found = line.statuses()
    sim.faults.clear()
    line.sweep()

    assert rule.fired > 0
    assert found == before
    assert differing(line.statuses(), line.truth(before)) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_is_proven_once_its_confirmation_works_again(sim, line, kind):
    """NSX fails at the direct reads for some sweeps: the ERROR comes after that, for the lost row only."""
    without_ports(line, middle(sim, "network"))
    gone = middle(sim, kind)
    sim.delete(kind, [gone.neutron_id])
    before = line.statuses()
    rule = sim.faults.add("http-500", query=f"tag={gone.neutron_id}", count=None)
    line.sweep(4)
    found = line.statuses()
    sim.faults.clear()
    line.sweep(2)

    assert rule.fired > 0
    assert found == before
    assert differing(line.statuses(), line.truth(before) | {(kind, gone.neutron_id): "ERROR"}) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_that_comes_back_is_active_again(sim, line, kind):
    """Absent, hence ERROR; created anew under the same Neutron id: the next sweep says so."""
    gone = sim.create(kind, count=3)
    line.add_rows()
    line.sweep()
    before = line.statuses()
    line.clock.sleep(700)
    sim.delete(kind, gone)
    line.sweep(3)
    found = line.statuses()
    sim.create(kind, ids=gone)
    line.sweep()

    assert {found[kind, row_id] for row_id in gone} == {"ERROR"}
    assert line.statuses() == before


def test_an_inventory_that_is_lost_at_the_end_of_each_sweep(sim, line):
    """From the last page of ports on, direct reads included: so few are missing that only a witness tells.

    What this sweep has seen a moment ago is not found directly either.
    """
    before = line.statuses()
    rules = []
    for _ in range(4):
        rules.append(sim.faults.add("inventory-lost", after=7))
        line.sweep()
        sim.faults.clear()
    found = line.statuses()
    line.sweep()

    assert all(rule.fired > 0 for rule in rules)
    assert differing(found, before) == {}
    assert differing(line.statuses(), line.truth(before)) == {}
