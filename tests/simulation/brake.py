"""Promise 8: how many rows may worsen without an operator's word. Written after docs/explanation/brake.md."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from simulation.asked import Asked, Pass, Runner
from simulation.history import History, Name, Violation
from simulation.meaning import BAD, KINDS, MEANING, worsens

SHARE, MINIMUM, WINDOW = 0.1, 10, 600.0
_SAMPLE, _AGREEMENT = 50, 0.9
_SINGLE = 10  # rows of a kind that single looks may worsen within the window


class BrakeJudge:
    """`place` says whose a row is."""

    def __init__(
        self,
        history: History,
        asked: Asked,
        api: str,
        lag: float,
        place: Callable[[Any], str],
        judged: "Counter[str]",
    ) -> None:
        self._history = history
        self._asked = asked
        self._api = api
        self._lag = lag
        self._place = place
        self._judged = judged
        self._single: dict[tuple[str, str], deque[tuple[float, Name]]] = {}
        self.released: dict[str, float] = {}  # when an operator released a kind last

    def pass_began(self, who: str, kind: str, now: float, wall: float) -> None:
        """What the pass is weighed with: rows that are bad and, by their date, changed within the window."""
        ours = [
            (name, life)
            for name, life in self._history.rows.items()
            if name[0] == kind and self._place(life.columns) != "out"
        ]
        spent = frozenset(
            name
            for name, life in ours
            if life.columns.status in BAD
            and life.columns.changed_at > wall - WINDOW
            and self._place(life.columns) != "waiting"
        )
        errors = frozenset(name for name in spent if self._history.rows[name].columns.status == "ERROR")
        self._asked.pass_began(who, Pass(kind, now, wall, rows=len(ours), spent=spent, errors=errors))

    def wrote(self, who: str, name: Name, before: str, status: str, now: float, *, settled: bool) -> None:
        """What is not absence."""
        if not worsens(before, status) or self._is_released(name[0], now):
            return
        if settled:
            self._singly(who, name, now)
        else:
            self._within_a_pass(who, name)

    def _singly(self, who: str, name: Name, now: float) -> None:
        spent = self._single.setdefault((who, name[0]), deque())
        while spent and spent[0][0] <= now - WINDOW:
            spent.popleft()
        spent.append((now, name))
        rows = len({each for _, each in spent})
        self._judged["promise 8, single rows"] += 1
        if rows > _SINGLE:
            raise Violation(f"promise 8: {who} let single looks worsen {rows} {name[0]}s in {WINDOW:.0f} s")

    def _within_a_pass(self, who: str, name: Name) -> None:
        runner = self._asked.of(who)
        at_hand = runner.at_hand
        # Ports that follow their router are written in the pass over ports.
        if at_hand is None or at_hand.kind != name[0]:
            raise Violation(f"promise 8: {who} wrote {name} outside of any pass over its kind")
        at_hand.worse.add(name)
        over = len(at_hand.spent | at_hand.worse) - _most(at_hand.rows)
        self._judged["promise 8, worsening"] += 1
        if over <= 0:
            return
        self._judged["promise 8, sampled"] += 1
        looks = sum(self._sampled(runner, each, at_hand) for each in self._history.rows)
        wanted = _AGREEMENT * min(_SAMPLE, over, len(at_hand.worse))
        if looks < wanted:
            raise Violation(
                f"promise 8: {who} worsened {len(at_hand.worse)} of {at_hand.rows} {name[0]}s in one pass, "
                f"beside {len(at_hand.spent)} spent, after {looks} looks at single ones"
            )

    def _sampled(self, runner: Runner, name: Name, at_hand: Pass) -> bool:
        """Whether the row was looked at for the sample: where a status is read singly anyway, once more."""
        kind, columns = name[0], self._history.rows[name].columns
        if kind != at_hand.kind:
            return False
        follows = self._place(columns) == "follower"
        seen = ("router", columns.device_id) if follows else name
        # Of a router that is gone there is no status to be asked for.
        looks = sum(
            (look.status or follows) and look.sweep != 0 for look in runner.looked(seen, at_hand.begin)
        )
        return looks >= (2 if self._api == "policy" and kind != "network" and not follows else 1)

    def absent(self, who: str, name: Name, now: float) -> None:
        """A row was declared absent: together with all that is missing it is not too much, in any kind."""
        runner = self._asked.of(who)
        at_hand = runner.at_hand
        if at_hand is None or self._is_released(name[0], now):
            return
        at_hand.absent.add(name)
        self._judged["promise 8"] += 1
        for kind in KINDS:
            each = at_hand if kind == name[0] else runner.passes.get(kind, [None])[-1]
            if each is None or (each is not at_hand and (not each.whole or each.listed is None)):
                continue  # that pass may have told nothing
            lost = self._missing(each, now) | each.absent | each.errors
            everything = not self._has_any(kind, each.begin, now) and len(lost) > 1
            if len(lost) > _most(each.rows) or everything:
                raise Violation(
                    f"promise 8: {who} declared {name} absent while {len(lost)} of {each.rows} {kind}s "
                    "were lost"
                )

    def may_hold(self, who: str, kind: str, since: float, now: float) -> bool:
        """Whether so many rows were worse on NSX since then that a sample may have denied some of it."""
        last = next(iter(reversed(self._asked.of(who).passes.get(kind, ()))), None)
        if last is None:
            return True
        meaning = MEANING[self._api, kind]
        worse = {
            name
            for name, life in self._history.rows.items()
            if name[0] == kind
            and any(
                worsens(life.columns.status, meaning.get(span.word, life.columns.status))
                for spans in self._history.of(name, since, now)
                for span in spans
            )
        } | (self._followers() if kind == "port" else set())
        return len(last.spent | last.worse | worse) > _most(last.rows)

    def _followers(self) -> set[Name]:
        """Ports that ought to follow a router which is ERROR, whatever it is on NSX now."""
        rows = self._history.rows
        routers = {name[1] for name, life in rows.items() if life.columns.status == "ERROR"}
        return {
            name
            for name, life in rows.items()
            if name[0] == "port" and life.columns.device_id in routers and life.columns.status not in BAD
        }

    def must_hold(self, now: float, since: float) -> bool:
        """Whether so much is missing that nothing may be declared absent; a whole kind, too."""
        for kind in KINDS:
            rows = [
                life
                for name, life in self._history.rows.items()
                if name[0] == kind and self._place(life.columns) != "out"
            ]
            recent = sum(
                life.columns.status == "ERROR" and life.columns.changed_at > now - WINDOW - 60.0
                for life in rows
            )
            missing = len(self._missing(Pass(kind, now, now), now)) if rows else 0
            if missing and (recent + missing > _most(len(rows)) or not self._has_any(kind, since, now)):
                return True
        return False

    def _missing(self, each: Pass, now: float) -> set[Name]:
        """Rows that ought to have an object, and surely had none for this pass."""
        begin = each.begin - self._lag
        end = now if each.listed is None else max(each.listed, begin)
        return {
            name
            for name, life in self._history.rows.items()
            if name[0] == each.kind
            and life.columns.status != "ERROR"
            and life.changed < begin
            and self._place(life.columns) == "twin"
            and not any(self._history.of(name, begin, end))
        }

    def _has_any(self, kind: str, begin: float, end: float) -> bool:
        return any(
            name[0] == kind and any(self._history.of(name, begin, end)) for name in self._history.objects
        )

    def _is_released(self, kind: str, now: float) -> bool:
        return now - self.released.get(kind, float("-inf")) < WINDOW


def _most(rows: int) -> float:
    return max(MINIMUM, SHARE * rows)
