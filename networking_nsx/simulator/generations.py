"""The number that grows with every modification, as each node has come to know it.

A node may lag: it knows a generation only some seconds after it was made. Only the number lags; all
nodes answer from one inventory.
"""

import threading
import time
from collections import deque

from networking_nsx.simulator.settings import Clock

_KEPT = 1000  # modifications; a lag that spans more of them is cut short


class Generations:
    """Counts modifications and remembers when each was made."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ended = False
        self._made: deque[tuple[float, int]] = deque([(float("-inf"), 1)], maxlen=_KEPT)

    def grow(self) -> None:
        with self._changed:
            self._made.append((self._clock(), self._made[-1][1] + 1))
            self._changed.notify_all()

    def end(self) -> None:
        """Let go of whoever waits: the server stops."""
        self._ended = True

    def known(self, lag: float = 0.0) -> int:
        """The generation that a node knows which lags `lag` seconds behind."""
        with self._changed:
            if not lag:
                return self._made[-1][1]
            until = self._clock() - lag
            return max((number for made, number in self._made if made <= until), default=self._made[0][1])

    def wait(self, wanted: int, lag: float, limit: float) -> None:
        """Return when a node that lags knows `wanted`, or after `limit` seconds."""
        deadline = time.monotonic() + limit
        while not self._ended and self.known(lag) < wanted and (left := deadline - time.monotonic()) > 0:
            with self._changed:
                self._changed.wait(min(left, 0.01))
