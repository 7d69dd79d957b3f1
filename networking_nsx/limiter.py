"""When a manager may be asked: its request budget, and whether asking makes sense at all.

Values in, seconds out: no I/O, no waiting, no clock. Every `now` is monotonic seconds; the caller
waits. Both classes may be shared by threads.
"""

import threading
from bisect import bisect_left, bisect_right, insort
from typing import NamedTuple

_SECOND = 1.0  # that NSX counts over
# Two requests whose ways took up to so much more and less than usual still arrive a second apart; one that
# is known to have taken longer holds its place for longer. Costs 9 % of the rate.
_JITTER = 0.1
_WINDOW = _SECOND + _JITTER
_SAME = 1e-6  # seconds that a moment may be off after it was added and subtracted
_EASING = 1.0  # seconds between two changes of the allowed rate


class Standing(NamedTuple):
    """How a budget stands, in requests per second."""

    rate: int
    allowed: int  # of the rate, for now
    used: int  # in the last second

    @property
    def left(self) -> int:
        return max(0, self.allowed - self.used)


class Limiter:
    """A budget of `rate` requests in any second, halved when the manager complains (AIMD).

    A share of it may be kept for urgent requests. While the others take less than as much, it is the other
    way round: the share is theirs, and the rest is for urgent ones. Each of the two parts keeps to its own
    number in every sliding second, so both together keep to what is allowed; where they hold more than that,
    because they have just changed places or requests arrived late, `_past_full_seconds` sees to it.
    """

    def __init__(self, rate: int, urgent_share: float = 0.0) -> None:
        """`urgent_share`: at least one request is kept where it is not 0 and the rate is more than 1."""
        self._rate = rate
        self._share = urgent_share
        self._allowed = rate
        self._changed_at = float("-inf")
        self._throttled_at = float("-inf")
        self._ordinary, self._urgent = _Lane(rate), _Lane(rate)
        self._sent: list[float] = []  # of both, in order, the future's too
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Limiter({self._allowed} of {self._rate}/s)"

    def standing(self, now: float) -> Standing:
        with self._lock:
            used = bisect_right(self._sent, now) - bisect_right(self._sent, now - _SECOND)
            return Standing(self._rate, self._allowed, used)

    def reserve(self, now: float, *, urgent: bool = False) -> float:
        """Book the next free moment and say how many seconds from now it is.

        Callers keep their order, but urgent ones may pass the others.
        """
        with self._lock:
            lane, at = self._next(now, urgent=urgent)
            if at > now:
                self._grow(now)
                lane, at = self._next(now, urgent=urgent)
            at = self._past_full_seconds(at, now)
            lane.note(at)
            insort(self._sent, at)
            return at - now

    def wait(self, now: float, *, urgent: bool = False) -> float:
        """How many seconds from now the next free moment is, without booking it."""
        with self._lock:
            return self._next(now, urgent=urgent)[1] - now

    def arrived(self, booked: float, now: float) -> None:
        """The request booked for that moment has been answered: until now at the latest it arrived.

        A thread may be held up on its way for longer than any margin; what follows it is then, too.
        """
        if now - _JITTER <= booked:
            return
        with self._lock:
            _remove(self._sent, booked)
            insort(self._sent, now - _JITTER)
            if not self._urgent.move(booked, now - _JITTER):
                self._ordinary.move(booked, now - _JITTER)

    def throttled(self, now: float) -> None:
        """Halve the rate: NSX asked for fewer requests. Complaints about one burst count once."""
        with self._lock:
            if now - self._throttled_at >= _EASING:
                self._allow(max(1, self._allowed // 2), now)
                self._throttled_at = now

    def _next(self, now: float, *, urgent: bool) -> tuple["_Lane", float]:
        """Where to book, and the next moment that is free there."""
        kept = max(1, int(self._allowed * self._share)) if self._share and self._allowed > 1 else 0
        lane, allowed = self._ordinary, self._allowed - kept
        if urgent and kept:
            wanted = self._ordinary.since(now - _WINDOW) >= kept
            lane, allowed = self._urgent, kept if wanted else allowed
        return lane, max(now, lane.free_at(allowed))

    def _past_full_seconds(self, at: float, now: float) -> float:
        """The first moment from then on that is in no second which holds all that is allowed without it."""
        del self._sent[: bisect_left(self._sent, now - 2 * _WINDOW)]
        while later := self._full_second(at):
            at = later
        return at

    def _full_second(self, at: float) -> float:
        """Where a second that holds all that is allowed and that moment is out of its way; 0 if none is."""
        sent, allowed, place = self._sent, self._allowed, bisect_right(self._sent, at)
        first = max(bisect_left(sent, at - _WINDOW), place - allowed)
        for start in range(place, first - 1, -1):
            last = start + allowed - 1
            if last < len(sent) and max(sent[last], at) - min(sent[start], at) < _WINDOW - _SAME:
                return sent[start] + _WINDOW
        return 0.0

    def _grow(self, now: float) -> None:
        """Allow one more per second in which somebody had to wait: only then is the rate in the way."""
        if self._allowed < self._rate and now - self._changed_at >= _EASING:
            self._allow(self._allowed + 1, now)

    def _allow(self, allowed: int, now: float) -> None:
        self._allowed, self._changed_at = allowed, now


class _Lane:
    """One part of a budget: what was booked in it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sent: list[float] = []  # the latest `most` sendings, in order, the future's too

    def free_at(self, allowed: int) -> float:
        """When one more would be no more than so many in any second."""
        if len(self._sent) < allowed:
            return self._sent[-1] if self._sent else 0.0
        return max(self._sent[-1], self._sent[-allowed] + _WINDOW)

    def since(self, moment: float) -> int:
        """How many are later, the future's too."""
        return len(self._sent) - bisect_right(self._sent, moment)

    def note(self, at: float) -> None:
        insort(self._sent, at)
        if len(self._sent) > self._most:
            del self._sent[0]

    def move(self, booked: float, at: float) -> bool:
        """Whether one of the latest was booked for that moment; it was later."""
        found = _remove(self._sent, booked)
        if found:
            insort(self._sent, at)
        return found


def _remove(sent: list[float], booked: float) -> bool:
    place = bisect_left(sent, booked - _SAME)
    found = place < len(sent) and sent[place] <= booked + _SAME
    if found:
        del sent[place]
    return found


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
        self._probing = False
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Circuit({self._failures} failures in a row)"

    @property
    def failures(self) -> int:
        """In a row."""
        return self._failures

    def open(self, now: float) -> bool:
        """Whether nobody is let through for now. Asking changes nothing."""
        return self._failures >= self._threshold and now < self._open_until

    def allows(self, now: float) -> bool:
        """Whether to try. An answer of True must be followed by one of the three reports below."""
        with self._lock:
            if self._failures < self._threshold:
                return True
            if now < self._open_until:
                return False
            self._open_until = now + self._longest  # the others wait for the probe, but not for ever
            self._probing = True
            return True

    def failed(self, now: float, *, hopeless: bool = False) -> None:
        """Open after enough failures in a row, or at once when trying again makes no sense."""
        with self._lock:
            if self.open(now) and not self._probing:
                return  # of what was under way when it opened nothing is learnt that is not known already
            self._probing = False
            self._failures = self._threshold if hopeless else self._failures + 1
            if self._failures >= self._threshold:
                self._open_until = now + self._pause
                self._pause = min(2 * self._pause, self._longest)

    def succeeded(self) -> None:
        with self._lock:
            self._probing = False
            self._failures = 0
            self._pause = self._first_pause

    def report(self, now: float, *, worked: bool | None) -> None:
        """One of the three; None is undecided."""
        if worked is None:
            self.undecided(now)
        elif worked:
            self.succeeded()
        else:
            self.failed(now)

    def undecided(self, now: float) -> None:
        """The attempt told nothing: if it was the probe, the next caller may be."""
        with self._lock:
            if self._probing:
                self._probing = False
                self._open_until = min(self._open_until, now)
