"""Our synchronizer as a child: connected when it is ready, then a sweep for each line `sweep`.

Run by the others: python -m benchmarks.ours CONFIGURATION. Assembled as `neutron-nsx sync run` assembles it;
only the waits between pages and sweeps are left out.
"""

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from benchmarks.child import serve
from benchmarks.metered import MeteredSource, MeteredStore
from networking_nsx.assemble import Parts, writer
from networking_nsx.cli.common import configured
from networking_nsx.evidence.journal import Journal, journal
from networking_nsx.model import Kind
from networking_nsx.sync.runner import Summary


class Transactions:
    """The statements and the longest transaction since they were last taken, as SQLAlchemy sees them.

    BEGIN and COMMIT count as no statements. A transaction lasts until its connection is back in the pool,
    which is after the COMMIT. The listeners' own CPU is counted as ours.
    """

    def __init__(self) -> None:
        self._statements = 0
        self._longest = 0.0
        self._began = time.monotonic()
        event.listen(Engine, "before_cursor_execute", self._execute)
        event.listen(Engine, "begin", self._begin)
        event.listen(Pool, "checkin", self._end)

    def take(self) -> dict[str, float]:
        taken = {"statements": self._statements, "longest": self._longest}
        self._statements, self._longest = 0, 0.0
        return taken

    def _execute(self, *_: object) -> None:
        self._statements += 1

    def _begin(self, *_: object) -> None:
        self._began = time.monotonic()

    def _end(self, *_: object) -> None:
        self._longest = max(self._longest, time.monotonic() - self._began)


def sweep(parts: Parts, transactions: Transactions) -> dict[str, Any]:
    summary = Summary()
    for progress in parts.sweeper.sweep(lambda: parts.source.page_maximum):
        summary.add(progress)
    return dict(summary.counts) | transactions.take()


def noted(parts: Parts, kept: Journal) -> dict[str, Any]:
    """The same, told to a journal, until all is written; with the CPU that telling took this thread."""
    sweeps, summary, telling = kept.sweeps("sweep"), Summary(), 0.0
    sweeps.began()
    for progress in parts.sweeper.sweep(lambda: parts.source.page_maximum):
        summary.add(progress)
        began = time.thread_time()
        sweeps.progressed(progress)
        telling += time.thread_time() - began
    sweeps.swept(summary)
    while any(kept.told()["evidence_waiting"].values()):
        time.sleep(0.01)
    return {**summary.counts, "telling": telling}


def by_part(parts: Parts) -> dict[str, float]:
    """CPU seconds of one sweep: reading NSX, reading Neutron, and what is between."""
    source, store = MeteredSource(parts.source), MeteredStore(parts.store)
    sweeper = replace(parts.sweeper, source=source, store=store)
    began = time.thread_time()
    for _ in sweeper.sweep(lambda: source.page_maximum):
        pass
    spent = time.thread_time() - began
    return {"nsx": source.spent, "neutron": store.spent, "between": spent - source.spent - store.spent}


def main() -> None:
    conf = configured(sys.argv[1:])
    folder = str(Path(sys.argv[1]).parent)
    transactions = Transactions()
    with (
        journal(folder, "") as kept,
        journal("", f"{folder}/audit.log") as audited,
        writer(conf, threading.Event()) as parts,
    ):
        parts.source.page(Kind.ROUTER, None, 1)  # logs in
        transactions.take()
        serve(
            {
                "parts": lambda: by_part(parts),
                "sweep": lambda: sweep(parts, transactions),
                "kept": lambda: noted(parts, kept),
                "audited": lambda: noted(parts, audited),
            }
        )


if __name__ == "__main__":
    main()
