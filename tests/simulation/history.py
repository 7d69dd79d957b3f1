"""What really happened: each object of NSX and each row of Neutron, from moment to moment.

Plain data, told by whoever does things, never by the synchronizer: the simulated inventory tells of objects,
the tables tell of rows.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

KEPT = 4 * 3600.0  # seconds; no evidence is older than that

Name = tuple[str, str]  # kind and Neutron id


class Violation(BaseException):
    """A promise was broken. No loop that never dies may go on over it."""


@dataclass(slots=True, eq=False)
class Span:
    """One object in one state, from `begin` until `end`, which is not in it."""

    begin: float
    end: float
    word: str  # of the simulator: up, down, ...
    ours: bool  # its tags say whose it is

    def within(self, begin: float, end: float) -> bool:
        return self.begin <= end and begin < self.end


@dataclass(slots=True)
class Life:
    """One row."""

    columns: Any  # as they are now: see `neutron.Record`
    touched: float = float("-inf")  # when somebody else than a synchronizer changed it last
    revised: float = float("-inf")  # the same, of those who did not forget its revision and date
    freed: float = float("-inf")  # when a provisioning block ended last
    revision: int = -1
    written: float = float("-inf")  # when its status was written last by one
    statuses: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=64))  # since when

    @property
    def changed(self) -> float:
        return max(self.touched, self.written)

    @property
    def noticed(self) -> float:
        """When it was changed last by anybody, so that its revision tells."""
        return max(self.revised, self.written)

    def had(self, status: str, begin: float) -> bool:
        """Whether it has had this status since then."""
        found = False
        for since, word in self.statuses:
            found = word == status or (since > begin and found)
        return found


class History:
    """`now` is the true time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.objects: dict[Name, dict[str, deque[Span]]] = {}
        self.rows: dict[Name, Life] = {}
        self.names: dict[str, Name] = {}  # what an id stands for, on NSX or in Neutron

    def object_changed(self, before: Any, after: Any) -> None:
        """An object is another one from now on; None is absence. As `Inventory.watch` tells."""
        now = self._now()
        if before and before.neutron_id:
            self._spans(before)[-1].end = now
        if after and after.neutron_id:
            spans = self._spans(after)
            self.names[after.nsx_id] = (after.kind, after.neutron_id)
            spans.append(Span(now, float("inf"), after.status, not after.guise))
            while spans[0].end < now - KEPT:
                spans.popleft()

    def row_changed(self, columns: Any) -> None:
        name = (str(columns.kind), columns.id)
        life = self.rows.setdefault(name, Life(columns))
        self.names[columns.id] = name
        life.touched = self._now()
        if columns.revision != life.revision:
            life.revised = self._now()
            life.revision = columns.revision
        life.statuses.append((self._now(), columns.status))

    def row_freed(self, columns: Any) -> None:
        self.rows[str(columns.kind), columns.id].freed = self._now()

    def row_written(self, columns: Any) -> None:
        life = self.rows[str(columns.kind), columns.id]
        life.written = self._now()
        life.revision = columns.revision
        life.statuses.append((self._now(), columns.status))

    def row_deleted(self, name: Name) -> None:
        self.rows.pop(name, None)
        if not any(spans[-1].end == float("inf") for spans in self.objects.get(name, {}).values()):
            self.objects.pop(name, None)

    def of(self, name: Name, begin: float, end: float) -> Iterator[list[Span]]:
        """Of each object that the row had then, what it was."""
        for spans in self.objects.get(name, {}).values():
            some = [span for span in spans if span.within(begin, end)]
            if some:
                yield some

    def born(self, name: Name, one: Span) -> float:
        """When the object that was this came to be, as far as is known."""
        return next(spans[0].begin for spans in self.objects[name].values() if one in spans)

    def told(self, name: Name, begin: float, end: float) -> str:
        """For messages: what there was then, and in the minute before."""
        told = [
            " then ".join(
                f"{span.word}{'' if span.ours else ' (not ours)'} {max(span.begin, begin - 60) - end:.3f}"
                f"..{min(span.end, end) - end:.3f}"
                for span in spans
            )
            for spans in self.of(name, begin - 60, end)
        ]
        return "; ".join(told) or "nothing"

    def _spans(self, item: Any) -> deque[Span]:
        return self.objects.setdefault((item.kind, item.neutron_id), {}).setdefault(item.nsx_id, deque())
