"""The only loop that waits: one sweep after another, for ever, whatever happens in one of them."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from networking_nsx.errors import Retryable, Throttled
from networking_nsx.model import Progress
from networking_nsx.ports import Clock
from networking_nsx.sync.pacing import Backoff, Pacer
from networking_nsx.sync.sweep import Sweeper


@dataclass(slots=True)
class Summary:
    """What one sweep came to."""

    counts: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0  # from its first request to its last write
    period: float = 0.0  # from the beginning of the sweep before to the beginning of this one
    bound: float = 0.0  # from there to the end of this one: nothing it met was verified longer ago

    def add(self, progress: Progress) -> None:
        self.counts.update(progress.counts)
        self.words.update(progress.words)

    @property
    def unsettled(self) -> int:
        """Suspicions that another sweep may settle."""
        return self.counts["unsettled"] + self.counts["early"]


class Listener(Protocol):
    """Whoever follows a sweep: a log, a progress bar, metrics."""

    def progressed(self, progress: Progress) -> None: ...

    def swept(self, summary: Summary) -> None: ...

    def failed(self, error: Exception, wait: float) -> None: ...


class Runner:
    """Sweeps at its pace until told to stop; a step is never cut in half."""

    def __init__(
        self,
        sweeper: Sweeper,
        pacer: Pacer,
        clock: Clock,
        listener: Listener,
        first_delay: float = 5.0,
    ) -> None:
        self._sweeper = sweeper
        self._pacer = pacer
        self._page_backoff = Backoff()
        self._sweep_backoff = Backoff()
        self._clock = clock
        self._listener = listener
        self._first_delay = first_delay
        self._began: float | None = None  # the last complete sweep

    def run(self, stopping: Callable[[], bool]) -> None:
        """Sweep until `stopping()`, which is asked between steps and after every wait."""
        self._clock.sleep(self._first_delay)
        while not stopping():
            failure: Exception | None = None
            try:
                self._sweep(stopping)
            # The loop never dies (promise 4): the sweep has failed, is counted, and another one follows.
            except Exception as error:  # noqa: BLE001
                failure = error
            if failure:
                self._failed(failure)

    def _sweep(self, stopping: Callable[[], bool]) -> None:
        began = self._clock.monotonic()
        self._pacer.begin(began)
        summary = Summary()
        for progress in self._sweeper.sweep(self._pacer.room):
            summary.add(progress)
            self._listener.progressed(progress)
            if stopping():
                return
            self._wait(progress)
            if stopping():
                return
        self._swept(summary, began)
        self._clock.sleep(self._pacer.rest(self._clock.monotonic()))

    def _wait(self, progress: Progress) -> None:
        if progress.failure:
            self._failed(progress.failure)
            return
        if progress.counts.get("pages"):
            self._page_backoff.succeeded()
        wait = self._pacer.delay(progress, self._clock.monotonic())
        if wait:
            self._clock.sleep(wait)

    def _swept(self, summary: Summary, began: float) -> None:
        ended = self._clock.monotonic()
        summary.seconds = ended - began
        before = began if self._began is None else self._began
        summary.period, summary.bound = began - before, ended - before
        self._began = began
        self._sweep_backoff.succeeded()
        self._listener.swept(summary)

    def _failed(self, error: Exception) -> None:
        # A page that fails again and again at last fails its sweep: the back-off goes on where it was.
        backoff = self._page_backoff if isinstance(error, Retryable) else self._sweep_backoff
        asked = error.retry_after if isinstance(error, Throttled) else 0.0
        wait = max(backoff.failed(), asked)
        self._listener.failed(error, wait)
        self._clock.sleep(wait)


def once(sweeper: Sweeper, clock: Clock, listener: Listener) -> Iterator[Summary]:
    """Complete sweeps, unpaced, until no suspicion is left that another sweep could settle.

    Raises NsxError or StoreError when a sweep has failed.
    """
    pending: int | None = None
    backoff = Backoff()
    while True:
        began, summary = clock.monotonic(), Summary()
        for progress in sweeper.sweep(lambda: sweeper.source.page_maximum):
            summary.add(progress)
            listener.progressed(progress)
            if progress.failure:
                wait = backoff.failed()
                listener.failed(progress.failure, wait)
                clock.sleep(wait)
        summary.seconds = clock.monotonic() - began
        listener.swept(summary)
        yield summary
        if not summary.unsettled or (pending is not None and summary.unsettled >= pending):
            return
        pending = summary.unsettled
        clock.sleep(SETTLING)


# Neutron keeps whole seconds: a row written a moment ago cannot be told from one that changed since.
SETTLING = 1.0
