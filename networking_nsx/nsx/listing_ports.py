"""Ports of NSX Policy: nothing but a search for the manager's LogicalPort tells the status of many.

A query reaches 50,000 hits at most, so it is cut by the first characters of the ids, and cut again as
parts grow.
"""

from collections.abc import Sequence

from networking_nsx.errors import IndexUnavailable
from networking_nsx.model import Kind, Page
from networking_nsx.nsx.codec_policy import Hits, ports_from
from networking_nsx.nsx.listing_policy import PolicySettings, next_offset, offset_from, page_of
from networking_nsx.nsx.reader_policy import Reader, Searches, term

_DEEPEST = 3  # characters of an id that a part is cut by; 4,096 parts
DIGITS = "0123456789abcdef"
# Of the manager: `marked_for_delete`, a field of intents, would hit none.
PORTS = "resource_type:LogicalPort"
_SHORT = 0.98  # of the announced hits; fewer are no chance of objects that come and go


class Ports:
    """Ports, in parts. A cursor is the part's beginning of ids and the offset in it: `a3:2000`."""

    def __init__(self, reader: Reader, settings: PolicySettings) -> None:
        self._tags = settings.tags
        self._lag = settings.index_lag
        self._searches = Searches(reader)
        self._part = settings.part
        self._cut: set[str] = set()  # beginnings of ids that are too many for one query
        self._announced: dict[str, int] = {}  # hits by part, in this pass
        self.largest = 0  # hits of the largest part, in the last pass

    def page(self, cursor: str | None, length: int) -> Page:
        if cursor is None:
            self._begin()
        part, offset = _place(cursor) if cursor else (self._first(""), 0)
        while True:
            hits, as_of = self._hits(part, offset, length)
            total = self._announced.get(part, 0) if hits.total is None else hits.total
            if total <= self._part or len(part) == _DEEPEST:
                break
            self._cut.add(part)
            self._announced.pop(part, None)
            part, offset = self._first(part), 0
        self._announced[part] = total
        place = next_offset(hits, offset)
        if place is not None:
            following: str | None = f"{part}:{place}"
        else:
            following = self._after(part)
            if following is None:
                self.largest = max(self._announced.values())
                self._check()
        return page_of(Kind.PORT, hits, following, as_of)

    def _begin(self) -> None:
        self._searches.grow()
        if sum(self._announced.values()) < self._part // 2:
            self._cut.clear()
        self._announced.clear()

    def _hits(self, part: str, offset: int, length: int) -> tuple[Hits, float]:
        query = f"{PORTS} AND id:{part}*" if part else PORTS
        answer = self._searches.search(query, offset, length, manager=True)
        as_of = answer.started_at - self._lag
        return ports_from(answer.body, as_of, self._tags), as_of

    def _first(self, part: str) -> str:
        """The first part of this one that is not known to be too large."""
        while part in self._cut:
            part += DIGITS[0]
        return part

    def _after(self, part: str) -> str | None:
        """The cursor of the part that follows."""
        while part:
            following = DIGITS.find(part[-1]) + 1
            if following < len(DIGITS):
                return f"{self._first(part[:-1] + DIGITS[following])}:0"
            part = part[:-1]
        return None

    def _check(self) -> None:
        """Raises IndexUnavailable when the parts are less than the whole: some ids were left out."""
        if not self._cut:
            return
        whole = ports_from(self._searches.search(PORTS, 0, 1, manager=True).body, 0.0, self._tags).total or 0
        parts = sum(self._announced.values())
        if parts < _SHORT * whole:
            raise IndexUnavailable(
                f"NSX's search has {whole} ports, but {parts} by the beginnings of their ids"
            )


def ask_for(ids: Sequence[str]) -> str:
    """The query for the ports that these VIFs are attached to."""
    return f"{PORTS} AND attachment.id:({' OR '.join(map(term, ids))})"


def _place(cursor: str) -> tuple[str, int]:
    part, _, offset = cursor.rpartition(":")
    return part, offset_from(offset)
