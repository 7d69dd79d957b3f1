"""Promises 1 and 2: what speaks for a status that was written, and since when it may."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from simulation.asked import Asked, Pass, Runner
from simulation.history import History, Life, Name, Span, Violation
from simulation.meaning import MEANING
from simulation.truth import GRACE

if TYPE_CHECKING:
    from collections import Counter

_ROUNDING = 2.0  # seconds: Neutron keeps whole ones, a request is on its way for a moment


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed with the synchronizer."""

    api: str
    request_rate: int
    interval: float
    index_lag: float  # 0 without an index
    hides: bool = False  # listings may leave out objects, whatever faults NSX has


@dataclass(frozen=True, slots=True)
class Write:
    """A status that was written. `columns` are the row's, the new status among them."""

    who: str
    settled: bool  # by the settle runner
    columns: Any
    before: str
    dated: float  # when the row had changed last, as Neutron tells it
    at: float
    wall: float  # what the writer's clock showed

    @property
    def name(self) -> Name:
        return str(self.columns.kind), self.columns.id


class Evidence:
    """`place` says whose a row is."""

    def __init__(
        self,
        history: History,
        asked: Asked,
        terms: Terms,
        place: Callable[[Any], str],
        judged: "Counter[str]",
    ) -> None:
        self._history = history
        self._asked = asked
        self._terms = terms
        self._place = place
        self._judged = judged
        self._hiding: deque[list[float]] = deque(
            maxlen=200
        )  # from when to when a fault made NSX hide objects

    def hides(self, now: float) -> None:
        """From now on a fault makes NSX leave objects out of its answers."""
        self._hiding.append([now, float("inf")])

    def shows(self, now: float) -> None:
        for each in self._hiding:
            each[1] = min(each[1], now)

    def reason(self, write: Write, life: Life) -> str:
        """Why it may be written. Raises Violation when nothing speaks for it."""
        runner, place = self._asked.of(write.who), self._place(write.columns)
        since = self._since(write, life, runner, place)
        reason = self._reason(write, place, since, runner)
        if reason is None:
            raise Violation(self._nothing(write, life, since, runner, place))
        self._judged[f"promise 1, {reason}"] += 1
        if reason == "absent":
            self._rested(write, life, runner)
            self._witnessed(write, runner)
        return reason

    # Promise 2: nothing newer is overwritten

    def _since(self, write: Write, life: Life, runner: Runner, place: str) -> float:
        """From when on evidence counts: since the row's last revision, and of one sweep or one look."""
        if not write.settled:
            return max(runner.began, life.noticed)
        seen = ("router", write.columns.device_id) if place == "follower" else write.name
        looks = [look for look in runner.looks.get(seen, ()) if look.sweep == 0]
        if not looks:
            raise Violation(f"promise 1: {write.who} settled {write.name} without a look at it")
        self._judged["promise 2, a single look"] += 1
        if looks[-1].at < life.noticed:
            raise Violation(
                f"promise 2: {write.who} settled {write.name}, which had changed "
                f"{life.noticed - looks[-1].at:.3f} s after the last look at it"
            )
        # A look may be several requests.
        first = next(look for look in looks if look.at >= looks[-1].at - self._terms.interval)
        return max(life.noticed, first.at)

    # Promise 1: evidence

    def _reason(self, write: Write, place: str, since: float, runner: Runner) -> str | None:
        """Why this status may be written; None when nothing speaks for it."""
        columns, now, name = write.columns, write.at, write.name
        status, (kind, _) = columns.status, name
        if (kind == "router" and status == "DOWN") or (write.settled and status == "ERROR"):
            return None
        if place == "follower":
            return self._as_its_router(columns, since, now)
        objects = list(self._history.of(name, since, now))
        if status == "ERROR" and place == "twin" and self._is_gone(name, since, now, runner):
            return "absent"
        if not columns.admin_up:
            return "admin down" if status == "DOWN" and objects and kind != "router" else None
        if status == "ACTIVE":
            return None if place == "waiting" else self._all_up(name, objects, since, now, runner)
        meaning = MEANING[self._terms.api, kind]
        if not any(meaning.get(span.word) == status for spans in objects for span in spans):
            return None
        return "bad" if status != "ERROR" or self._is_bad_twice(name, meaning, runner) else None

    def _all_up(
        self, name: Name, objects: list[list[Span]], since: float, now: float, runner: Runner
    ) -> str | None:
        """Whether no object speaks against ACTIVE.

        A second one may have been overlooked if it came after the last complete listing, or if NSX has hidden
        some since that began.
        """
        up = any(span.word == "up" for spans in objects for span in spans)
        known = self._listed(name[0], runner)
        if known is None or self._terms.hides or self.hid(known.begin, now):
            return "up, perhaps with another one" if up else None
        old = [
            spans
            for spans in objects
            if self._history.born(name, spans[0]) <= known.begin - self._terms.index_lag
        ]
        return "up" if up and all(self._possibly(spans, since, now) for spans in old) else None

    def _listed(self, kind: str, runner: Runner) -> Pass | None:
        """The pass that knows of all objects: the last that has listed them, else a flawless one at hand."""
        before = (each for each in runner.listings(kind) if each.whole)
        at_hand = runner.at_hand
        fresh = at_hand if at_hand and at_hand.kind == kind and runner.erred < at_hand.begin else None
        return next(before, fresh)

    def _is_bad_twice(self, name: Name, meaning: Mapping[str, str], runner: Runner) -> bool:
        """ERROR needs two direct looks, in two sweeps, at which NSX had it bad (design section 5)."""
        sweeps = set()
        for look in runner.looks.get(name, ()):
            words = {span.word for spans in self._history.of(name, look.at, look.at) for span in spans}
            if look.sweep and look.status and any(meaning.get(word) == "ERROR" for word in words):
                sweeps.add(look.sweep)
        return len(sweeps) >= 2 and max(sweeps) == runner.sweeps

    def _is_gone(self, name: Name, since: float, now: float, runner: Runner) -> bool:
        """Absence: the last two complete listings were without it, and a look did not find it."""
        if not self._nothing_at_some_moment(name, since, now):
            return False
        looks = runner.looked(name, since)
        if not any(not any(self._history.of(name, look.at, look.at)) for look in looks):
            return False
        without = takewhile(lambda each: self._may_lack(name, each), runner.listings(name[0]))
        return len(list(without)) >= 2

    def _may_lack(self, name: Name, each: Pass) -> bool:
        """Whether this listing may have been without any object of the row."""
        begin, end = each.begin - self._terms.index_lag, each.listed or each.begin
        return self._terms.hides or self.hid(begin, end) or self._nothing_at_some_moment(name, begin, end)

    def hid(self, begin: float, end: float) -> bool:
        return any(start <= end and stop >= begin for start, stop in self._hiding)

    @staticmethod
    def _possibly(spans: list[Span], since: float, now: float) -> bool:
        """Whether this object did not speak against ACTIVE at some moment."""
        up = any(span.word == "up" or not span.ours for span in spans)
        return up or spans[0].begin > since or spans[-1].end <= now

    def _nothing_at_some_moment(self, name: Name, since: float, now: float) -> bool:
        """Whether there was a moment without any object of this row."""
        objects = list(self._history.of(name, since, now))
        edges = sorted({since, now, *(span.end for spans in objects for span in spans if span.end <= now)})
        return any(not any(span.within(at, at) for spans in objects for span in spans) for at in edges)

    def _as_its_router(self, columns: Any, since: float, now: float) -> str | None:
        """A port without an object of its own shares its router's health."""
        name = ("router", columns.device_id)
        router = self._history.rows.get(name)
        if not columns.admin_up:
            return "follower" if columns.status == "DOWN" else None
        objects = list(self._history.of(name, min(since, now - self._terms.interval), now))
        if columns.status == "ACTIVE":
            return "follower" if any(span.word == "up" for spans in objects for span in spans) else None
        meaning = MEANING[self._terms.api, "router"]
        is_bad = any(meaning.get(span.word) == "ERROR" for spans in objects for span in spans)
        was_bad = router is not None and router.had("ERROR", since)
        return "follower" if columns.status == "DOWN" and (was_bad or is_bad) else None

    def _rested(self, write: Write, life: Life, runner: Runner) -> None:
        """A row that is absent has rested. A clock that is ahead makes it look older, by just so much.

        So does one that was behind when a status was written, which dated the row.
        """
        ahead = max(runner.ahead, write.wall - write.at, life.noticed - write.dated - 1)
        if ahead >= GRACE:
            return
        self._judged["promise 1, rested"] += 1
        if write.at - life.revised < GRACE - ahead - _ROUNDING:
            raise Violation(
                f"promise 1: {write.name} was declared absent {write.at - life.revised:.0f} s after a change"
            )

    def _witnessed(self, write: Write, runner: Runner) -> None:
        """NSX finds others of its kind still, after it did not find this one."""
        kind, _ = write.name
        at_hand = runner.at_hand
        begin = at_hand.begin if at_hand else write.at
        if not self._has_others(write.name, begin, write.at):
            return
        last = max((look.at for look in runner.looked(write.name, begin)), default=begin)
        found = at_hand.found.items() if at_hand else ()
        self._judged["promise 1, witnessed"] += 1
        if not any(name[0] == kind and name != write.name and at > last for name, at in found):
            raise Violation(
                f"promise 1: {write.who} declared {write.name} absent, and has not seen after its last look "
                f"at it that NSX finds any other {kind}"
            )

    def _has_others(self, name: Name, begin: float, now: float) -> bool:
        return any(
            other[0] == name[0] and other != name and other in self._history.rows
            for other in self._history.objects
            if any(self._history.of(other, begin, now))
        )

    # For messages

    def _nothing(self, write: Write, life: Life, since: float, runner: Runner, place: str) -> str:
        now, name = write.at, write.name
        moments = (("changed", life.touched), ("written", life.written), ("sweep", runner.began))
        ages = ", ".join(f"{what} {moment - now:.3f} s" for what, moment in moments)
        last = list(runner.looks.get(name, ()))[-4:]
        looks = ", ".join(f"{look.at - now:.2f} s" for look in last) or "none"
        looks += "; listings " + ", ".join(
            f"{each.begin - now:.1f}..{each.listed - now if each.listed else 'never'}"
            for each in runner.passes.get(name[0], ())
        )
        return (
            f"promise 1: {write.who} {'settled' if write.settled else 'wrote'} {write.before} -> "
            f"{write.columns.status} to {name} ({place}); since {since - now:.3f} s NSX had "
            f"{self._history.told(name, since, now)} ({ages}; looks {looks})"
        )
