"""What the runners, Nova and commands tell, on its way to the places where it is kept.

Whoever tells something only puts values on queues: it costs the write path nothing, and nothing is ever read
back. Where neither `state_path` nor `audit_log` is set, nothing is noted.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from networking_nsx.errors import ConfigurationError
from networking_nsx.evidence.audit import AuditLog
from networking_nsx.evidence.book import Book
from networking_nsx.evidence.entry import NOVA, By, Entry, Noted
from networking_nsx.evidence.writer import Writer
from networking_nsx.model import Answer, Finding, Key, Kind, Outcome, Progress
from networking_nsx.sync.runner import Summary

FAREWELL = 5.0  # seconds at the end for what still waits

_NONE: Mapping[Key, Finding] = {}

SETTLE = By("settle")
KEY = By("sync key")


class Journal:
    """Where everything is told. Any thread may tell; nobody waits."""

    def __init__(self, writers: Sequence[Writer], now: Callable[[], float]) -> None:
        self._writers = writers
        self._now = now

    def sweeps(self, name: str) -> "Sweeps":
        """A listener for sweeps of this name."""
        return Sweeps(self, name, self._now)

    def settling(self) -> "Settling":
        """A listener for the settle runner."""
        return Settling(self)

    def nova(self, answer: Answer, event: str, port_id: str, _committed_at: float, /) -> None:
        """As `ports.Told`."""
        entry = Entry(self._now(), NOVA, Kind.PORT.value, port_id, new=answer.value, why=event)
        self.note(By("nova"), others=(entry,))

    def happened(self, what: str, why: str) -> None:
        """Note what concerns no single row."""
        self.note(By(""), others=(Entry(self._now(), what, why=why),))

    def note(
        self,
        by: By,
        outcomes: tuple[Outcome, ...] = (),
        others: tuple[Entry, ...] = (),
        findings: Mapping[Key, Finding] = _NONE,
    ) -> None:
        noted = Noted(by, self._now(), outcomes, findings, others)
        if noted.weight:
            for writer in self._writers:
                writer.put(noted)

    def told(self) -> dict[str, Any]:
        """As JSON, for `sync status`: by place, the entries that wait and those that were lost."""
        return {
            "evidence_waiting": {writer.name: writer.waiting for writer in self._writers},
            "evidence_lost": {writer.name: writer.lost for writer in self._writers},
            "evidence_error": "; ".join(writer.error for writer in self._writers if writer.error),
        }


NOWHERE = Journal((), time.time)  # what is told there is not kept


class Sweeps:
    """A `runner.Listener` that notes outcomes, and what changes between two sweeps."""

    def __init__(self, journal: Journal, name: str, now: Callable[[], float]) -> None:
        self._journal = journal
        self._now = now
        self._by = By(name, 0)
        self._held: Counter[Kind] = Counter()  # by the sweep at hand
        self._holding: Counter[Kind] = Counter()  # by the one before
        self._failure = ""

    def began(self) -> None:
        self._by = By(self._by.name, (self._by.sweep or 0) + 1, self._now())
        self._held.clear()

    def progressed(self, progress: Progress) -> None:
        self._held[progress.kind] += progress.counts.get("held", 0)
        others = tuple(self._entry("index", notice) for notice in progress.notices)
        if progress.outcomes or others:
            self._journal.note(self._by, progress.outcomes, others)

    def swept(self, _summary: Summary) -> None:
        changed = (kind for kind in Kind if self._held[kind] != self._holding[kind])
        others = tuple(self._entry("brake", _of_brake(kind, self._held[kind])) for kind in changed)
        if self._failure:
            others += (self._entry("sweep", "a sweep is complete again"),)
        self._holding, self._failure = self._held.copy(), ""
        self._journal.note(self._by, (), others)

    def failed(self, error: Exception, wait: float) -> None:
        told = str(error) or type(error).__name__
        if told == self._failure:  # once, however often it is tried
            return
        self._failure = told
        self._journal.note(self._by, (), (self._entry("sweep", f"failed, again in {wait:.0f} s: {told}"),))

    def _entry(self, what: str, why: str) -> Entry:
        by, sweep, began = self._by
        return Entry(self._now(), what, by=by, sweep=sweep, sweep_began=began, why=why)


class Settling:
    """A `runner.SettleListener` that notes what came of each look."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def progressed(self, progress: Progress) -> None:
        self._journal.note(SETTLE, progress.outcomes, findings=progress.findings)

    def failed(self, error: Exception, wait: float) -> None:
        told = str(error) or type(error).__name__
        self._journal.happened("settle", f"single rows could not be settled, again in {wait:.0f} s: {told}")


@contextmanager
def journal(state_path: str, audit_log: str, now: Callable[[], float] = time.time) -> Iterator[Journal]:
    """Keep what is told until the end of the block. Raises ConfigurationError where there is no folder."""
    writers = [Writer(place) for place in _places(state_path, audit_log)]
    for writer in writers:
        writer.start()
    try:
        yield Journal(writers, now)
    finally:
        for writer in writers:
            writer.close(FAREWELL)


def _places(state_path: str, audit_log: str) -> Iterator[Book | AuditLog]:
    if state_path:
        if not Path(state_path).is_dir():
            raise ConfigurationError(
                f"[nsx_sync] state_path = {state_path}: there is no such folder; create it"
            )
        yield Book(state_path)
    if audit_log:
        folder = Path(audit_log).parent
        if not folder.is_dir():
            raise ConfigurationError(
                f"[nsx_sync] audit_log = {audit_log}: there is no folder {folder}; create it"
            )
        yield AuditLog(audit_log)


def _of_brake(kind: Kind, held: int) -> str:
    return f"it holds changes of {held} {kind}s" if held else f"it holds no {kind} any more"
