"""A search index that lies, hour after hour: what it alone says is written to no row."""

from dataclasses import replace

import pytest
from line import Follower, Line, differing, settled

from networking_nsx.errors import NsxError, Rejected
from networking_nsx.model import Health, Key, Kind, Sought
from networking_nsx.nsx.codec_policy import Tags
from networking_nsx.nsx.http import HttpSettings
from networking_nsx.nsx.listing_policy import PolicySettings
from networking_nsx.nsx.look_policy import Look
from networking_nsx.simulator import Simulator
from networking_nsx.simulator.naming import has_edges
from networking_nsx.simulator.standing import chosen
from networking_nsx.sync.runner import once

HTTP = HttpSettings(request_rate=1000, retries=1)
HOUR = 3600.0


@pytest.fixture
def sim():
    with Simulator(api="policy", nodes=3, client_rate_limit=0, networks=6, ports=300, routers=6) as simulator:
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    with settled(sqlite, sim, http=HTTP, policy=PolicySettings(tags=Tags(deployment="sim"))) as line:
        yield line


def port_statuses(line):
    return {row_id: status for (_, row_id), status in line.statuses("port").items()}


def some(sim, count):
    return [item.neutron_id for item in sim.inventory("port")[:count]]


FEW = 0.004  # of the objects: a seed that chooses one of them alone is soon found


def alone_dropped(sim, wanted):
    """An object that is wanted, and the seed with which `index-drop` of FEW takes it and no other."""
    ports = sim.inventory("port")
    for seed in range(100_000):
        taken = [item for item in ports if chosen(item.nsx_id, FEW, seed)]
        if len(taken) == 1 and wanted(taken[0]):
            return taken[0], seed
    raise AssertionError("no such seed")


def swept(line, times):
    """Sweeps that may fail; how many did."""
    failed = 0
    for _ in range(times):
        try:
            line.sweep()
        except NsxError:
            failed += 1
            line.clock.sleep(10)
    return failed


def test_a_stale_index_makes_no_row_flap(sim, line):
    """For ever, too few to be noticed: each change that it proposes is read directly, and is none."""
    port = some(sim, 1)[0]
    rule = sim.faults.add("index-lag", seconds=HOUR)
    sim.set_status("port", "down", [port])
    line.synchronize("port", port)
    written = line.rows("port")["port", port]
    line.sweep(14)

    assert rule.fired
    assert written[0] == "DOWN"
    assert line.rows("port")["port", port] == written


def test_a_stale_index_makes_no_dead_port_active(sqlite, sim):
    """A process that starts with an index an hour old: half of the ports are dead, none becomes ACTIVE."""
    with Line(sqlite, sim, http=HTTP) as line:
        sim.faults.add("index-lag", seconds=HOUR)
        sim.set_status("port", "down", fraction=0.5, seed=1)
        dead = {item.neutron_id for item in sim.inventory("port") if item.status == "down"}
        alive = []
        for _ in range(4):
            line.sweep()
            statuses = port_statuses(line)
            alive.append(sum(statuses[row_id] == "ACTIVE" for row_id in dead))

        assert alive == [0, 0, 0, 0]
        assert line.canary.distrust
        assert differing(line.statuses(), line.truth(line.statuses())) == {}


def test_one_sync_notices_a_stale_index(sqlite, sim):
    """`sync once` sweeps until it has compared twice, and then reads directly."""
    with Line(sqlite, sim, http=HTTP) as line:
        sim.faults.add("index-lag", seconds=HOUR)
        sim.set_status("port", "down", fraction=0.5, seed=1)
        summaries = list(once(line.sweeper, line.clock, Follower()))

        assert summaries[-1].unsettled == 0
        assert differing(line.statuses(), line.truth(line.statuses())) == {}


def test_a_lost_name_is_no_absence(sqlite, sim):
    """A segment without its tag, ids that are not Neutron's, an index that lacks the port, a new process."""
    with sim.objects.lock:
        objects = [item for item in sim.objects.items() if item.neutron_id and item.kind != "router"]
        sim.objects.alter([replace(item, twin=True) for item in objects])
    with Line(sqlite, sim, http=HTTP) as line:
        line.sweep(2)
        line.clock.sleep(700)
        port, seed = alone_dropped(sim, lambda item: item.neutron_id)
        nameless = sim.faults.add("tag-tampered", variant="removed", ids=[port.network_id])
        dropped = sim.faults.add("index-drop", fraction=FEW, seed=seed)
        line.restart()
        for _ in range(6):
            line.sweep(every=70.0)

        assert nameless.fired
        assert dropped.fired
        assert port_statuses(line)[port.neutron_id] == "ACTIVE"


@pytest.mark.parametrize("variant", ["other-deployment", "other-id"])
def test_objects_that_are_no_longer_ours_say_nothing_of_our_rows(sim, line, variant):
    """Nor do they discredit the index, which is right about them."""
    tampered = some(sim, 30)
    rule = sim.faults.add("tag-tampered", variant=variant, ids=tampered)
    sim.set_status("port", "down", tampered)
    for _ in range(6):
        line.sweep(every=40.0)
    statuses = port_statuses(line)

    assert rule.fired
    assert {statuses[row_id] for row_id in tampered} == {"ACTIVE"}
    assert not line.canary.distrust


def test_absence_is_as_old_as_the_list_that_shows_it(sim, line):
    """A list that served another row before knows nothing of what was made since."""
    network = sim.inventory("network")[0].neutron_id
    look = Look(line.reader(), Tags(), line.clock)
    nobody, made = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
    look.at(Sought(Key(Kind.PORT, nobody), network))
    listed_at = line.clock.now()
    line.clock.sleep(30)
    late = look.at(Sought(Key(Kind.PORT, made), network))[0]

    assert late.health is Health.ABSENT
    assert late.as_of <= listed_at


def test_rows_that_cannot_be_read_do_not_keep_the_others_from_it(sim, line):
    """One segment that the account may not read heads the queue; every other row has its turn."""
    sim.faults.add("index-rebuilding")
    line.sweep(2)
    segment = sim.inventory("network")[0]
    rule = sim.faults.add(
        "http-409", match=f"/policy/api/v1/infra/segments/{segment.neutron_id}/", count=None
    )
    others = [item.neutron_id for item in sim.inventory("port") if item.parent != segment.nsx_id]
    sim.set_status("port", "down", others[:25])
    line.sweep(4)
    statuses = port_statuses(line)

    assert rule.fired
    assert {statuses[row_id] for row_id in others[:25]} == {"DOWN"}


def test_a_bound_grows_while_rows_cannot_be_read(sim, line):
    """It is no promise that is broken."""
    sim.faults.add("index-rebuilding")
    line.sweep(2)
    segment = sim.inventory("network")[0]
    sim.faults.add("http-409", match=f"/policy/api/v1/infra/segments/{segment.neutron_id}/", count=None)
    bounds = [line.sweep(every=100.0).bound for _ in range(6)]

    assert bounds[0] < 100.0
    assert bounds[-1] >= 500.0


@pytest.mark.parametrize("fault", ["http-400", "http-500", "truncate", "invalid-json"])
def test_a_search_that_fails_in_any_way_is_replaced(sim, line, fault):
    """As long as direct reads are answered, the index is to blame."""
    rule = sim.faults.add(fault, match="/api/v1/search", count=None)
    down = some(sim, 25)
    sim.set_status("port", "down", down)
    failed = swept(line, 3)
    statuses = port_statuses(line)

    assert rule.fired
    assert failed == 0
    assert {statuses[row_id] for row_id in down} == {"DOWN"}


def test_an_nsx_that_answers_nothing_is_not_an_index_that_lies(sim, line):
    """The sweep fails; nobody says anything of the index."""
    rule = sim.faults.add("http-500", match="/", count=None)
    failed = swept(line, 2)

    assert rule.fired
    assert failed == 2
    assert not line.canary.distrust


def test_one_search_that_timed_out_is_asked_again(sim, line):
    rule = sim.faults.add("search-timeout", match="/api/v1/search", count=1, after=1)
    line.page = 50
    summary = line.sweep()

    assert rule.fired == 1
    assert (summary.counts["failures"], summary.counts["direct"]) == (1, 0)
    assert not line.canary.distrust


def test_a_release_of_the_brake_ends_when_nothing_is_held(sim, line):
    """Also while rows are read directly."""
    sim.faults.add("index-rebuilding")
    line.brake.release(Kind.PORT, line.clock.monotonic())
    line.sweep(3)

    assert not line.brake.is_released(Kind.PORT)


def test_an_index_that_cannot_be_compared_is_not_believed(sim, line):
    """Three times in a row nobody could watch it."""
    line.source.index.find = lambda _ids: (_ for _ in ()).throw(Rejected("400 bad query"))
    line.sweep(2)
    believed = not line.canary.distrust
    line.sweep()

    assert believed
    assert "cannot be compared" in line.canary.distrust


def test_a_gateway_that_cannot_be_read_costs_itself(sim, line):
    routers = sorted(sim.inventory("router"), key=lambda item: not has_edges(item, 0.5))
    routers = [item.neutron_id for item in routers]
    path = f"/policy/api/v1/infra/tier-1s/{routers[0]}/state"
    rule = sim.faults.add("invalid-json", match=path, count=None)
    sim.set_status("router", "down", routers[1:])
    line.sweep(4)
    statuses = line.statuses("router")

    assert rule.fired
    assert statuses["router", routers[0]] == "ACTIVE"
    assert {statuses["router", row_id] for row_id in routers[1:]} == {"ERROR"}


def test_states_that_are_not_those_of_all_segments_are_not_enough(sim, line):
    """Then their realization is searched."""
    rule = sim.faults.add(
        "skip-object",
        match="/policy/api/v1/infra/segments/state",
        ids=[item.neutron_id for item in sim.inventory("network")],
        count=None,
    )
    sim.set_status("network", "error")
    for _ in range(3):
        line.sweep(every=70.0)

    assert rule.fired
    assert set(line.statuses("network").values()) == {"ERROR"}


def test_a_list_that_fails_once_is_read_again(sim, line):
    """Its failure is told to the rows that were waiting for it, and kept for no other row of the look."""
    segment = sim.inventory("network")[0].neutron_id
    rule = sim.faults.add(
        "invalid-json", match=f"/policy/api/v1/infra/segments/{segment}/ports", count=1, query="page_size"
    )
    waiting = PolicySettings().readers
    nobody = [f"00000000-0000-4000-8000-0000000000{n:02}" for n in range(2 * waiting)]
    answers = list(line.source.look([Sought(Key(Kind.PORT, row_id), segment) for row_id in nobody]))

    assert rule.fired == 1
    assert 1 <= sum(isinstance(answer, NsxError) for answer in answers) <= waiting


def test_of_many_changes_none_is_written_on_the_word_of_the_index(sqlite, sim):
    """All rows are to become ACTIVE at once; a few ports died since the index was brought up to date."""
    with Line(sqlite, sim, http=HTTP) as line:
        rule = sim.faults.add("index-lag", seconds=HOUR)
        dead = sim.set_status("port", "down", some(sim, 3))
        for _ in range(3):
            line.sweep()
        statuses = port_statuses(line)

    assert rule.fired
    assert {statuses[port] for port in dead} == {"DOWN"}
    assert sorted(statuses.values()) == ["ACTIVE"] * 297 + ["DOWN"] * 3
    assert not [event for event in line.ear.events if event.port_id in dead]


def test_ports_that_only_the_index_still_has_discredit_it(sim, line):
    """They were deleted; nothing is declared absent on its word, either."""
    rule = sim.faults.add("index-lag", seconds=HOUR)
    gone = sim.delete("port", fraction=0.08, seed=5)
    line.sweep(2)

    assert rule.fired
    assert line.canary.distrust
    assert {port_statuses(line)[port] for port in gone} == {"ACTIVE"}


def test_a_port_that_is_attached_is_not_absent(sqlite, sim):
    """Search has lost it, and its segment no longer says whose it is."""
    sim.populate(networks=6, ports=300, routers=2, switches_per_network=2, seed=4)
    with Line(sqlite, sim, http=HTTP) as line:
        line.sweep(2)
        line.clock.sleep(700)
        seconds = {item.nsx_id for item in sim.inventory("network") if item.twin}
        port, seed = alone_dropped(sim, lambda item: item.parent in seconds)
        lost = sim.faults.add("tag-tampered", variant="removed", ids=[port.parent], count=None)
        dropped = sim.faults.add("index-drop", fraction=FEW, seed=seed)
        line.restart()
        for _ in range(4):
            line.sweep(every=70.0)

        assert lost.fired
        assert dropped.fired
        assert port_statuses(line)[port.neutron_id] == "ACTIVE"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_second_object_that_the_index_loses_is_not_forgotten(sim, line, elsewhere):
    """The one that is down decides, whatever search says, in its own segment or in another."""
    port = sim.inventory("port")[0]
    other = next(item for item in sim.inventory("network") if item.nsx_id != port.parent)
    network = other.neutron_id if elsewhere else port.network_id
    sim.create("port", ids=[port.neutron_id], network_id=network, status="down")
    line.sweep(3, every=70.0)
    before = port_statuses(line)[port.neutron_id]
    if elsewhere:
        rule = sim.faults.add("index-rebuilding")
    else:
        _, seed = alone_dropped(sim, lambda item: (item.neutron_id, item.status) == (port.neutron_id, "down"))
        rule = sim.faults.add("index-drop", fraction=FEW, seed=seed)
    after = []
    for _ in range(3):
        line.sweep(every=70.0)
        after.append(port_statuses(line)[port.neutron_id])

    assert rule.fired
    assert (before, after) == ("DOWN", ["DOWN"] * 3)


def test_an_object_that_only_the_index_has_hides_no_other(sim, line):
    """A port was made anew under another name; search still has the old one."""
    old = sim.inventory("port")[0]
    rule = sim.faults.add("index-lag", seconds=HOUR)
    sim.delete("port", [old.neutron_id])
    sim.create("port", ids=[old.neutron_id], network_id=old.network_id, status="down")
    (answer,) = line.source.look([Sought(old_key := Key(Kind.PORT, old.neutron_id), old.network_id)])

    assert rule.fired
    assert [(one.key, one.health) for one in answer] == [(old_key, Health.DOWN)]


def test_an_index_that_makes_only_short_pages_is_believed(sqlite):
    """Single rows are asked for with short pages anyway."""
    with (
        Simulator(api="policy", search_page_limit=100, client_rate_limit=0, networks=3, ports=300) as sim,
        Line(sqlite, sim, http=HTTP) as line,
    ):
        direct = [line.sweep(every=70.0).counts["direct"] for _ in range(4)]

        assert direct == [0, 0, 0, 0]
        assert not line.canary.distrust


def test_one_segment_that_cannot_be_read_keeps_no_other_port_waiting(sim, line):
    """The rights to it were taken away; half of its ports, and some elsewhere, go down."""
    segment, other, *_ = sim.inventory("network")
    rule = sim.faults.add(
        "http-403", code=7, match=f"/policy/api/v1/infra/segments/{segment.neutron_id}/", count=None
    )
    ports = {item.neutron_id: item.parent for item in sim.inventory("port")}
    sim.set_status("port", "down", [port for port in ports if ports[port] == segment.nsx_id])
    dead = sim.set_status("port", "down", [port for port in ports if ports[port] == other.nsx_id][:10])
    line.sweep(every=70.0)

    assert rule.fired
    assert {port_statuses(line)[port] for port in dead} == {"DOWN"}


def test_direct_reads_follow_what_the_listing_followed(sim, line):
    """A port that need not have an object, on an external network, has one."""
    network = sim.inventory("network")[0]
    line.execute("INSERT INTO externalnetworks (network_id) VALUES (:id)", id=network.neutron_id)
    line.sweep()
    port = next(item.neutron_id for item in sim.inventory("port") if item.parent == network.nsx_id)
    rule = sim.faults.add("index-rebuilding")
    sim.set_status("port", "down", [port])
    line.sweep(every=70.0)

    assert rule.fired
    assert port_statuses(line)[port] == "DOWN"


@pytest.mark.parametrize("variant", ["other-deployment", "other-id"])
@pytest.mark.parametrize(("status", "wrong"), [("up", "DOWN"), ("down", "ACTIVE")])
def test_a_stale_index_does_not_say_whose_an_object_is(sim, line, variant, status, wrong):
    """It was tampered with since: neither a sweep nor a look at one row writes its status."""
    (port,) = some(sim, 1)
    sim.set_status("port", status, [port])
    before = sim.faults.add("index-lag", seconds=HOUR)
    rule = sim.faults.add("tag-tampered", variant=variant, ids=[port])
    line.execute("UPDATE ports SET status = :status WHERE id = :id", status=wrong, id=port)
    line.synchronize("port", port)
    line.sweep(2, every=70.0)

    assert before.fired
    assert rule.fired
    assert port_statuses(line)[port] == wrong
