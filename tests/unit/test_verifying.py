"""What an index proposes is read directly: nothing that cannot be settled keeps the other pages waiting."""

import pytest
from worlds import FakeIndex, Heart, World

from networking_nsx.errors import Rejected, Unavailable
from networking_nsx.model import Health, Key, Kind

DEAD = [f"port-{number:05}" for number in range(300, 600, 20)]


def cloud(stuck: int, **settings) -> tuple[World, Heart]:
    """Settled; then the first ports of the listing cannot be settled, and some far behind them go down."""
    world = World(port=600)
    FakeIndex(world, lag=0)
    heart = Heart(world, kinds=(Kind.PORT,), **settings)
    heart.sweep(2)
    for name in [f"port-{number:05}" for number in range(stuck)] + DEAD:
        world.nsx[Kind.PORT][f"/port/{name}"] = (name, Health.DOWN)
    return world, heart


def down(world: World) -> int:
    return sum(world.neutron[Key(Kind.PORT, name)].status == "DOWN" for name in DEAD)


def test_a_page_in_trouble_costs_no_other_page():
    """Some of its rows cannot be read, sweep after sweep."""
    world, heart = cloud(6)
    for number in range(6):
        world.poisoned[Key(Kind.PORT, f"port-{number:05}")] = Unavailable("500")
    heart.sweep(length=100)

    assert down(world) == len(DEAD)


def test_a_second_object_that_is_down_makes_no_port_flap():
    """It is listed first; a direct read finds both; then the first one is listed, too."""
    world, heart = cloud(0)
    first = world.nsx[Kind.PORT].pop("/port/port-00501")
    world.nsx[Kind.PORT] |= {"/a second one": ("port-00501", Health.DOWN), "/port/port-00501": first}
    page = world.page

    def slowly(*asked: object):
        world.time += 1.0
        return page(*asked)

    world.page = slowly
    heart.sweep(4, length=100)

    assert [change.status for change in world.writes if change.row.id == "port-00501"] == ["DOWN"]


@pytest.mark.parametrize("stuck", ["unknown", "refused"])
def test_what_takes_all_the_time_of_a_sweep_does_not_take_that_of_the_next(stuck):
    """Each sweep begins to verify where the one before had to end."""
    world, heart = cloud(200, direct_seconds=1.0)
    look = world.look

    def slowly(sought):
        for row, answer in zip(sought, look(sought), strict=True):
            world.time += 0.01
            if row.key.id >= "port-00200":
                yield answer
            elif stuck == "refused":
                yield Rejected("409")
            else:
                yield [seen._replace(health=Health.UNKNOWN) for seen in answer]

    world.look = slowly
    seen = []
    for _ in range(4):
        heart.sweep(length=100)
        seen.append(down(world))

    assert seen[-1] == len(DEAD)
