"""What differs between Neutron and NSX: suspicions of a listing, settled by direct looks."""

import random
from dataclasses import replace

import pytest
from worlds import OURS, START, World, expired

from networking_nsx.errors import Rejected, Unavailable
from networking_nsx.model import Health, Key, Kind
from networking_nsx.sync.difference import Difference, Way
from networking_nsx.sync.drift import Drift

ELSEWHERE = OURS._replace(in_scope=False, expects_twin=False)


def drift(world: World, **settings) -> list[Difference]:
    return list(replace(Drift(world, world, world, random.Random(1)), **settings).differences())


def ways(found: list[Difference]) -> list[tuple[Way, str]]:
    return [(each.difference, each.id) for each in found]


def second_object(world: World, kind: Kind, name: str, health: Health) -> None:
    world.nsx[kind][f"/{kind}/{name}-again"] = (name, health)


def test_a_settled_world_has_no_difference_and_needs_no_look():
    """Every listing is read to its end, page by page."""
    world = World(network=3, router=2, port=11)
    world.page_maximum = 4

    assert drift(world) == []
    assert world.looks == []
    assert [cursor is None for kind, cursor, _ in world.requests if kind is Kind.PORT] == [True, False, False]


@pytest.mark.parametrize(
    ("kind", "wanted"), [(Kind.NETWORK, "DOWN"), (Kind.ROUTER, "ERROR"), (Kind.PORT, "DOWN")]
)
def test_a_status_that_nsx_does_not_bear_out(kind, wanted):
    """With what each side says, and where."""
    world = World(network=2, router=2, port=2)
    world.flip(kind, Health.DOWN, 1)
    (found,) = drift(world)

    assert found[:6] == (kind, f"{kind}-00000", Way.STATUS, "ACTIVE", "down", f"/{kind}/{kind}-00000")
    assert found.detail == f"should be {wanted}, as NSX says 'down'"


def test_a_row_without_its_object_is_missing():
    """Whatever its status; the one whose status says so already is told apart."""
    world = World(port=3)
    world.add(Kind.PORT, "known", status="ERROR", health=None)
    world.vanish(Kind.PORT, 1)
    found = sorted(drift(world))

    assert ways(found) == [(Way.MISSING, "known"), (Way.MISSING, "port-00000")]
    assert [each.detail for each in found] == ["404; Neutron says so already", "404"]


@pytest.mark.parametrize("facts", [OURS._replace(expects_twin=False), ELSEWHERE])
def test_a_row_that_needs_no_object_is_not_missing(facts):
    """An unbound port, for instance, or one of another driver."""
    world = World()
    world.add(Kind.PORT, "lonely", health=None, facts=facts)

    assert drift(world) == []


def test_an_object_without_a_row_is_an_orphan():
    """Each object of it, once."""
    world = World(port=2)
    del world.neutron[Key(Kind.PORT, "port-00001")]
    second_object(world, Kind.NETWORK, "nobody", Health.DOWN)
    found = drift(world)

    assert ways(found) == [(Way.ORPHAN, "nobody"), (Way.ORPHAN, "port-00001")]
    assert [(each.neutron, each.nsx) for each in found] == [("", "down"), ("", "up")]


def test_an_orphan_that_cannot_be_told_is_not_confirmed():
    """The listing has it, no look finds out whether it is there; one that is gone is none."""
    world = World(port=1)
    world.neutron.clear()
    world.relook(health=Health.UNKNOWN, path="", word="in doubt")
    (found,) = drift(world)

    assert (found.difference, found.path) == (Way.ORPHAN, "/port/port-00000")
    assert found.detail.endswith("not confirmed: in doubt")

    world.relook(health=Health.ABSENT)

    assert drift(world) == []


@pytest.mark.parametrize("kind", [Kind.ROUTER, Kind.PORT])
def test_several_objects_of_one_row_are_a_duplicate(kind):
    """The worst of them says what the status should be."""
    world = World(router=2, port=2)
    second_object(world, kind, f"{kind}-00000", Health.DOWN)
    found = drift(world)

    assert ways(found) == [(Way.DUPLICATE, f"{kind}-00000"), (Way.STATUS, f"{kind}-00000")]
    assert f"/{kind}/{kind}-00000, /{kind}/{kind}-00000-again" in found[0].detail


def test_several_switches_of_a_network_are_none():
    """And the one that is down decides."""
    world = World(network=2)
    world.add(Kind.NETWORK, "wide", status="DOWN", health=Health.UP)
    second_object(world, Kind.NETWORK, "wide", Health.DOWN)

    assert drift(world) == []
    assert world.looks == []


def test_several_switches_that_the_listing_left_out_are_none_either():
    """The look finds them all."""
    world = World(network=1)
    second_object(world, Kind.NETWORK, "network-00000", Health.UP)
    for path in list(world.nsx[Kind.NETWORK]):
        world.hide(path)

    assert drift(world) == []
    assert len(world.looks) == 1


def test_a_doubt_is_no_second_object():
    """It may spell the path of the first one in another way."""
    world = World(port=1)
    world.flip(Kind.PORT, Health.DOWN)
    look = world.look
    world.look = lambda sought: ([*found, found[0]._replace(path="/port#0")] for found in look(sought))

    assert ways(drift(world)) == [(Way.STATUS, "port-00000")]


def test_an_object_that_a_page_repeats_is_no_duplicate():
    """It is met again on the same path."""
    world = World(port=2)
    page = world.page
    world.page = lambda *asked: (found := page(*asked))._replace(observations=found.observations * 2)

    assert drift(world) == []
    assert world.looks == []


def test_a_row_out_of_scope_is_never_compared():
    """Its object is no orphan either: the row exists."""
    world = World()
    world.add(Kind.PORT, "theirs", status="DOWN", health=Health.UP, facts=ELSEWHERE)
    second_object(world, Kind.PORT, "theirs", Health.UP)

    assert drift(world) == []
    assert world.looks == []


def test_what_nsx_does_not_know_is_no_difference():
    """UNKNOWN proves nothing."""
    world = World(port=2)
    world.flip(Kind.PORT, Health.UNKNOWN)

    assert drift(world) == []


@pytest.mark.parametrize("changed_at", [START, START + 30])
def test_a_row_newer_than_the_observation_is_no_difference(changed_at):
    """Neither by its status nor by its absence: the change may be under way."""
    world = World()
    world.add(Kind.PORT, "new", health=None, changed_at=changed_at)
    world.add(Kind.PORT, "newer", health=Health.DOWN, changed_at=changed_at)

    assert drift(world) == []


def test_a_listing_that_lags_is_overruled_by_the_look():
    """It says DOWN, the object says UP."""
    world = World(port=3)
    world.flip(Kind.PORT, Health.DOWN)
    world.relook(health=Health.UP)

    assert drift(world) == []
    assert len(world.looks) == 3


def test_an_object_that_the_listing_left_out_is_compared_by_its_look():
    """Not missing; what differs is its status."""
    world = World(port=2)
    world.flip(Kind.PORT, Health.DOWN, 1)
    world.hide("/port/port-00000")

    assert ways(drift(world)) == [(Way.STATUS, "port-00000")]


def test_a_row_that_changes_while_it_is_looked_at_is_no_difference():
    """It is read once more after the look."""
    world = World(port=1)
    world.flip(Kind.PORT, Health.DOWN)
    look, key = world.look, Key(Kind.PORT, "port-00000")

    def changing(sought):
        yield from look(sought)
        world.neutron[key] = world.neutron[key]._replace(changed_at=START + 1)

    world.look = changing

    assert drift(world) == []


def test_a_row_that_leaves_the_scope_while_it_is_looked_at_is_no_difference():
    """Another driver has bound it."""
    world = World(port=2)
    second_object(world, Kind.PORT, "port-00000", Health.DOWN)
    look, key = world.look, Key(Kind.PORT, "port-00000")

    def rebinding(sought):
        yield from look(sought)
        world.neutron[key] = world.neutron[key]._replace(facts=ELSEWHERE)

    world.look = rebinding

    assert drift(world) == []


def test_a_row_that_goes_leaves_no_orphan_at_once():
    """NSX's object may be on its way, too."""
    world = World(port=1)
    world.flip(Kind.PORT, Health.DOWN)
    look = world.look

    def deleting(sought):
        yield from look(sought)
        world.neutron.clear()

    world.look = deleting

    assert drift(world) == []


def test_an_object_that_goes_and_is_not_needed_is_no_difference():
    """A port that is not bound, for instance."""
    world = World()
    world.add(Kind.PORT, "idle", health=Health.DOWN, facts=OURS._replace(expects_twin=False))
    world.relook(health=Health.ABSENT)

    assert drift(world) == []


def test_a_row_that_goes_or_comes_while_it_is_looked_at_is_no_difference():
    """The missing one is deleted, the orphan gets its row."""
    world = World(port=2)
    world.vanish(Kind.PORT, 1)
    orphan = world.neutron.pop(Key(Kind.PORT, "port-00001"))
    look = world.look

    def moving(sought):
        yield from look(sought)
        world.neutron.pop(Key(Kind.PORT, "port-00000"))
        world.neutron[orphan.key] = orphan

    world.look = moving

    assert drift(world) == []
    assert len(world.looks) == 2


def test_a_port_that_follows_a_router_is_compared_with_it():
    """It has no object of its own to be missing."""
    world = World(router=2)
    world.flip(Kind.ROUTER, Health.DOWN, 1)
    for name in ("router-00000", "router-00001"):
        facts = OURS._replace(expects_twin=False)
        world.add(Kind.PORT, f"gateway of {name}", health=None, facts=facts, follows=name)
    world.nsx[Kind.PORT]["/port/uplink"] = ("gateway of router-00001", Health.DOWN)  # not what decides
    found = drift(world)

    assert len(world.looks) == 2
    assert ways(found) == [(Way.STATUS, "router-00000"), (Way.STATUS, "gateway of router-00000")]
    assert (found[1].kind, found[1].path) == (Kind.PORT, "/router/router-00000")


def test_only_so_many_are_looked_at_and_the_others_are_marked():
    """The budget is one for all kinds."""
    world = World(network=2, port=2)
    for kind in (Kind.NETWORK, Kind.PORT):
        world.flip(kind, Health.DOWN)
    found = drift(world, looks=3)

    assert len(world.looks) == 3
    assert ["not confirmed" in each.detail for each in found] == [False, False, False, True]
    assert drift(world, looks=0)[0].detail.endswith("as NSX says 'down'; not confirmed: the first 0 were")


def test_a_look_that_fails_marks_its_row():
    """With the reason; the other rows have their answers."""
    world = World(port=2)
    world.flip(Kind.PORT, Health.DOWN)
    world.poisoned[Key(Kind.PORT, "port-00001")] = Rejected("403")

    assert ["not confirmed: 403" in each.detail for each in drift(world)] == [False, True]


def test_an_object_that_cannot_be_told_is_missing_but_not_confirmed():
    """Its listing has nothing, its look does not say."""
    world = World(port=1)
    world.vanish(Kind.PORT)
    world.relook(health=Health.UNKNOWN, word="tag lost")
    (found,) = drift(world)

    assert (found.difference, found.nsx) == (Way.MISSING, "absent")
    assert found.detail.endswith("not confirmed: tag lost")


def test_looks_that_all_fail_end_it():
    """NSX is in trouble: a thousand attempts would tell no more."""
    world = World(port=50)
    world.flip(Kind.PORT, Health.DOWN)
    world.look_errors = [Unavailable("gone")] * 50

    with pytest.raises(Unavailable, match="gone"):
        drift(world)
    assert len(world.looks) == 5


def test_looks_that_fail_now_and_then_do_not_end_it():
    """Only those in a row count."""
    world = World(port=20)
    world.flip(Kind.PORT, Health.DOWN)
    for number in range(0, 20, 2):
        world.poisoned[Key(Kind.PORT, f"port-{number:05}")] = Unavailable("busy")

    assert len(drift(world)) == 20


def test_a_page_that_fails_is_asked_for_again():
    """With growing waits, five times; then the command has failed."""
    world = World(port=1)
    world.page_errors = {0: Unavailable("busy"), 1: Unavailable("busy")}

    assert drift(world, kinds=(Kind.PORT,)) == []
    assert world.waits == [1, 2]

    world.page_errors = dict.fromkeys(range(20), Unavailable("busy"))
    with pytest.raises(Unavailable, match="busy"):
        drift(world, kinds=(Kind.PORT,))


def test_an_expired_cursor_begins_the_kind_again():
    """Nothing is reported twice; at the third time it fails."""
    world = World(port=6)
    world.page_maximum = 2
    world.flip(Kind.PORT, Health.DOWN, 1)
    world.page_errors = {1: expired()}

    assert len(drift(world, kinds=(Kind.PORT,))) == 1

    world.requests.clear()
    world.page_errors = {1: expired(), 3: expired(), 5: expired()}
    with pytest.raises(Unavailable, match="3 times"):
        drift(world, kinds=(Kind.PORT,))


def test_a_listing_without_an_end_is_given_up():
    """Its cursors go in circles."""
    world = World(port=2)
    page = world.page
    world.page = lambda *asked: page(*asked)._replace(cursor="again")

    with pytest.raises(Unavailable, match="expired"):
        drift(world, kinds=(Kind.PORT,))
