"""The demo's progress: a live bar for a person who looks, plain lines for everything else."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from networking_nsx.cli.following import line
from networking_nsx.model import Kind, Progress
from networking_nsx.sync.runner import Summary

_LOG = logging.getLogger("networking_nsx")


class Screen(logging.Handler):
    """A `runner.Listener` for a person; while it is open it also shows what the project logs."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console
        columns = (
            TextColumn("  {task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._tasks = {kind: self._bar.add_task(f"{kind}s", total=None) for kind in Kind}
        self._trouble: Iterator[None] = iter(())

    def __enter__(self) -> Self:
        _LOG.addHandler(self)
        _LOG.propagate = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        _LOG.removeHandler(self)
        _LOG.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        self.say(f"  {record.getMessage()}")

    def say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, markup=False)

    @contextmanager
    def disturbed_by(self, trouble: Iterator[None]) -> Iterator[None]:
        """Let a piece of trouble happen after each page, and the rest of it at the end."""
        self._trouble = trouble
        next(trouble, None)
        yield
        for _ in self._trouble:
            pass

    def began(self) -> None: ...

    def progressed(self, progress: Progress) -> None:
        self._bar.start()
        task = self._tasks[progress.kind]
        if progress.counts.get("pages"):
            self._bar.update(task, total=progress.total, advance=progress.counts["observed"])
            next(self._trouble, None)
        else:  # read to its end: what is left are looks
            self._bar.update(task, total=self._bar.tasks[task].completed)

    def swept(self, summary: Summary) -> None:
        self._bar.stop()
        for task in self._tasks.values():
            self._bar.reset(task, total=None)
        self.say(f"  sweep done: {line(summary)}")

    def failed(self, error: Exception, wait: float) -> None:
        self.say(f"  a request failed, again in {wait:.0f} s: {error}")
