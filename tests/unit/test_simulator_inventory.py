"""The simulator's inventory, its index and its counters, without a server."""

import pytest
from clocks import Ticker
from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.simulator import mh_shapes
from networking_nsx.simulator.catalogue import Catalogue
from networking_nsx.simulator.generations import Generations
from networking_nsx.simulator.inventory import Choice, Inventory
from networking_nsx.simulator.population import Plan, items_of
from networking_nsx.simulator.requestlog import RequestLog

FORM = mh_shapes.Listed(frozenset({"uuid", "tags"}), ("LogicalSwitchStatus", "LogicalPortStatus"))


def indexed(**plan):
    """An inventory and an index that follows it from the beginning."""
    inventory = Inventory(Generations())

    def render(item, form):
        return repr(form.shape(item, inventory)).encode()

    catalogue = Catalogue(inventory, mh_shapes.terms, render)
    inventory.populate(Plan(**plan))
    return inventory, catalogue


def test_a_seed_makes_the_same_objects_everywhere():
    """Identifiers depend on the seed alone; those of one kind not on the numbers of the others."""
    first = items_of(Plan(networks=2, ports=3, seed=7))
    assert items_of(Plan(networks=2, ports=3, seed=7)) == first
    assert items_of(Plan(networks=2, ports=9, routers=4, seed=7))[:2] == first[:2]
    assert first[0].nsx_id == "d3d31f1a-272a-4f28-ad8f-ccff4c911aa3"
    assert not {item.nsx_id for item in items_of(Plan(networks=2, seed=8))} & {item.nsx_id for item in first}


@pytest.mark.parametrize(
    "plan",
    [
        {"networks": 40, "ports": 2000},
        {"networks": 40, "ports_per_network": 50},
        {"networks": 40, "ports": 2000, "switches_per_network": 3},
        {"network_ids": [str(number) for number in range(40)], "ports_per_network": 50},
    ],
)
def test_ports_are_spread_evenly(plan):
    """Every network has as many ports as every other."""
    items = items_of(Plan(**plan))
    networks = {item.neutron_id for item in items if item.kind == "network"}
    of_ports = [item.network_id for item in items if item.kind == "port"]
    assert {network: of_ports.count(network) for network in networks} == dict.fromkeys(networks, 50)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["down", "up", "delete", "create", "restore", "populate"]),
        st.sampled_from(["network", "router", "port"]),
        st.integers(0, 5),
    ),
    max_size=12,
)


def do(inventory, step, kind, number):
    choice = Choice(kind, fraction=number / 5, seed=number)
    if step == "populate":
        inventory.populate(Plan(networks=2, ports=number, routers=1, seed=number))
    elif step == "restore":
        inventory.restore()
    elif step == "delete":
        inventory.delete(choice)
    elif step == "create":
        if kind != "port" or inventory.items("network"):
            inventory.create(kind, count=number, untagged=number == 5)
    else:
        inventory.set_status(choice, step)


@given(steps=STEPS)
def test_the_index_follows_every_change(steps):
    """After any operations, index and renderings are those of an index made afresh."""
    inventory, followed = indexed(networks=2, ports=6, routers=2)
    for kind in ("network", "port"):
        followed.rendered(followed.select(kind, []), FORM)
    for step in steps:
        do(inventory, *step)
        for kind in ("network", "router", "port"):
            everything = [item.nsx_id for item in inventory.items(kind)]
            ours = [item.nsx_id for item in inventory.items(kind) if item.neutron_id]
            assert list(followed.select(kind, [])) == everything
            assert list(followed.select(kind, [("tag_scope", "quantum")])) == ours
            fresh = [repr(FORM.shape(item, inventory)).encode() for item in inventory.items(kind)]
            assert followed.rendered(everything, FORM) == fresh


def test_only_so_many_forms_are_kept():
    """A client that asks for ever new fields does not fill the memory."""
    _, catalogue = indexed(networks=1)
    ids = catalogue.select("network", [])
    forms = [mh_shapes.Listed(frozenset({"uuid", str(number)}), ()) for number in range(40)]
    assert len({catalogue.rendered(ids, form)[0] for form in forms}) == 1
    assert len(catalogue._forms) == 12  # noqa: SLF001 - memory has no other face


def test_a_sliding_second_is_counted():
    """The most requests of any second are told, not of a second of the clock."""
    clock = Ticker()
    log = RequestLog(clock)
    for _ in range(5):
        log.arrived("admin", 0)
    log.arrived("admin", 1)
    log.arrived("-", 0)
    assert log.summary()["max_per_second"] == {"admin@0": 5, "admin@1": 1, "-@0": 1}
    clock.wait(1)
    log.arrived("admin", 0)
    assert log.summary()["max_per_second"]["admin@0"] == 5


def test_a_generation_is_late_where_a_node_lags():
    """A lagging node knows the first generation until the lag is over."""
    clock = Ticker()
    generations = Generations(clock)
    generations.grow()
    assert (generations.known(), generations.known(60)) == (2, 1)
    clock.wait(60)
    assert generations.known(60) == 2
