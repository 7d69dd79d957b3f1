"""The brake of design section 6."""

import pytest
from worlds import Heart, World

from networking_nsx.errors import Unavailable
from networking_nsx.model import Change, Health, Kind, Observation, Status
from networking_nsx.sync.brake import BrakeSettings

DOWN, UP = Health.DOWN, Health.UP


def test_few_rows_worsen_at_once():
    """Under the threshold a change is written with its page."""
    world = World(port=1000)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 40)

    next(step for step in heart.sweeper.sweep(lambda: 500) if step.counts.get("observed"))

    assert world.statuses(Kind.PORT) == {"ACTIVE": 960, "DOWN": 40}


def test_improving_always_passes():
    """All ports become ACTIVE without a question."""
    world = World(port=1000)
    for key, row in world.neutron.items():
        world.neutron[key] = row._replace(status="DOWN")
    heart = Heart(world)

    assert heart.sweep().counts["held"] == 0
    assert world.statuses(Kind.PORT) == {"ACTIVE": 1000}
    assert world.looks == []


def test_a_mass_change_that_direct_reads_confirm_passes_in_the_same_sweep():
    """A rack that is truly down is written within two sweeps, after 50 looks."""
    world = World(port=1000)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 300)

    heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 700, "DOWN": 300}
    assert len(world.looks) == 50


def test_a_mass_change_that_direct_reads_deny_is_held():
    """A listing that lies changes nothing, however often it is read."""
    world = World(port=1000)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 300)
    world.relook(health=UP)

    summary = heart.sweep(5)

    assert summary.counts["held"] == 300
    assert world.statuses(Kind.PORT) == {"ACTIVE": 1000}


@pytest.mark.parametrize("rest", [1, 3600])
def test_a_restart_while_frozen_stays_frozen(rest):
    """The baseline is Neutron's rows: a new process finds the same share at its first page."""
    world = World(port=1000)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 300)
    world.relook(health=UP)
    heart.sweep()
    for _ in range(3):
        world.time += rest
        heart.restart()
        heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 1000}


def test_looks_that_fail_release_nothing():
    """Without an answer there is no evidence."""
    world = World(port=1000)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 300)
    world.look_errors = [Unavailable("down")] * 5

    assert heart.sweep().counts["held"] == 300
    assert world.statuses(Kind.PORT) == {"ACTIVE": 1000}


def test_small_lots_in_a_row_add_up():
    """Nine per cent each sweep: the rows that worsened within the window count as spent."""
    world = World(port=1000)
    heart = Heart(world)
    world.relook(health=UP)
    held = []
    for lot in range(1, 5):
        world.flip(Kind.PORT, DOWN, 90 * lot)
        held.append(heart.sweep(length=1000).counts["held"])

    assert world.statuses(Kind.PORT) == {"ACTIVE": 910, "DOWN": 90}
    assert held == [0, 90, 180, 270]


def test_an_old_change_is_no_longer_counted():
    """After the window the next lot passes."""
    world = World(port=1000)
    heart = Heart(world)
    world.relook(health=UP)
    world.flip(Kind.PORT, DOWN, 90)
    heart.sweep(length=1000)
    world.time += 600
    world.flip(Kind.PORT, DOWN, 180)
    heart.sweep(length=1000)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 820, "DOWN": 180}


def test_one_large_network_in_one_page_waits_only_for_the_end_of_the_kind():
    """A page that is bad as a whole is judged against all rows, before the sweep is over."""
    world = World(port=5000)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 400)

    heart.sweep(length=500)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 4600, "DOWN": 400}
    assert world.looks == []


def test_a_small_cloud_is_not_frozen_by_its_first_broken_port():
    """Up to `minimum` rows may always worsen."""
    world = World(port=12)
    heart = Heart(world)
    world.relook(health=UP)
    world.flip(Kind.PORT, DOWN, 10)

    heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 2, "DOWN": 10}


def _release_300(world: World, heart: Heart) -> None:
    """A listing has so many ports down, direct reads deny it, and an operator releases them."""
    world.flip(Kind.PORT, DOWN, 300)
    world.relook(health=UP)
    heart.sweep()
    heart.brake.release(Kind.PORT, world.monotonic())


def test_an_operator_releases_what_is_held():
    """And the release ends with the pass in which nothing was held any more."""
    world = World(port=1000)
    heart = Heart(world)
    _release_300(world, heart)
    heart.sweep()
    released = world.statuses(Kind.PORT)
    world.flip(Kind.PORT, DOWN, 700)
    heart.sweep()

    assert released == {"ACTIVE": 700, "DOWN": 300}
    assert world.statuses(Kind.PORT) == released


def _released_beside_a_row_that_never_answers(world: World, heart: Heart) -> None:
    """An operator has released 300 ports; another one stays undecided: each look at it fails."""
    odd = world.add(Kind.PORT, "odd", health=None)
    world.poisoned[odd] = Unavailable("500")
    look = world.look
    _release_300(world, heart)
    heart.sweep()
    world.look = look


def test_a_release_ends_soon_even_if_a_row_stays_undecided_for_ever():
    """Weeks later the inventory is lost: that was not released."""
    world = World(port=1000)
    heart = Heart(world)
    _released_beside_a_row_that_never_answers(world, heart)
    released = world.statuses(Kind.PORT)
    heart.sweep(3, seconds=600)
    world.vanish(Kind.PORT)
    heart.sweep(12, seconds=60)

    assert released == {"ACTIVE": 701, "DOWN": 300}
    assert "ERROR" not in world.statuses(Kind.PORT)


def test_a_release_that_nothing_needs_ends_however_often_rows_worsen():
    """A few in each sweep would have passed without it."""
    world = World(port=1000)
    heart = Heart(world)
    _released_beside_a_row_that_never_answers(world, heart)
    for sweep in range(60):
        world.nsx[Kind.PORT][f"/port/port-{300 + sweep:05}"] = (f"port-{300 + sweep:05}", DOWN)
        heart.sweep(seconds=60)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 641, "DOWN": 360}
    assert not heart.brake.is_released(Kind.PORT)


def test_a_release_that_no_sweep_comes_to_use_lapses():
    """NSX is away for an hour, and what has vanished when it is back was not released."""
    world = World(port=1000)
    heart = Heart(world)
    _release_300(world, heart)
    world.time += 3600
    world.vanish(Kind.PORT)
    heart.sweep(3)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 1000}


def test_a_release_that_nothing_needs_lapses_too():
    """It has not ended yet when NSX goes away for a day, and what has vanished then was not released."""
    world = World(port=1000)
    heart = Heart(world)
    _released_beside_a_row_that_never_answers(world, heart)
    heart.sweep()
    world.time += 86400
    world.vanish(Kind.PORT)
    heart.sweep(3)

    assert "ERROR" not in world.statuses(Kind.PORT)


def test_a_release_waits_for_the_next_sweep_where_sweeps_are_slow():
    """Four pages of seven minutes each."""
    world = World(network=1000, port=1000)
    heart = Heart(world)
    page = world.page
    world.page = lambda *asked: (world.sleep(420.0), page(*asked))[1]
    _release_300(world, heart)
    heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 700, "DOWN": 300}


def test_a_release_waits_for_the_sweep_of_a_long_interval():
    """Of an hour, for which the operator has been told that the next sweep writes what is held."""
    world = World(port=1000)
    heart = Heart(world, brake_settings=BrakeSettings(patience=600 + 2 * 3600))
    _release_300(world, heart)
    world.time += 3600
    heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 700, "DOWN": 300}


def test_a_release_lasts_for_as_long_as_it_lets_something_through():
    """Few looks in each sweep, and an hour until all is written."""
    world = World(port=1000)
    heart = Heart(world, looks=50)
    world.vanish(Kind.PORT, 500)
    heart.sweep(3)
    heart.brake.release(Kind.PORT, world.monotonic())
    heart.sweep(10, seconds=360)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 500, "ERROR": 500}


def test_inventory_lost_writes_nothing():
    """All objects of all kinds vanish: 0 ERROR, in every kind, for as long as it lasts, restarts included."""
    world = World(network=40, router=2, port=2000)
    heart = Heart(world)
    for kind in Kind:
        world.vanish(kind)
    heart.sweep(3)
    heart.restart()
    summary = heart.sweep(3)

    assert world.writes == []
    assert summary.counts["held"] == 2042


def test_absence_in_one_kind_is_held_while_another_kind_has_lost_too_much():
    """Two networks could have been deleted; two networks together with all ports were not."""
    world = World(network=100, port=2000)
    heart = Heart(world)
    world.vanish(Kind.NETWORK, 2)
    world.vanish(Kind.PORT, 1000)

    heart.sweep(4)

    assert world.writes == []


def test_objects_that_come_back_release_absence():
    """What is still missing then is written."""
    world = World(port=1000)
    heart = Heart(world)
    objects = dict(world.nsx[Kind.PORT])
    world.vanish(Kind.PORT)
    heart.sweep(3)
    world.nsx[Kind.PORT] = objects
    world.vanish(Kind.PORT, 5)
    heart.sweep(3)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 995, "ERROR": 5}


def test_an_operator_releases_absence():
    """Rows are still looked for one by one, as many per sweep as the cap allows."""
    world = World(port=1000)
    heart = Heart(world)
    world.vanish(Kind.PORT, 500)
    heart.sweep(3)
    heart.brake.release(Kind.PORT, world.monotonic())
    first = heart.sweep()
    heart.sweep(3)

    assert first.counts["absent"] == 200
    assert world.statuses(Kind.PORT) == {"ACTIVE": 500, "ERROR": 500}


def test_small_losses_in_a_row_are_held_together():
    """Ten sweeps with nine per cent vanishing each: no ERROR is written."""
    world = World(port=1000)
    heart = Heart(world)
    for _ in range(10):
        world.vanish(Kind.PORT, 90)
        heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 1000}


def test_the_settings_are_the_operators():
    """A share of one switches the brake off for what changed; losing everything is still held."""
    world = World(port=100)
    heart = Heart(world, brake_settings=BrakeSettings(share=1.0))
    world.relook(health=UP)
    world.flip(Kind.PORT, DOWN)
    heart.sweep()
    down = world.statuses(Kind.PORT)
    world.vanish(Kind.PORT)
    world.time += 600
    heart.sweep(3)

    assert down == {"DOWN": 100}
    assert world.statuses(Kind.PORT) == {"DOWN": 100}


def test_what_the_brake_knows_can_be_seen():
    """Its repr names the kinds that lost too much and those released."""
    world = World(port=100)
    heart = Heart(world)
    world.vanish(Kind.PORT)
    heart.sweep()
    heart.brake.release(Kind.ROUTER, world.monotonic())

    assert "port" in repr(heart.brake)
    assert "router" in repr(heart.brake)


def test_objects_of_another_cloud_do_not_loosen_the_brake():
    """The share is of our rows that were met, not of whatever NSX lists."""
    world = World(port=100)
    heart = Heart(world)
    for i in range(2000):
        world.nsx[Kind.PORT][f"/port/foreign-{i}"] = (f"foreign-{i}", UP)
    for path in list(world.nsx[Kind.PORT])[:100]:
        world.nsx[Kind.PORT][path] = (world.nsx[Kind.PORT][path][0], DOWN)
    world.relook(health=UP)

    assert heart.sweep(length=5000).counts["held"] == 100
    assert world.statuses(Kind.PORT) == {"ACTIVE": 100}


def test_a_row_that_is_held_twice_is_written_once():
    """Its page says that it is down, and so does a look later in the same sweep: that would be refused."""
    world = World(port=50)
    heart = Heart(world)
    watch = heart.brake.watch(Kind.PORT, list(world.neutron.values()), world.now(), world.monotonic())
    rows = list(world.neutron.values())[:20]
    seen = Observation(Kind.PORT, "", DOWN, world.now(), "/port", "down")
    page = [Change(row, Status.DOWN, seen) for row in rows]
    looked = [Change(row, Status.DOWN, seen._replace(as_of=world.now() + 1)) for row in rows[:5]]

    assert watch.sift(page, met=20) == []
    assert watch.sift(looked, met=20) == []
    assert sorted(watch.held()) == sorted(looked + page[5:])


def test_what_the_sample_refutes_is_not_written():
    """48 of 50 agree: the two that direct reads deny stay as they are."""
    world = World(port=50)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN)
    look = world.look
    denied = {"port-00003", "port-00007"}
    world.look = lambda sought: (
        [seen._replace(health=UP) if seen.id in denied else seen for seen in answer]
        for answer in look(sought)
    )
    summary = heart.sweep()

    assert summary.counts["held"] == 2
    assert world.statuses(Kind.PORT) == {"ACTIVE": 2, "DOWN": 48}
