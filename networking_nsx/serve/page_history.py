"""The last hour and the last changes, for the status page: kept in memory, bounded, told by the runners."""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

from networking_nsx.model import Key, Outcome, Progress, Verdict
from networking_nsx.ports import Clock
from networking_nsx.sync.runner import Summary

MINUTES = 60
CHANGES = 100
_MINUTE = 60  # seconds


class Minute(NamedTuple):
    """What happened in one minute."""

    at: float  # seconds since the epoch, at its beginning
    counts: Mapping[str, int]  # sweeps, observed, failures, and written by status


class Written(NamedTuple):
    """A status that was written, and the evidence for it."""

    at: float
    runner: str
    key: Key
    old: str
    new: str
    path: str
    word: str
    as_of: float


class Minutes:
    """Counts by the minute. A listener of both runners."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTES)  # only those with counts

    def began(self) -> None: ...

    def progressed(self, progress: Progress) -> None:
        written = [change.status.value for change, verdict, *_ in progress.outcomes if _WRITTEN is verdict]
        self._count({"observed": progress.counts.get("observed", 0), **Counter(written)})

    def swept(self, _summary: Summary) -> None:
        self._count({"sweeps": 1})

    def failed(self, _error: Exception, _wait: float) -> None:
        self._count({"failures": 1})

    def last(self) -> list[Minute]:
        """The last hour, minute by minute; the one at hand is the last."""
        now = self._number()
        counted: dict[int, Counter[str]] = {}
        with self._lock:
            for number, counts in self._minutes:  # the same one twice where the clock was set back
                counted.setdefault(number, Counter()).update(counts)
        return [
            Minute(number * _MINUTE, counted.get(number, {})) for number in range(now - MINUTES + 1, now + 1)
        ]

    def _count(self, counts: Mapping[str, int]) -> None:
        number = self._number()
        with self._lock:
            if not self._minutes or self._minutes[-1][0] != number:
                self._minutes.append((number, Counter()))
            self._minutes[-1][1].update(counts)

    def _number(self) -> int:
        return int(self._clock.now() // _MINUTE)


class Changes:
    """The last changes that were written, by whichever runner."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._written: deque[Written] = deque(maxlen=CHANGES)  # appending is safe from any thread

    def listener(self, runner: str) -> "ChangesOf":
        """A listener for one of the runners."""
        return ChangesOf(self, runner)

    def last(self, row_id: str = "") -> list[Written]:
        """Those of one row, or all; the newest first."""
        return [written for written in self._written.copy() if row_id in ("", written.key.id)][::-1]

    def note(self, runner: str, outcomes: tuple[Outcome, ...]) -> None:
        now = self._clock.now()
        newest = islice((outcome for outcome in reversed(outcomes) if outcome.verdict is _WRITTEN), CHANGES)
        self._written.extend([_written(now, runner, outcome) for outcome in newest][::-1])


class ChangesOf:
    """What one runner has written, told to `Changes`."""

    def __init__(self, changes: Changes, runner: str) -> None:
        self._changes = changes
        self._runner = runner

    def began(self) -> None: ...

    def progressed(self, progress: Progress) -> None:
        if progress.outcomes:
            self._changes.note(self._runner, progress.outcomes)

    def swept(self, _summary: Summary) -> None: ...

    def failed(self, _error: Exception, _wait: float) -> None: ...


_WRITTEN = Verdict.WRITTEN


def _written(now: float, runner: str, outcome: Outcome) -> Written:
    row, status, seen = outcome.change
    return Written(now, runner, row.key, str(row.status), status.value, seen.path, seen.word, seen.as_of)
