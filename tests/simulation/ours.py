"""Promise 9: whose a row is, and that nothing is even tried with the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulation.history import History, Name, Violation
from simulation.meaning import MEANING, place

if TYPE_CHECKING:
    from collections import Counter

    from simulation.evidence import Write


@dataclass(frozen=True, slots=True)
class Attempt:
    """A status that somebody wants to write. `columns` are the row's as it is."""

    who: str
    settled: bool  # by the settle runner
    columns: Any
    status: str
    refused: bool  # by the store, which found another row than the one that had been read
    at: float

    @property
    def name(self) -> Name:
        return str(self.columns.kind), self.columns.id


class Ours:
    """Knows when each runner read which row: one that was another's by then, it must leave alone."""

    def __init__(self, history: History, api: str, judged: "Counter[str]") -> None:
        self._history = history
        self._api = api
        self._judged = judged
        self._lists: dict[tuple[str, str], float] = {}  # of each process and kind: when it was read
        self._reads: dict[tuple[str, bool], dict[Name, float]] = {}  # of each runner: of single rows

    def place(self, columns: Any) -> str:
        network = columns.kind == "port" and self._history.rows.get(("network", columns.network_id))
        return place(self._api, columns, network.columns if network else None)

    def listed(self, who: str, kind: str, now: float) -> None:
        """Its sweep has read all rows of a kind."""
        self._lists[who, kind] = now

    def read(self, who: str, name: Name, now: float, *, settling: bool) -> None:
        """One of its runners has read this row."""
        place = self.place(self._history.rows[name].columns)
        self._judged["promise 9, another's is read alone"] += place == "out"
        self._reads.setdefault((who, settling), {})[name] = now

    def ended(self, who: str) -> None:
        for settling in (False, True):
            self._reads.pop((who, settling), None)

    def asked(self, attempt: Attempt) -> None:
        """The store refuses what is not ours; that is for rows that became another's a moment ago."""
        if self.place(attempt.columns) != "out":
            return
        self._judged["promise 9, another's by now"] += 1
        if self._history.rows[attempt.name].touched <= self._read_at(attempt):
            raise Violation(
                f"promise 9: {attempt.who} wanted to write {attempt.status} to {attempt.name}, "
                "which was not ours when it was read"
            )

    def looked(self, who: str, name: Name) -> None:
        """By the settle runner, which has read it before: what was not ours then is not looked at."""
        life = self._history.rows.get(name)
        if life is None or self.place(life.columns) != "out":
            return
        if life.touched <= self._read_singly(who, name, settling=True):
            raise Violation(f"promise 9: {who} looked at {name} alone, which was not ours when it was read")

    def wrote(self, write: "Write") -> None:
        if self.place(write.columns) == "out":
            raise Violation(
                f"promise 9: {write.who} wrote {write.columns.status} to {write.name}, which is not ours"
            )

    def others_differ(self, since: float, now: float) -> None:
        """Count the rows that are not ours and NSX has another status for: it would have been written."""
        for name, life in self._history.rows.items():
            if self.place(life.columns) != "out" or life.touched > since:
                continue
            meant = {MEANING[self._api, name[0]].get(word) for word in self._words(name, since, now)}
            self._judged["promise 9"] += bool(meant) and not meant & {None, life.columns.status}

    def _words(self, name: Name, since: float, now: float) -> Iterator[str]:
        return (span.word for spans in self._history.of(name, since, now) for span in spans)

    def _read_at(self, attempt: Attempt) -> float:
        single = self._read_singly(attempt.who, attempt.name, settling=attempt.settled)
        listed = self._lists.get((attempt.who, attempt.name[0]), float("-inf"))
        return single if attempt.settled else max(single, listed)

    def _read_singly(self, who: str, name: Name, *, settling: bool) -> float:
        return self._reads.get((who, settling), {}).get(name, float("-inf"))
