"""How many requests NSX lets a client send: by the second and at a time, at each of its nodes.

Promises: what is refused for the rate does not count for it, so that a client which waits gets on;
whoever was admitted is in flight until its answer has gone out.
"""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable

from networking_nsx.simulator.policy_errors import too_fast, too_many
from networking_nsx.simulator.settings import SimulatorSettings

_WINDOW = 1.0  # seconds


class Limits:
    """The requests of each account at each node."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._clock = settings.clock
        self._rate = settings.client_rate_limit
        self._of_client = settings.client_concurrency_limit
        self._of_node = settings.node_concurrency_limit
        self._lock = threading.Lock()
        self._recent: defaultdict[tuple[str, int], deque[float]] = defaultdict(deque)
        self._flying: Counter[tuple[str, int]] = Counter()
        self._busy: Counter[int] = Counter()

    def admit(self, account: str, node: int) -> Callable[[], None]:
        """Let a request in; return what to call at its end. Raises Wrong."""
        key = (account, node)
        with self._lock:
            self._check_flying(key)
            self._check_rate(key)
            self._flying[key] += 1
            self._busy[node] += 1

        def leave() -> None:
            with self._lock:
                self._flying[key] -= 1
                self._busy[node] -= 1

        return leave

    def _check_rate(self, key: tuple[str, int]) -> None:
        recent, now = self._recent[key], self._clock()
        while recent and recent[0] <= now - _WINDOW:
            recent.popleft()
        if self._rate and len(recent) >= self._rate:
            raise too_fast(key[0], self._rate)
        recent.append(now)

    def _check_flying(self, key: tuple[str, int]) -> None:
        account, node = key
        if self._of_client and self._flying[key] >= self._of_client:
            raise too_many(f"Client '{account}'", self._of_client)
        if self._of_node and self._busy[node] >= self._of_node:
            raise too_many("Node", self._of_node)
