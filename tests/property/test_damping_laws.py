"""The laws of flap damping, for any flips, sweeps and changes of others."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import Heart, World

from networking_nsx.errors import StoreError
from networking_nsx.model import Change, Health, Key, Kind, Observation, Status, Verdict
from networking_nsx.sync.damping import Damped

PORT = Key(Kind.PORT, "port-00000")
PATH = "/port/port-00000"


def steps_of(changes=st.sampled_from([False] * 9 + [True])):  # noqa: B008 - a frozen value
    """Each step: seconds that pass, whether NSX changes its mind then, and whether others change the row."""
    seconds = st.sampled_from([1.0, 2.0, 3.0, 5.0, 10.0, 1.0, 3.0, 25.0, 59.0, 61.0])
    turns = st.sampled_from([True, True, True, False])
    return st.lists(st.tuples(seconds, turns, changes), min_size=10, max_size=40)


STEPS = steps_of()
FATE = st.sampled_from(["written", "lost", "never begun"])


class Write(NamedTuple):
    at: float
    revision: int  # that it found
    status: str


class Case:
    """One port, swept through a damped store."""

    def __init__(self) -> None:
        self.world = World(port=3)
        self.store = Damped(self.world, self.world, nullcontext())
        heart = Heart(self.world, kinds=(Kind.PORT,))
        self.sweeper = replace(heart.sweeper, store=self.store)
        self.written: list[Write] = []
        self.delayed = 0
        self.fate = "written"
        self._write, self.world.write = self.world.write, self._meets_its_fate

    @property
    def row(self):
        return self.world.neutron[PORT]

    def nsx_has(self, health) -> None:
        self.world.nsx[Kind.PORT][PATH] = (PORT.id, health)

    def somebody_changes_it(self) -> None:
        """As who binds a port: an older moment, so that a look just now is later than it."""
        self.world.neutron[PORT] = self.row._replace(
            revision=self.row.revision + 1, changed_at=self.world.time - 0.5
        )

    def sweep(self) -> int:
        """How many writes were delayed."""
        before, delayed = len(self.world.writes), 0
        with suppress(StoreError):
            for step in self.sweeper.sweep(lambda: 500):
                delayed += step.counts.get("delayed", 0)
        for change in self.world.writes[before:]:
            self.written.append(Write(self.world.time, change.row.revision, change.status.value))
        return delayed

    def writes(self, row, status) -> Verdict:
        """What becomes of a status for a row that was read, perhaps long ago."""
        observation = Observation(*PORT, Health.UP, self.world.time, PATH, "true")
        return self.store.write([Change(row, status, observation)])[0].verdict

    def _meets_its_fate(self, changes):
        """A call that fails may have been committed, or never have begun."""
        outcomes = [] if self.fate == "never begun" else self._write(changes)
        if self.fate != "written":
            raise StoreError(self.fate)
        return outcomes

    def lives(self, steps) -> Iterator[tuple[Health, bool]]:
        """What NSX has in each step, and whether somebody changed the row; a sweep ends it."""
        health = Health.UP
        for seconds, turns, changed in steps:
            self.world.time += seconds
            if turns:
                health = Health.DOWN if health is Health.UP else Health.UP
            self.nsx_has(health)
            if changed:
                self.somebody_changes_it()
            self.delayed += self.sweep()
            yield health, changed

    def flap(self, times: int) -> int:
        """Down, up, down, ... at a sweep every three seconds."""
        delayed = 0
        for number in range(times):
            self.nsx_has(Health.UP if number % 2 else Health.DOWN)
            self.world.time += 3
            delayed += self.sweep()
        return delayed


def test_a_port_is_written_four_times_a_minute_at_most():
    """However it flaps and however often it is looked at, as long as nobody else changes it."""
    delayed = []

    @given(steps_of(changes=st.sampled_from([False])))
    def law(steps):
        case = Case()
        list(case.lives(steps))
        moments = [write.at for write in case.written]
        delayed.append(case.delayed)

        assert all(later - earlier >= 60 for earlier, later in zip(moments, moments[4:], strict=False))

    law()
    assert any(delayed)


def test_the_last_value_lands_within_a_minute_and_an_interval():
    """Once the port rests, without any queue."""
    delayed = []

    @given(STEPS, st.sampled_from([Health.UP, Health.DOWN]))
    def law(steps, last):
        case = Case()
        list(case.lives(steps))
        case.nsx_has(last)
        for _ in range(7):
            case.world.time += 10
            delayed.append(case.sweep())

        assert case.row.status == ("ACTIVE" if last is Health.UP else "DOWN")

    law()
    assert any(delayed)


@given(STEPS)
def test_a_port_that_somebody_else_has_changed_is_written_at_once(steps):
    """A build that waits for its ACTIVE is never kept waiting."""
    case = Case()
    for health, changed in case.lives(steps):
        assert not changed or case.row.status == ("ACTIVE" if health is Health.UP else "DOWN")


@given(STEPS)
@settings(max_examples=30)
def test_nothing_is_remembered_of_ports_at_rest(steps):
    """A minute after the last write the next sweep forgets it."""
    case = Case()
    list(case.lives(steps))
    for _ in range(3):
        case.world.time += 60
        case.sweep()

    assert case.store.remembered == 0


def test_a_port_that_does_not_flap_is_never_delayed():
    """One write in each of many sweeps, a quarter of a minute apart."""
    case = Case()
    delayed = 0
    for number in range(20):
        case.nsx_has(Health.UP if number % 2 else Health.DOWN)
        case.world.time += 15
        delayed += case.sweep()

    assert (delayed, len(case.written)) == (0, 20)


def test_what_is_delayed_says_how_long():
    """Until the fourth write before it is a minute old; the row stands as it was."""
    case = Case()
    assert case.flap(5) == 1
    row = case.row
    observation = Observation(*PORT, Health.DOWN, case.world.time, PATH, "false")
    (outcome,) = case.store.write([Change(row, Status.DOWN, observation)])

    assert (outcome.verdict, outcome.stands) == (Verdict.DELAYED, row)
    assert outcome.wait == 60 - (case.world.time - case.written[0].at) == 48


def test_a_binding_without_a_new_revision_begins_anew_too():
    """Not every writer of bindings bumps it; the facts tell."""
    case = Case()
    assert case.flap(6) == 1  # the sixth is there already
    case.nsx_has(Health.DOWN)
    case.world.neutron[PORT] = case.row._replace(facts=case.row.facts._replace(expects_twin=False))
    case.sweep()

    assert case.row.status == "DOWN"


def test_a_write_whose_answer_was_lost_counts():
    """It has been committed: four more would be five."""
    case = Case()
    case.fate = "lost"
    case.nsx_has(Health.DOWN)
    case.world.time += 3
    case.sweep()
    case.fate = "written"
    delayed = case.flap(5)

    assert [change.status for change in case.world.writes] == ["DOWN", "ACTIVE", "DOWN", "ACTIVE"]
    assert delayed == 1


def test_a_write_that_never_happened_does_not_count():
    """However often it was tried: no build waits a minute because the database was read-only."""
    case = Case()
    case.nsx_has(Health.DOWN)
    case.fate = "never begun"
    for _ in range(6):
        case.world.time += 1
        case.sweep()
    case.fate = "written"
    case.world.time += 1

    assert (case.sweep(), case.row.status) == (0, "DOWN")


def test_a_change_of_neutron_is_not_taken_for_a_write_that_failed():
    """It has the revision that ours would have left, but not the status: the port begins anew."""
    case = Case()
    case.flap(3)
    case.nsx_has(Health.UP)
    case.fate = "never begun"
    case.world.time += 1
    case.sweep()
    case.somebody_changes_it()
    case.fate = "written"
    case.world.time += 1

    assert (case.sweep(), case.row.status) == (0, "ACTIVE")


def test_a_failure_with_a_row_that_was_read_long_ago_makes_nothing_forgotten():
    """A sweep has rows of its beginning, and single rows are written beside it."""
    case = Case()
    old = case.row
    case.flap(4)
    case.fate = "never begun"
    with pytest.raises(StoreError):
        case.writes(old, Status.ERROR)
    case.fate = "written"

    assert case.writes(case.row, Status.DOWN) is Verdict.DELAYED


@given(st.lists(st.tuples(st.sampled_from([1.0, 9.0, 40.0]), st.booleans(), FATE), min_size=20, max_size=60))
def test_a_port_is_delayed_for_what_was_really_written(steps):
    """Four writes within a minute, whatever was answered to them; and for nothing else."""
    case = Case()
    for seconds, flips, case.fate in steps:
        case.world.time += seconds
        up = (case.row.status == "ACTIVE") ^ flips
        case.nsx_has(Health.UP if up else Health.DOWN)
        lately = [write for write in case.written if write.at > case.world.time - 60]

        assert case.sweep() == (flips and len(lately) >= 4)


@given(st.lists(st.tuples(FATE, STEPS), max_size=5))
@settings(max_examples=30)
def test_failures_are_forgotten_as_writes_are(lives):
    """A minute after the last attempt."""
    case = Case()
    for case.fate, steps in lives:
        list(case.lives(steps))
    case.fate = "written"
    for _ in range(3):
        case.world.time += 60
        case.sweep()

    assert case.store.remembered == 0


def test_networks_and_routers_are_never_delayed():
    """Nova hears nothing of them."""
    world = World(network=1)
    sweeper = replace(Heart(world).sweeper, store=Damped(world, world, nullcontext()))
    for number in range(8):
        world.flip(Kind.NETWORK, Health.UP if number % 2 else Health.DOWN)
        world.time += 1
        list(sweeper.sweep(lambda: 500))

    assert len(world.writes) == 8


def test_what_was_refused_does_not_count():
    """Nothing was written."""
    case = Case()
    observation = Observation(*PORT, Health.DOWN, case.world.time, PATH, "false")
    stale = Change(case.row._replace(revision=99), Status.DOWN, observation)
    verdicts = {case.store.write([stale])[0].verdict for _ in range(9)}

    assert (verdicts, case.store.remembered) == ({Verdict.REFUSED}, 0)
