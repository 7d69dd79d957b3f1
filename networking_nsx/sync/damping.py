"""Flap damping: a port that comes and goes is not written each time, nor is Nova told each time.

A port is written at most `MOST` times within `WINDOW` seconds. What comes too soon is not written at all, so
that Neutron and Nova never differ. There is no queue: NSX is compared with Neutron, so the next look finds
the last value, and writes it once it may be.

A port that somebody else has changed since our last write begins anew: it may have been bound, and a build
waits for its ACTIVE. A write that failed may have been committed, or not: it counts once the row is read as
that write would have left it. Nothing outlives a restart.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import takewhile
from typing import NamedTuple

from networking_nsx.errors import StoreError
from networking_nsx.model import Change, Facts, Key, Kind, Outcome, Row, Verdict
from networking_nsx.ports import Clock, Store

MOST = 4  # writes, hence events to Nova
WINDOW = 60.0  # seconds


class _Stand(NamedTuple):
    """A port as one of our writes left it, or may have: read otherwise, somebody else has changed it."""

    id: str
    revision: int
    status: str
    facts: Facts  # not every writer of bindings bumps the revision


class Damped:
    """A store that delays the writes of flapping ports: their verdict is DELAYED.

    Whoever shares it writes in turn: a status and its event leave in the same order, and no two of our own
    transactions wait for each other's rows.
    """

    def __init__(self, store: Store, clock: Clock, lock: AbstractContextManager[object]) -> None:
        """`lock` is held while something is written."""
        self._store = store
        self._clock = clock
        self._lock = lock
        # When we made the writes that led there, nobody else's in between; in the order of the last of them.
        self._moments: dict[_Stand, tuple[float, ...]] = {}  # monotonic, and as many as count

    def __repr__(self) -> str:
        return f"Damped({self.remembered} ports, {self._store!r})"

    @property
    def remembered(self) -> int:
        """Ports that were written lately, or nearly so."""
        return len({stand.id for stand in self._moments})

    def recorded(self, kind: Kind) -> Iterator[Row]:
        with self._lock:
            self._forget(self._clock.monotonic())
        return self._store.recorded(kind)

    def rows(self, keys: Sequence[Key]) -> list[Row]:
        return self._store.rows(keys)

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        """As `Store.write`; what is written too often waits for as long as its outcome says."""
        with self._lock:
            now = self._clock.monotonic()
            self._forget(now)
            waits = [self._wait(change.row, now) for change in changes]
            written = iter(
                self._written([change for change, wait in zip(changes, waits, strict=True) if not wait])
            )
            return [
                Outcome(change, Verdict.DELAYED, change.row, wait) if wait else next(written)
                for change, wait in zip(changes, waits, strict=True)
            ]

    def _written(self, changes: list[Change]) -> list[Outcome]:
        if not changes:
            return []
        try:
            outcomes = self._store.write(changes)
        except StoreError:
            for change in changes:  # each may have been committed, or not
                self._note(change, self._moments.get(_read(change.row), ()))
            raise
        for outcome in outcomes:
            if outcome.verdict is Verdict.WRITTEN:
                self._note(outcome.change, self._moments.pop(_read(outcome.change.row), ()))
        return outcomes

    def _wait(self, row: Row, now: float) -> float:
        """Seconds until this row may be written."""
        moments = self._moments.get(_read(row), ())
        return max(0.0, moments[-MOST] + WINDOW - now) if len(moments) >= MOST else 0.0

    def _note(self, change: Change, before: tuple[float, ...]) -> None:
        """A change was written just now, after those writes."""
        if change.row.kind is not Kind.PORT:
            return
        stand = _read(change.row)._replace(revision=change.row.revision + 1, status=change.status)
        self._moments.pop(stand, None)  # it is the latest now
        self._moments[stand] = (*before[1 - MOST :], self._clock.monotonic())

    def _forget(self, now: float) -> None:
        """Drop what was written last longer ago than the window."""
        ended = takewhile(lambda each: each[1][-1] + WINDOW <= now, self._moments.items())
        for stand, _ in list(ended):
            del self._moments[stand]


def _read(row: Row) -> _Stand:
    return _Stand(row.id, row.revision, row.status, row.facts)
