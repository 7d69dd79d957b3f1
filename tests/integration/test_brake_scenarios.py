"""The brake on the whole line, in clouds of thousands of ports: lies are not written, disasters are."""

import pytest
from line import Follower, Line, differing, settled

from networking_nsx.model import Kind
from networking_nsx.simulator import Simulator

PORTS = 2000
MANY = pytest.mark.parametrize("sim", [10_000], indirect=True)  # seconds each


@pytest.fixture
def sim(request):
    with Simulator(networks=500, routers=100, ports=getattr(request, "param", PORTS)) as simulator:
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    """Everything is up, and Neutron has known it for a while."""
    with settled(sqlite, sim) as line:
        yield line


def errors(line):
    return sum(status == "ERROR" for status in line.statuses().values())


def down(line):
    return sum(status == "DOWN" for status in line.statuses("port").values())


@MANY
def test_an_inventory_that_is_lost(sim, line):
    """NSX says that it is empty, for hours, and through two restarts: 0 ERROR, 0 writes; then it is back."""
    before = line.rows()
    rule = sim.faults.add("inventory-lost")
    for _ in range(3):
        summary = line.sweep(3)
        assert summary.counts["held"] == 10_000 + 600
        line.clock.sleep(3600)
        line.restart()
    found = line.rows()
    sim.faults.clear()
    summary = line.sweep()

    assert rule.fired >= 9 * 3
    assert found == before
    assert (summary.counts["held"], summary.counts["missing"]) == (0, 0)
    assert line.rows() == before


@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_inventory_that_is_lost_in_mid_sweep(sim, line, after):
    """After the networks, the routers, or the first page of ports: what was seen does not prove the rest."""
    line.page = 800
    before = line.rows()
    rule = sim.faults.add("inventory-lost", after=after)
    line.sweep(4)
    found = line.rows()
    sim.faults.clear()
    line.sweep()

    assert rule.fired > 0
    assert found == before == line.rows()


def test_an_inventory_that_is_lost_before_the_first_sweep(sqlite, sim):
    """A daemon that starts into it knows of nothing, and writes nothing."""
    rule = None
    with Line(sqlite, sim) as line:
        before = line.statuses()
        rule = sim.faults.add("inventory-lost")
        line.sweep(5)
        found = line.statuses()
        sim.faults.clear()
        line.sweep()

        assert rule.fired > 0
        assert found == before
        assert differing(line.statuses(), line.truth(before)) == {}


@MANY
def test_an_inventory_restored_to_an_older_state(sim, line):
    """A fifth of the ports was made after the backup: 0 ERROR, until they are made again."""
    new = sim.create("port", count=2500)
    line.add_rows()
    line.sweep()
    before = line.statuses()
    line.clock.sleep(700)
    rule = sim.faults.add("inventory-restored")
    held = line.sweep(5).counts["held"]
    line.restart()
    held_again = line.sweep(5).counts["held"]
    found = line.statuses()
    sim.create("port", ids=new)
    line.sweep()

    assert rule.fired == 1
    assert held == held_again == len(new)
    assert found == before == line.statuses()


def test_a_restored_inventory_that_an_operator_accepts(sim, line):
    """Then the rows are looked for one by one, as many per sweep as the cap allows, and become ERROR."""
    new = sim.create("port", count=PORTS // 4)
    line.add_rows()
    line.sweep()
    before = line.statuses()
    line.clock.sleep(700)
    rule = sim.faults.add("inventory-restored")
    line.sweep(3)
    line.brake.release(Kind.PORT, line.clock.monotonic())
    line.sweep()
    one_sweep = errors(line)
    sim.create("port", ids=new[300:])
    line.sweep(3)

    assert rule.fired == 1
    assert one_sweep == 200
    lost = {("port", row_id): "ERROR" for row_id in new[:300]}
    assert differing(line.statuses(), before | lost) == {}


@pytest.mark.parametrize("fraction", [0.1, 0.15, 0.6])
def test_a_rack_that_is_truly_down(sim, line, fraction):
    """Its ports are DOWN within two sweeps, after 50 direct reads at most; ACTIVE at once when it is back."""
    before = line.statuses()
    sim.set_status("port", "down", fraction=fraction)
    looked = line.sweep().counts["looked"] + line.sweep().counts["looked"]
    found = line.statuses()
    expected = line.truth(before)
    sim.set_status("port", "up")
    line.sweep()

    assert down(line) == 0
    assert differing(found, expected) == {}
    assert sum(status == "DOWN" for status in found.values()) == fraction * PORTS
    assert looked <= 50
    assert line.statuses() == before


@pytest.mark.parametrize("rest", [0, 3600])
def test_a_listing_that_lies_about_a_third_of_the_ports(sim, line, rest):
    """Direct reads deny it: frozen, for as long as it lies, and after a restart, whenever that is."""
    before = line.rows()
    lie = Lie(sim, [item.neutron_id for item in sim.inventory("port")[::3]])
    first = line.sweep(3)
    line.clock.sleep(rest)
    line.restart()
    again = line.sweep(3)
    found = line.rows()
    lie.end()
    line.sweep()

    assert lie.rule.fired >= 6
    assert first.counts["held"] == again.counts["held"] == len(lie.ids)
    assert found == before == line.rows()


def test_what_is_true_beside_a_lie_waits_and_improvements_do_not(sim, line):
    """While a kind is frozen, ports that come up are written, those that go down wait; then all is true."""
    ids = [item.neutron_id for item in sim.inventory("port")]
    up, truly, lied_about = ids[:100], ids[-50:], ids[500:1100]
    sim.set_status("port", "down", up)
    line.sweep()
    line.clock.sleep(700)
    sim.set_status("port", "up", up)
    before = line.statuses()
    sim.set_status("port", "down", truly)
    lie = Lie(sim, lied_about)
    line.sweep(2)
    frozen = line.statuses()
    lie.end()
    line.sweep()

    assert lie.rule.fired >= 2
    assert {before["port", row_id] for row_id in up} == {"DOWN"}
    assert {frozen["port", row_id] for row_id in (*up, *lied_about, *truly)} == {"ACTIVE"}
    assert differing(line.statuses(), line.truth(before)) == {}


def test_nine_per_cent_vanish_in_each_of_ten_sweeps(sim, line):
    """Each lot is below the threshold, together they are not: 0 ERROR; what comes back was never away."""
    before = line.statuses()
    gone = 0
    for number in range(10):
        gone += len(sim.delete("port", fraction=0.09, seed=number))
        summary = line.sweep()
    found = line.statuses()
    rule = sim.faults.add("inventory-restored")
    line.sweep(2)

    assert gone > 0.6 * PORTS
    assert errors(line) == 0
    assert summary.counts["held"] == gone
    assert found == before
    assert rule.fired == 1
    assert line.statuses() == before


def test_nine_per_cent_go_down_in_each_of_ten_sweeps(sim, line):
    """Truly: the first lot passes, the others after their samples, within two sweeps of the last one."""
    before = line.statuses()
    for number in range(10):
        sim.set_status("port", "down", fraction=0.09, seed=number)
        line.sweep()
    line.sweep()

    assert down(line) > 0.5 * PORTS
    assert differing(line.statuses(), line.truth(before)) == {}


def test_the_daemon_through_a_loss_and_back(sim, line):
    """The runner itself: it goes on through a lost inventory and a restart of all managers."""
    before = line.statuses()
    follower = Follower()
    rule = sim.faults.add("inventory-lost", after=3)

    def check():
        assert errors(line) == 0
        if len(follower.summaries) == 3 and not follower.failures:
            sim.faults.clear()
            sim.faults.add("node-down", count=None)
        if len(follower.failures) == 6:
            sim.faults.clear()

    follower.checks.append(check)
    line.run(follower, lambda: len(follower.failures) >= 6 and len(follower.summaries) >= 5)

    assert rule.fired > 0
    assert line.statuses() == before


class Lie:
    """The listing of ports says that some are down which, read one by one, are up."""

    def __init__(self, sim, ids) -> None:
        self._sim = sim
        self.ids = ids
        self.rule = sim.before(
            "/ws.v1/lswitch/*/lport", 0, self._begin, query="tag_scope=quantum&", count=None
        )
        # A direct read is a request below one switch; a listing is below all of them.
        for item in {item.parent for item in sim.inventory("port")}:
            sim.before(f"/ws.v1/lswitch/{item}", 0, self._pause, count=None)

    def end(self):
        self._sim.faults.clear()
        self._sim.set_status("port", "up", self.ids)

    def _begin(self):
        self._sim.set_status("port", "down", self.ids)

    def _pause(self):
        self._sim.set_status("port", "up", self.ids)
