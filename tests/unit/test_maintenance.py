"""A maintenance: what gets worse waits for its end, and for a complete sweep after it."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from worlds import START, FakeIndex, Heart, World

from networking_nsx.errors import StateError, Unavailable
from networking_nsx.model import Change, Health, Key, Kind, Observation, Status, Verdict
from networking_nsx.serve.maintenance import told
from networking_nsx.sync.brake import Allowance, BrakeSettings
from networking_nsx.sync.maintenance import LONGEST, Deferring, Forgetful, Maintenance, Phase, Window, refusal
from networking_nsx.sync.runner import Summary, once
from networking_nsx.sync.settle import Schedule, Settler

PORT = Key(Kind.PORT, "port-00000")


class Memory(Forgetful):
    """Keeps it in memory, or cannot."""

    def __init__(self) -> None:
        self.kept: Maintenance | None = None
        self.error: StateError | None = None

    def keep(self, maintenance):
        if self.error:
            raise self.error
        self.kept = maintenance

    def forget(self):
        self.kept = None


class Case:
    """A world that is swept through a window; `told` are the phases it went through."""

    def __init__(self, **objects: int) -> None:
        self.world = World(**(objects or {"port": 3}))
        self.memory = Memory()
        self.told: list[Phase] = []
        self.steps: list = []
        self.restart()

    def restart(self) -> None:
        heart = Heart(self.world, brake_settings=BrakeSettings(minimum=100))
        self.brake = heart.brake
        self.window = Window(
            self.world,
            nullcontext(),
            self.memory,
            lambda phase, _: self.told.append(phase),
            self.memory.kept,
        )
        self.store = Deferring(self.world, self.window)
        self.sweeper = replace(heart.sweeper, store=self.store)

    def begin(self, seconds: float = 3600) -> None:
        self.window.start(self.world.time + seconds, "new switches")

    def sweep(self, times: int = 1, meanwhile=lambda: None) -> dict[str, int]:
        """Complete sweeps, 10 s apart; what the last one counted. `meanwhile` comes in the middle."""
        for _ in range(times):
            self.window.began()
            counts: dict[str, int] = {}
            summary = Summary()
            for step in self.sweeper.sweep(lambda: 500):
                self.steps.append(step)
                summary.add(step)
                for name, count in step.counts.items():
                    counts[name] = counts.get(name, 0) + count
                meanwhile()
            self.window.swept(summary)
            self.world.time += 10
        return counts

    @property
    def ports(self):
        return self.world.statuses(Kind.PORT)


@pytest.fixture
def case():
    return Case()


def test_what_gets_worse_is_deferred(case):
    """It is counted, and nothing is written."""
    case.begin()
    case.world.flip(Kind.PORT, Health.DOWN, 2)

    assert case.sweep()["deferred"] == 2
    assert case.ports == {"ACTIVE": 3}
    assert case.world.writes == []


def test_what_gets_better_is_written(case):
    """In the same batch as something that is deferred, each with its own verdict."""
    case.world.add(Kind.PORT, "port-better", status="DOWN")
    case.sweep()
    case.world.neutron[Key(Kind.PORT, "port-better")] = case.world.neutron[
        Key(Kind.PORT, "port-better")
    ]._replace(status="ERROR", changed_at=START)
    case.begin()
    case.world.time += 10
    case.world.flip(Kind.PORT, Health.DOWN, 1)
    case.steps.clear()
    case.sweep()

    assert case.ports == {"ACTIVE": 4}
    verdicts = {(o.change.row.id, o.verdict) for step in case.steps for o in step.outcomes}
    assert verdicts == {("port-00000", Verdict.DEFERRED), ("port-better", Verdict.WRITTEN)}


def test_absence_is_deferred(case):
    """However often it was proven."""
    case.begin(7200)
    case.world.vanish(Kind.PORT, 1)
    case.world.time += 3600

    assert case.sweep(4)["deferred"] == 1
    assert case.ports == {"ACTIVE": 3}


def test_after_its_end_a_complete_sweep_comes_before_anything_gets_worse(case):
    """The one after that writes."""
    case.begin(60)
    case.world.flip(Kind.PORT, Health.DOWN, 1)
    case.sweep()
    case.world.time += 60

    assert case.sweep()["deferred"] == 1
    assert case.sweep()["written"] == 1
    assert case.ports == {"ACTIVE": 2, "DOWN": 1}
    assert case.told == [Phase.HOLDING, Phase.VERIFYING, Phase.NONE]


def test_a_sweep_that_began_before_the_end_verifies_nothing(case):
    """It has read pages while NSX was worked on."""
    case.begin()
    case.world.flip(Kind.PORT, Health.DOWN, 1)
    case.sweep(meanwhile=case.window.stop)

    assert case.window.phase is Phase.VERIFYING
    assert case.sweep()["deferred"] == 1
    assert case.window.phase is Phase.NONE


def test_a_sweep_that_failed_verifies_nothing(case):
    """Only its end counts."""
    case.begin()
    case.window.stop()
    case.window.began()
    case.window.failed(Unavailable("gone"), 1.0)
    case.window.began()

    assert case.window.phase is Phase.VERIFYING
    assert case.told == [Phase.HOLDING, Phase.VERIFYING]


def test_where_no_listing_is_believed_every_row_has_its_turn_first():
    """NSX answers nothing right after the end: that sweep has verified nothing. One row is never readable."""
    case = Case(port=30)
    FakeIndex(case.world)
    case.sweep()
    case.sweeper.canary.doubt("it lags")
    case.begin(60)
    case.world.time += 60
    case.world.poisoned = dict.fromkeys(case.world.neutron, Unavailable("503"))
    case.sweep()
    assert case.window.phase is Phase.VERIFYING

    case.world.poisoned = {PORT: Unavailable("503")}
    case.sweep()
    assert case.window.phase is Phase.NONE


def test_one_that_begins_while_the_last_is_verified_is_not_forgotten(case):
    """The sweep at hand was for the other one."""
    case.begin()
    case.window.stop()
    case.world.time += 1
    case.sweep(meanwhile=case.begin)

    assert case.window.phase is Phase.HOLDING


def test_a_restart_changes_nothing(case):
    """Neither while it holds, nor when its end has passed meanwhile."""
    case.begin(60)
    case.world.flip(Kind.PORT, Health.DOWN, 1)
    case.restart()
    assert case.window.phase is Phase.HOLDING
    assert case.sweep()["deferred"] == 1

    case.world.time += 60
    case.restart()
    assert case.window.phase is Phase.VERIFYING
    assert case.sweep()["deferred"] == 1
    case.restart()
    assert case.window.phase is Phase.NONE


def test_a_clock_that_was_years_ahead_holds_nothing_for_years(case):
    """It is set right: no maintenance may end so far ahead. This one is verified, and over."""
    case.begin()
    case.world.time -= 2 * 365 * 86400
    case.restart()
    assert case.window.phase is Phase.VERIFYING

    case.sweep()
    assert case.window.phase is Phase.NONE


def test_what_cannot_be_kept_does_not_begin(case):
    """Whoever has asked for it hears that it failed."""
    case.memory.error = StateError("disk full")
    with pytest.raises(StateError, match="disk full"):
        case.begin()

    assert case.window.phase is Phase.NONE


def test_another_end_keeps_the_beginning(case):
    """To begin once more is to change the end and the reason."""
    case.begin(60)
    case.world.time += 30
    case.begin(600)

    assert case.window.standing == Maintenance(START, START + 630, "new switches")


def test_nothing_is_there_to_be_stopped(case):
    """Neither before the first one, nor twice."""
    assert not case.window.stop()
    case.begin()
    assert case.window.stop()
    assert not case.window.stop()


def test_a_single_row_is_left_to_the_sweep(case):
    """It is not looked at again and again meanwhile."""
    schedule = Schedule(case.world, nullcontext())
    settler = Settler(case.world, case.store, schedule, Allowance(BrakeSettings()), case.world)
    case.begin()
    case.world.flip(Kind.PORT, Health.DOWN, 1)
    schedule.hint(PORT, 0)
    (step,) = settler.settle()

    assert step.findings[PORT].outcome.verdict is Verdict.DEFERRED
    assert "maintenance" in step.findings[PORT].left
    assert len(schedule) == 0
    assert case.ports == {"ACTIVE": 3}


def test_a_deferred_row_is_hinted_at_by_no_sweep():
    """Each sweep finds it by itself."""
    case = Case(port=3)
    hints = []
    case.sweeper = replace(case.sweeper, hint=lambda *asked: hints.append(asked))
    case.begin()
    case.world.flip(Kind.PORT, Health.DOWN)
    case.sweep(3)

    assert hints == []


def test_a_release_outlives_the_sweep_that_verifies():
    """Given after the end, it is for what the next sweep writes."""
    case = Case(port=300)
    case.begin(60)
    case.world.flip(Kind.PORT, Health.DOWN, 200)
    case.sweep()
    case.world.time += 60
    case.world.relook(health=Health.UP)  # no sample would agree
    case.brake.release(Kind.PORT, case.world.time)

    assert case.sweep()["deferred"] == 200
    assert case.sweep()["written"] == 200


def test_one_off_sweeps_defer_without_end():
    """What is deferred is no suspicion that another sweep could settle."""
    case = Case(port=3)
    case.begin()
    case.world.flip(Kind.PORT, Health.DOWN)

    assert len(list(once(case.sweeper, case.world, case.window))) == 1


def test_a_write_at_hand_can_be_waited_for(case):
    """It may have begun before the maintenance."""
    seen = []
    case.world.before_write = [lambda: seen.append(case.window.is_written)]
    case.world.flip(Kind.PORT, Health.DOWN, 1)
    case.sweep()

    assert seen == [True]
    assert not case.window.is_written


@pytest.mark.parametrize(
    ("until", "reason", "says"),
    [
        (0.0, "why", "past"),
        (float("nan"), "why", "past"),
        (1.0 + LONGEST, "why", "7 days"),
        (60.0, " ", "reason"),
        (60.0, "x" * 201, "200 characters"),
        (60.0, "why", ""),
        (LONGEST, "why", ""),
    ],
)
def test_what_is_refused(until, reason, says):
    """An end that is past, or too far away; no reason, or a long one."""
    why = refusal(1000.0 + until, reason, 1000.0)

    assert says in why
    assert bool(says) == bool(why)


def test_what_was_seen_before_its_end_makes_nothing_worse_after_it(case):
    """NSX's answer for a single row came late; what is seen after the end is written."""
    case.begin(60)
    case.world.time += 60
    row = case.world.neutron[PORT]
    seen = Observation(Kind.PORT, PORT.id, Health.DOWN, case.world.time, "/p", "DOWN")
    case.sweep()
    (late,) = case.store.write([Change(row, Status.DOWN, seen)])

    assert case.window.phase is Phase.NONE
    assert late.verdict is Verdict.DEFERRED
    (fresh,) = case.store.write([Change(row, Status.DOWN, seen._replace(as_of=case.world.time))])
    assert fresh.verdict is Verdict.WRITTEN


def test_a_clock_that_was_set_back_holds_nothing_after_the_end(case):
    """Until it is where it was, all that NSX says would seem to be from before."""
    case.begin(60)
    case.world.time += 60
    case.sweep()
    case.world.time -= 3600
    row = case.world.neutron[PORT]
    seen = Observation(Kind.PORT, PORT.id, Health.DOWN, case.world.time, "/p", "DOWN")

    assert [each.verdict for each in case.store.write([Change(row, Status.DOWN, seen)])] == [Verdict.WRITTEN]


def test_one_that_begins_while_it_is_told_of_is_told_whole_or_not_at_all():
    """Whoever reads it needs an end where something holds."""

    class Hasty(Window):
        @property
        def standing(self):
            before = super().standing
            if before is None:
                self.start(START + 60, "just now")
            return before

    window = Hasty(World(), nullcontext(), Forgetful(), lambda *_: None)
    first, then = told(window), told(window)

    assert (first["maintenance"], first["maintenance_until"]) == ("none", None)
    assert (then["maintenance"], then["maintenance_until"]) == ("holding", START + 60)
