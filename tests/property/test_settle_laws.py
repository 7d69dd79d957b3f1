"""Laws of the settle path, beside sweeps, for any world (hypothesis)."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from meaning import meant, untrue, worsens
from worlds import OURS, Heart, World

from networking_nsx.errors import StoreError, Unavailable
from networking_nsx.model import Health, Key, Kind
from networking_nsx.sync.brake import Allowance, BrakeSettings
from networking_nsx.sync.damping import Damped
from networking_nsx.sync.settle import Schedule, Settler

NUMBER = st.integers(0, 29)
STATUS = st.sampled_from(["ACTIVE", "DOWN", "BUILD", "ERROR"])
MINIMUM = 3


class Settling(RuleBasedStateMachine):
    """Users, NSX, hints of any kind, faults, restarts, settling and sweeps in any order."""

    met: ClassVar[Counter[str]] = Counter()  # what settling came to, in all examples

    def __init__(self) -> None:
        super().__init__()
        self.world = World(network=3, router=2, port=25)
        for number in range(20, 25):  # not ours
            key = Key(Kind.PORT, f"port-{number:05}")
            self.world.neutron[key] = self.world.neutron[key]._replace(facts=OURS._replace(in_scope=False))
        self.settled: list = []  # what the settler wrote, each with the moment
        self.looks_in_vain: list = []  # at rows that no look can change
        self.restarts()

    @rule()
    def restarts(self) -> None:
        self.store = Damped(self.world, self.world, nullcontext())
        self.schedule = Schedule(self.world, nullcontext())
        allowance = Allowance(BrakeSettings(minimum=MINIMUM))
        self.settler = Settler(self.world, self.store, self.schedule, allowance, self.world)
        self.heart = Heart(self.world)
        self.restarted_at = self.world.time

    @rule(kind=st.sampled_from(Kind), i=NUMBER, health=st.sampled_from([*Health]))
    def flips(self, kind, i, health):
        paths = list(self.world.nsx[kind])
        if paths and health is Health.ABSENT:
            del self.world.nsx[kind][paths[i % len(paths)]]
        elif paths:
            path = paths[i % len(paths)]
            self.world.nsx[kind][path] = (self.world.nsx[kind][path][0], health)

    @rule(i=NUMBER, status=STATUS)
    def user_changes_a_row(self, i, status):
        row = self.world.neutron[list(self.world.neutron)[i]]
        self.world.neutron[row.key] = row._replace(
            status=status, revision=row.revision + 1, changed_at=self.world.time
        )

    @rule(i=NUMBER, after=st.sampled_from([0.0, 0.25, 7.0]))
    def somebody_hints(self, i, after):
        self.schedule.hint(list(self.world.neutron)[i], after)

    @rule(seconds=st.sampled_from([0.25, 0.5, 3.0, 40.0, 400.0]))
    def time_passes(self, seconds):
        self.world.time += seconds

    @rule(fault=st.sampled_from([None, None, "look", "write", "stop"]))
    def settles(self, fault):
        self.world.look_errors = [Unavailable("fault")] * 2 if fault == "look" else []
        self.world.before_write = [self._fail] if fault == "write" else []
        self._settles(stops=fault == "stop")

    @rule(
        numbers=st.lists(NUMBER, min_size=1, max_size=8),
        health=st.sampled_from(
            [Health.DOWN, Health.UP, Health.DOWN, Health.FAILED, Health.UNKNOWN, Health.ABSENT]
        ),
        seconds=st.sampled_from([0.0, 0.5, 40.0]),
        user=st.tuples(st.sampled_from(["write", "look", "before", None]), STATUS),
        age=st.sampled_from([0.0, 0.0, 1.0, 60.0]),
        failures=st.sampled_from([0, 0, 1]),
    )
    def something_happens_and_is_settled(self, numbers, health, seconds, user, age, failures):
        """To a port or to a rack, and is hinted. Users come at any moment; looks fail or are old."""
        for number in numbers:
            kind, name = list(self.world.neutron)[number]
            self.world.nsx[kind].pop(f"/{kind}/{name}", None)
            if health is not Health.ABSENT:
                self.world.nsx[kind][f"/{kind}/{name}"] = (name, health)
            self.schedule.hint(Key(kind, name), after=0.0)
        self.world.time += seconds
        moment, status = user

        def somebody_else():
            self.user_changes_a_row(numbers[0], status)

        if moment == "before":
            somebody_else()
        self.world.before_look = [somebody_else] if moment == "look" else []
        self.world.before_write = [somebody_else] if moment == "write" else []
        self.world.look_errors = [Unavailable("fault")] * failures
        if age:
            self.world.relook(as_of=self.world.time - age)
        self._settles()
        vars(self.world).pop("look", None)

    @rule(i=st.integers(0, 24), moment=st.sampled_from(["look", "write"]))
    def a_user_is_faster(self, i, moment):
        self.user_changes_a_row(i, "DOWN")
        self.something_happens_and_is_settled([i], Health.UP, 1.0, (moment, "ERROR"), age=0.0, failures=0)

    @rule(i=st.integers(0, 24), age=st.sampled_from([1.0, 2.0, 60.0]))
    def a_look_tells_of_before_the_change(self, i, age):
        self.user_changes_a_row(i, "DOWN")
        self.something_happens_and_is_settled([i], Health.UP, 0.5, (None, ""), age=age, failures=0)

    @rule(i=NUMBER)
    def flaps(self, i):
        for health in [Health.DOWN, Health.UP] * 3:
            self.something_happens_and_is_settled([i], health, 3.0, (None, ""), age=0.0, failures=0)

    def _settles(self, *, stops=False) -> None:
        writes, looks = len(self.world.writes), len(self.world.looks)
        in_vain = {row.key for row in self.world.neutron.values() if not row.facts.in_scope}
        try:
            for step in self.settler.settle():
                self.met.update(step.counts)
                if stops:
                    break
        except StoreError:
            pass
        self.world.look_errors, self.world.before_look, self.world.before_write = [], [], []
        self.settled += [(self.world.time, change) for change in self.world.writes[writes:]]
        self.looks_in_vain += [key for key in self.world.looks[looks:] if key in in_vain]

    @rule()
    def sweeps(self):
        list(replace(self.heart.sweeper, store=self.store, hint=self.schedule.hint).sweep(lambda: 500))

    def _fail(self) -> None:
        raise StoreError("fault")

    @invariant()
    def only_what_a_look_proves_is_written(self):
        """Of rows in scope, by something later than the row, never ERROR by one look (promises 1, 2, 9)."""
        for at, change in self.settled:
            assert change.row.facts.in_scope
            assert meant(change.row, change.observation.health) == change.status != "ERROR"
            assert change.row.changed_at < change.observation.as_of <= at

    @invariant()
    def nsx_is_not_asked_in_vain(self):
        """Of a row that is not ours no look proves anything."""
        assert not self.looks_in_vain

    @invariant()
    def few_rows_worsen(self):
        """Of a kind, within the window, by settling (promise 8); a restart begins anew."""
        since = max(self.restarted_at, self.world.time - BrakeSettings().window)
        worse = {change.row.key for at, change in self.settled if at > since and worsens(change)}
        for kind in Kind:
            assert sum(key.kind is kind for key in worse) <= MINIMUM

    def teardown(self):
        """Whatever was hinted and failed: after some quiet sweeps all is true, and nothing is waited for."""
        for _ in range(3):
            self.world.time += 1000
            for kind in Kind:
                self.heart.brake.release(kind, self.world.monotonic())
            self.sweeps()
        for _ in range(20):
            self.world.time += 40
            self._settles()
        assert len(self.schedule) == 0
        assert list(untrue(self.world)) == []


Settling.TestCase.settings = settings(max_examples=60, stateful_step_count=40)


class TestSettling(Settling.TestCase):
    def runTest(self):  # noqa: N802 - unittest's name
        """Nothing of this holds only because nothing happened."""
        Settling.met.clear()
        super().runTest()

        for what in ("looked", "written", "refused", "early", "held", "unsettled", "delayed", "failures"):
            assert Settling.met[what], f"{what}: never"
