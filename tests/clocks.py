"""Clocks for tests."""

import threading

from networking_nsx.clock import SystemClock


class Ticker:
    """Seconds for a simulator, which pass only by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


class LaterClock(SystemClock):
    """The machine's clock, put forward by hand."""

    ahead = 0.0

    def __init__(self) -> None:
        super().__init__(threading.Event())

    def monotonic(self):
        return super().monotonic() + self.ahead
