"""Promises 4 and 5, as far as requests tell: how many, how many after a complaint, and no end of them."""

from collections import Counter, deque
from dataclasses import dataclass, field

from simulation.history import Violation

_SECOND = 1.0  # in which requests are counted
_AFTER = 3.0  # seconds after a complaint in which the rate is still about half: it grows by one a second
_ON_THEIR_WAY = 2  # requests at most that were let go, or allowed, before a complaint was heard
COMPLAINTS = (429, 503)
# Seconds: the longest back-off; an interval with its jitter; a request that ends at its deadline.
_LONGEST = 64.0 + 11.0 + 45.0


@dataclass(slots=True)
class _Node:
    """One manager, as one process asks it."""

    arrivals: deque[float] = field(default_factory=deque)  # of the last second
    complained: float = float("-inf")


class Budget:
    """Of every process, at each node."""

    def __init__(self, rate: int, judged: "Counter[str]") -> None:
        self._rate = rate
        self._judged = judged
        self._nodes: dict[tuple[str, int], _Node] = {}
        self._signs: dict[str, float] = {}  # of life, by process

    def arrived(self, who: str, node: int, now: float) -> None:
        """Never more than `rate` requests of a process in any second; half as many after a complaint."""
        asked = self._nodes.setdefault((who, node), _Node())
        asked.arrivals.append(now)
        while asked.arrivals[0] <= now - _SECOND:
            asked.arrivals.popleft()
        self._judged["promise 5"] += 1
        if len(asked.arrivals) > self._rate:
            raise Violation(
                f"promise 5: {who} sent {len(asked.arrivals)} requests to node {node} in a second"
            )
        if now - asked.complained <= _AFTER:
            self._after_a_complaint(who, node, asked, now)

    def answered(self, who: str, node: int, status: int, now: float) -> None:
        if status in COMPLAINTS:
            asked = self._nodes.setdefault((who, node), _Node())
            asked.complained = now

    def _after_a_complaint(self, who: str, node: int, asked: _Node, now: float) -> None:
        sent = sum(at > asked.complained for at in asked.arrivals)
        half = max(1, self._rate // 2)
        # Else there was nothing to be slowed down.
        self._judged["promise 5, after a complaint"] += sent == max(2, half // 2)
        if sent > half + _ON_THEIR_WAY + now - asked.complained:
            raise Violation(
                f"promise 5: {who} sent {sent} requests within a second to node {node}, which had complained "
                f"{now - asked.complained:.1f} s before; half its rate is {half}"
            )

    def lives(self, who: str, now: float) -> None:
        """A sign of life of its sweeps: the back-off between two is at most 64 s."""
        silent = now - self._signs.get(who, now)
        self._signs[who] = now
        if silent > _LONGEST:
            raise Violation(f"promise 4: {who} was silent for {silent:.0f} s; its back-off ends at 64")

    def silent(self, now: float) -> None:
        """Whether anybody who lives has been silent for too long."""
        for who in list(self._signs):
            if now - self._signs[who] > _LONGEST:
                self.lives(who, now)

    def ended(self, who: str) -> None:
        self._signs.pop(who, None)
