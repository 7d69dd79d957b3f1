"""Routers of NSX Policy: their list and their states decide, whatever search says of them."""

import pytest
from clocks import Ticker
from line import Follower, Line

from networking_nsx.nsx.http import HttpSettings
from networking_nsx.nsx.listing_policy import PolicySettings
from networking_nsx.simulator import Simulator
from networking_nsx.simulator.naming import has_edges
from networking_nsx.simulator.standing import chosen

HTTP = HttpSettings(request_rate=1000, retries=1)
HOUR = 3600.0
SEARCH = "/policy/api/v1/search"


@pytest.fixture
def sim():
    with Simulator(api="policy", nodes=3, client_rate_limit=0, networks=2, ports=20, routers=6) as simulator:
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    with Line(sqlite, sim, http=HTTP) as line:
        line.sweep(2)
        line.clock.sleep(700)
        yield line


def statuses_after(line, sweeps=4):
    for _ in range(sweeps):
        line.sweep(every=70.0)
    return set(line.statuses("router").values())


def test_the_bound_that_is_told_holds_for_gateways_that_wait_for_their_turn(sqlite, sim):
    """60 of them, 10 read in each sweep. ERROR may take twice as long: it needs two looks."""
    sim.populate(networks=1, ports=1, routers=60)
    with Line(sqlite, sim, http=HTTP, policy=PolicySettings(gateway_reads=10)) as line:
        line.sweep(7)
        sim.set_status("router", "down", ids=[one.neutron_id for one in sim.inventory("router")[::12]])
        began, follower = line.clock.monotonic(), Follower()
        line.run(follower, lambda: list(line.statuses("router").values()).count("ERROR") == 5)
        late = line.clock.monotonic() - began

    assert late > 40  # twice what it would take if none had to wait
    assert late <= 2 * follower.summaries[-1].bound <= 200


@pytest.mark.parametrize(
    "fault", [{"fault": "http-500"}, {"fault": "search-timeout"}, {"fault": "index-lag", "seconds": HOUR}]
)
def test_routers_that_fail_are_seen_without_search(sim, line, fault):
    """With edges or without; no sweep fails."""
    rule = sim.faults.add(fault.pop("fault"), match=SEARCH, count=None, **fault)
    sim.set_status("router", "error")

    assert statuses_after(line) == {"ERROR"}
    assert rule.fired


def test_a_router_that_search_has_lost_is_followed(sim, line):
    """It is in the list."""
    routers = sim.inventory("router")
    seed = next(seed for seed in range(10_000) if sum(chosen(one.nsx_id, 0.1, seed) for one in routers) == 1)
    victim = next(one.neutron_id for one in routers if chosen(one.nsx_id, 0.1, seed))
    rule = sim.faults.add("index-drop", fraction=0.1, seed=seed, match=SEARCH)
    sim.set_status("router", "down", [victim])
    statuses_after(line)

    assert rule.fired
    assert line.statuses("router")["router", victim] == "ERROR"


def test_the_ports_of_a_router_do_not_follow_a_stale_index(sqlite, sim):
    """It failed once, and search still says so."""
    sim.populate(networks=2, ports=20, routers=6, status="error", seed=3)
    for kind in ("network", "router", "port"):
        sim.set_status(kind, "up")
    router = next(one.neutron_id for one in sim.inventory("router") if not has_edges(one, 0.5))
    port = sim.inventory("port")[0].neutron_id
    with Line(sqlite, sim, http=HTTP) as line:
        sim.delete("port", [port])
        line.execute(
            "UPDATE ports SET device_owner = 'network:router_gateway', device_id = :router, status = 'ACTIVE'"
            " WHERE id = :port",
            router=router,
            port=port,
        )
        rule = sim.faults.add("index-lag", seconds=HOUR, match=SEARCH)
        line.clock.sleep(700)
        seen = []
        for _ in range(4):
            line.sweep(every=70.0)
            seen.append((line.statuses("router")["router", router], line.statuses("port")["port", port]))

    assert rule.fired
    assert seen == [("ACTIVE", "ACTIVE")] * 4


def test_routers_recover_while_search_still_shows_their_failure(sqlite):
    """What they say themselves is newer."""
    clock = Ticker()
    with (
        Simulator(api="policy", clock=clock, client_rate_limit=0, networks=1, routers=4) as sim,
        Line(sqlite, sim, http=HTTP) as line,
    ):
        line.clock.sleep(700)
        sim.set_status("router", "error")
        before = statuses_after(line)
        clock.wait(120)
        sim.set_status("router", "up")
        rule = sim.faults.add("index-lag", seconds=60, match=SEARCH)  # no time passes from now on
        after = statuses_after(line)

    assert rule.fired
    assert (before, after) == ({"ERROR"}, {"ACTIVE"})
