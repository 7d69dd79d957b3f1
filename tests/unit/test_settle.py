"""The fast path: which rows are looked at when, and what one look may write."""

from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise

import pytest
from worlds import OURS, START, Heart, World

from networking_nsx.errors import Rejected, StoreError, Unavailable
from networking_nsx.model import Facts, Health, Key, Kind, Outcome, Verdict
from networking_nsx.serve.findings import shown
from networking_nsx.sync.brake import Allowance, BrakeSettings
from networking_nsx.sync.damping import Damped
from networking_nsx.sync.passes import LOOK_FAILURES
from networking_nsx.sync.runner import SettleRunner
from networking_nsx.sync.settle import LIMIT, Schedule, Settler

UP, DOWN = Health.UP, Health.DOWN
PORT = Key(Kind.PORT, "port-00000")


def port(number: int) -> Key:
    return Key(Kind.PORT, f"port-{number:05}")


class Follower:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.steps = []
        self.failures = []

    def progressed(self, progress):
        self.steps.append(progress)

    def failed(self, error, wait):
        self.failures.append((error, wait))


class Until:
    """A gate at which nobody waits longer than until then."""

    def __init__(self, world: World, ends: float) -> None:
        self.world = world
        self.ends = ends

    def wait(self, seconds):
        self.world.sleep(min(seconds, max(0.01, self.ends - self.world.time)))
        return False

    def enter(self): ...


class Blocking:
    """A world's store, while somebody's provisioning block stands for so many writes."""

    def __init__(self, world: World, times: int) -> None:
        self.world = world
        self.rows, self.recorded = world.rows, world.recorded
        self.left = times

    def write(self, changes):
        self.left -= 1
        if self.left < 0:
            return self.world.write(changes)
        return [Outcome(change, Verdict.BLOCKED, change.row) for change in changes]


class Case:
    """A settler over a world; `run` lets its runner go until so many seconds have passed."""

    def __init__(self, world: World, minimum: int = 10, store=None) -> None:
        self.world = world
        self.schedule = Schedule(world, nullcontext())
        allowance = Allowance(BrakeSettings(minimum=minimum))
        self.settler = Settler(world, store or world, self.schedule, allowance, world)
        self.follower = Follower()

    def run(self, seconds: float = 100.0) -> None:
        ends = self.world.time + seconds
        runner = SettleRunner(self.settler, self.world, self.follower, Until(self.world, ends))
        runner.run(lambda: self.world.time >= ends)

    def looks(self, seconds: float = 100.0) -> list[float]:
        """When the rows were looked at, in seconds from now."""
        began, look, moments = self.world.time, self.world.look, []

        def noting(sought):
            moments.append(self.world.time - began)
            return look(sought)

        self.world.look = noting
        self.run(seconds)
        return moments

    def count(self, name: str) -> int:
        return sum(step.counts.get(name, 0) for step in self.follower.steps)


def hangs(world: World, key: Key) -> None:
    """NSX answers for this row when the time of a request is up."""
    look = world.look

    def hanging(sought):
        for one in sought:
            if one.key == key:
                world.time += 150
                yield Unavailable("not done within 150 s")
            else:
                yield from look([one])

    world.look = hanging


def moments_of_writes(world: World) -> dict[Key, float]:
    """When each row was written, in seconds from now, as it comes."""
    began, write, moments = world.time, world.write, {}

    def noting(changes):
        moments.update({change.row.key: world.time - began for change in changes})
        return write(changes)

    world.write = noting
    return moments


def test_a_hinted_row_gets_its_status_a_quarter_of_a_second_later():
    """And is forgotten."""
    case = Case(World(port=2))
    case.world.flip(Kind.PORT, DOWN)
    case.schedule.hint(PORT)

    assert case.looks() == [0.25]
    assert case.world.statuses(Kind.PORT) == {"ACTIVE": 1, "DOWN": 1}
    assert len(case.schedule) == 0


def test_a_row_that_two_hint_at_is_looked_at_once():
    """A hint carries a key, never a value."""
    case = Case(World(port=1))
    case.schedule.hint(PORT)
    case.world.time += 0.1
    case.schedule.hint(PORT)

    assert case.looks() == [pytest.approx(0.15)]


def test_a_row_that_nsx_does_not_answer_for_is_left_to_the_sweep_in_the_end():
    """After ever longer pauses."""
    case = Case(World(port=1))
    case.world.poisoned[PORT] = Unavailable("503")
    case.schedule.hint(PORT)

    assert case.looks() == [0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 31.75, 63.75]
    assert (len(case.schedule), case.count("failures"), case.world.writes) == (0, 8, [])


@pytest.mark.parametrize("health", [Health.UNKNOWN, None])
def test_what_nsx_does_not_know_or_have_yet_is_looked_at_again(health):
    """A port that has just been bound, perhaps. It is never made ERROR, however often it is not found."""
    case = Case(World())
    case.world.add(Kind.PORT, PORT.id, "DOWN", health, changed_at=case.world.time - 5)
    case.schedule.hint(PORT)
    case.run(4.0)
    case.world.nsx[Kind.PORT][f"/port/{PORT.id}"] = (PORT.id, UP)
    case.run(4.0)

    assert [change.status for change in case.world.writes] == ["ACTIVE"]


@pytest.mark.parametrize(("twin", "age"), [(False, 5), (True, 400)])
def test_what_will_hardly_come_is_not_waited_for(twin, age):
    """NSX need not have an object for it, or nobody can be waiting for it any more."""
    world = World()
    case = Case(world)
    facts = OURS._replace(expects_twin=twin)
    world.add(Kind.PORT, PORT.id, health=None, facts=facts, changed_at=world.time - age)
    case.schedule.hint(PORT)

    assert case.looks() == [0.25]


def test_a_blocked_port_is_tried_every_half_second_while_a_build_may_wait():
    """Until DHCP's provisioning block is gone; the last try writes."""
    case = Case(World())
    case.world.add(Kind.PORT, PORT.id, "DOWN", changed_at=case.world.time - 1)
    case.settler = replace(case.settler, store=Blocking(case.world, 3))
    case.schedule.hint(PORT)

    assert case.looks() == [0.25, 0.75, 1.25, 1.75]
    assert (case.count("blocked"), case.count("written"), len(case.schedule)) == (3, 1, 0)


def test_a_port_that_is_blocked_for_longer_than_a_build_waits_is_left_to_the_sweep():
    """300 s after its last change nobody waits any more."""
    case = Case(World())
    case.world.add(Kind.PORT, PORT.id, "DOWN", changed_at=case.world.time - 301)
    case.settler = replace(case.settler, store=Blocking(case.world, 9))
    case.schedule.hint(PORT)

    assert case.looks() == [0.25]
    assert len(case.schedule) == 0


def test_a_port_dated_far_ahead_is_not_waited_for():
    """By a clock that is wrong: it would be waited for until then. The sweeps have it."""
    case = Case(World())
    case.world.add(Kind.PORT, PORT.id, "DOWN", changed_at=case.world.time, ahead=3600.0)
    case.settler = replace(case.settler, store=Blocking(case.world, 9))
    case.schedule.hint(PORT)

    assert case.looks() == [0.25]
    assert len(case.schedule) == 0


def test_a_look_that_is_no_later_than_the_row_is_followed_by_another():
    """Our clock was set back, for instance."""
    case = Case(World(port=1))
    case.world.flip(Kind.PORT, DOWN)
    case.world.neutron[PORT] = case.world.neutron[PORT]._replace(changed_at=case.world.time + 1)
    case.schedule.hint(PORT)

    assert case.looks() == [0.25, 0.75, 1.75]
    assert case.count("early") == 2
    assert case.world.statuses(Kind.PORT) == {"DOWN": 1}


def test_a_reading_that_is_older_than_the_row_changes_nothing():
    """Whatever it says: it may describe what was before the row's last change."""
    case = Case(World(port=1))
    case.world.flip(Kind.PORT, DOWN)
    case.world.relook(as_of=case.world.neutron[PORT].changed_at)
    case.schedule.hint(PORT)
    case.run()

    assert (case.world.writes, case.count("early") > 0) == ([], True)


def test_a_refused_write_is_looked_at_again():
    """The row changed between the look and the write; the second look is judged by the row as it is."""
    case = Case(World(port=1))
    case.world.flip(Kind.PORT, DOWN)
    row = case.world.neutron[PORT]
    case.world.before_write.append(lambda: case.world.neutron.update({PORT: row._replace(revision=7)}))
    case.schedule.hint(PORT)

    assert case.looks() == [0.25, 0.75]
    assert case.count("refused") == 1
    assert [change.row.revision for change in case.world.writes] == [7]


def test_a_delayed_port_is_written_as_soon_as_it_may_be():
    """Without looking at it in between."""
    world = World(port=1)
    case = Case(world, store=Damped(world, world, nullcontext()))
    for number in range(5):
        world.flip(Kind.PORT, UP if number % 2 else DOWN)
        case.schedule.hint(PORT)
        case.run(1.0)
    writes = len(world.writes)
    world.looks.clear()
    case.run(70.0)

    assert (writes, len(world.looks)) == (4, 1)
    assert world.statuses(Kind.PORT) == {"DOWN": 1}


@pytest.mark.parametrize(
    ("kind", "health"), [(Kind.ROUTER, DOWN), (Kind.NETWORK, Health.FAILED), (Kind.PORT, None)]
)
def test_one_look_never_makes_a_row_error(kind, health):
    """Neither what exists nor what was not found: both need the several looks of sweeps."""
    case = Case(World())
    key = case.world.add(kind, "a", health=health)
    case.schedule.hint(key)
    case.run()

    assert (case.world.writes, case.count("unsettled") > 0) == ([], True)


def test_a_row_out_of_scope_is_neither_looked_at_nor_written():
    """Whoever hints at it."""
    case = Case(World())
    case.world.add(Kind.PORT, PORT.id, "DOWN", facts=Facts(False, True, True, True))  # noqa: FBT003
    case.schedule.hint(PORT)
    case.run()

    assert (case.world.looks, case.world.writes, len(case.schedule)) == ([], [], 0)


def test_a_row_that_is_gone_is_forgotten():
    """Neutron has deleted it."""
    case = Case(World())
    case.schedule.hint(PORT)
    case.run()

    assert (case.follower.steps[0].findings[PORT].row, len(case.schedule)) == (None, 0)


def test_the_worst_of_several_objects_decides():
    """A duplicate that is down."""
    case = Case(World(port=1))
    case.world.nsx[Kind.PORT]["/port/duplicate"] = (PORT.id, DOWN)
    case.schedule.hint(PORT)
    case.run()

    assert case.world.statuses(Kind.PORT) == {"DOWN": 1}


def test_a_port_that_follows_a_router_shares_its_health():
    """It has no object of its own."""
    case = Case(World(router=1))
    case.world.add(Kind.PORT, PORT.id, "DOWN", None, follows="router-00000")
    case.schedule.hint(PORT)
    case.run()

    assert case.world.looks == [Key(Kind.ROUTER, "router-00000")]
    assert case.world.statuses(Kind.PORT) == {"ACTIVE": 1}


def test_no_more_rows_worsen_than_the_brake_lets_pass_in_any_cloud():
    """A mass change is left to the sweeps, however it is hinted at; what improves always passes."""
    case = Case(World(port=40), minimum=10)
    case.world.flip(Kind.PORT, DOWN, 30)
    case.world.add(Kind.PORT, "other", "DOWN")
    for number in range(30):
        case.schedule.hint(port(number))
        case.run(1.0)
    case.schedule.hint(Key(Kind.PORT, "other"))
    case.run()

    assert case.world.statuses(Kind.PORT) == {"ACTIVE": 31, "DOWN": 10}
    assert (case.count("held"), len(case.schedule)) == (20, 0)


def test_more_rows_may_worsen_when_the_window_has_passed():
    """And a row that worsens again counts once."""
    case = Case(World(port=2), minimum=1)
    for health in (DOWN, UP, DOWN):
        case.world.flip(Kind.PORT, health)
        case.schedule.hint(port(0))
        case.run(1.0)
    case.schedule.hint(port(1))
    case.run(1.0)
    held = case.world.statuses(Kind.PORT)
    case.world.time += 600
    case.schedule.hint(port(1))
    case.run(1.0)

    assert held == {"ACTIVE": 1, "DOWN": 1}
    assert case.world.statuses(Kind.PORT) == {"DOWN": 2}


def test_a_row_is_written_as_soon_as_nsx_has_answered():
    """Whatever NSX hangs on next."""
    case = Case(World(port=3))
    case.world.flip(Kind.PORT, DOWN)
    hangs(case.world, port(1))
    written = moments_of_writes(case.world)
    for number in range(3):
        case.schedule.hint(port(number))
    case.run(200.0)

    assert written == {port(0): 0.25, port(2): 150.25}


def test_what_was_observed_long_ago_is_not_written():
    """A source that reads several rows at a time has told of it only now."""
    case = Case(World(port=1))
    case.world.flip(Kind.PORT, DOWN)
    look = case.world.look

    def late(sought):
        answers = list(look(sought))
        case.world.time += 150
        case.world.look = look
        yield from answers

    case.world.look = late
    case.schedule.hint(PORT)
    written = moments_of_writes(case.world)
    case.run(200.0)

    assert written == {PORT: 150.75}
    assert case.world.writes[0].observation.as_of == START + 150.75


def test_looks_stop_when_nsx_is_in_trouble():
    """After five rows in a row without an answer; the others come before these the next time."""
    case = Case(World(port=30))
    case.world.look_errors = [Unavailable("503")] * 5
    for number in range(30):
        case.schedule.hint(port(number))
    case.run(0.5)
    looks = len(case.world.looks)
    case.world.looks.clear()
    case.run()

    assert (looks, case.count("failures"), len(case.schedule)) == (5, 5, 0)
    assert case.world.looks[:20] == [port(number) for number in range(10, 30)]


def test_a_row_without_an_answer_comes_after_the_new_ones():
    """What NSX hangs on keeps no build waiting."""
    case = Case(World(port=2))
    case.world.poisoned[port(0)] = Unavailable("503")
    case.schedule.hint(port(0))
    case.run(0.5)
    case.world.time += 0.1
    case.schedule.hint(port(1), 0.0)
    case.world.time += 1
    case.world.looks.clear()
    list(case.settler.settle())

    assert case.world.looks == [port(1), port(0)]


def test_a_change_that_is_left_to_the_sweep_says_why():
    """Whoever asked for it need not guess."""
    world = World(port=2, router=1)
    case = Case(world, minimum=1)
    router = Key(Kind.ROUTER, "router-00000")
    for kind in (Kind.PORT, Kind.ROUTER):
        world.flip(kind, DOWN)
    for key in (port(0), port(1), router):
        case.schedule.hint(key)
    case.run()
    found = {key: finding for step in case.follower.steps for key, finding in step.findings.items()}

    assert [shown(key, found[key])["verdict"] for key in (port(0), port(1), router)] == [
        "written",
        "should be DOWN, left to the sweep: brake_minimum others have worsened lately",
        "should be ERROR, left to the sweep: one look does not prove it",
    ]


def test_a_hint_while_its_row_is_being_settled_is_not_lost():
    """Perhaps the row has changed after it was read."""
    case = Case(World(port=1))
    case.schedule.hint(PORT)
    case.world.time += 1
    for _ in case.settler.settle():
        pass
    assert len(case.schedule) == 0
    case.schedule.hint(PORT)
    case.world.time += 1
    look = case.world.look
    case.world.look = lambda sought: (case.schedule.hint(PORT), look(sought))[1]
    for _ in case.settler.settle():
        pass

    assert len(case.schedule) == 1


def test_what_a_stop_leaves_undone_is_due_again():
    """A row is not cut in half, but the next one need not come."""
    case = Case(World(port=30))
    case.world.flip(Kind.PORT, DOWN, 3)
    for number in range(30):
        case.schedule.hint(port(number))
    case.world.time += 1
    steps = case.settler.settle()
    next(steps)
    steps.close()

    assert (len(case.world.looks), len(case.schedule)) == (1, 29)


def test_an_error_ends_a_turn_and_never_the_loop():
    """It is counted, waited after for ever longer, and the rows are settled when it has passed."""
    world = World(port=1)
    world.flip(Kind.PORT, DOWN)
    case = Case(world)
    errors = [StoreError("read-only"), ValueError("a bug"), StoreError("read-only")]

    def failing():
        if errors:
            raise errors.pop(0)

    world.before_write = [failing, failing, failing]
    case.schedule.hint(PORT)
    case.run(5.0)
    case.schedule.hint(PORT)
    case.run(20.0)

    assert [(str(error), wait) for error, wait in case.follower.failures] == [
        ("read-only", 1),
        ("a bug", 2),
        ("read-only", 4),
    ]
    assert world.statuses(Kind.PORT) == {"DOWN": 1}


def test_hints_do_not_shorten_the_pause_after_a_failure():
    """A database that is away is not asked at every hint."""
    world = World(port=1)
    case = Case(world)
    rows, world.rows = world.rows, None
    asked = []

    def failing(keys):
        asked.append(world.time)
        if len(asked) < 4:
            raise StoreError("away")
        return rows(keys)

    def sleep(seconds):
        case.schedule.hint(PORT)
        World.sleep(world, min(seconds, 0.3))

    world.rows, world.sleep = failing, sleep
    case.schedule.hint(PORT)
    case.run(7.5)

    pauses = [later - earlier for earlier, later in pairwise(asked)]

    assert len(pauses) >= 3
    assert all(pause >= wait for pause, wait in zip(pauses, (1, 2, 4), strict=False))


def test_the_schedule_is_bounded():
    """More keys than that are left to the sweep; those that wait already may be hinted at again."""
    schedule = Schedule(World(), nullcontext())
    taken = [schedule.hint(port(number)) for number in range(LIMIT + 5)]

    assert (taken.count(True), len(schedule)) == (LIMIT, LIMIT)
    assert schedule.hint(port(0))


def test_the_longest_due_are_taken_first():
    """Under a flood of hints none waits for ever."""
    world = World()
    schedule = Schedule(world, nullcontext())
    for number in range(300):
        schedule.hint(port(number), 3.0 - number / 100)
    world.time += 4

    assert schedule.ripe() == [port(number) for number in range(299, -1, -1)]


class TestHintsOfTheSweep:
    """What a sweep could not settle is handed over at once."""

    def hints(self, world: World, store=None, **how) -> dict[Key, float]:
        """By one sweep: which rows, and after how many seconds."""
        found: dict[Key, float] = {}
        sweeper = Heart(world, kinds=(Kind.PORT,), **how).sweeper

        def hint(key, after=0.25):
            found[key] = after

        list(replace(sweeper, hint=hint, store=store or world).sweep(lambda: 500))
        return found

    def test_a_settled_world_gives_none(self):
        """The fast path has nothing to do."""
        assert self.hints(World(port=20)) == {}

    def test_rows_that_neither_the_listing_nor_a_look_was_later_than(self):
        """Our clock was set back, for instance."""
        world = World(port=3)
        world.flip(Kind.PORT, DOWN, 2)
        world.neutron[PORT] = world.neutron[PORT]._replace(changed_at=world.time)

        assert self.hints(world) == {PORT: 0.25}

    def test_rows_whose_write_was_refused(self):
        """Somebody changed them meanwhile."""
        world = World(port=3)
        world.flip(Kind.PORT, DOWN, 1)
        row = world.neutron[PORT]
        world.before_write.append(lambda: world.neutron.update({PORT: row._replace(revision=9)}))

        assert self.hints(world) == {PORT: 0.25}

    def test_rows_that_nsx_did_not_answer_for(self):
        """Not those beyond the looks of a sweep, which are meant to wait: there may be thousands."""
        world = World(network=0, port=4)
        for number in range(3):  # a second object each: a direct look decides
            world.nsx[Kind.PORT][f"/port/second-{number}"] = (port(number).id, UP)
            world.neutron[port(number)] = world.neutron[port(number)]._replace(status="DOWN")
        world.poisoned[port(0)] = Unavailable("503")

        assert self.hints(world, looks=2) == {port(0): 0.25}

    def test_rows_that_nsx_never_answers_for_are_hinted_at_once(self):
        """However many sweeps meet them: they are the sweep's in the end."""
        world = World(port=400)
        world.vanish(Kind.PORT, 10)  # from the listing
        for number in range(10):
            world.poisoned[port(number)] = Rejected("400")
        case, heart = Case(world), Heart(world, kinds=(Kind.PORT,))
        heart.sweeper = replace(heart.sweeper, hint=case.schedule.hint)
        for _ in range(40):
            heart.sweep(seconds=0.0)
            case.run(10.0)

        assert case.count("failures") == 10 * 8
        assert len(case.schedule) == 0

    def test_rows_that_were_not_asked_for_as_nsx_is_in_trouble(self):
        """None of them: NSX need not be asked by two."""
        world = World(port=400)
        for number in range(30):  # a second object each: a direct look decides
            world.nsx[Kind.PORT][f"/port/second-{number}"] = (port(number).id, UP)
            world.neutron[port(number)] = world.neutron[port(number)]._replace(status="DOWN")
            world.poisoned[port(number)] = Unavailable("503")

        assert len(self.hints(world)) == LOOK_FAILURES

    @pytest.mark.parametrize(("age", "expected"), [(10, {PORT: 0.25}), (400, {})])
    def test_blocked_ports_that_a_build_may_wait_for(self, age, expected):
        """Not those that have been blocked for hours."""
        world = World()
        world.add(Kind.PORT, PORT.id, "DOWN", changed_at=world.time - age)

        assert self.hints(world, Blocking(world, 9)) == expected

    def test_delayed_ports_for_the_moment_at_which_they_may_be_written(self):
        """Not before."""
        world = World(port=1)
        damped = Damped(world, world, nullcontext())
        for number in range(4):
            world.flip(Kind.PORT, UP if number % 2 else DOWN)
            case = Case(world, store=damped)
            case.schedule.hint(PORT)
            case.run(1.0)
        world.flip(Kind.PORT, DOWN)
        world.time += 5
        (wait,) = self.hints(world, damped).values()

        assert wait == pytest.approx(51.25)
