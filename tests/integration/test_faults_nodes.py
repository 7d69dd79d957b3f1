"""Several managers, failing one by one and together: whoever works is asked, and statuses stay meanwhile."""

import pytest
from line import Follower, differing, settled

from networking_nsx.errors import NsxError
from networking_nsx.nsx.http import HttpSettings
from networking_nsx.simulator import Simulator

REQUESTS = 8  # of a sweep


@pytest.fixture
def sim():
    with Simulator(networks=12, routers=11, ports=35, nodes=3) as simulator:
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    with settled(sqlite, sim, page=10, http=HttpSettings(connect_timeout=1.0, answer_timeout=1.0)) as line:
        yield line


def disturb(line, number=0):
    """Some ports are down that were up, and the other way round."""
    line.clock.sleep(700)
    before = line.statuses()
    line.sim.set_status("port", "up")
    line.sim.set_status("port", "down", fraction=0.2, seed=number)
    return before


def costs_nothing(line, fault, **parameters):
    """The sweep that it strikes on the first manager ends with the truth, and so does the next one."""
    before = disturb(line)
    rule = line.sim.faults.add(fault, node=0, **parameters)
    summary = line.sweep()

    assert rule.fired >= 1
    assert summary.counts["failures"] == 0
    assert differing(line.statuses(), line.truth(before)) == {}

    line.sim.faults.clear()
    before = disturb(line, 1)
    line.sweep()
    assert differing(line.statuses(), line.truth(before)) == {}


@pytest.mark.parametrize("request_number", range(REQUESTS))
def test_a_manager_that_dies_in_mid_sweep(line, request_number):
    """The next one is logged in to and goes on with the same cursor: the sweep ends with the truth."""
    costs_nothing(line, "node-down", after=request_number)


def test_all_managers_down(sim, line):
    """No status changes, the runner backs off; when one is back, the truth is written."""
    before = disturb(line)
    rules = [sim.faults.add("node-down", node=node) for node in range(3)]
    follower = Follower()

    def check():
        if len(follower.failures) == 12:
            assert line.statuses() == before
            assert follower.summaries == []
            sim.faults.clear()

    follower.checks.append(check)
    line.run(follower, lambda: bool(follower.summaries))

    assert [rule.fired > 0 for rule in rules] == [True] * 3
    assert differing(line.statuses(), line.truth(before)) == {}


def test_an_outage_of_hours_is_backed_off_from(sim, line):
    """Some sixty attempts an hour, not one per second; and the first sweep after it has the truth."""
    before = disturb(line)
    rules = [sim.faults.add("node-down", node=node) for node in range(3)]
    follower, began = Follower(), line.clock.monotonic()

    def check():
        if line.clock.monotonic() - began > 3600:
            sim.faults.clear()

    follower.checks.append(check)
    line.run(follower, lambda: bool(follower.summaries))

    assert 9 <= sum(rule.fired for rule in rules) <= 1000
    assert 30 <= len(follower.failures) <= 120
    assert line.clock.monotonic() - began < 3600 + 200
    assert differing(line.statuses(), line.truth(before)) == {}


@pytest.mark.parametrize("fault", ["http-503", "http-500", "timeout", "reset", "truncate", "empty-body"])
def test_one_manager_in_trouble(line, fault):
    """The others do its work, in the same sweep."""
    costs_nothing(line, fault, count=None)


@pytest.mark.parametrize("request_number", range(REQUESTS))
@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_to_another_manager(sim, line, request_number, status):
    """It is logged in to first: a cookie is good for one manager only."""
    before = disturb(line)
    rule = sim.faults.add("redirect", after=request_number, to_node=2, status=status)
    line.sweep()

    assert rule.fired == 1
    assert differing(line.statuses(), line.truth(before)) == {}

    before = disturb(line, 1)
    line.sweep()
    assert differing(line.statuses(), line.truth(before)) == {}


def test_managers_that_send_each_other_the_client(sim, line):
    """In circles: the sweep fails, statuses stay, and later it works."""
    before = disturb(line)
    rules = [sim.faults.add("redirect", node=node, to_node=(node + 1) % 3, count=None) for node in range(3)]
    with pytest.raises(NsxError):
        line.sweep()
    found = line.statuses()
    sim.faults.clear()
    line.clock.sleep(60)
    line.sweep()

    assert [rule.fired > 0 for rule in rules] == [True] * 3
    assert found == before
    assert differing(line.statuses(), line.truth(before)) == {}


def test_sessions_dropped_at_every_manager(sim, line):
    """One login more, and nothing else."""
    before = disturb(line)
    logins = sim.requests.summary()["logins"]
    rules = [sim.faults.add("session-dropped", after=after) for after in (0, 3, 8)]
    summary = line.sweep()

    assert [rule.fired for rule in rules] == [1] * 3
    assert summary.counts["failures"] == 0
    assert sim.requests.summary()["logins"] == logins + 3
    assert differing(line.statuses(), line.truth(before)) == {}
    assert line.sweep().counts["written"] == 0
