"""Do requests go on? Told by the clock that they ask."""

from networking_nsx.ports import Clock


class Pulse:
    """A clock that notes when it was asked last: whoever uses it does not hang. Threads may share it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_at = clock.monotonic()
        self._sleepers: set[object] = set()

    @property
    def at(self) -> float:
        """The latest moment, in monotonic seconds, at which it was asked or somebody slept by it."""
        return self._clock.monotonic() if self._sleepers else self._asked_at

    def now(self) -> float:
        return self._clock.now()

    def monotonic(self) -> float:
        self._asked_at = self._clock.monotonic()
        return self._asked_at

    def sleep(self, seconds: float) -> None:
        sleeper = object()
        self._sleepers.add(sleeper)
        try:
            self._clock.sleep(seconds)
        finally:
            self._asked_at = self._clock.monotonic()
            self._sleepers.discard(sleeper)
