"""When a request ends, and what it means that its time is over."""

from collections.abc import Callable

from networking_nsx.errors import Unavailable
from networking_nsx.nsx.queue import Queue
from networking_nsx.ports import Clock

_EARLY = 0.01  # seconds by which a sleep may end early without having been cut short


class Unanswered(Unavailable):
    """The request was taken, but its answer has not come whole: what it said is not known."""


class Stopped(Unavailable):
    """The process is asked to stop. No manager is to blame."""


class Queued(Unavailable):
    """Its time went by in queues of ours. No manager is to blame."""


class _SentTooLate(Queued, Unanswered):
    """Both."""


# What the end of a request's time means, by whether most of it went by in a queue, and whether it was sent.
_PASSED = {
    (False, False): Unavailable,
    (False, True): Unanswered,
    (True, False): Queued,
    (True, True): _SentTooLate,
}


class Deadline:
    """The moment at which a request ends, whatever it is doing."""

    def __init__(self, clock: Clock, seconds: float, *, urgent: bool = False) -> None:
        self.urgent = urgent  # it need not wait for what others have booked
        self._clock = clock
        self._seconds = seconds
        self._at = clock.monotonic() + seconds
        self._queued = 0.0

    def left(self, doing: str, *, sent: bool = False) -> float:
        """Seconds, more than 0. Raises one of `_PASSED` when there are none."""
        left = self._at - self._clock.monotonic()
        if left <= 0:
            error = _PASSED[self._queued > self._seconds / 2, sent]
            raise error(f"{doing}: not done within {self._seconds:g} s")
        return left

    def queue(self, queue: Queue, place: str, has_room: Callable[[], bool]) -> None:
        """Wait in it. Raises Queued when there is no room in time."""
        began = self._clock.monotonic()
        try:
            queue.wait(place, has_room, lambda: self.left(place), urgent=self.urgent)
        except Unavailable as error:
            raise Queued(f"{error}, because of the requests before this one") from error
        finally:
            self._queued += self._clock.monotonic() - began

    def allows(self, seconds: float) -> bool:
        return self._clock.monotonic() + seconds < self._at

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Stopped when the clock ends the sleep early."""
        until = self._clock.monotonic() + seconds
        self._clock.sleep(seconds)
        # A request sent now would break the budget that it was waiting for.
        if self._clock.monotonic() < until - _EARLY:
            raise Stopped("asked to stop while waiting to ask NSX")
