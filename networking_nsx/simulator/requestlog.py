"""What arrived and how it was answered: the proof that a client keeps its budget."""

import threading
import time
from collections import Counter, defaultdict, deque
from typing import Any

from networking_nsx.simulator.settings import Clock

_WINDOW = 1.0  # seconds


class RequestLog:
    """Counts every request from its arrival on, logins and refused ones included."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._total = self._bytes = self._logins = 0
            self._answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
            self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
            self._most: Counter[str] = Counter()

    def arrived(self, account: str, node: int) -> None:
        """Note a request before anything is done about it."""
        key = f"{account}@{node}"
        with self._lock:
            now = self._clock()
            recent = self._recent[key]
            recent.append(now)
            while recent[0] <= now - _WINDOW:
                recent.popleft()
            self._total += 1
            self._most[key] = max(self._most[key], len(recent))

    def answered(self, pattern: str, status: str, size: int, *, login: bool = False) -> None:
        """Note an answer before its first byte leaves, so that its reader finds it counted."""
        with self._lock:
            self._answers[pattern][status] += 1
            self._bytes += size
            self._logins += login

    def summary(self) -> dict[str, Any]:
        with self._lock:
            return {
                "total": self._total,
                "by_path": {pattern: dict(answers) for pattern, answers in sorted(self._answers.items())},
                "bytes": self._bytes,
                "logins": self._logins,
                "max_per_second": dict(self._most),
            }
