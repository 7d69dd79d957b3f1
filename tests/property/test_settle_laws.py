"""Laws of the settle path, beside sweeps, for any world (hypothesis)."""

from contextlib import nullcontext
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from worlds import OURS, Heart, World

from networking_nsx.errors import StoreError, Unavailable
from networking_nsx.model import Health, Key, Kind
from networking_nsx.sync import rules
from networking_nsx.sync.brake import Allowance, BrakeSettings
from networking_nsx.sync.damping import Damped
from networking_nsx.sync.settle import Schedule, Settler

NUMBER = st.integers(0, 24)
MINIMUM = 3


class Settling(RuleBasedStateMachine):
    """Users, NSX, hints of any kind, faults, restarts, settling and sweeps in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(network=3, router=2, port=25)
        for number in range(20, 25):  # not ours
            key = Key(Kind.PORT, f"port-{number:05}")
            self.world.neutron[key] = self.world.neutron[key]._replace(facts=OURS._replace(in_scope=False))
        self.settled: list = []  # what the settler wrote, each with the moment
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

    @rule(i=NUMBER, status=st.sampled_from(["ACTIVE", "DOWN", "BUILD", "ERROR"]))
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
        before = len(self.world.writes)
        self.world.look_errors = [Unavailable("fault")] * 2 if fault == "look" else []
        self.world.before_write = [self._fail] if fault == "write" else []
        try:
            for _ in self.settler.settle():
                if fault == "stop":
                    break
        except StoreError:
            pass
        self.world.look_errors, self.world.before_write = [], []
        self.settled += [(self.world.time, change) for change in self.world.writes[before:]]

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
            assert rules.desired(change.row, change.observation.health) == change.status != "ERROR"
            assert change.row.changed_at < change.observation.as_of <= at

    @invariant()
    def few_rows_worsen(self):
        """Of a kind, within the window, by settling (promise 8); a restart begins anew."""
        since = max(self.restarted_at, self.world.time - BrakeSettings().window)
        worse = {change.row.key for at, change in self.settled if at > since and rules.worsens(change)}
        for kind in Kind:
            assert sum(key.kind is kind for key in worse) <= MINIMUM

    def teardown(self):
        """Whatever was hinted and failed: after some quiet sweeps all is true, and nothing is waited for."""
        for _ in range(3):
            self.world.time += 1000
            for kind in Kind:
                self.heart.brake.release(kind)
            self.sweeps()
        for _ in range(20):
            self.world.time += 40
            self.settles(None)
        assert len(self.schedule) == 0
        for kind in Kind:
            for name, health in self.world.nsx[kind].values():
                row = self.world.neutron[Key(kind, name)]
                assert rules.desired(row, health) in (None, row.status)


Settling.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestSettling = Settling.TestCase
