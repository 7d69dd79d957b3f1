"""Promise 6: what each status ought to be, from what NSX has had since some moment."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulation.history import History, Life, Name, Violation
from simulation.meaning import MEANING

if TYPE_CHECKING:
    from collections import Counter

GRACE = 300.0  # seconds a row must have rested before it can be absent (design section 5)


class Truth:
    """`place` says whose a row is."""

    def __init__(
        self, history: History, api: str, place: Callable[[Any], str], judged: "Counter[str]"
    ) -> None:
        self._history = history
        self._api = api
        self._place = place
        self._judged = judged

    def settled(
        self,
        since: float,
        now: float,
        *,
        twice: float | None,
        absent: float | None,
        spare: Callable[[Name, str], bool],
    ) -> int:
        """Each status is that of NSX, unless that changed since then. Answers how many rows were judged.

        `twice`: the same moment for what needs two looks; `absent`: for rows without an object; both must be
        ERROR then, and need not with None. `spare`: rows that are not judged.
        """
        judged = 0
        for name, life in self._history.rows.items():
            if self._place(life.columns) in ("out", "waiting") or life.columns.blocks:
                continue
            expected, since_then = self._due(name, life, since, now, twice=twice, absent=absent)
            rested = max(life.touched, life.freed)
            if expected is None or rested > since_then or spare(name, expected):
                continue
            judged += 1
            self._judged[f"promise 6, {expected}"] += 1
            self._compare(name, life, expected, since_then, now)
        self._judged["promise 6"] += judged
        return judged

    def _due(
        self, name: Name, life: Life, since: float, now: float, *, twice: float | None, absent: float | None
    ) -> tuple[str | None, float]:
        """What the status ought to be, and since when; None: it may be any."""
        expected = self._expected(name, life, since, now)
        if expected == "ERROR":
            return (None, since) if twice is None else (self._expected(name, life, twice, now), twice)
        if expected != "absent":
            return expected, since
        if absent is None or life.columns.changed_at + GRACE >= absent:
            return None, since
        return "ERROR" if self._expected(name, life, absent, now) == "absent" else None, absent

    def _compare(self, name: Name, life: Life, expected: str, since: float, now: float) -> None:
        if life.columns.status != expected:
            told = self._history.told(name, since, now)
            raise Violation(
                f"promise 6: {name} ({self._place(life.columns)}) is {life.columns.status}; for "
                f"{now - since:.1f} s it ought to be {expected}: NSX had {told}"
            )

    def _expected(self, name: Name, life: Life, since: float, now: float) -> str | None:
        """The status that nothing has spoken against since then; None where there is none."""
        kind, _ = name
        columns = life.columns
        place = self._place(columns)
        if place == "follower":
            return self._router_says(columns, since, now) if columns.admin_up else None
        objects = list(self._history.of(name, since, now))
        if not objects:
            return "absent" if place == "twin" else None
        if any(len(spans) > 1 or spans[0].begin > since or spans[0].end <= now for spans in objects):
            return None  # it changed
        if not all(spans[0].ours for spans in objects):
            return None
        meaning = MEANING[self._api, kind]
        words = [meaning.get(spans[0].word) for spans in objects]
        known = [word for word in words if word]
        if not columns.admin_up:
            return "DOWN" if known and kind != "router" else None
        worst = next((status for status in ("ERROR", "DOWN") if status in known), None)
        return worst or ("ACTIVE" if len(known) == len(words) else None)

    def _router_says(self, columns: Any, since: float, now: float) -> str | None:
        """A port without an object of its own shares the health of its router, once that is settled."""
        name = ("router", columns.device_id)
        router = self._history.rows.get(name)
        if router is None or router.changed > since or not router.columns.admin_up:
            return None
        expected = self._expected(name, router, since, now)
        if expected != router.columns.status:
            return None
        return {"ACTIVE": "ACTIVE", "ERROR": "DOWN"}.get(expected or "")
