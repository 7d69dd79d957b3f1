"""What the original's test_sync.py showed and no other test here does, told of the heart.

docs/explanation/seed-parity.md says which of its tests each one answers to.
"""

from random import Random

import pytest
from worlds import Heart, World

from networking_nsx.model import Health, Key, Kind
from networking_nsx.sync.pacing import Pacer, PacingSettings
from networking_nsx.sync.punctual import synchronize
from networking_nsx.sync.runner import Summary

UP, DOWN = Health.UP, Health.DOWN
WHEN_DOWN = {Kind.NETWORK: "DOWN", Kind.ROUTER: "ERROR", Kind.PORT: "DOWN"}


def restatus(world: World, status: str) -> None:
    for key, row in world.neutron.items():
        world.neutron[key] = row._replace(status=status)


def paced(world: World, pacing: PacingSettings, sweeps: int = 1) -> tuple[Summary, list[float]]:
    """Sweep at the pacer's pace, from the first sweep on; the last one's summary and the waits."""
    sweeper, pacer = Heart(world).sweeper, Pacer(pacing, Random(0))
    for _ in range(sweeps):
        summary, waits = Summary(), []
        world.requests.clear()
        pacer.begin(world.time)
        for progress in sweeper.sweep(pacer.room):
            summary.add(progress)
            if wait := pacer.delay(progress, world.time):
                waits.append(wait)
                world.sleep(wait)
    return summary, waits


@pytest.mark.parametrize("health", [UP, DOWN])
def test_the_first_sweep_judges_every_object(health):
    """Nothing is known yet: each row gets the status that NSX has for it; a router is down by the second."""
    world = World(network=2, router=2, port=2)
    restatus(world, "BUILD")
    if health is DOWN:
        for kind in Kind:
            world.flip(kind, DOWN)
    Heart(world).sweep(2)

    expected = WHEN_DOWN if health is DOWN else dict.fromkeys(Kind, "ACTIVE")
    assert [world.statuses(kind) for kind in Kind] == [{expected[kind]: 2} for kind in Kind]


@pytest.mark.parametrize("kind", list(Kind))
def test_only_the_row_whose_object_changed_is_written(kind):
    """One of them goes down: one write, and the others stay as they are."""
    world = World(network=4, router=4, port=4)
    heart = Heart(world)
    heart.sweep()
    world.flip(kind, DOWN, 1)
    heart.sweep(2)

    assert [change.row.key for change in world.writes] == [Key(kind, f"{kind}-00000")]
    assert world.statuses(kind) == {"ACTIVE": 3, WHEN_DOWN[kind]: 1}


def test_only_the_port_that_is_up_becomes_active():
    """The others keep the status that they were created with."""
    world = World(port=4)
    restatus(world, "DOWN")
    world.flip(Kind.PORT, DOWN, 3)
    Heart(world).sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 1, "DOWN": 3}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_row_that_never_had_an_object_becomes_error(kind):
    """Nothing is known of where it could be, at the first sweep or later: two sweeps and a look decide."""
    world = World(network=3, router=3, port=3)
    heart = Heart(world)
    first = world.add(kind, "first", health=None)
    heart.sweep(2)
    later = world.add(kind, "later", health=None, changed_at=world.time - 3600)
    heart.sweep(2)

    assert [world.neutron[key].status for key in (first, later)] == ["ERROR", "ERROR"]
    assert world.statuses(kind) == {"ACTIVE": 3, "ERROR": 2}


@pytest.mark.parametrize("kind", list(Kind))
def test_an_object_that_no_sweep_has_seen_is_met_by_a_punctual_read(kind):
    """Created after the last sweep, it is found all the same."""
    world = World(network=2, router=2, port=2)
    Heart(world).sweep()
    key = world.add(kind, "new", "BUILD")
    finding = synchronize(key, world, world, world)

    assert finding.observation.health is UP
    assert world.neutron[key].status == "ACTIVE"


@pytest.mark.parametrize("kind", list(Kind))
def test_a_row_that_vanishes_before_its_write_is_no_error(kind):
    """Deleted by a request while the sweep has its change in hand."""
    world = World(network=3, router=3, port=3)
    restatus(world, "BUILD")
    gone = Key(kind, f"{kind}-00001")
    heart = Heart(world, kinds=(kind,))
    world.before_write = [lambda: world.neutron.pop(gone)]
    summary = heart.sweep()

    assert summary.counts["gone"] == 1
    assert world.statuses(kind) == {"ACTIVE": 2}


@pytest.mark.parametrize(("networks", "ports", "chunk", "pages"), [(5, 10, 20, 3), (16, 16, 48, 6)])
def test_a_chunk_larger_than_a_page_takes_several_requests(networks, ports, chunk, pages):
    """With 15 objects to a page: one page of each kind, or two; and no pause inside the chunk."""
    world = World(network=networks, router=networks, port=ports)
    summary, waits = paced(world, PacingSettings(chunk=chunk, page_maximum=15))

    assert summary.counts["pages"] == len(world.requests) == pages
    assert summary.counts["observed"] == 2 * networks + ports
    assert waits == []


def test_a_sweep_of_two_chunks_ends_in_the_middle_of_a_kind():
    """4 + 4 + 4 objects in chunks of 6: the second chunk goes on behind the second router."""
    world = World(network=4, router=4, port=4)
    summary, waits = paced(world, PacingSettings(chunk=6), sweeps=2)

    assert world.requests == [
        (Kind.NETWORK, None, 6),
        (Kind.ROUTER, None, 2),
        (Kind.ROUTER, "/router/router-00001", 6),
        (Kind.PORT, None, 4),
    ]
    assert summary.counts["observed"] == 12
    assert waits == [pytest.approx(5.0)]
