"""The only loops that wait: one sweep after another, and beside them what cannot wait for the next one.

For ever, whatever happens in one of them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from networking_nsx.errors import Retryable, Throttled
from networking_nsx.model import Progress
from networking_nsx.ports import Clock
from networking_nsx.sync.pacing import Backoff, Pacer
from networking_nsx.sync.settle import Settler
from networking_nsx.sync.sweep import Sweeper

IDLE = 60.0  # seconds; a hint ends the wait


@dataclass(slots=True)
class Summary:
    """What one sweep came to."""

    counts: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0  # from its first request to its last write
    period: float = 0.0  # from the beginning of the sweep before to the beginning of this one
    bound: float = 0.0  # seconds: no status was verified longer ago, at the pace of this sweep
    oldest: float = 0.0  # seconds from the oldest look that a status rests on to the end of this sweep
    waited: float = 0.0  # seconds since every row had its turn, where not every sweep reads all
    turns: int = 1  # sweeps in which every object is read

    def add(self, progress: Progress) -> None:
        self.counts.update(progress.counts)
        self.words.update(progress.words)
        self.bound = max(self.bound, progress.bound)
        self.oldest = max(self.oldest, progress.behind)
        self.waited = max(self.waited, progress.waited)
        self.turns = max(self.turns, progress.turns)

    @property
    def unsettled(self) -> int:
        """Suspicions that another sweep may settle."""
        return self.counts["unsettled"] + self.counts["early"]


class Listener(Protocol):
    """Whoever follows a sweep: a log, a progress bar, metrics."""

    def began(self) -> None: ...

    def progressed(self, progress: Progress) -> None: ...

    def swept(self, summary: Summary) -> None: ...

    def failed(self, error: Exception, wait: float) -> None: ...


class Several:
    """Listeners that are told the same."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def began(self) -> None:
        for listener in self._listeners:
            listener.began()

    def progressed(self, progress: Progress) -> None:
        for listener in self._listeners:
            listener.progressed(progress)

    def swept(self, summary: Summary) -> None:
        for listener in self._listeners:
            listener.swept(summary)

    def failed(self, error: Exception, wait: float) -> None:
        for listener in self._listeners:
            listener.failed(error, wait)


class Gate(Protocol):
    """Where the runner waits, and where somebody may keep it waiting."""

    def wait(self, seconds: float) -> bool:
        """Wait between two steps. True, and early, when the sweep at hand must not go on."""
        ...

    def enter(self) -> None:
        """Return when a sweep may begin."""
        ...


class OpenGate:
    """Keeps nobody waiting."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def wait(self, seconds: float) -> bool:
        if seconds:
            self._clock.sleep(seconds)
        return False

    def enter(self) -> None: ...


class Runner:
    """Sweeps at its pace until told to stop; a step is never cut in half.

    A sweep that the gate keeps from going on is given up, and another one begins when the gate lets it: what
    was read before a pause is no evidence after it.
    """

    def __init__(
        self,
        sweeper: Sweeper,
        pacer: Pacer,
        clock: Clock,
        listener: Listener,
        first_delay: float = 5.0,
        gate: Gate | None = None,
    ) -> None:
        self._sweeper = sweeper
        self._pacer = pacer
        self._page_backoff = Backoff()
        self._sweep_backoff = Backoff()
        self._clock = clock
        self._listener = listener
        self._first_delay = first_delay
        self._gate = gate or OpenGate(clock)
        self._began: float | None = None  # the last complete sweep

    def run(self, stopping: Callable[[], bool]) -> None:
        """Sweep until `stopping()`, which is asked between steps and after every wait."""
        self._rest(self._first_delay)
        while not stopping():
            try:
                wait = self._sweep(stopping)
            # The loop never dies (promise 4): the sweep has failed, is counted, and another one follows.
            except Exception as error:  # noqa: BLE001
                wait = self._failed(error)
            self._rest(wait)

    def _rest(self, seconds: float) -> None:
        """Wait between two sweeps."""
        self._gate.wait(seconds)
        self._gate.enter()

    def _sweep(self, stopping: Callable[[], bool]) -> float:
        """Sweep, and answer how many seconds later the next sweep begins."""
        began = self._clock.monotonic()
        self._pacer.begin(began)
        self._listener.began()
        summary = Summary()
        # Closed when it is given up: a source may be reading ahead.
        with closing(self._sweeper.sweep(self._pacer.room)) as steps:
            for progress in steps:
                summary.add(progress)
                self._listener.progressed(progress)
                if stopping() or self._gate.wait(self._after(progress)) or stopping():
                    return 0.0
        self._swept(summary, began)
        return self._pacer.rest(self._clock.monotonic())

    def _after(self, progress: Progress) -> float:
        """Seconds to wait after this step."""
        if progress.failure:
            return self._failed(progress.failure)
        if progress.counts.get("pages"):
            self._page_backoff.succeeded()
        return self._pacer.delay(progress, self._clock.monotonic())

    def _swept(self, summary: Summary, began: float) -> None:
        ended = self._clock.monotonic()
        summary.seconds = ended - began
        before = began if self._began is None else self._began
        summary.period = began - before
        waiting = (summary.turns - 1) * max(summary.period, summary.seconds, self._pacer.interval)
        summary.oldest = max(summary.oldest, summary.seconds + waiting)
        summary.bound = max(summary.bound, summary.oldest, ended - before + waiting)
        self._began = began
        self._sweep_backoff.succeeded()
        self._listener.swept(summary)

    def _failed(self, error: Exception) -> float:
        """Tell of it, and answer how many seconds to wait."""
        # A page that fails again and again at last fails its sweep: the back-off goes on where it was.
        backoff = self._page_backoff if isinstance(error, Retryable) else self._sweep_backoff
        asked = error.retry_after if isinstance(error, Throttled) else 0.0
        wait = max(backoff.failed(), asked)
        self._listener.failed(error, wait)
        return wait


class SettleListener(Protocol):
    """Whoever follows the settling."""

    def progressed(self, progress: Progress) -> None: ...

    def failed(self, error: Exception, wait: float) -> None: ...


class SeveralSettling:
    """Listeners to the settling that are told the same."""

    def __init__(self, *listeners: SettleListener) -> None:
        self._listeners = listeners

    def progressed(self, progress: Progress) -> None:
        for listener in self._listeners:
            listener.progressed(progress)

    def failed(self, error: Exception, wait: float) -> None:
        for listener in self._listeners:
            listener.failed(error, wait)


class SettleRunner:
    """Settles what is due until told to stop, in a thread of its own; a step is never cut in half.

    What a pause, a stop or a failure leaves undone is due again. The gate's wait ends early at a hint.
    """

    def __init__(self, settler: Settler, clock: Clock, listener: SettleListener, gate: Gate) -> None:
        self._settler = settler
        self._clock = clock
        self._listener = listener
        self._gate = gate
        self._backoff = Backoff()
        self._resume_at = float("-inf")  # after a failure, whoever hints meanwhile

    def run(self, stopping: Callable[[], bool]) -> None:
        """Settle until `stopping()`, which is asked between steps and after every wait."""
        while not stopping():
            self._gate.wait(self._rest())
            self._gate.enter()
            if not stopping() and not self._rest():
                self._turn(stopping)

    def _rest(self) -> float:
        """Seconds until there is something to do."""
        rest = self._settler.schedule.rest()
        return max(0.0, self._resume_at - self._clock.monotonic(), IDLE if rest is None else rest)

    def _turn(self, stopping: Callable[[], bool]) -> None:
        try:
            self._settle(stopping)
            self._backoff.succeeded()
        # The loop never dies (promise 4): the turn has failed, is counted, and another one follows.
        except Exception as error:  # noqa: BLE001
            wait = self._backoff.failed()
            self._resume_at = self._clock.monotonic() + wait
            self._listener.failed(error, wait)

    def _settle(self, stopping: Callable[[], bool]) -> None:
        with closing(self._settler.settle()) as steps:
            for progress in steps:
                self._listener.progressed(progress)
                if stopping() or self._gate.wait(0):
                    return


def once(sweeper: Sweeper, clock: Clock, listener: Listener) -> Iterator[Summary]:
    """Complete sweeps, unpaced, until no suspicion is left that another sweep could settle.

    Raises NsxError or StoreError when a sweep has failed.
    """
    pending: int | None = None
    backoff = Backoff()
    while True:
        began, summary = clock.monotonic(), Summary()
        listener.began()
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
        clock.sleep(max(SETTLING, sweeper.canary.pause, sweeper.ledger.pause))


# What was refused or had no answer is worth another sweep, a moment later.
SETTLING = 1.0
