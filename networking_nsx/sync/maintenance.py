"""A maintenance of NSX: while it lasts, and until a sweep has seen everything after it, no row gets worse.

What worsens is deferred: not written, found again by each sweep, and written by the sweeps that follow the
first complete one begun after the end. What improves is written all the time. NSX is read as ever.

    none --start--> holding --its end, or a stop--> verifying --a sweep begun then is complete--> none

Where an index is not believed, rows are read in turn: then each has had its turn since the end.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import NamedTuple, Protocol

from networking_nsx.model import Change, Key, Kind, Outcome, Progress, Row, Verdict
from networking_nsx.ports import Clock, Store
from networking_nsx.sync import rules
from networking_nsx.sync.runner import Summary

LONGEST = 7 * 86400.0  # seconds; a window that somebody forgot hides what breaks
WORDS = 200  # characters of a reason


class Phase(StrEnum):
    NONE = "none"
    HOLDING = "holding"
    VERIFYING = "verifying"  # it is over, and no sweep begun since then is complete


class Maintenance(NamedTuple):
    """Seconds since the epoch, and why."""

    since: float
    until: float
    reason: str


class Memory(Protocol):
    """What outlives the process."""

    @property
    def lasts(self) -> bool:
        """Whether it does."""
        ...

    def keep(self, maintenance: Maintenance) -> None:
        """Raises StateError."""
        ...

    def forget(self) -> None:
        """Never raises: to verify once more after a restart does no harm."""
        ...


class Forgetful:
    """A memory that ends with the process."""

    lasts = False

    def keep(self, maintenance: Maintenance) -> None: ...

    def forget(self) -> None: ...


Tell = Callable[[Phase, Maintenance], object]


def refusal(until: float, reason: str, now: float) -> str:
    """Why a maintenance cannot last until then; "" when it can."""
    if not until > now:
        return "its end lies in the past"
    if until - now > LONGEST:
        return f"its end is more than {LONGEST / 86400:g} days away: begin another one when this one ends"
    if not reason.strip():
        return "a reason is needed: others will ask why no status gets worse"
    return f"its reason has more than {WORDS} characters" if len(reason) > WORDS else ""


class Window:
    """The maintenance of this process, if there is one. A `runner.Listener`; any thread may call."""

    def __init__(
        self,
        clock: Clock,
        lock: AbstractContextManager[object],
        memory: Memory,
        tell: Tell,
        standing: Maintenance | None = None,
    ) -> None:
        """`standing` is what the memory has; `lock` is held for moments; `tell` hears of each new phase."""
        self._clock = clock
        self._lock = lock
        self._memory = memory
        self._tells: tuple[Tell, ...] = (tell,)
        self._standing = standing
        self._verified_by_this_sweep: Maintenance | None = None
        self._over = float("-inf")  # the end of the last one that was verified
        self._writes = 0  # at hand

    def __repr__(self) -> str:
        return f"Window({self.phase})"

    def also(self, tell: Tell) -> None:
        """Let somebody else hear of each new phase, too."""
        self._tells += (tell,)

    @property
    def standing(self) -> Maintenance | None:
        """Also when it is over, and nothing has verified yet."""
        return self._standing

    @property
    def phase(self) -> Phase:
        standing = self._standing
        if standing is None:
            return Phase.NONE
        # An end further ahead than any may be tells that the clock was wrong when it began, and set back.
        return Phase.HOLDING if 0 < standing.until - self._clock.now() <= LONGEST else Phase.VERIFYING

    @property
    def lasts(self) -> bool:
        """Whether a restart knows of it."""
        return self._memory.lasts

    @property
    def is_written(self) -> bool:
        """Whether a write is at hand. One begun before a maintenance may still worsen something."""
        return self._writes > 0

    def start(self, until: float, reason: str) -> Maintenance:
        """Begin one, or give the one at hand another end. Raises StateError."""
        with self._lock:
            goes_on = self._standing if self.phase is Phase.HOLDING else None
            started = Maintenance(goes_on.since if goes_on else self._clock.now(), until, reason)
            self._set(started)
        self._tell_all(Phase.HOLDING, started)
        return started

    def stop(self) -> bool:
        """End it now; whether there was one that had not ended. Raises StateError."""
        with self._lock:
            if self.phase is not Phase.HOLDING or self._standing is None:
                return False
            self._set(self._standing._replace(until=self._clock.now()))
            return True

    @contextmanager
    def writing(self) -> Iterator[float]:
        """Around a write: what was seen by then is deferred where it worsens."""
        with self._lock:
            self._writes += 1
            horizon = self._horizon()
        try:
            yield horizon
        finally:
            with self._lock:
                self._writes -= 1

    # What the runner tells

    def began(self) -> None:
        with self._lock:
            over = self._standing if self.phase is Phase.VERIFYING else None
            new = over is not self._verified_by_this_sweep
            self._verified_by_this_sweep = over
        if over and new:
            self._tell_all(Phase.VERIFYING, over)

    def progressed(self, progress: Progress) -> None: ...

    def swept(self, summary: Summary) -> None:
        with self._lock:
            verified = self._standing
            if verified is None or verified is not self._verified_by_this_sweep:
                return
            since_its_end = max(0.0, self._clock.now() - verified.until)
            if summary.waited > since_its_end:  # some rows are still to be read
                return
            self._standing = self._verified_by_this_sweep = None
            self._over = verified.until  # what NSX said before that may still be on its way
            self._memory.forget()
        self._tell_all(Phase.NONE, verified)

    def failed(self, error: Exception, wait: float) -> None: ...

    def _horizon(self) -> float:
        if self._standing:
            return float("inf")
        # An end that is yet to come tells that the clock was set back: nothing is held by it.
        return self._over if self._over <= self._clock.now() else float("-inf")

    def _tell_all(self, phase: Phase, maintenance: Maintenance) -> None:
        for tell in self._tells:
            tell(phase, maintenance)

    def _set(self, maintenance: Maintenance) -> None:
        self._memory.keep(maintenance)
        self._standing = maintenance


class Deferring:
    """A store that defers what worsens while a maintenance stands: its verdict is DEFERRED."""

    def __init__(self, store: Store, window: Window) -> None:
        self._store = store
        self._window = window

    def __repr__(self) -> str:
        return f"Deferring({self._window!r}, {self._store!r})"

    def recorded(self, kind: Kind) -> Iterator[Row]:
        return self._store.recorded(kind)

    def rows(self, keys: Sequence[Key]) -> list[Row]:
        return self._store.rows(keys)

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        """As `Store.write`, of what is not deferred."""
        with self._window.writing() as horizon:
            deferred = [rules.worsens(each) and each.observation.as_of <= horizon for each in changes]
            passing = [change for change, waits in zip(changes, deferred, strict=True) if not waits]
            written = iter(self._store.write(passing) if passing else ())
            return [
                Outcome(change, Verdict.DEFERRED, change.row) if waits else next(written)
                for change, waits in zip(changes, deferred, strict=True)
            ]
