"""The judge. It knows the true history and design section 2, and nothing of how the synchronizer works.

Every rule is written here a second time, in other words, from the documentation; each group of promises has
its module: `evidence`, `budget`, `brake`, `truth`. import-linter keeps them from importing what they judge.
"""

from collections import Counter, deque
from typing import Any

from simulation.again import Again
from simulation.asked import Asked, Question
from simulation.brake import BrakeJudge
from simulation.budget import Budget
from simulation.evidence import Evidence, Terms, Write
from simulation.history import History, Life, Name, Violation
from simulation.maintenance import MaintenanceJudge
from simulation.meaning import KINDS, worsens
from simulation.ours import Attempt, Ours
from simulation.truth import Truth

_EVENTS, _MINUTE = 4, 60.0
_WAY = 1.0  # seconds in which what a sweep has found is written


class Oracle:
    """Raises Violation at once. `judged` counts what each rule really judged, or it proves nothing."""

    def __init__(self, history: History, terms: Terms) -> None:
        self._history = history
        self._terms = terms
        self.judged: Counter[str] = Counter()
        self.asked = Asked(history, terms.api)
        self.again = Again(terms.request_rate, self.judged)
        self.budget = Budget(terms.request_rate, self.judged)
        self.ours = Ours(history, terms.api, self.judged)
        self._place = self.ours.place
        self.maintenance = MaintenanceJudge(self.judged)
        self.brake = BrakeJudge(history, self.asked, terms.api, terms.index_lag, self._place, self.judged)
        self.truth = Truth(history, terms.api, self._place, self.judged)
        self.evidence = Evidence(history, self.asked, terms, self._place, self.judged)
        self._frozen = float("-inf")  # when the brake had to hold losses last
        self._writes: dict[Name, tuple[str, deque[float]]] = {}  # of each port: who wrote it last, and when

    # What it is told

    def sweep_began(self, who: str, now: float) -> None:
        self.asked.sweep_began(who, now)
        self.budget.lives(who, now)

    def pass_began(self, who: str, kind: str, now: float, wall: float) -> None:
        """It has read what Neutron has of a kind."""
        self.ours.listed(who, kind, now)
        self.brake.pass_began(who, kind, now, wall)

    def sweep_ended(self, who: str, bound: float, now: float) -> None:
        """It was complete."""
        self.asked.sweep_ended(who, bound, now)
        runner = self.asked.of(who)
        self.ours.others_differ(runner.began, now)
        if self.brake.must_hold(now, runner.began):
            self._frozen = now

    def ended(self, who: str) -> None:
        self.budget.ended(who)
        self.ours.ended(who)
        self.again.ended(who)

    def arrived(self, question: Question) -> list[Name]:
        """A request. Answers the rows that it names."""
        method, path = question.method, question.path
        self.budget.arrived(question.who, question.node, question.at)
        if not question.settling:
            self.budget.lives(question.who, question.at)
        if method != "GET" and not path.endswith(("/login", "/session/create")):
            raise Violation(f"promise 9: {question.who} sent {method} {path}: nothing may be written to NSX")
        names = self.asked.arrived(question)
        if question.settling:
            for name in names:
                self.ours.looked(question.who, name)
        self.again.arrived(question, names)
        return names

    def answered(self, question: Question, answer: Any, now: float) -> None:
        self.budget.answered(question.who, question.node, answer.status, now)
        self.asked.answered(question, answer, now)
        self.again.answered(question, answer, now)

    def asked_to_write(self, attempt: Attempt) -> None:
        """Whatever the store makes of it."""
        self.ours.asked(attempt)
        if attempt.refused:
            self.again.refused(attempt.who, self._seen(attempt.columns), attempt.at)

    def read(self, who: str, columns: Any, now: float, *, settling: bool) -> None:
        """It has read this row alone, or was told how it stands."""
        name = (str(columns.kind), columns.id)
        self.ours.read(who, name, now, settling=settling)
        if self._place(columns) == "out":
            self.again.spare(who, name)

    def gone(self, name: Name) -> None:
        """The row was deleted."""
        for who in self.asked.runners:
            self.again.spare(who, name)

    def _seen(self, columns: Any) -> Name:
        """What a look at this row names."""
        follows = self._place(columns) == "follower"
        return ("router", columns.device_id) if follows else (str(columns.kind), columns.id)

    def wrote(self, write: Write) -> None:
        name, status = write.name, write.columns.status
        self.ours.wrote(write)
        self.maintenance.wrote(write.who, name, write.before, status)
        if write.columns.blocks and status == "ACTIVE" and name[0] == "port":
            raise Violation(
                f"promise 1: {write.who} made {name} ACTIVE, for which {write.columns.blocks} stand"
            )
        life = self._history.rows[name]
        reason = self.evidence.reason(write, life)
        if reason == "absent":
            self.brake.absent(write.who, name, write.at)
        else:
            self.brake.wrote(write.who, name, write.before, status, write.at, settled=write.settled)
        if name[0] == "port":
            self._damped(write.who, name, life, write.at)

    # Promise 6

    def calm(self, who: str, troubled: float, now: float) -> int:
        """A sweep has ended: after two without trouble, everything is true within the bound that it told."""
        told = [each for each in self.asked.of(who).complete if each[0] > troubled]
        if len(told) < 2:
            return 0
        (_, _, last), (_, _, bound) = told[-2:]
        since = now - bound - self._terms.index_lag - _WAY
        twice = since - last - self._terms.index_lag - _WAY
        thrice = twice - 2 * (max(last, bound) + self._terms.index_lag)
        went_on = told[0][1] < since  # sweeps, all that time
        held = {kind for kind in KINDS if self.brake.may_hold(who, kind, twice, now)}
        rows = self.truth.settled(
            since,
            now,
            twice=twice if went_on else None,
            absent=thrice if went_on and thrice > max(troubled, self._frozen) else None,
            spare=lambda name, expected: (
                self._is_spared(name, expected, held, since, now) or self._is_unlisted(who, name, since)
            ),
        )
        self.judged["promise 6, amid the run"] += rows
        return rows

    def _is_spared(self, name: Name, expected: str, held: set[str], since: float, now: float) -> bool:
        """A port written so often that the next write may wait; a second object that may be unknown."""
        if name[0] in held and worsens(self._history.rows[name].columns.status, expected):
            return True
        _, recent = self._writes.get(name, ("", ()))
        often = sum(at > since - _MINUTE for at in recent) >= _EVENTS
        return often or sum(1 for _ in self._history.of(name, now, now)) > 1

    def _is_unlisted(self, who: str, name: Name, since: float) -> bool:
        """A row that need not have an object, and of which only a listing tells whether it has."""
        if self._place(self._history.rows[name].columns) != "optional":
            return False
        listings = self.asked.of(who).listings(name[0])
        return not any(
            each.begin >= since and not self.evidence.hid(each.begin, each.listed) for each in listings
        )

    def settled(self, since: float, now: float, *, absence: bool) -> int:
        """Calm has come, and lasts since then: every row is true."""
        return self.truth.settled(
            since, now, twice=since, absent=since if absence else None, spare=lambda *_: False
        )

    def _damped(self, who: str, name: Name, life: Life, now: float) -> None:
        """At most 4 writes, hence events, of a port in a minute, unless somebody else changed it."""
        writer, recent = self._writes.get(name, ("", deque()))
        if writer != who:  # a second daemon is somebody else, too
            recent = deque(maxlen=_EVENTS + 1)
        recent.append(now)
        self._writes[name] = who, recent
        self.judged["events"] += 1
        if len(recent) > _EVENTS and recent[0] > max(now - _MINUTE, life.touched):
            seconds = now - recent[0]
            raise Violation(f"flap damping: {who} wrote {name} {len(recent)} times in {seconds:.1f} s")
