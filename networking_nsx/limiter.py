"""When a manager may be asked: its request budget, and whether asking makes sense at all.

Values in, seconds out: no I/O, no waiting, no clock. Every `now` is monotonic seconds; the caller
waits. Both classes may be shared by threads.
"""

import threading
from collections import deque

# Longer than the second that NSX counts over, so that two requests whose ways took up to 0.1 s more and
# less than usual still arrive a second apart. Costs 9 % of the rate.
_WINDOW = 1.1
_EASING = 1.0  # seconds between two changes of the allowed rate


class Limiter:
    """A budget of `rate` requests in any second, halved when the manager complains (AIMD)."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._allowed = rate
        self._sent: deque[float] = deque(maxlen=rate)  # the latest `rate` sendings, the future's too
        self._changed_at = float("-inf")
        self._throttled_at = float("-inf")
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Limiter({self._allowed} of {self._rate}/s)"

    def reserve(self, now: float) -> float:
        """Book the next free moment and say how many seconds from now it is. Callers keep their order."""
        with self._lock:
            at = max(now, self._free_at())
            if at > now:
                self._grow(now)
                at = max(now, self._free_at())
            self._sent.append(at)
            return at - now

    def throttled(self, now: float) -> None:
        """Halve the rate: NSX asked for fewer requests. Complaints about one burst count once."""
        with self._lock:
            if now - self._throttled_at >= _EASING:
                self._allowed = max(1, self._allowed // 2)
                self._throttled_at = self._changed_at = now

    def _free_at(self) -> float:
        if len(self._sent) < self._allowed:
            return self._sent[-1] if self._sent else 0.0
        return max(self._sent[-1], self._sent[-self._allowed] + _WINDOW)

    def _grow(self, now: float) -> None:
        """Allow one more per second in which somebody had to wait: only then is the rate in the way."""
        if self._allowed < self._rate and now - self._changed_at >= _EASING:
            self._allowed += 1
            self._changed_at = now


class Circuit:
    """Spares the caller a manager that does not work: no attempt, hence no wait, while it is open.

    Opens after `threshold` failures in a row for `pause` seconds, doubling up to `longest`. The first
    caller after that is the probe: it alone is let through, and its result closes or reopens.
    """

    def __init__(self, threshold: int = 3, pause: float = 1.0, longest: float = 64.0) -> None:
        self._threshold = threshold
        self._first_pause = pause
        self._longest = longest
        self._failures = 0
        self._open_until = float("-inf")
        self._pause = pause
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Circuit({self._failures} failures in a row)"

    def allows(self, now: float) -> bool:
        """Whether to try. An answer of True must be followed by one of the three reports below."""
        with self._lock:
            if self._failures < self._threshold:
                return True
            if now < self._open_until:
                return False
            self._open_until = now + self._longest  # the others wait for the probe, but not for ever
            return True

    def failed(self, now: float, *, hopeless: bool = False) -> None:
        """Open after enough failures in a row, or at once when trying again makes no sense."""
        with self._lock:
            self._failures = self._threshold if hopeless else self._failures + 1
            if self._failures >= self._threshold:
                self._open_until = now + self._pause
                self._pause = min(2 * self._pause, self._longest)

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0
            self._pause = self._first_pause

    def undecided(self, now: float) -> None:
        """The attempt told nothing: if it was the probe, the next caller may be."""
        with self._lock:
            self._open_until = min(self._open_until, now)
