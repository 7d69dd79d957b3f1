"""Gates that are closed and opened together: a pause holds every runner at its own."""

import threading
from collections.abc import Callable

from networking_nsx.ports import Clock


class Barrier:
    """Paused or not, and who rests because of it. Any thread may call, no signal handler."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._passages: tuple[Passage, ...] = ()
        self.paused_since: float | None = None
        self.pauses = 0  # so far
        self.stopped = False

    @property
    def state(self) -> str:
        """`pausing` until the steps at hand have ended."""
        if self.paused_since is None:
            return "running"
        return "paused" if all(passage.resting for passage in self._passages) else "pausing"

    def passage(self) -> "Passage":
        """One more gate, for a thread that is going to wait there."""
        passage = Passage(self, self._clock)
        self._passages += (passage,)
        return passage

    def pause(self) -> bool:
        """Close; whether it was open."""
        with self._lock:
            if self.paused_since is not None:
                return False
            self.paused_since = self._clock.now()
            self.pauses += 1
            self._ring()
            return True

    def resume(self) -> bool:
        """Open; whether it was closed."""
        with self._lock:
            paused, self.paused_since = self.paused_since is not None, None
            if paused:
                self._ring()
            return paused

    def stop(self) -> None:
        """Keep nobody waiting any longer."""
        with self._lock:
            self.stopped = True
            self._ring()

    def opens(self, note: Callable[[bool, int], None]) -> bool:
        """Whether who asks may pass; that, and the pauses so far, are noted before anything changes."""
        with self._lock:
            opens = self.paused_since is None or self.stopped
            note(opens, self.pauses)
            return opens

    def _ring(self) -> None:
        for passage in self._passages:
            passage.ring()


class Passage:
    """The `runner.Gate` of one thread."""

    def __init__(self, barrier: Barrier, clock: Clock) -> None:
        self.resting = False  # waits for a resume
        self.busy_since: float | None = None  # monotonic; None while it waits here, and before it came first
        self._barrier = barrier
        self._clock = clock
        self._bell = threading.Event()  # whoever waits is to look up
        self._pauses = 0  # before this thread passed last

    def wait(self, seconds: float) -> bool:
        self.busy_since = None
        if seconds and not self._closed and self._bell.wait(seconds):
            self._bell.clear()  # before anything is looked at: what is new afterwards rings again
        self.busy_since = self._clock.monotonic()
        return self._closed

    def enter(self) -> None:
        self.busy_since = None
        while not self._barrier.opens(self._note):
            self._bell.wait()
        self.busy_since = self._clock.monotonic()

    def ring(self) -> None:
        """End a wait: there is something to do."""
        self._bell.set()

    @property
    def _closed(self) -> bool:
        return self._barrier.stopped or self._barrier.pauses != self._pauses

    def _note(self, opens: bool, pauses: int) -> None:
        self._bell.clear()
        self.resting = not opens
        self._pauses = pauses
