"""Laws of the brake, for clouds of any size, any pages and any clock (hypothesis).

The limits are those of docs/explanation/brake.md.
"""

from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import Heart, World

from networking_nsx.model import Health, Kind

SIZES = st.sampled_from([1, 2, 9, 11, 12, 40, 100, 101, 109, 150, 250])
LENGTHS = st.sampled_from([1, 7, 10, 50, 500])
SECONDS = st.sampled_from([1.0, 10.0, 200.0, 599.0, 601.0])
SHARES = st.sampled_from([0.0, 0.05, 0.09, 0.1, 0.12, 0.3, 1.0])
STEPS = st.lists(st.tuples(SECONDS, SHARES, SHARES, LENGTHS, st.booleans()), min_size=2, max_size=8)


def threshold(size: int) -> float:
    return max(10, 0.1 * size)


def worse_lately(world: World, kind: Kind) -> int:
    return sum(
        row.kind is kind and row.status in ("DOWN", "ERROR") and row.changed_at > world.time - 600
        for row in world.neutron.values()
    )


def slice_of(world: World, kind: Kind, first: float, share: float) -> set[str]:
    """Rows' names: a share of all, from somewhere on."""
    names = sorted(key.id for key in world.neutron if key.kind is kind)
    start = round(first * len(names))
    return set([*names, *names][start : start + round(share * len(names))])


def cut(world: World, kind: Kind, names: set[str], health: Health | None) -> None:
    """The objects of these rows are in that health, or gone; all others are up."""
    world.nsx[kind] = {
        f"/{kind}/{key.id}": (key.id, health if key.id in names else Health.UP)
        for key in world.neutron
        if key.kind is kind and (health or key.id not in names)
    }


@given(SIZES, STEPS)
@settings(max_examples=50)
def test_a_listing_that_lies_worsens_few_rows_within_a_window(size, steps):
    """However it is cut into pages and whatever it says next; direct reads deny it; restarts in between."""
    world = World(port=size)
    world.relook(health=Health.UP)
    heart = Heart(world)
    for seconds, first, share, length, restarts in steps:
        world.time += seconds
        cut(world, Kind.PORT, slice_of(world, Kind.PORT, first, share), Health.DOWN)
        if restarts:
            heart.restart()
        heart.sweep(length=length, seconds=0)

        assert worse_lately(world, Kind.PORT) <= threshold(size)


@given(SIZES, SIZES, st.lists(st.tuples(st.sampled_from([Kind.NETWORK, Kind.PORT]), STEPS), max_size=3))
@settings(max_examples=25)
def test_few_rows_become_absent_within_a_window(networks, ports, lives):
    """Of each kind, however its objects come and go."""
    world = World(network=networks, port=ports)
    heart = Heart(world)
    for kind, steps in lives:
        for seconds, first, share, length, restarts in steps:
            world.time += seconds
            cut(world, kind, slice_of(world, kind, first, share), None)
            if restarts:
                heart.restart()
            heart.sweep(2, length=length, seconds=0)

            assert worse_lately(world, Kind.NETWORK) <= threshold(networks)
            assert worse_lately(world, Kind.PORT) <= threshold(ports)


@given(st.integers(2, 120), st.integers(1, 12), SHARES, LENGTHS, st.booleans())
@settings(max_examples=60)
def test_a_kind_that_has_lost_all_keeps_every_kind_from_losing_any(size, networks, share, length, restarts):
    """An inventory that is lost writes nothing, for as long as it lasts."""
    world = World(network=networks, port=size)
    cut(world, Kind.NETWORK, slice_of(world, Kind.NETWORK, 0.0, share), None)
    world.vanish(Kind.PORT)
    heart = Heart(world)
    for _ in range(4):
        heart.sweep(2, length=length)
        if restarts:
            heart.restart()
        world.time += 700

    assert world.writes == []


@given(SIZES, SHARES, SHARES, LENGTHS)
def test_what_is_few_passes_at_once(size, first, share, length):
    """In the sweep that finds it, without a look."""
    world = World(port=size)
    names = sorted(slice_of(world, Kind.PORT, first, share))[: int(threshold(size))]
    cut(world, Kind.PORT, set(names), Health.DOWN)
    summary = Heart(world).sweep(length=length)

    assert summary.counts["held"] == 0
    assert world.looks == []
    assert world.statuses(Kind.PORT).get("DOWN", 0) == len(names)


@given(SIZES, SHARES, LENGTHS)
def test_what_is_many_and_true_passes_in_the_same_sweep(size, share, length):
    """The sample agrees."""
    world = World(port=size)
    names = slice_of(world, Kind.PORT, 0.0, share)
    cut(world, Kind.PORT, names, Health.DOWN)
    Heart(world).sweep(length=length)

    assert world.statuses(Kind.PORT).get("DOWN", 0) == len(names)


@given(SIZES, SHARES, LENGTHS, st.sampled_from([Health.DOWN, None]))
@settings(max_examples=50)
def test_what_an_operator_releases_lands(size, share, length, health):
    """Worsening and absent, however many rows: whatever direct reads say of the first."""
    world = World(network=3, port=size)
    names = slice_of(world, Kind.PORT, 0.0, share)
    cut(world, Kind.PORT, names, health)
    if health:
        world.relook(health=Health.UP)
    heart = Heart(world)
    heart.sweep(2, length=length)
    heart.brake.release(Kind.PORT, world.monotonic())
    heart.sweep(2, length=length)

    assert world.statuses(Kind.PORT).get("DOWN" if health else "ERROR", 0) == len(names)
    assert world.statuses(Kind.NETWORK) == {"ACTIVE": 3}
