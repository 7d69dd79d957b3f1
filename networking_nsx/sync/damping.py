"""Flap damping: a port that comes and goes is not written each time, nor is Nova told each time.

A port is written at most `MOST` times within `WINDOW` seconds. What comes too soon is not written at all, so
that Neutron and Nova never differ. There is no queue: NSX is compared with Neutron, so the next look finds
the last value, and writes it once it may be.

A port that somebody else has changed since our last write begins anew: it may have been bound, and a build
waits for its ACTIVE. Nothing outlives a restart.
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


class _History(NamedTuple):
    """Our own writes of one port that nobody else has changed meanwhile."""

    writes: tuple[float, ...]  # monotonic; the latest of them, in order
    revisions: tuple[int, ...]  # that the last one left; two when its answer was lost
    facts: Facts  # not every writer of bindings bumps the revision

    def is_of(self, row: Row) -> bool:
        return row.revision in self.revisions and row.facts == self.facts


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
        self._histories: dict[str, _History] = {}  # by port, in the order of their last writes

    def __repr__(self) -> str:
        return f"Damped({len(self._histories)} ports, {self._store!r})"

    @property
    def remembered(self) -> int:
        """Ports that were written lately."""
        return len(self._histories)

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
            for change in changes:  # each may have been committed
                self._note(change.row, (change.row.revision, change.row.revision + 1))
            raise
        for outcome in outcomes:
            if outcome.verdict is Verdict.WRITTEN and outcome.stands:
                self._note(outcome.change.row, (outcome.stands.revision,))
        return outcomes

    def _wait(self, row: Row, now: float) -> float:
        """Seconds until this row may be written."""
        history = self._histories.get(row.id)
        if history is None or not history.is_of(row) or len(history.writes) < MOST:
            return 0.0
        return max(0.0, history.writes[-MOST] + WINDOW - now)

    def _note(self, row: Row, revisions: tuple[int, ...]) -> None:
        """A row was written just now."""
        if row.kind is not Kind.PORT:
            return
        history = self._histories.pop(row.id, None)
        before = history.writes if history and history.is_of(row) else ()
        writes = (*before[1 - MOST :], self._clock.monotonic())
        self._histories[row.id] = _History(writes, revisions, row.facts)

    def _forget(self, now: float) -> None:
        """Drop what was written last longer ago than the window."""
        ended = takewhile(lambda port: port[1].writes[-1] + WINDOW <= now, self._histories.items())
        for port, _ in list(ended):
            del self._histories[port]
