"""The objects and rows that change all the time: what the plan has of NSX and of Neutron's users. Pure."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.acts import FOREIGN, PORTS, Act, Deck, identifier

# At most so many rows are in a bad state at a time. The brake rightly holds absence beyond a tenth of a kind.
_MOST_GONE = {"port": 15, "network": 2, "router": 2}
_MOST_FAILED = {"port": PORTS, "network": 5, "router": 4}
_WORDS = ("up",) * 9 + ("down",) * 9 + ("unknown", "in_progress")
_QUIET = 0.3  # of the statuses that somebody writes, so many without a new revision


@dataclass(slots=True)
class World:
    """What there will be, as far as the plan must know it."""

    chance: random.Random
    networks: list[str]
    spare: list[str]
    routers: list[str]
    ports: list[str]
    words: dict[tuple[str, str], str] = field(default_factory=dict)
    network_of: dict[str, str] = field(default_factory=dict)
    gone: dict[str, list[str]] = field(default_factory=lambda: {"port": [], "network": [], "router": []})
    doubled: set[str] = field(default_factory=set)  # networks with a second switch
    rows: list[str] = field(default_factory=list)  # ports that a user may change
    newborn: dict[str, float] = field(default_factory=dict)  # ports that are left alone until then
    now: float = 0.0

    def __post_init__(self) -> None:
        self.rows = self.ports[FOREIGN:]
        for kind, ids in (("network", self.networks + self.spare), ("router", self.routers)):
            self.words |= {(kind, one): "up" for one in ids}
        self.words |= {("port", one): "up" for one in self.ports}

    def failed(self, kind: str) -> int:
        return sum(word != "up" for (of, _), word in self.words.items() if of == kind)

    def any_of(self, kind: str) -> str:
        return self.chance.choice(self.grown(kind))

    def grown(self, kind: str) -> list[str]:
        return [one for of, one in self.words if of == kind and self._is_grown(one)]

    def any_row(self) -> str:
        return self.chance.choice([one for one in self.rows if self._is_grown(one)])

    def _is_grown(self, one: str) -> bool:
        return self.newborn.get(one, 0.0) <= self.now


def load(world: World, ends: float) -> Iterator[Act]:
    """The acts of NSX and of the users, in turn as their times come."""
    decks = {0.45: Deck(world.chance, _NSX), 0.7: Deck(world.chance, _USER)}  # by seconds between two acts
    turns = dict.fromkeys(decks, 1.0)
    while min(turns.values()) < ends:
        pause = min(turns, key=lambda pause: turns[pause])
        world.now = turns[pause]
        yield from (act for act in decks[pause].draw()(world) if act.at < ends)
        turns[pause] += world.chance.uniform(0.3, 1.7) * pause


def _flip(world: World) -> Iterator[Act]:
    kind = world.chance.choice(("port", "port", "port", "network", "router"))
    one, word = world.any_of(kind), world.chance.choice(_WORDS)
    if world.failed(kind) >= _MOST_FAILED[kind]:
        failed = [other for (of, other), was in world.words.items() if of == kind and was != "up"]
        one, word = world.chance.choice(failed), "up"
    world.words[kind, one] = word
    yield Act(world.now, "nsx", "flip", {"kind": kind, "ids": [one], "status": word})


def _blink(world: World) -> Iterator[Act]:
    """Down for less than a sweep."""
    one = world.any_of("port")
    world.words["port", one] = "up"
    yield Act(world.now, "nsx", "flip", {"kind": "port", "ids": [one], "status": "down"})
    yield Act(
        world.now + world.chance.uniform(0.2, 3),
        "nsx",
        "flip",
        {"kind": "port", "ids": [one], "status": "up"},
    )


def _rack(world: World) -> Iterator[Act]:
    """A rack fails, more than the brake lets through unseen, and comes back."""
    ids = world.chance.sample(world.grown("port"), 60)
    world.words |= {("port", one): "up" for one in ids}
    yield Act(world.now, "nsx", "rack", {"kind": "port", "ids": ids, "status": "down"})
    yield Act(
        world.now + world.chance.uniform(5, 15), "nsx", "flip", {"kind": "port", "ids": ids, "status": "up"}
    )


def _vanish(world: World) -> Iterator[Act]:
    kind = world.chance.choice(("port", "port", "port", "network", "router"))
    if len(world.gone[kind]) >= _MOST_GONE[kind]:
        return
    # A network that has ports takes them along.
    one = world.chance.choice(world.spare) if kind == "network" else world.any_of(kind)
    if (kind, one) in world.words:
        del world.words[kind, one]
        world.gone[kind].append(one)
        world.doubled.discard(one)
        yield Act(world.now, "nsx", "vanish", {"kind": kind, "ids": [one]})


def _appear(world: World) -> Iterator[Act]:
    kinds = [kind for kind, ids in world.gone.items() if ids]
    if not kinds:
        return
    kind = world.chance.choice(kinds)
    one = world.gone[kind].pop(world.chance.randrange(len(world.gone[kind])))
    yield _made(world, kind, one, world.chance.choice(("up", "down", "up")))


def _double(world: World) -> Iterator[Act]:
    """A network gets a second switch: the worst of both counts."""
    one = world.any_of("network")
    if one in world.doubled or world.failed("network") >= _MOST_FAILED["network"]:
        return
    world.doubled.add(one)
    word = world.chance.choice(("up", "down"))
    if word == "down":
        world.words["network", one] = word
    yield Act(world.now, "nsx", "appear", {"kind": "network", "ids": [one], "status": word})


def _made(world: World, kind: str, one: str, word: str) -> Act:
    world.words[kind, one] = word
    where = {}
    if kind == "port":
        where = {"network_id": world.network_of.setdefault(one, world.chance.choice(world.networks))}
    return Act(world.now, "nsx", "appear", {"kind": kind, "ids": [one], "status": word, **where})


def _create(world: World) -> Iterator[Act]:
    """A VM is built: the port, its binding, its object, and at last its link."""
    one, chance = identifier(world.chance), world.chance
    network = world.network_of[one] = chance.choice(world.networks)
    yield Act(world.now, "user", "create", {"id": one, "network_id": network})
    blocks = chance.choice(("", "L2", "L2", "L2,DHCP", "DHCP"))
    yield Act(bound := world.now + chance.uniform(0.5, 2), "user", "bind", {"id": one, "blocks": blocks})
    if "DHCP" in blocks:  # an agent is ready to serve it later than NSX
        yield Act(bound + chance.uniform(1, 9), "user", "serve", {"id": one, "quiet": True})
    yield _made(world, "port", one, "down")._replace(at=world.now + chance.uniform(0.6, 4))
    yield Act(
        world.now + chance.uniform(4.1, 8), "nsx", "flip", {"kind": "port", "ids": [one], "status": "up"}
    )
    world.words["port", one] = "up"
    world.rows.append(one)
    world.newborn[one] = world.now + 12


def _delete(world: World) -> Iterator[Act]:
    """Neutron's row goes first, or NSX's object."""
    one = world.any_row()
    if world.words.pop(("port", one), None) is None:
        return
    world.rows.remove(one)
    yield Act(world.now, "user", "delete", {"id": one})
    yield Act(world.now + world.chance.uniform(-0.5, 3), "nsx", "delete", {"kind": "port", "ids": [one]})


def _of_a_row(what: str, **choices: Sequence[Any]) -> Callable[[World], Iterator[Act]]:
    def act(world: World) -> Iterator[Act]:
        drawn = {name: world.chance.choice(values) for name, values in choices.items()}
        yield Act(world.now, "user", what, {"id": world.any_row(), **drawn})

    return act


def _rebind(world: World) -> Iterator[Act]:
    one = world.any_row()
    yield Act(world.now, "user", "unbind", {"id": one})
    yield Act(world.now + world.chance.uniform(0.5, 6), "user", "bind", {"id": one, "blocks": ""})


def _wreck(world: World) -> Iterator[Act]:
    """Somebody writes a status that is not true."""
    kind = world.chance.choice(("port", "port", "network", "router"))
    one = world.any_row() if kind == "port" else world.any_of(kind)
    status = world.chance.choice(("ACTIVE", "ERROR") if kind == "router" else ("ACTIVE", "DOWN", "BUILD"))
    quiet = world.chance.random() < _QUIET
    yield Act(world.now, "user", "wreck", {"kind": kind, "id": one, "status": status, "quiet": quiet})


_NSX = (*[_flip] * 22, *[_blink] * 3, *[_vanish] * 6, *[_appear] * 5, _double, _rack)
_USER = (
    *[_create] * 3,
    *[_delete] * 2,
    *[_rebind] * 2,
    *[_wreck] * 4,
    *[_of_a_row("rename")] * 3,
    *[_of_a_row("admin", up=(True, False, True))] * 3,
)
