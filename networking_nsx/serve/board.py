"""What the daemon is doing, as its runner tells it: written by one thread, read by any."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from networking_nsx.errors import Retryable
from networking_nsx.model import COUNTS, Kind, Progress
from networking_nsx.ports import Clock
from networking_nsx.sync.canary import Canary
from networking_nsx.sync.runner import Summary

_MET = ("observed", "malformed", "foreign", "direct")


@dataclass(frozen=True, slots=True)
class _Under:
    """The sweep at hand."""

    since: float
    kind: str | None = None
    done: int = 0  # objects of this kind
    total: int = 0  # as far as is known


@dataclass(frozen=True, slots=True)
class _Last:
    """The last complete sweep."""

    ended_at: float
    ended: float  # the same, monotonic
    summary: Summary


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Failures in a row, counted apart as the runner's back-offs are."""

    requests: int = 0
    sweeps: int = 0
    error: str = ""
    next_at: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of it at one moment."""

    under: _Under | None = None
    last: _Last | None = None
    trouble: _Trouble = _Trouble()
    held: Mapping[Kind, int] = field(default_factory=dict)  # by the last pass over each kind
    rows: Mapping[Kind, Mapping[str, int]] = field(default_factory=dict)  # of Neutron, by status: the same
    distrust: str = ""


class Board:
    """A `runner.Listener` that remembers. `canary` is None where nothing comes from an index."""

    def __init__(self, clock: Clock, canary: Canary | None) -> None:
        self._clock = clock
        self._canary = canary
        self._started = clock.monotonic()
        self._holding: dict[Kind, int] = {}  # by the sweep at hand
        self.now = Snapshot()

    def began(self) -> None:
        self._holding = dict.fromkeys(Kind, 0)
        trouble = replace(self.now.trouble, next_at=None)
        self.now = replace(self.now, under=_Under(self._clock.now()), trouble=trouble)

    def progressed(self, progress: Progress) -> None:
        held = self.now.held
        if holding := progress.counts.get("held"):
            self._holding[progress.kind] += holding
            held = {**held, progress.kind: self._holding[progress.kind]}
        trouble = replace(self.now.trouble, next_at=None)
        if progress.counts.get("pages"):
            trouble = replace(trouble, requests=0)
        self.now = replace(
            self.now,
            under=self.now.under and _advanced(self.now.under, progress),
            trouble=trouble,
            held=held,
            rows=self._rows(progress),
            distrust=self._canary.distrust if self._canary else "",
        )

    def swept(self, summary: Summary) -> None:
        last = _Last(self._clock.now(), self._clock.monotonic(), summary)
        self.now = replace(self.now, under=None, last=last, trouble=_Trouble(), held=self._holding)

    def failed(self, error: Exception, wait: float) -> None:
        trouble, of_request = self.now.trouble, isinstance(error, Retryable)
        trouble = _Trouble(
            trouble.requests + of_request,
            trouble.sweeps + (not of_request),
            str(error) or type(error).__name__,
            self._clock.now() + wait,
        )
        self.now = replace(self.now, trouble=trouble)

    @property
    def oldest(self) -> float:
        """Seconds since the oldest look that a status rests on; while no sweep completes, it grows older.

        Before the first one nothing is known but that it was before this process.
        """
        last, now = self.now.last, self._clock.monotonic()
        return last.summary.oldest + now - last.ended if last else now - self._started

    @property
    def bound(self) -> float:
        """Seconds: no status was verified longer ago, at the pace of the last sweep."""
        last = self.now.last
        return max(last.summary.bound if last else 0.0, self.oldest)

    def told(self) -> dict[str, Any]:
        """As JSON. Moments are seconds since the epoch."""
        now = self.now
        return {
            **_sweep(now.under),
            **self._last_sweep(now.last),
            **_failures(now.trouble),
            "held": {kind.value: now.held.get(kind, 0) for kind in Kind},
            "rows": {kind.value: dict(now.rows.get(kind, {})) for kind in Kind},
            **self._index(now.distrust),
        }

    def _rows(self, progress: Progress) -> Mapping[Kind, Mapping[str, int]]:
        rows = self.now.rows
        return rows if progress.statuses is None else {**rows, progress.kind: progress.statuses}

    def _last_sweep(self, last: _Last | None) -> dict[str, Any]:
        if last is None:
            return dict.fromkeys(("last_sweep_at", "last_sweep_seconds", "last_sweep_counts", "bound"))
        return {
            "last_sweep_at": last.ended_at,
            "last_sweep_seconds": round(last.summary.seconds, 1),
            "last_sweep_counts": {name: last.summary.counts[name] for name in COUNTS},
            "bound": round(self.bound, 1),
        }

    def _index(self, distrust: str) -> dict[str, Any]:
        if self._canary is None:
            return {"index": "none", "index_reason": ""}
        return {"index": "not believed" if distrust else "believed", "index_reason": distrust}


def _advanced(under: _Under, progress: Progress) -> _Under:
    done = sum(progress.counts.get(name, 0) for name in _MET)
    if progress.kind == under.kind and not progress.counts.get("restarts"):
        return replace(under, done=under.done + done, total=max(under.total, progress.total))
    return _Under(under.since, progress.kind.value, done, progress.total)


def _sweep(under: _Under | None) -> dict[str, Any]:
    if under is None:
        return dict.fromkeys(("sweep_since", "sweep_kind", "sweep_done", "sweep_total"))
    return {
        "sweep_since": under.since,
        "sweep_kind": under.kind,
        "sweep_done": under.done,
        "sweep_total": under.total or None,
    }


def _failures(trouble: _Trouble) -> dict[str, Any]:
    failures = trouble.requests + trouble.sweeps
    return {
        "failures": failures,
        "next_attempt_at": trouble.next_at,
        "last_error": trouble.error if failures else "",
    }
