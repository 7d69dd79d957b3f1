"""Neutron's rows: read in pages, written in guarded batches, and Nova told after the commit."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy.engine import Connection, Engine

from networking_nsx.model import Change, Key, Kind, Outcome, Row, Status, Verdict
from networking_nsx.neutron.database import transact
from networking_nsx.neutron.events import Notifier
from networking_nsx.neutron.records import PAGE, Records
from networking_nsx.neutron.writing import BATCH, Batch, Result, as_read, attempt, batches, committed
from networking_nsx.ports import UNMEASURED, Clock, Metrics, Store
from networking_nsx.scope import Scope

_T = TypeVar("_T")

_LOG = logging.getLogger(__name__)


class NeutronStore:
    """Neutron's database as a `ports.Store`. Threads may share it."""

    def __init__(
        self,
        engine: Engine,
        scope: Scope,
        notifier: Notifier,
        clock: Clock,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._engine = engine
        self._scope = scope
        self._records = Records(scope, clock)
        self._notifier = notifier
        self._clock = clock
        self._metrics = metrics
        self._in_doubt: Batch | None = None  # its commit has no answer yet, and Nova was told nothing of it
        # Held from a transaction until its events are queued: they keep the order of the commits.
        self._order = threading.RLock()

    def recorded(self, kind: Kind) -> Iterator[Row]:
        """Every row of a kind, lazily, in the order of ids; each page is a transaction. Raises StoreError."""
        return self._records.rows(kind, self._pages(kind))

    def rows(self, keys: Sequence[Key]) -> list[Row]:
        """These rows as they are now; a row that does not exist is left out. Raises StoreError."""
        asked = set(keys)
        wanted = {kind: sorted(key.id for key in asked if key.kind is kind) for kind in Kind}
        return [
            row
            for kind, ids in wanted.items()
            for start in range(0, len(ids), BATCH)
            for row in self._some(kind, ids[start : start + BATCH])
            if row.key in asked  # MariaDB takes ids for the same that only look alike
        ]

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        """Write each change whose row still is as it was read. One outcome per change, in their order.

        Raises StoreError when nothing more can be written; what was committed before stays, and Nova is told
        of it.
        """
        _refuse_routers_down(changes)
        outcomes: dict[int, Outcome] = {}
        for batch in batches(changes):
            with self._order:
                result = self._write(batch)
                self._notifier.notify(result.events)
            _log(result)
            outcomes.update(zip(batch.positions, result.outcomes, strict=True))
        return [outcomes[position] for position in range(len(changes))]

    def _pages(self, kind: Kind) -> Iterator[Sequence[Any]]:
        after = ""
        while True:
            page = self._page(kind, after)
            yield page
            if len(page) < PAGE:
                return
            after = page[-1].id

    def _page(self, kind: Kind, after: str) -> Sequence[Any]:
        return self._transact("read", lambda connection: self._records.page(connection, kind, after))

    def _some(self, kind: Kind, ids: Sequence[str]) -> Sequence[Row]:
        return self._transact("read", lambda connection: self._records.some(connection, kind, ids))

    def _write(self, batch: Batch) -> Result:
        result = self._attempt(batch, release=True)
        return self._attempt(batch, release=False) if result.released else result

    def _attempt(self, batch: Batch, *, release: bool) -> Result:
        def work(connection: Connection) -> Result:
            self._in_doubt = None  # what was committed before has failed: this is another attempt
            result = attempt(connection, self._records, batch, self._clock, release=release)
            self._in_doubt = batch
            return result

        result = self._transact("write", work)
        self._in_doubt = None
        return result

    def _transact(self, operation: str, work: Callable[[Connection], _T]) -> _T:
        if self._in_doubt:
            self._make_up_for_doubt()
        began = self._clock.monotonic()
        try:
            return transact(self._engine, work, self._clock)
        finally:
            self._metrics.transacted(operation, self._clock.monotonic() - began)

    def _make_up_for_doubt(self) -> None:
        with self._order:
            batch = self._in_doubt
            if batch is None:
                return
            events = transact(
                self._engine, lambda connection: committed(connection, self._records, batch), self._clock
            )
            self._in_doubt = None
            self._notifier.notify(events)


class ReportStore:
    """A store that writes nothing, and tells what it would have written and what would stand then."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def recorded(self, kind: Kind) -> Iterator[Row]:
        return self._store.recorded(kind)

    def rows(self, keys: Sequence[Key]) -> list[Row]:
        return self._store.rows(keys)

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        """Compare each row with what was read. Raises StoreError."""
        _refuse_routers_down(changes)
        there = {row.key: row for row in self._store.rows([change.row.key for change in changes])}
        return [_withheld(change, there.get(change.row.key)) for change in changes]


def _withheld(change: Change, stands: Row | None) -> Outcome:
    if stands is None:
        return Outcome(change, Verdict.GONE, None)
    if not as_read(change.row, stands):
        return Outcome(change, Verdict.REFUSED, stands)
    return Outcome(change, Verdict.WITHHELD, stands._replace(status=change.status))


def _refuse_routers_down(changes: Sequence[Change]) -> None:
    """Neutron 29 cannot read back a router that is DOWN (neutron.objects.router, RouterStatusEnumField)."""
    if any(change.row.kind is Kind.ROUTER and change.status is Status.DOWN for change in changes):
        raise ValueError("a router's status may be ACTIVE or ERROR, never DOWN")


def _log(result: Result) -> None:
    if not _LOG.isEnabledFor(logging.DEBUG):
        return
    for change, verdict, *_ in result.outcomes:
        evidence = change.observation
        _LOG.debug(
            "%s %s: %s -> %s: %s (%s says %r)",
            *(change.row.kind, change.row.id, change.row.status, change.status, verdict.value),
            *(evidence.path, evidence.word),
        )
