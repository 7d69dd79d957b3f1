"""When faults, network, database and daemon are troubled: what the plan has of them. Pure."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from chaos.acts import MINUTE, Act, Deck

TROUBLED = (5.0, 38.0)  # seconds of each minute
_KILLING = 0.6  # of a run: in the rest the daemon lives on, so that it can be seen to stay small

_NETWORK = tuple((what, edge) for what in ("cut", "slow", "hold", "sever") for edge in ("nsx", "database"))
_DATABASE = ("restart", "kill", "read-only")
_DAEMON = ("kill", "stop", "kill")
_REFUSALS = ("http-401", "http-403", "session-dropped")
_FAULTS = (
    *({"fault": f"http-{code}"} for code in (400, 404, 409, 410, 429, 500, 502, 503, 504)),
    *({"fault": name} for name in ("reset", "invalid-json", "empty-body", "empty-page-with-cursor")),
    *({"fault": "truncate", "declare": size} for size in ("full", "short")),
    *({"fault": name} for name in ("skip-object", "repeat-object", "wrong-total", "cursor-expired")),
    *({"fault": "malformed-object", "variant": name} for name in ("no-tags", "unknown-word")),
    *({"fault": "malformed-object", "variant": name} for name in ("null-flag", "wrong-type")),
    {"fault": "timeout", "seconds": 4},
    {"fault": "slow", "seconds": 1.5},
)
_FAULTS_OF = {
    "mh": (*_FAULTS, *({"fault": name} for name in _REFUSALS)),
    "policy": (
        *_FAULTS,
        # A session that is refused twice while it is new bars its manager for minutes, by design.
        *({"fault": name, "count": 1} for name in _REFUSALS),
        {"fault": "index-lag", "seconds": 2},
        *({"fault": name} for name in ("index-drop", "index-rebuilding", "index-out-of-sync")),
        *({"fault": name} for name in ("search-timeout", "licence-expired")),
        *(
            {"fault": "tag-tampered", "variant": name, "count": None}
            for name in ("removed", "other-id", "other-deployment")
        ),
    ),
}
_EMPTY = {"fault": "inventory-lost"}  # once a minute, for longer than two sweeps
_NODE_DOWN = {"fault": "node-down", "node": 1}


def hazards(chance: random.Random, api: str, minutes: float) -> Iterator[Act]:
    faults, network = Deck(chance, _FAULTS_OF[api]), Deck(chance, _NETWORK)
    rounds = max(1, round(minutes))
    for number in range(rounds):
        begin, end = (number * MINUTE + moment for moment in TROUBLED)
        for at, (what, edge) in _spread(chance, begin, end, [network.draw() for _ in _NETWORK]):
            yield Act(at, "network", what, {"edge": edge, "seconds": chance.uniform(1, 3.5)})
        for at, what in _spread(chance, begin, end, chance.sample(_DATABASE, len(_DATABASE))):
            yield Act(at, "database", what, {"seconds": chance.uniform(0.5, 4)})
        killing = number == 0 or number < _KILLING * rounds
        for at, what in _spread(chance, begin, end, _DAEMON if killing else ("stop",)):
            yield Act(at, "daemon", what, {"seconds": chance.uniform(0.5, 6)})
        yield Act(begin + chance.uniform(0, 3), "faults", "fault", {"fault": _EMPTY, "seconds": 10.0})
        for at, fault in _spread(chance, begin + 13, end, [faults.draw() for _ in range(9)] + [_NODE_DOWN]):
            few = {"count": chance.randint(1, 6), "after": chance.randint(0, 1)}
            lasting = {"seconds": chance.uniform(1.5, 3)}
            yield Act(at, "faults", "fault", {"fault": {**few, **fault}, **lasting})


def _spread(
    chance: random.Random, begin: float, end: float, what: Sequence[Any]
) -> Iterator[tuple[float, Any]]:
    """At random moments, each in a part of the time of its own."""
    part = (end - begin) / len(what)
    return ((begin + (number + chance.random()) * part, one) for number, one in enumerate(what))
