"""Our synchronizer as a child that sweeps with metrics or without, and says what of its CPU they took.

Run by `benchmarks.metrics`: python -m benchmarks.measured CONFIGURATION.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter

from prometheus_client import CollectorRegistry, generate_latest

from benchmarks.child import serve
from networking_nsx.assemble import Parts, daemon
from networking_nsx.cli.common import configured
from networking_nsx.meters import Sweeping
from networking_nsx.metrics import Metrics
from networking_nsx.model import Kind, Progress
from networking_nsx.serve.board import Board
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.gauges import expose
from networking_nsx.sync.runner import Summary

TIMES = 20  # what takes little is done so often at a time


class Spent:
    """A `ports.Metrics` that can be switched off, and the CPU that was spent in it and in a listener."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.seconds = 0.0
        self.on = True

    @contextmanager
    def counted(self) -> Iterator[None]:
        began = time.thread_time()
        yield
        self.seconds += time.thread_time() - began

    def asked(self, manager: str, purpose: str, code: str, seconds: float) -> None:
        self._tell(lambda: self._metrics.asked(manager, purpose, code, seconds))

    def waited(self, manager: str, seconds: float) -> None:
        self._tell(lambda: self._metrics.waited(manager, seconds))

    def transacted(self, operation: str, seconds: float) -> None:
        self._tell(lambda: self._metrics.transacted(operation, seconds))

    def _tell(self, what: Callable[[], None]) -> None:
        if self.on:
            with self.counted():
                what()


class Measured:
    """What the daemon has, without its waits."""

    def __init__(self, parts: Parts, metrics: Metrics, spent: Spent) -> None:
        self._parts = parts
        self._metrics = metrics
        self._spent = spent
        self._meter = Sweeping(metrics.series, parts.clock)
        board = Board(parts.clock, None)
        expose(
            metrics, parts, board, Desk({}, board, parts.brake, parts.clock, parts.schedule(), parts.window)
        )

    def without(self) -> None:
        self._spent.on = False
        for progress in self._steps():
            del progress

    def counting(self) -> float:
        """Seconds of CPU that the metrics took of it."""
        self._spent.on, self._spent.seconds = True, 0.0
        summary = Summary()
        self._meter.began()
        for progress in self._steps():
            with self._spent.counted():
                self._meter.progressed(progress)
        with self._spent.counted():
            self._meter.swept(summary)
        return self._spent.seconds

    def scraped(self) -> int:
        """All is told to Prometheus; how many bytes that are."""
        for _ in range(TIMES):
            text = generate_latest(self._metrics.registry)
        return len(text)

    def by_status(self) -> None:
        """Rows are counted by status, as each pass does at its end."""
        rows = self._parts.sweeper.ledger.rows(Kind.PORT)
        for _ in range(TIMES):
            Counter(map(attrgetter("status"), rows.values()))

    def _steps(self) -> Iterator[Progress]:
        return self._parts.sweeper.sweep(lambda: self._parts.source.page_maximum)


def main() -> None:
    conf = configured(sys.argv[1:])
    metrics = Metrics(CollectorRegistry())
    spent = Spent(metrics)
    with daemon(conf, threading.Event(), metrics=spent) as parts:
        measured = Measured(parts, metrics, spent)
        parts.source.page(Kind.ROUTER, None, 1)  # logs in
        serve({name: getattr(measured, name) for name in ("without", "counting", "scraped", "by_status")})


if __name__ == "__main__":
    main()
