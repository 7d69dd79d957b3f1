"""Laws of the heart, for any world (hypothesis)."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from meaning import meant, untrue, worst
from worlds import OURS, Heart, World

from networking_nsx.errors import NsxError, StoreError, Unavailable
from networking_nsx.model import Health, Key, Kind

GRACE = 300  # seconds that a row must have rested before it can be missing

EXISTING = st.sampled_from([Health.UP, Health.DOWN, Health.FAILED, Health.UNKNOWN])
FACTS = st.builds(type(OURS), st.booleans(), st.booleans(), st.booleans(), st.booleans())
ROWS = st.lists(
    st.tuples(st.sampled_from(Kind), st.sampled_from(["ACTIVE", "DOWN", "ERROR", "BUILD"]), EXISTING, FACTS),
    max_size=30,
)


def world_of(rows) -> World:
    world = World()
    for i, (kind, status, health, facts) in enumerate(rows):
        world.add(kind, f"{i:03}", status, health, facts=facts)
    return world


def statuses(world: World) -> dict[Key, str]:
    return {key: str(row.status) for key, row in world.neutron.items()}


@given(ROWS)
def test_a_settled_world_has_no_changes(rows):
    """After two sweeps a third one writes nothing, and every row has the status that it ought to have."""
    world = world_of(rows)
    heart = Heart(world)
    heart.sweep(2)
    writes = len(world.writes)
    heart.sweep()

    assert len(world.writes) == writes
    assert list(untrue(world)) == []
    assert all(meant(change.row, change.observation.health) == change.status for change in world.writes)


@given(ROWS, st.integers(1, 40), st.integers(1, 40))
def test_pages_of_any_length_give_the_same_statuses(rows, one, other):
    """How a listing is cut into pages decides nothing."""
    worlds = [world_of(rows), world_of(rows)]
    for world, length in zip(worlds, (one, other), strict=True):
        Heart(world).sweep(2, length=length)

    assert statuses(worlds[0]) == statuses(worlds[1])


@given(ROWS)
def test_a_row_out_of_scope_is_never_written(rows):
    """Promise 9, whatever its status and whatever NSX says."""
    world = world_of(rows)
    Heart(world).sweep(3)

    assert all(change.row.facts.in_scope for change in world.writes)


@given(ROWS)
def test_one_sweep_proves_no_error(rows):
    """Of an object that exists ERROR needs two looks, of one that is gone two sweeps: one in each."""
    world = world_of(rows)
    world.add(Kind.PORT, "gone", health=None)
    Heart(world).sweep()

    assert all(change.status != "ERROR" for change in world.writes)


@given(ROWS, st.lists(st.sampled_from(["ACTIVE", "DOWN", "ERROR", "BUILD"]), min_size=30, max_size=30))
def test_what_others_write_is_corrected(rows, statuses):
    """Promise 3: NSX is compared with Neutron, whoever wrote there since the last sweep."""
    world = world_of(rows)
    heart = Heart(world)
    heart.sweep(2)
    for (key, row), status in zip(list(world.neutron.items()), statuses, strict=False):
        world.neutron[key] = row._replace(status=status, revision=row.revision + 1, changed_at=world.time)
    world.time += 700
    heart.sweep(2)

    assert list(untrue(world)) == []


@given(
    st.sampled_from([Kind.NETWORK, Kind.ROUTER]),
    st.sampled_from(["ACTIVE", "DOWN", "ERROR"]),
    st.lists(EXISTING, min_size=1, max_size=4),
    st.integers(1, 5),
)
def test_of_several_objects_the_worst_decides(kind, status, healths, length):
    """However they are spread over pages; in between no better status is written."""
    world = World()
    key = world.add(kind, "several", status, None)
    for number, health in enumerate(healths):
        world.nsx[kind][f"/{kind}/{number}"] = (key.id, health)
    Heart(world).sweep(3, length=length)
    status = meant(world.neutron[key], worst(healths))

    assert world.neutron[key].status == status or status is None
    assert all(change.status == status for change in world.writes)


class Life(RuleBasedStateMachine):
    """Users, NSX, faults, restarts and sweeps in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(network=3, router=2, port=25)
        self.heart = Heart(self.world)
        self.checked = 0

    @rule(kind=st.sampled_from(Kind), i=st.integers(0, 24), health=EXISTING)
    def flips(self, kind, i, health):
        paths = list(self.world.nsx[kind])
        if paths:
            path = paths[i % len(paths)]
            self.world.nsx[kind][path] = (self.world.nsx[kind][path][0], health)

    @rule(kind=st.sampled_from(Kind), i=st.integers(0, 24))
    def vanishes(self, kind, i):
        paths = list(self.world.nsx[kind])
        if len(paths) > 1:
            del self.world.nsx[kind][paths[i % len(paths)]]

    @rule(i=st.integers(0, 24), status=st.sampled_from(["ACTIVE", "DOWN", "BUILD", "ERROR"]))
    def user_changes_a_row(self, i, status):
        keys = list(self.world.neutron)
        row = self.world.neutron[keys[i % len(keys)]]
        self.world.neutron[row.key] = row._replace(
            status=status, revision=row.revision + 1, changed_at=self.world.time
        )

    @rule(name=st.integers(100, 130), health=st.sampled_from([Health.UP, Health.DOWN, None]))
    def user_creates_a_port(self, name, health):
        self.world.add(Kind.PORT, f"port-{name:05}", "DOWN", health, changed_at=self.world.time)

    @rule(i=st.integers(0, 24), facts=FACTS)
    def user_switches_or_binds(self, i, facts):
        keys = list(self.world.neutron)
        row = self.world.neutron[keys[i % len(keys)]]
        self.world.neutron[row.key] = row._replace(
            facts=facts, revision=row.revision + 1, changed_at=self.world.time
        )

    @rule(i=st.integers(0, 24))
    def user_deletes_a_row(self, i):
        keys = list(self.world.neutron)
        if len(keys) > 1:
            del self.world.neutron[keys[i % len(keys)]]

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds):
        self.world.time += seconds

    @rule()
    def restarts(self):
        self.heart.restart()

    @rule(length=st.integers(1, 30), fault=st.integers(0, 40))
    def sweeps_with_a_fault(self, length, fault):
        self.world.page_errors = {len(self.world.requests) + fault: Unavailable("fault")}
        self.heart.sweep(length=length)
        self.world.page_errors = {}

    @rule(kind=st.sampled_from(Kind), i=st.integers(0, 24))
    def listings_hide_an_object(self, kind, i):
        paths = list(self.world.nsx[kind])
        if paths:
            self.world.hide(paths[i % len(paths)])
            self.world.time += GRACE
            self.heart.sweep(3)
            del self.world.page

    @rule(
        error=st.sampled_from([NsxError("refused"), StoreError("gone"), ValueError("bug")]),
        after=st.integers(0, 3),
    )
    def a_sweep_dies(self, error, after):
        self.world.page_errors = {len(self.world.requests) + after: error}
        try:
            self.heart.sweep(length=10)
        except type(error):
            pass
        self.world.page_errors = {}

    @precondition(lambda self: self.checked < len(self.world.writes))
    @invariant()
    def no_write_without_evidence(self):
        """Every write agrees with its observation, and the observation is later than the row (1, 2)."""
        for change in self.world.writes[self.checked :]:
            assert meant(change.row, change.observation.health) == change.status
            assert change.observation.as_of > change.row.changed_at
            if change.observation.health is Health.ABSENT:
                assert change.row.id not in dict(self.world.nsx[change.row.kind].values())
                assert change.observation.as_of >= change.row.changed_at + GRACE
        self.checked = len(self.world.writes)

    @invariant()
    def error_only_for_what_is_absent_or_a_router(self):
        """No port or network that exists on NSX is ever made ERROR by us."""
        for change in self.world.writes:
            if change.status == "ERROR" and change.row.kind is not Kind.ROUTER:
                assert change.observation.health in (Health.ABSENT, Health.FAILED)

    def teardown(self):
        """Whatever happened: after two quiet sweeps with the brake released all is true."""
        self.world.time += 1000
        for kind in Kind:
            self.heart.brake.release(kind, self.world.monotonic())
        self.heart.sweep(2)
        for kind in Kind:
            self.heart.brake.release(kind, self.world.monotonic())
        self.heart.sweep()
        assert list(untrue(self.world)) == []


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestLife = Life.TestCase
