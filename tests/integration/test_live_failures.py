"""What made the original synchronizer (vmware-nsx, 2013 to 2018) fail in production does not happen here.

Each test names the defect by its number in the study of that code; the runner is the daemon's own.
"""

import pytest
from line import Follower, Line, differing, settled

from networking_nsx.simulator import Simulator

NETWORKS = 500
LISTS = {"network": "/ws.v1/lswitch", "router": "/ws.v1/lrouter", "port": "/ws.v1/lswitch/*/lport"}


@pytest.fixture
def sim():
    """Three ports per network, as in the cloud where half of the networks became ERROR."""
    with Simulator(routers=1) as simulator:
        simulator.populate(networks=NETWORKS, ports_per_network=3, routers=50)
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    with settled(sqlite, sim, page=500) as line:
        yield line


def run(line, sweeps, check=None):
    """The daemon until that many sweeps have ended, checked after each one and after each failure."""
    follower = Follower([check] if check else [])
    line.run(follower, lambda: len(follower.summaries) >= sweeps)
    return follower


def assert_all_active(line):
    assert set(line.statuses().values()) == {"ACTIVE"}


@pytest.mark.parametrize("fault", ["http-500", "timeout", "http-503"])
@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("count", [1, 3, 15])
def test_a_failure_half_way_through_a_chunk(sqlite, sim, fault, after, count):
    """Defect 8: pages before the failure were forgotten: 250 healthy networks ERROR, then the loop dead."""
    with Line(sqlite, sim, page=250) as line:
        line.sweep()
        line.clock.sleep(700)
        parameters = {"seconds": 0.01} if fault == "timeout" else {}
        rule = sim.faults.add(fault, after=after, count=count, **parameters)
        follower = run(line, 4, lambda: assert_all_active(line))

        assert rule.fired == count
        assert bool(follower.failures) == (count > 1)
        assert_all_active(line)


@pytest.mark.parametrize("kind", ["network", "router", "port"])
def test_one_object_created_behind_the_cursor(sqlite, sim, kind):
    """Defects 1 and 9: the last object of a full chunk was not fetched, so swept, found alive: loop dead."""
    with Line(sqlite, sim, page=25) as line:
        line.sweep()
        line.clock.sleep(700)
        new: list[str] = []
        rule = sim.before(
            LISTS[kind], 1, lambda: new.extend(sim.create(kind, count=8)), query="tag_scope=quantum&"
        )
        follower = run(line, 3, lambda: assert_all_active(line))
        line.add_rows()
        line.sweep()
        found = line.statuses()

        assert rule.fired == 1
        assert len(new) == 8
        assert follower.failures == []
        assert {found[kind, row_id] for row_id in new} == {"ACTIVE"}
        assert differing(found, line.truth(found)) == {}


@pytest.mark.parametrize(
    "fault", ["http-404", "http-429", "http-502", "http-504", "truncate", "empty-body", "redirect"]
)
@pytest.mark.parametrize("after", [0, 1, 3])
def test_one_answer_that_the_original_had_no_word_for(sim, line, fault, after):
    """Defects 3 and 4: 404, 429, 502, 504, a redirect or a page cut short, and the loop was dead for good."""
    before = line.statuses()
    rule = sim.faults.add(fault, after=after)
    sim.set_status("port", "down", fraction=0.01)
    truth = line.truth(before)

    def check():
        found = line.statuses()
        assert {key for key in found if found[key] not in (before[key], truth[key])} == set()

    run(line, 3, check)

    assert rule.fired == 1
    assert differing(line.statuses(), truth) == {}


@pytest.mark.parametrize(
    "variant", ["no-tags", "no-relation", "tag-without-value", "null-flag", "wrong-type", "unknown-word"]
)
def test_one_malformed_object_for_ever(sim, line, variant):
    """Defect 5: one object without tags or status ended the loop, after every restart too."""
    spoilt = sim.inventory("port")[700]
    before = line.statuses()
    rule = sim.faults.add("malformed-object", variant=variant, ids=[spoilt.nsx_id], count=None)
    sim.set_status("port", "down", [item.neutron_id for item in sim.inventory("port")[699:702]])
    run(line, 3)
    line.restart()
    run(line, 3)
    found = line.statuses()
    sim.faults.clear()
    run(line, 1)

    assert rule.fired >= 6
    assert found["port", spoilt.neutron_id] == "ACTIVE"
    truth = line.truth(before)
    assert differing(found | {("port", spoilt.neutron_id): "DOWN"}, truth) == {}
    assert differing(line.statuses(), truth) == {}


def test_a_failure_while_a_loss_is_confirmed(sim, line):
    """Defect 2: a time-out of the single read that confirms a deleted router ended the loop."""
    router = sim.inventory("router")[7]
    before = line.statuses()
    sim.delete("router", [router.neutron_id])
    rule = sim.faults.add("http-503", match=f"/ws.v1/lrouter/{router.nsx_id}", count=9)
    run(line, 6)

    assert rule.fired == 9
    assert differing(line.statuses(), before | {("router", router.neutron_id): "ERROR"}) == {}


def test_a_falsely_missed_object(sim, line):
    """Defect 1: a router that one cycle missed and a single read found was a KeyError: loop dead."""
    before = line.statuses()
    rules = [
        sim.faults.add("skip-object", match=LISTS[kind], query="tag_scope=quantum&", index=20, count=3)
        for kind in LISTS
    ]
    follower = run(line, 4, lambda: assert_all_active(line))

    assert [rule.fired for rule in rules] == [3] * 3
    assert follower.failures == []
    assert line.statuses() == before


def test_a_deleted_network_is_confirmed_like_all_the_others(sim, line):
    """Defect 12: networks became ERROR without a direct read."""
    network = sim.create("network", count=1)[0]
    line.add_rows()
    line.sweep()
    line.clock.sleep(700)
    before = line.statuses()
    sim.delete("network", [network])
    first = line.sweep()
    after_one = line.statuses()
    second = line.sweep()

    assert first.counts["looked"] == 0
    assert second.counts["looked"] >= 1
    assert after_one == before
    assert differing(line.statuses(), before | {("network", network): "ERROR"}) == {}


@pytest.mark.parametrize("kind", ["network", "router", "port"])
def test_an_object_that_came_before_its_row(sim, line, kind):
    """Defect 17: it was cached as it was, the row was made, and kept its first status for ever."""
    new = sim.create(kind, count=1, status="down")
    line.sweep(2)
    line.add_rows()
    born = line.statuses()[kind, new[0]]
    line.execute(f"UPDATE {kind}s SET status = 'ACTIVE' WHERE id = :id", id=new[0])
    line.sweep(2)
    down = line.statuses()[kind, new[0]]
    sim.set_status(kind, "up", new)
    line.sweep()

    assert born in ("ACTIVE", "DOWN")
    assert down == ("ERROR" if kind == "router" else "DOWN")
    assert line.statuses()[kind, new[0]] == "ACTIVE"


@pytest.mark.parametrize("word", ["DOWN", "ERROR", "BUILD"])
def test_a_status_that_anything_else_wrote_in_neutron(sim, line, word):
    """Defect 16: as NSX had not changed, it was never corrected."""
    before = line.statuses()
    for kind in ("network", "port", *(["router"] if word != "DOWN" else [])):
        line.execute(
            f"UPDATE {kind}s SET status = :word WHERE id IN (SELECT id FROM {kind}s LIMIT 9)", word=word
        )
    wrong = differing(line.statuses(), before)
    run(line, 1)

    assert len(wrong) == (18 if word == "DOWN" else 27)
    assert line.statuses() == before


def test_a_row_without_an_object_that_came_later(sim, line):
    """Defect 18: after the first cycle a row that NSX has nothing for was never examined again."""
    line.sweep(3)
    port = sim.create("port", count=1)[0]
    line.add_rows()
    sim.delete("port", [port])
    line.sweep(2)

    assert line.statuses()["port", port] == "ERROR"


def test_a_port_committed_before_its_object_is_made(sim, line):
    """Defect 14: ERROR in between; here a row that changed lately is not missing."""
    port = sim.create("port", count=1)[0]
    line.add_rows()
    item = next(item for item in sim.inventory("port") if item.neutron_id == port)
    sim.delete("port", [port])
    line.execute(
        "UPDATE standardattributes SET updated_at = strftime('%Y-%m-%d %H:%M:%S.000000', :now, 'unixepoch')"
        " WHERE id = (SELECT standard_attr_id FROM ports WHERE id = :id)",
        id=port,
        now=int(line.clock.now()),
    )
    line.sweep(10)
    waiting = line.statuses()["port", port]
    sim.create("port", ids=[port], network_id=item.network_id)
    line.sweep()

    assert waiting == "DOWN"
    assert line.statuses()["port", port] == "ACTIVE"


def test_a_population_that_grows_past_its_chunk(sqlite, sim):
    """Defect 11: 100 of 600 networks were swept to ERROR, as one chunk had to do for all."""
    with Line(sqlite, sim, page=500) as line:
        line.sweep()
        line.clock.sleep(700)
        for _ in range(4):
            sim.create("network", count=100)
            line.add_rows()
            run(line, 1, lambda: assert_all_active(line))


def test_failures_over_weeks_are_each_the_first_one(sim, line):
    """Defect 25: the back-off was never reset, so after a few unrelated failures each waited the maximum."""
    waits = []
    for _ in range(8):
        sim.faults.add("http-500", count=3)
        began = line.clock.monotonic()
        follower = run(line, 2)
        waits.append(line.clock.monotonic() - began)
        line.clock.sleep(86_400)

        assert len(follower.failures) == 1
    assert max(waits) < min(waits) + 20  # of the 64 that the longest would be
    assert_all_active(line)
