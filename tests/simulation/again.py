"""Promise 2: what was refused is looked at again at once.

At once is: when the settle runner comes to it, as docs/explanation/settling.md has it. That is a quarter of a
second after the hint, and after a step of the sweep; rows that were hinted at before go first, each twice
at most, in a tenth of the request rate.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulation.asked import Question
from simulation.history import Name, Violation

_STEP = 10.0  # seconds: what is under way, a step of the sweep among it
_EACH = 2 * 8  # requests that another row may take before: two looks, of so many at most
_TROUBLE = 64.0  # seconds: the longest a manager is spared after it failed
_PROMPT = 1.0  # seconds in which NSX answers where nothing is wrong
_ROUND = 1.1  # seconds in which the client sends a second's requests, so that jitter breaks no limit


@dataclass(slots=True)
class _Waiting:
    """A row whose write was refused."""

    since: float
    others: Counter[Name] = field(default_factory=Counter)  # requests for each that went before


class Again:
    """`rate` is what a process may ask for in a second; of it single rows have a tenth, at least one."""

    def __init__(self, rate: int, judged: "Counter[str]") -> None:
        self._seconds = _ROUND / max(1, rate // 10)  # of one request
        self._judged = judged
        self._waiting: dict[str, dict[Name, _Waiting]] = {}
        self._trouble: dict[str, float] = {}  # of each process: when NSX answered it badly last

    def refused(self, who: str, seen: Name, now: float) -> None:
        """A write was refused: `seen` is to be looked at."""
        if now - self._trouble.get(who, float("-inf")) > _TROUBLE:
            self._waiting.setdefault(who, {}).setdefault(seen, _Waiting(now))

    def spare(self, who: str, seen: Name) -> None:
        """There is nothing left to look at for."""
        self._waiting.get(who, {}).pop(seen, None)

    def arrived(self, question: Question, names: Iterable[Name]) -> None:
        waiting = self._waiting.get(question.who, {})
        for name in names:
            if waiting.pop(name, None):
                self._judged["promise 2, refused"] += 1
        if question.settling:
            for each in waiting.values():
                each.others.update(list(names)[:1] or [("", "")])
        self.late(question.who, question.at)

    def answered(self, question: Question, answer: Any, now: float) -> None:
        prompt = now - question.at <= _PROMPT and answer.bytes_per_second is None
        sound = answer.status in (200, 404) and not answer.silent and answer.cut is None
        if not (prompt and sound and answer.body.endswith(b"}")):
            self._trouble[question.who] = now
            self._waiting.pop(question.who, None)

    def late(self, who: str, now: float) -> None:
        """Whether a row has waited for too long."""
        for name, each in self._waiting.get(who, {}).items():
            before = sum(min(requests, _EACH) for requests in each.others.values())
            if now - each.since > _STEP + before * self._seconds:
                raise Violation(
                    f"promise 2: {who} was refused a write of {name}, and has not looked at it again for "
                    f"{now - each.since:.1f} s, with {before} requests for others"
                )

    def ended(self, who: str) -> None:
        self._waiting.pop(who, None)
        self._trouble.pop(who, None)
