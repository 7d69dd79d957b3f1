"""The canary: an index that lies is noticed, one that is merely late is not."""

import math
from random import Random

import pytest
from worlds import OURS, START, FakeIndex, Heart, World

from networking_nsx.errors import IndexUnavailable, Unavailable
from networking_nsx.model import Health, Key, Kind
from networking_nsx.sync.canary import Canary, CanarySettings

UP, DOWN = Health.UP, Health.DOWN
PORTS = 3000


def judged(canary, wrong, now, compared=150):
    """Compare so many rows, `wrong` of which differ."""
    direct = {f"p{number}": UP for number in range(compared)}
    index = dict.fromkeys(list(direct)[wrong:], UP)
    return canary.compare(direct, index, now)


def test_a_row_counts_only_at_the_second_time():
    """One disagreement may be a change under way."""
    canary = Canary(CanarySettings(), Random(1))
    first = judged(canary, 5, 0.0)
    trusted = not canary.distrust
    second = judged(canary, 5, 10.0)

    assert (first, trusted, second) == (0, True, 5)
    assert "5 of 150 ports differ" in canary.distrust


def test_comparisons_too_close_together_count_once():
    """An index may be a few seconds late, however fast the sweeps are."""
    canary = Canary(CanarySettings(apart=5.0), Random(1))
    counted = [judged(canary, 5, now) for now in (0.0, 1.0, 4.9, 5.0)]

    assert counted == [0, 0, 0, 5]


def test_a_port_that_changes_meanwhile_begins_anew():
    """It says something else directly: the index may be on its way to the first word."""
    canary = Canary(CanarySettings(), Random(1))
    canary.compare({"p": UP}, {}, 0.0)
    counted = canary.compare({"p": DOWN}, {"p": UP}, 10.0)

    assert (counted, canary.distrust) == (0, "")


@pytest.mark.parametrize(("direct", "index"), [(Health.UNKNOWN, UP), (Health.ABSENT, Health.ABSENT)])
def test_what_a_direct_read_does_not_refute_proves_nothing(direct, index):
    canary = Canary(CanarySettings(), Random(1))
    rows = list(map(str, range(50)))
    told = dict.fromkeys(rows, index) if index is UP else {}

    assert [canary.compare(dict.fromkeys(rows, direct), told, now) for now in (0.0, 10.0)] == [0, 0]
    assert not canary.distrust


def test_a_single_rotten_row_is_not_the_whole_index():
    """Below the share, nothing is replaced; each time that it is found it counts once."""
    canary = Canary(CanarySettings(), Random(1))
    counted = [judged(canary, 1, 10.0 * sweep) for sweep in range(5)]

    assert counted == [0, 1, 0, 1, 0]
    assert not canary.distrust


def test_trust_comes_back_after_three_clean_samples():
    canary = Canary(CanarySettings(), Random(1))
    judged(canary, 20, 0.0)
    judged(canary, 20, 10.0)
    trusted = []
    for sweep in range(2, 6):
        judged(canary, 0, 10.0 * sweep)
        trusted.append(not canary.distrust)

    assert trusted == [False, False, True, True]


def test_a_sample_that_compared_nothing_is_not_clean():
    """While no direct read is answered, nobody knows."""
    canary = Canary(CanarySettings(), Random(1))
    canary.doubt("rebuilding")
    for sweep in range(5):
        canary.compare({}, {}, 10.0 * sweep)

    assert canary.distrust == "rebuilding"


def test_five_percent_are_noticed_within_two_sweeps():
    """P >= 0.99: by the binomial law of the sample, and as often as it is tried."""
    settings = CanarySettings()
    bad, tried, noticed = 0.05, 400, 0
    few = sum(
        math.comb(settings.sample, k) * bad**k * (1 - bad) ** (settings.sample - k)
        for k in range(int(settings.share * settings.sample) + 1)
    )
    one = World(port=1).neutron[Key(Kind.PORT, "port-00000")]
    rows = {str(number): one._replace(id=str(number)) for number in range(PORTS)}
    for seed in range(tried):
        canary = Canary(settings, Random(seed))
        rotten = set(Random(seed).sample(range(PORTS), round(bad * PORTS)))
        for now in (0.0, 10.0):
            drawn = [row.id for row in canary.draw(rows)]
            canary.compare(
                dict.fromkeys(drawn, UP), {row_id: UP for row_id in drawn if int(row_id) not in rotten}, now
            )
        noticed += bool(canary.distrust)

    assert 1 - few >= 0.99
    assert noticed >= 0.99 * tried


def test_only_rows_that_expect_an_object_are_drawn():
    """A port that NSX ought not to have is no proof against its index."""
    world = World(port=20)
    rows = {key.id: row for key, row in world.neutron.items()}
    rows["port-00003"] = rows["port-00003"]._replace(facts=OURS._replace(expects_twin=False))
    drawn = Canary(CanarySettings(), Random(1)).draw(rows)

    assert {row.id for row in drawn} == rows.keys() - {"port-00003"}


def test_an_index_that_drops_ports_is_replaced_by_direct_reads():
    """The listing is not asked for any more, statuses are true, and nothing is declared absent."""
    world = World(port=400)
    index = FakeIndex(world)
    heart = Heart(world)
    index.dropped = {f"port-{number:05}" for number in range(0, 400, 20)}
    heart.sweep(2)
    asked = len(world.requests)
    world.flip(Kind.PORT, DOWN, 30)
    summary = heart.sweep()
    notices = [notice for step in heart.steps for notice in step.notices]

    assert world.statuses(Kind.PORT) == {"ACTIVE": 370, "DOWN": 30}
    assert summary.counts["direct"] == 400
    assert len(world.requests) == asked + 2  # networks and routers
    assert len(notices) == 1
    assert "not believed" in notices[0]


def test_the_index_is_believed_again_when_it_is_whole():
    world = World(port=400)
    index = FakeIndex(world)
    heart = Heart(world)
    index.dropped = {f"port-{number:05}" for number in range(0, 400, 20)}
    heart.sweep(3)
    index.dropped = set()
    direct = [heart.sweep().counts["direct"] for _ in range(5)]
    notices = [notice for step in heart.steps for notice in step.notices]

    assert direct == [400, 400, 400, 0, 0]
    assert [("again" in notice) for notice in notices] == [False, True]


def test_an_index_that_is_old_falsifies_nothing_for_long():
    """5 % of ports are as they were: noticed in two sweeps, put right in the second."""
    world = World(port=400)
    index = FakeIndex(world)
    heart = Heart(world)
    index.stale = {f"port-{number:05}": UP for number in range(0, 400, 20)}
    for number in range(0, 400, 20):
        world.nsx[Kind.PORT][f"/port/port-{number:05}"] = (f"port-{number:05}", DOWN)
    heart.sweep(3)

    assert heart.canary.distrust
    assert world.statuses(Kind.PORT) == {"ACTIVE": 380, "DOWN": 20}


@pytest.mark.parametrize("said", ["search index being built", "search timed out"])
def test_an_index_that_says_so_itself_is_replaced_at_once(said):
    """In the same sweep: no page is asked for again and again."""
    world = World(port=60)
    index = FakeIndex(world)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 5)
    index.error = IndexUnavailable(said)
    summary = heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 55, "DOWN": 5}
    assert summary.counts["direct"] == 60
    assert said in heart.canary.distrust


def test_a_lookup_that_fails_leaves_everything_as_it_is():
    world = World(port=60)
    index = FakeIndex(world)
    heart = Heart(world)
    index.find = lambda _ids: (_ for _ in ()).throw(Unavailable("500"))
    summary = heart.sweep()

    assert (summary.counts["failures"], heart.canary.distrust) == (1, "")


def test_a_row_that_is_newer_than_the_index_is_read_directly():
    """The index is a minute old by assumption: a port written since is looked at, and does not flap."""
    world = World(port=10)
    FakeIndex(world, lag=60.0)
    heart = Heart(world)
    key = Key(Kind.PORT, "port-00001")
    world.neutron[key] = world.neutron[key]._replace(status="BUILD", changed_at=START - 5)
    summary = heart.sweep()

    assert world.neutron[key].status == "ACTIVE"
    assert (summary.counts["early"], summary.counts["written"]) == (0, 1)


def test_an_older_page_undoes_nothing_that_a_look_has_written():
    """A direct read wrote DOWN; the index still has UP: no flap."""
    world = World(port=10)
    index = FakeIndex(world, lag=60.0)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 1)
    key = Key(Kind.PORT, "port-00000")
    world.neutron[key] = world.neutron[key]._replace(status="DOWN", changed_at=START - 1)
    index.stale = {"port-00000": UP}
    heart.sweep()

    assert world.writes == []
    assert world.neutron[key].status == "DOWN"


def test_no_kind_but_the_indexed_one_is_compared():
    world = World(network=5, router=5, port=50)
    index = FakeIndex(world)
    Heart(world).sweep()

    assert index.asked == [50]
    assert {key.kind for key in world.looks} == {Kind.PORT}


def test_what_is_gone_is_not_decided_while_the_index_is_distrusted():
    """Absence needs complete listings; the rows are told as unsettled."""
    world = World(port=60)
    FakeIndex(world).error = IndexUnavailable("rebuilding")
    heart = Heart(world)
    world.vanish(Kind.PORT, 3)
    summary = heart.sweep(4)

    assert (summary.unsettled, summary.counts["absent"]) == (3, 0)
    assert world.statuses(Kind.PORT) == {"ACTIVE": 60}


def test_samples_that_are_all_wrong_are_not_clean():
    """However close together they are."""
    canary = Canary(CanarySettings(), Random(1))
    canary.doubt("it is being built")
    direct = {str(number): UP for number in range(150)}
    for now in range(12):
        canary.compare(direct, {}, float(now))

    assert canary.distrust


def test_a_sample_of_which_little_was_answered_is_not_clean():
    canary = Canary(CanarySettings(), Random(1))
    canary.doubt("it is being built")
    direct = dict.fromkeys(map(str, range(60)), UP) | dict.fromkeys(map(str, range(60, 150)), Health.UNKNOWN)
    for now in range(5):
        canary.compare(direct, dict.fromkeys(direct, UP), 10.0 * now)

    assert canary.distrust


def test_what_neither_knows_is_agreement():
    """Most ports may have no status, as when hosts are cut off: trust comes back nevertheless."""
    canary = Canary(CanarySettings(), Random(1))
    canary.doubt("it is being built")
    told = dict.fromkeys(map(str, range(60)), UP) | dict.fromkeys(map(str, range(60, 150)), Health.UNKNOWN)
    for now in range(3):
        canary.compare(told, told, 10.0 * now)

    assert not canary.distrust


def test_where_many_rows_tell_nothing_more_are_drawn():
    """So that as many as ever can be compared; three times as many at most."""
    canary = Canary(CanarySettings(), Random(1))
    rows = World(port=1000).neutron
    drawn = []
    for unknown in (0.0, 0.5, 0.9, 0.0):
        ids = [row.id for row in canary.draw({key.id: row for key, row in rows.items()})]
        drawn.append(len(ids))
        seen = {row_id: Health.UNKNOWN if n < unknown * len(ids) else UP for n, row_id in enumerate(ids)}
        canary.compare(seen, seen, 0.0)

    assert drawn == [150, 150, 300, 450]


def test_what_the_index_has_and_nsx_has_not_counts():
    """Ports that were deleted long ago."""
    canary = Canary(CanarySettings(), Random(1))
    ids = list(map(str, range(150)))
    for now in range(2):
        canary.compare(
            dict.fromkeys(ids, UP) | dict.fromkeys(ids[:8], Health.ABSENT), dict.fromkeys(ids, UP), 10.0 * now
        )

    assert canary.distrust


def test_rotten_rows_found_one_by_one_do_not_add_up():
    """One in a thousand is not a broken index, however long it is watched."""
    canary = Canary(CanarySettings(), Random(1))
    ids = list(map(str, range(150)))
    for now in range(60):
        rotten = f"rotten-{now // 2}"
        direct = dict.fromkeys([*ids, rotten], UP)
        canary.compare(direct, dict.fromkeys(ids, UP), 10.0 * now)

    assert not canary.distrust


def test_a_release_waits_for_a_sweep_that_reads_what_it_is_for():
    """The index is not believed, and NSX answers no direct read in the sweep that follows the release."""
    world = World(port=60)
    index = FakeIndex(world)
    heart = Heart(world)
    index.error = IndexUnavailable("search index being built")
    heart.sweep()
    look = world.look
    world.look = lambda sought: (Unavailable("away") for _ in sought)
    heart.brake.release(Kind.PORT, world.monotonic())
    heart.sweep()
    away = heart.brake.is_released(Kind.PORT)
    world.look = look
    heart.sweep()

    assert (away, heart.brake.is_released(Kind.PORT)) == (True, False)
