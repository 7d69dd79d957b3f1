"""Does the daemon work? Judged by values; nothing here waits or asks anybody.

A loop hangs when it has not moved for too long and does not wait on purpose: for its next step, for the end
of a pause, for the budget or because NSX has asked it to. An NSX that is down fails sweeps: nobody hangs.
"""

from collections.abc import Sequence
from typing import NamedTuple

_INTERVALS = 3
_BREATH = 1.0  # seconds that a failed connection may take beyond its time


class Loop(NamedTuple):
    """One of the daemon's loops."""

    name: str
    busy_since: float | None  # monotonic; None while it waits on purpose
    moved_at: float  # monotonic; when its requests were last seen to go on


class Hang(NamedTuple):
    """A loop that has not moved for so many seconds."""

    name: str
    seconds: float


def patience(interval: float, retries: int, connect_timeout: float) -> float:
    """Seconds after which a loop that has not moved hangs."""
    return max(_INTERVALS * interval, (retries + 1) * connect_timeout + _BREATH)


def hangs(loops: Sequence[Loop], now: float, patience: float) -> list[Hang]:
    """Those that hang at this monotonic moment."""
    return [
        Hang(loop.name, now - max(loop.busy_since, loop.moved_at))
        for loop in loops
        if loop.busy_since is not None and now - max(loop.busy_since, loop.moved_at) > patience
    ]


def unready(found: Sequence[Hang], *, swept: bool) -> str:
    """Why the daemon is not ready; "" when it is.

    Failed sweeps make it no less ready: it goes on trying, and what it tells of them is wanted then most.
    """
    if found:
        return "hangs"
    return "" if swept else "no sweep has completed since the start"
