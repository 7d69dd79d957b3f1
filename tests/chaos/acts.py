"""What plans are made of. Pure."""

import random
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

MINUTE = 60.0
NETWORKS, SPARE_NETWORKS, ROUTERS, PORTS = 40, 8, 20, 400
FOREIGN, EXTERNAL = (
    10,
    2,
)  # ports that another driver has bound, networks that are external: nobody's to write


class Act(NamedTuple):
    at: float  # seconds since the beginning
    lane: str
    what: str
    details: dict[str, Any] = {}  # noqa: RUF012 - never changed


class Deck:
    """Cards that are drawn at random, each as often as every other one."""

    def __init__(self, chance: random.Random, cards: Sequence[Any]) -> None:
        self._chance = chance
        self._cards = cards
        self._left: list[Any] = []

    def draw(self) -> Any:
        if not self._left:
            self._left = self._chance.sample(self._cards, len(self._cards))
        return self._left.pop()


def identifier(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
