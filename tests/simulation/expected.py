"""What must have happened for the absence of violations to mean something."""

from collections.abc import Iterable, Mapping

from simulation.process import POINTS
from simulation.trouble import faults_of

Sort = tuple[str, str]

_ALWAYS: Mapping[str, Iterable[str]] = {
    "death": [*POINTS, "is stopped", "a second one", "the clock is set", "an operator releases"],
    "trouble": ["NSX is gone", "there is none", "all is lost while something is looked for"],
    "users": [
        "create a port",
        "create a network",
        "create a router",
        "bind anew",
        "unbind",
        "bind by another driver",
        "switch off or on",
        "rename",
        "set a wrong status",
        "change many ports that fail",
        "change what is looked at",
        "change what is listed",
        "delete",
    ],
    "life": [
        "change",
        "recover",
        "vanish",
        "appear again",
        "a second object",
        "a rack goes down",
        "flap",
        "flap with the sweeps",
        "many vanish",
    ],
    "operator": ["begins a maintenance", "ends a maintenance"],
    "settled": ["looks", "writes", "before the next sweep"],
    "judged": [
        *(
            f"promise 1, {reason}"
            for reason in ("up", "bad", "absent", "rested", "witnessed", "admin down", "follower")
        ),
        *("promise 2, a single look", "promise 2, refused", "promise 5", "promise 5, after a complaint"),
        *("promise 6", "promise 6, amid the run"),
        *("promise 8", "promise 8, worsening", "promise 8, sampled", "promise 8, single rows"),
        *("promise 9", "promise 9, another's by now", "promise 9, another's is read alone"),
        *("maintenance", "maintenance, verified"),
        "events",
    ],
    "met": [
        "written",
        "refused",
        "delayed",
        "deferred",
        "blocked",
        "early",
        "held",
        "absent",
        "restarts",
        "malformed",
        "duplicates",
    ],
    "transition": [
        *(f"network {words}" for words in ("ACTIVE -> ERROR", "DOWN -> ACTIVE", "ERROR -> ACTIVE")),
        *(f"router {words}" for words in ("ACTIVE -> ERROR", "ERROR -> ACTIVE")),
        *(f"port {words}" for words in ("ACTIVE -> DOWN", "DOWN -> ACTIVE", "ACTIVE -> ERROR")),
        *(f"port {words}" for words in ("ERROR -> ACTIVE", "ERROR -> DOWN", "DOWN -> ERROR")),
        *(f"port {words}" for words in ("BUILD -> ACTIVE", "BUILD -> DOWN")),
    ],
}
_BY_API: Mapping[str, Mapping[str, Iterable[str]]] = {
    "mh": {"transition": ["network ACTIVE -> DOWN"]},
    "policy": {"met": ["compared", "disagreed", "direct"], "trouble": ["only the index lies"]},
}


def never(counts: Mapping[Sort, int], apis: Iterable[str]) -> list[Sort]:
    """What has not happened."""
    wanted = [
        *_pairs(_ALWAYS),
        *(pair for api in apis for pair in _pairs(_BY_API[api])),
        *(("fault", name) for api in apis for name in faults_of(api)),
    ]
    return [sort for sort in dict.fromkeys(wanted) if not counts.get(sort)]


def _pairs(table: Mapping[str, Iterable[str]]) -> list[Sort]:
    return [(sort, what) for sort, names in table.items() for what in names]
