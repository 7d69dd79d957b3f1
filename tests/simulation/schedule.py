"""Time that passes only when nobody has anything left to do, and whoever acts in it, one at a time."""

import heapq
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from greenlet import getcurrent, greenlet

START = 1_800_000_000.0  # seconds since the epoch; a moment in 2027
MONOTONIC = 1000.0  # what a monotonic clock shows then


class Killed(BaseException):
    """A process dies where it stands. No handler of its own notices."""


class Schedule:
    """What is going to happen, in its order; ties in the order in which they were agreed."""

    def __init__(self) -> None:
        self.time = START
        self.steps = 0  # all that has happened
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._number = count()

    def seconds(self) -> float:
        """A monotonic clock, for the simulated NSX."""
        return self.time - START + MONOTONIC

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._due, (self.time + max(0.0, seconds), next(self._number), act))

    def run(self, until: float) -> None:
        """Let happen what is due until then."""
        while self._due and self._due[0][0] <= until:
            self.time, _, act = heapq.heappop(self._due)
            self.steps += 1
            act()
        self.time = until


class Task:
    """A line of execution that gives way to the others only where it sleeps."""

    def __init__(self, schedule: Schedule, work: Callable[[], None]) -> None:
        self._schedule = schedule
        self._line = greenlet(lambda: self._run(work))
        self._nap = 0  # the number of the sleep at hand: who is woken early is not woken again
        schedule.after(0.0, self._line.switch)

    @property
    def alive(self) -> bool:
        return not self._line.dead

    @property
    def running(self) -> bool:
        """Whether this is who asks."""
        return getcurrent() is self._line

    def sleep(self, seconds: float) -> None:
        """Only from within."""
        self._nap += 1
        nap = self._nap
        self._schedule.after(seconds, lambda: self._wake(nap))
        self._line.parent.switch()

    def wake(self) -> None:
        """Cut the sleep at hand short."""
        self._wake(self._nap)

    def kill(self) -> None:
        """Let it die where it sleeps."""
        self._nap += 1
        self._line.throw(Killed)

    def _wake(self, nap: int) -> None:
        if self.alive and nap == self._nap:
            self._nap += 1
            self._line.switch()

    @staticmethod
    def _run(work: Callable[[], None]) -> None:
        with suppress(Killed):
            work()
