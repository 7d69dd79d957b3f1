"""What a command that takes long is doing: a line on standard error for a person who looks, else nothing."""

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from networking_nsx.errors import NsxError
from networking_nsx.model import Kind, Observation, Page, Progress, Sought
from networking_nsx.ports import Index, Source
from networking_nsx.serve.plain import plain
from networking_nsx.sync.runner import Summary

Tell = Callable[[str], object]


@contextmanager
def working(what: str) -> Iterator[Tell]:
    """Until the end of the block: show this, and then what is told."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    behind = sys.stderr
    with console.status(escape(what)) as line:
        _lead_logs(behind, sys.stderr)  # now above the line
        try:
            yield lambda text: line.update(escape(f"{what}: {plain(text)}"))
        finally:
            _lead_logs(sys.stderr, behind)


def _lead_logs(before: object, now: object) -> None:
    for handler in logging.root.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is before:
            handler.setStream(now)


class Steps:
    """A `runner.Listener` that tells how far a sweep is."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._done: Counter[Kind] = Counter()

    def began(self) -> None:
        self._done.clear()

    def progressed(self, progress: Progress) -> None:
        self._done[progress.kind] += sum(progress.counts.get(each, 0) for each in ("observed", "foreign"))
        self._tell(_of(progress.kind, self._done[progress.kind], progress.total))

    def swept(self, summary: Summary) -> None: ...

    def failed(self, error: Exception, wait: float) -> None:
        self._tell(f"again in {wait:.0f} s: {error}")


class Followed:
    """A source that tells what is read from it."""

    def __init__(self, source: Source, tell: Tell) -> None:
        self.page_maximum = source.page_maximum
        self._source = source
        self._tell = tell
        self._done: Counter[Kind] = Counter()
        self._totals: dict[Kind, int] = {}
        self._looked = 0

    @property
    def index(self) -> Index | None:
        return self._source.index

    def page(self, kind: Kind, cursor: str | None, length: int) -> Page:
        page = self._source.page(kind, cursor, length)
        if cursor is None:
            self._done[kind] = 0
            self._totals[kind] = page.total or 0
        self._done[kind] += len(page.observations) + page.foreign + page.malformed
        self._tell(_of(kind, self._done[kind], self._totals[kind]))
        return page

    def look(self, sought: Sequence[Sought]) -> Iterator[list[Observation] | NsxError]:
        for answer in self._source.look(sought):
            self._looked += 1
            self._tell(f"{self._looked} rows read directly")
            yield answer


def _of(kind: Kind, done: int, total: int) -> str:
    return f"{kind}s: {done} of {total} read" if total else f"{kind}s: {done} read"
