"""What the settle runner is doing, as it tells it: written by its thread, read by any."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from networking_nsx.model import Finding, Key, Progress
from networking_nsx.sync.settle import Schedule

_LOG = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Inquiry:
    """A row that somebody has asked for, and what came of it so far."""

    key: Key
    finding: Finding | None = None

    @property
    def settled(self) -> bool:
        return self.finding is not None and not self.finding.waits


class Tally:
    """A `runner.SettleListener` that counts, and keeps what came of the rows that were asked for."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._counts: Counter[str] = Counter()  # replaced, never changed: another thread may be telling it
        self._failures = 0  # in a row
        self._error = ""
        self._inquiries: tuple[Inquiry, ...] = ()

    def progressed(self, progress: Progress) -> None:
        self._counts = self._counts + Counter(progress.counts)  # without those that are 0
        self._failures = 0
        for inquiry in self._inquiries:
            inquiry.finding = progress.findings.get(inquiry.key, inquiry.finding)

    def failed(self, error: Exception, wait: float) -> None:
        self._failures += 1
        self._error = str(error) or type(error).__name__
        expected = not isinstance(error, (AttributeError, LookupError, TypeError, ValueError))
        _LOG.warning(
            "single rows could not be settled, again in %.0f s: %s",
            wait,
            self._error,
            exc_info=None if expected else error,
        )

    @property
    def failures(self) -> int:
        """In a row."""
        return self._failures

    @contextmanager
    def asking(self, key: Key) -> Iterator[Inquiry]:
        """Follow a row until the end of the block. For one thread at a time."""
        inquiry = Inquiry(key)
        self._inquiries += (inquiry,)
        try:
            yield inquiry
        finally:
            self._inquiries = tuple(other for other in self._inquiries if other is not inquiry)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "settle_waiting": len(self._schedule),
            "settle_counts": dict(self._counts),
            "settle_failures": self._failures,
            "settle_error": self._error if self._failures else "",
        }
