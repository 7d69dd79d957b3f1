"""The judge. It knows the true history and design section 2, and nothing of how the synchronizer works.

Every rule is written here a second time, in other words: what a status means, which rows are ours, how old
evidence may be. import-linter keeps it from importing what it judges.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulation.history import KEPT, History, Life, Name, Span

GRACE = 300.0  # seconds a row must have rested before it can be absent (design section 5)
_ROUNDING = 2.0  # seconds: Neutron keeps whole ones, a request is on its way for a moment
_EVENTS, _MINUTE = 4, 60.0
_WINDOW = 1.0  # seconds in which requests are counted

# Design section 5: what a word of NSX means. A word without an entry proves nothing.
_MEANING = {
    ("mh", "network"): {"up": "ACTIVE", "down": "DOWN"},
    ("mh", "router"): {"up": "ACTIVE", "down": "ERROR"},
    ("mh", "port"): {"up": "ACTIVE", "down": "DOWN"},
    ("policy", "network"): {"up": "ACTIVE", "down": "ERROR", "error": "ERROR"},
    ("policy", "router"): {"up": "ACTIVE", "down": "ERROR", "error": "ERROR"},
    ("policy", "port"): {"up": "ACTIVE", "down": "DOWN", "error": "DOWN"},
}
_FOLLOWERS = {
    "mh": {"network:router_gateway"},
    "policy": {"network:router_gateway", "network:router_interface"},
}
_LEVELS = {"DOWN", "ERROR"}


class Violation(BaseException):
    """A promise was broken. No loop that never dies may go on over it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed with the synchronizer."""

    api: str
    request_rate: int
    interval: float
    index_lag: float  # 0 without an index
    hides: bool = False  # listings may leave out objects, whatever faults NSX has
    brake_share: float = 0.1
    brake_minimum: int = 10
    brake_window: float = 600.0


@dataclass(slots=True)
class Runner:
    """What is known of one process."""

    began: float = float("-inf")  # its sweep at hand
    complete: float = float("-inf")  # the last one that came to its end, else its first
    arrivals: dict[int, deque[float]] = field(default_factory=dict)  # of its requests, by node


class Oracle:
    """Raises Violation at once. `judged` counts what each rule met: without that it proves nothing."""

    def __init__(self, history: History, terms: Terms) -> None:
        self._history = history
        self._terms = terms
        self._runners: dict[str, Runner] = {}
        self._absent: deque[tuple[float, Name]] = deque()  # rows declared absent within the brake's window
        self.released: dict[str, float] = {}  # when an operator released a kind last
        self.jumped = float("-inf")  # when a process's clock was set last
        self.hiding = float("-inf")  # until when NSX may have left objects out of its answers, by a fault
        self._writes: dict[Name, tuple[str, deque[float]]] = {}  # of each port: who wrote it last, and when
        self.judged: Counter[str] = Counter()

    # What it is told

    def sweep_began(self, who: str, now: float) -> None:
        self._runners.setdefault(who, Runner(complete=now)).began = now

    def sweep_ended(self, who: str) -> None:
        """It was complete."""
        self._runners[who].complete = self._runners[who].began

    def arrived(self, who: str, node: int, method: str, path: str, now: float) -> None:
        """Promise 5: never more than `request_rate` requests of a process in any second, at any node."""
        recent = self._runners.setdefault(who, Runner()).arrivals.setdefault(node, deque())
        recent.append(now)
        while recent[0] <= now - _WINDOW:
            recent.popleft()
        self.judged["promise 5"] += 1
        if len(recent) > self._terms.request_rate:
            raise Violation(f"promise 5: {who} sent {len(recent)} requests to node {node} within a second")
        if method != "GET" and not path.endswith(("/login", "/session/create")):
            raise Violation(f"promise 9: {who} sent {method} {path}: nothing may be written to NSX")

    def wrote(self, who: str, columns: Any, before: str, now: float) -> None:
        """A status was written. `columns` are the row's, the new status among them."""
        name, status = (str(columns.kind), columns.id), columns.status
        place = self._place(columns)
        if place == "out":
            raise Violation(f"promise 9: {who} wrote {status} to {name}, which is not ours")
        life = self._history.rows[name]
        runner = self._runners[who]
        since = max(runner.began, life.changed)
        reason = self._reason(name, place, life, since, now, runner)
        if reason is None:
            ages = ", ".join(
                f"{what} {moment - now:.3f} s"
                for what, moment in (
                    *(("changed", life.touched), ("written", life.written)),
                    *(("sweep", runner.began), ("complete", runner.complete)),
                )
            )
            raise Violation(
                f"promise 1: {who} wrote {before} -> {status} to {name} ({place}); since {since - now:.3f} s "
                f"NSX had {self._told(name, since, now)} ({ages})"
            )
        self.judged[f"promise 1, {reason}"] += 1
        if reason == "absent":
            self._absence(name, life, now)
        if name[0] == "port":
            self._damped(who, name, life, now)

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

    # Promise 1: evidence

    def _reason(
        self, name: Name, place: str, life: Life, since: float, now: float, runner: Runner
    ) -> str | None:
        """Why this status may be written; None when nothing speaks for it."""
        columns = life.columns
        status = columns.status
        kind, _ = name
        if kind == "router" and status == "DOWN":
            return None
        if place == "follower":
            return self._as_its_router(columns, since, now)
        objects = list(self._history.of(name, since, now))
        if status == "ERROR" and place == "twin" and self._nothing_at_some_moment(objects, since, now):
            return "absent"
        if not columns.admin_up:
            return "admin down" if status == "DOWN" and objects and kind != "router" else None
        if status == "ACTIVE":
            return None if place == "waiting" else self._all_up(name, objects, since, now, runner)
        meaning = _MEANING[self._terms.api, kind]
        bad = [span for spans in objects for span in spans if meaning.get(span.word) == status]
        # ERROR needs two looks, one in each sweep (design section 5).
        before = status != "ERROR" or self._was_bad(name, meaning, runner.began)
        return "bad" if bad and before else None

    def _all_up(
        self, name: Name, objects: list[list[Span]], since: float, now: float, runner: Runner
    ) -> str | None:
        """Whether no object speaks against ACTIVE.

        A second one may have been overlooked if it came after the last complete sweep, or while NSX hid some.
        """
        up = any(span.word == "up" for spans in objects for span in spans)
        if self._terms.hides or self.hiding >= since:
            return "up, perhaps with another one" if up else None
        known = runner.complete - self._terms.index_lag
        old = [spans for spans in objects if self._history.born(name, spans[0]) <= known]
        return "up" if up and all(self._possibly(spans, since, now) for spans in old) else None

    def _was_bad(self, name: Name, meaning: Mapping[str, str], before: float) -> bool:
        """Whether an object of it was bad before the sweep at hand, too."""
        earlier = self._history.of(name, before - KEPT, before)
        return any(meaning.get(span.word) == "ERROR" for spans in earlier for span in spans)

    @staticmethod
    def _possibly(spans: list[Span], since: float, now: float) -> bool:
        """Whether this object did not speak against ACTIVE at some moment."""
        up = any(span.word == "up" or not span.ours for span in spans)
        return up or spans[0].begin > since or spans[-1].end <= now

    @staticmethod
    def _nothing_at_some_moment(objects: list[list[Span]], since: float, now: float) -> bool:
        """Whether there was a moment without any object of this row."""
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
        was_bad = router is not None and router.had("ERROR", since)
        return "follower" if columns.status == "DOWN" and was_bad else None

    def _absence(self, name: Name, life: Life, now: float) -> None:
        """Promises 1 and 8: it rested, and few are declared absent unless an operator said so."""
        if now - life.revised < GRACE - _ROUNDING and now - self.jumped > 2 * GRACE:
            raise Violation(
                f"promise 1: {name} was declared absent {now - life.revised:.0f} s after a change"
            )
        kind, _ = name
        while self._absent and self._absent[0][0] < now - self._terms.brake_window:
            self._absent.popleft()
        self._absent.append((now, name))
        rows = sum(each[0] == kind for each in self._history.rows)
        absent = {each for _, each in self._absent if each[0] == kind}
        recent = sum(map(self._still_error, absent))
        allowed = max(self._terms.brake_minimum, self._terms.brake_share * rows)
        self.judged["promise 8"] += 1
        released = now - self.released.get(kind, float("-inf")) < self._terms.brake_window
        if recent > allowed and not released and now - self.jumped > self._terms.brake_window:
            raise Violation(
                f"promise 8: {recent} of {rows} {kind}s were declared absent, which nobody released"
            )

    def _still_error(self, name: Name) -> bool:
        life = self._history.rows.get(name)
        return life is not None and life.columns.status == "ERROR"

    # Promise 6: staleness

    def settled(self, since: float, now: float, *, absence: bool, but: frozenset[str] = frozenset()) -> int:
        """Each status is that of NSX, unless that changed since then. Answers how many rows were judged.

        `absence`: rows without an object must be ERROR. `but`: kinds that the brake holds.
        """
        judged = 0
        for name, life in self._history.rows.items():
            place = self._place(life.columns)
            if name[0] in but or place in ("out", "waiting") or life.touched > since or life.columns.blocks:
                continue
            expected = self._expected(name, place, life, since, now, absence=absence)
            if expected is None:
                continue
            judged += 1
            if life.columns.status != expected:
                raise Violation(
                    f"promise 6: {name} ({place}) is {life.columns.status}; for {now - since:.1f} s it "
                    f"ought to be {expected}: NSX had {self._told(name, since, now)}"
                )
        self.judged["promise 6"] += judged
        return judged

    def _expected(
        self, name: Name, place: str, life: Life, since: float, now: float, *, absence: bool
    ) -> str | None:
        """The status that nothing has spoken against since then; None where there is none."""
        kind, _ = name
        columns = life.columns
        if place == "follower":
            return None if not columns.admin_up else self._router_says(columns, since, now)
        objects = list(self._history.of(name, since, now))
        if not objects:
            # A row that somebody whose clock is ahead has dated in the future never is at rest.
            rested = columns.changed_at + GRACE < since
            return "ERROR" if absence and place == "twin" and rested else None
        if any(len(spans) > 1 or spans[0].begin > since or spans[0].end <= now for spans in objects):
            return None  # it changed
        words = {spans[0].word for spans in objects}
        if not all(spans[0].ours for spans in objects):
            return None
        meaning = _MEANING[self._terms.api, kind]
        known = [meaning[word] for word in words if word in meaning]
        if not columns.admin_up:
            return "DOWN" if known and kind != "router" else None
        worst = next((status for status in ("ERROR", "DOWN") if status in known), None)
        return worst or ("ACTIVE" if len(known) == len(words) else None)

    def _router_says(self, columns: Any, since: float, now: float) -> str | None:
        router = self._history.rows.get(("router", columns.device_id))
        if router is None or router.changed > since or not router.columns.admin_up:
            return None
        expected = self._expected(("router", columns.device_id), "twin", router, since, now, absence=False)
        if expected != router.columns.status:
            return None
        return {"ACTIVE": "ACTIVE", "ERROR": "DOWN"}.get(expected or "")

    # Promise 9: whose a row is

    def _place(self, columns: Any) -> str:
        """out, twin, optional, waiting or follower."""
        if columns.kind == "router":
            return "twin"
        if columns.kind == "network":
            return "out" if columns.external else "twin"
        network = self._history.rows.get(("network", columns.network_id))
        external = network is not None and network.columns.external
        bound = columns.vif_type not in (None, "unbound", "binding_failed")
        if columns.owner == "network:floatingip" or (bound and columns.driver != "nsx"):
            return "out"
        if columns.owner in _FOLLOWERS[self._terms.api]:
            return "follower"
        if columns.owner == "network:router_interface":
            return "optional"
        if not bound:
            return "waiting"
        dhcp = self._terms.api == "policy" and columns.owner == "network:dhcp"
        return "optional" if external or dhcp else "twin"

    def _told(self, name: Name, begin: float, end: float) -> str:
        """For messages: what there was then."""
        told = [
            " then ".join(
                f"{span.word}{'' if span.ours else ' (not ours)'} {max(span.begin, begin - 60) - end:.3f}"
                f"..{min(span.end, end) - end:.3f}"
                for span in spans
            )
            for spans in self._history.of(name, begin - 60, end)
        ]
        return "; ".join(told) or "nothing"
