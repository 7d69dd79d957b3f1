"""The commands of a maintenance, for a daemon and for who stands in while none runs; what is told of it."""

from typing import Any

from networking_nsx.serve.protocol import Command, Refused, Request
from networking_nsx.sync.maintenance import Window, refusal

_NONE_HOLDS = "no maintenance was at hand"
_STOPPED = "a complete sweep verifies now; what would get worse is written after it"
_STARTED = "what would get worse is deferred until then, and until a complete sweep has verified after it"


def carry_out(request: Request, window: Window, now: float) -> dict[str, Any]:
    """What came of `maintenance_start` or `maintenance_stop`, as JSON. Raises Refused, StateError."""
    if request.command is Command.MAINTENANCE_STOP:
        return {"did": _STOPPED if window.stop() else _NONE_HOLDS, **told(window)}
    why = refusal(request.until, request.reason, now)
    if why:
        raise Refused(f"no maintenance: {why}")
    window.start(request.until, request.reason)
    return {"did": _STARTED, **told(window)}


def told(window: Window) -> dict[str, Any]:
    """As JSON. Moments are seconds since the epoch."""
    phase, standing = window.phase, window.standing  # in this order: one may begin between
    return {
        "maintenance": phase.value,
        "maintenance_since": standing and standing.since,
        "maintenance_until": standing and standing.until,
        "maintenance_reason": standing.reason if standing else "",
        "maintenance_lasts": "over restarts" if window.lasts else "as long as the process: set state_path",
    }
