"""The time of the machine."""

import threading
import time


class SystemClock:
    """Sleeps until the time is up or the process is asked to stop, whichever comes first."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)
