"""Punctual synchronization of one row."""

import pytest
from worlds import OURS, World

from networking_nsx.errors import Unavailable
from networking_nsx.model import Health, Key, Kind, Verdict
from networking_nsx.sync import punctual


def sync(world: World, kind: Kind, name: str):
    return punctual.synchronize(Key(kind, name), world, world, world)


@pytest.mark.parametrize(
    ("kind", "expected"), [(Kind.NETWORK, "DOWN"), (Kind.PORT, "DOWN"), (Kind.ROUTER, "ERROR")]
)
def test_one_row_gets_the_status_that_nsx_has_now(kind, expected):
    """The others are left alone."""
    world = World(network=2, router=2, port=2)
    world.flip(kind, Health.DOWN)
    finding = sync(world, kind, f"{kind}-00001")

    assert finding.outcome.verdict is Verdict.WRITTEN
    assert finding.row.status == expected
    assert world.statuses(kind) == {"ACTIVE": 1, expected: 1}


def test_a_row_that_is_right_is_not_written():
    """And the finding says what NSX has."""
    world = World(port=1)
    finding = sync(world, Kind.PORT, "port-00000")

    assert (finding.outcome, finding.observation.health, world.writes) == (None, Health.UP, [])


def test_a_row_that_does_not_exist():
    """Neutron is asked first; NSX is not asked at all."""
    world = World()

    assert sync(world, Kind.PORT, "nobody").row is None
    assert world.looks == []


def test_an_object_that_is_not_found_changes_nothing():
    """Only complete sweeps prove absence."""
    world = World(port=1)
    world.vanish(Kind.PORT)
    finding = sync(world, Kind.PORT, "port-00000")

    assert (finding.observation.health, world.writes) == (Health.ABSENT, [])


def test_a_router_that_recovers_between_the_two_looks_is_left_alone():
    """ERROR needs both."""
    world = World(router=1)
    world.flip(Kind.ROUTER, Health.DOWN)
    sleep = world.sleep

    def recovering(seconds):
        world.flip(Kind.ROUTER, Health.UP)
        sleep(seconds)

    world.sleep = recovering
    sync(world, Kind.ROUTER, "router-00000")

    assert world.writes == []


def test_a_refused_write_is_looked_at_again():
    """The row changed under our hands: read it and NSX anew."""
    world = World(port=1)
    world.flip(Kind.PORT, Health.DOWN)
    key = Key(Kind.PORT, "port-00000")
    world.before_write = [lambda: world.neutron.update({key: world.neutron[key]._replace(revision=5)})]
    finding = sync(world, *key)

    assert (finding.row.status, finding.row.revision) == ("DOWN", 6)
    assert len(world.looks) == 2


def test_a_row_that_never_rests_is_given_up():
    """After three attempts the refusal is the answer."""
    world = World(port=1)
    world.flip(Kind.PORT, Health.DOWN)
    key = Key(Kind.PORT, "port-00000")

    def restless():
        row = world.neutron[key]
        world.neutron[key] = row._replace(revision=row.revision + 1)

    world.before_write = [restless]
    write = world.write
    world.write = lambda changes: (world.before_write.append(restless), write(changes))[1]
    finding = sync(world, *key)

    assert finding.outcome.verdict is Verdict.REFUSED
    assert world.neutron[key].status == "ACTIVE"


def test_a_gateway_port_is_judged_by_its_router():
    """It has no object of its own."""
    world = World(router=1)
    world.flip(Kind.ROUTER, Health.DOWN)
    world.add(
        Kind.PORT, "gw", "ACTIVE", None, facts=OURS._replace(expects_twin=False), follows="router-00000"
    )

    assert sync(world, Kind.PORT, "gw").row.status == "DOWN"


def test_an_nsx_that_does_not_answer_is_the_callers_to_handle():
    """The error comes through; nothing is written."""
    world = World(port=1)
    world.look_errors = [Unavailable("down")]
    with pytest.raises(Unavailable):
        sync(world, Kind.PORT, "port-00000")

    assert world.writes == []


def test_a_look_writes_nothing():
    """`show` says what differs and leaves it."""
    world = World(port=1)
    world.flip(Kind.PORT, Health.DOWN)
    finding = punctual.look(Key(Kind.PORT, "port-00000"), world, world)

    assert (finding.row.status, finding.observation.health, world.writes) == ("ACTIVE", Health.DOWN, [])
