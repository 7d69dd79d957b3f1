"""Direct reads in turn: everybody's turn comes, and the bound on a status's age is kept."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import START, FakeIndex, Heart, World

from networking_nsx.errors import IndexUnavailable
from networking_nsx.model import Health, Kind
from networking_nsx.sync.rotation import HOT, Rotation


def rows(count, hot=0):
    world = World(port=count)
    found = list(world.neutron.values())
    return [row._replace(changed_at=START - 1) for row in found[:hot]] + found[hot:]


def play(rotation, all_rows, *, passes, reads, rest):
    """Passes of so many reads, one a second, `rest` seconds apart: read times by row, and the bounds."""
    now, read_at, bounds = 0.0, {}, []
    for _ in range(passes):
        for row in rotation.begin(all_rows, now, START)[:reads]:
            rotation.tried(row.id, now)
            read_at.setdefault(row.id, []).append(now)
            now += 1.0
        bounds.append(rotation.bound(now))
        now += rest
    return read_at, bounds


def test_all_rows_are_ordered_once():
    ordered = Rotation().begin(rows(10, hot=3), 0.0, START)

    assert sorted(row.id for row in ordered) == sorted(row.id for row in rows(10))


def test_what_was_read_longest_ago_comes_first():
    rotation, everything = Rotation(), rows(9)
    read_at, _ = play(rotation, everything, passes=3, reads=3, rest=1.0)

    assert {len(times) for times in read_at.values()} == {1}
    assert len(read_at) == 9


def test_hot_rows_take_a_quarter_at_most():
    """A storm of new ports does not keep the others from their turn."""
    rotation, everything = Rotation(), rows(400, hot=200)[::-1]
    first = rotation.begin(everything, 0.0, START)[:100]
    hot = [row for row in first if START - row.changed_at < HOT]

    assert 20 <= len(hot) <= 34


@given(
    count=st.integers(2, 80),
    hot=st.integers(0, 80),
    reads=st.integers(1, 90),
    rest=st.floats(0, 20),
)
def test_no_row_waits_longer_than_the_bound(count, hot, reads, rest):
    """And the bound is no more than a few times too long: it tells something."""
    rotation, everything = Rotation(), rows(count, min(hot, count))
    passes = 4 * -(-count // min(reads, count)) + 4
    read_at, bounds = play(rotation, everything, passes=passes, reads=reads, rest=rest)
    settled = bounds[len(bounds) // 2 :]
    gaps = [later - earlier for times in read_at.values() for earlier, later in itertools.pairwise(times)]

    assert len(read_at) == count
    assert max(gaps) <= max(settled) + 1e-6


def without_index(world):
    """A heart that reads all ports directly, in every sweep, and nothing else."""
    FakeIndex(world).error = IndexUnavailable("it is being built")
    heart = Heart(world)
    heart.canary.doubt("tested")
    return heart


def test_the_first_and_every_tenth_turn_ask_whose_the_object_is():
    """In between it is enough that it is where it was."""
    world = World(port=3)
    heart = without_index(world)
    look, turns = world.look, []

    def noted(sought):
        turns.extend([{one.met for one in sought}] if sought else [])
        return look(sought)

    world.look = noted
    heart.sweep(31)

    assert [turn for turn, sure in enumerate(turns) if sure == {False}] == [0, 10, 20, 30]
    assert turns.count({True}) == 27


def test_an_object_found_tampered_with_changes_nothing_in_a_turn_that_asks():
    """It is where it was, and does not say whose it is."""
    world = World(port=20)
    heart = without_index(world)
    look = world.look

    def nameless(sought):
        for one, answer in zip(sought, look(sought), strict=True):
            yield answer if one.met else [seen._replace(health=Health.UNKNOWN) for seen in answer]

    world.look = nameless
    for turn in range(11):
        world.flip(Kind.PORT, Health.UP if turn % 10 else Health.DOWN, 1)
        heart.sweep()

    assert world.writes == []


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_a_direct_pass_ends_with_its_time(seconds):
    """The other rows are read in the sweeps that follow."""
    world = World(port=600)
    index = FakeIndex(world)
    heart = Heart(world, direct_seconds=seconds)
    heart.canary.doubt("tested")
    look = world.look

    def slow(sought):
        for answer in look(sought):
            world.time += 0.01
            yield answer

    world.look = slow
    index.dropped = {key.id for key in world.neutron}
    counts = [heart.sweep().counts["direct"] for _ in range(3)]
    world.flip(Kind.PORT, Health.DOWN, 50)
    heart.sweep(14)

    assert all(100 * seconds <= count <= 100 * seconds + 200 for count in counts)
    assert world.statuses(Kind.PORT) == {"ACTIVE": 550, "DOWN": 50}


def test_the_bound_is_told():
    world = World(port=1000)
    FakeIndex(world).dropped = {key.id for key in world.neutron}
    heart = Heart(world)
    heart.canary.doubt("tested")
    heart.sweep(2, seconds=10.0)

    assert heart.steps[-1].bound == 0.0
    assert max(step.bound for step in heart.steps) >= 10.0
