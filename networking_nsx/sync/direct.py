"""What is done about an index that may lie: it is compared with direct reads, and replaced by them.

`Comparison` follows every pass over the indexed kind; `DirectPass` takes a listing's place while the index
is not believed. Nothing is declared absent then: only complete listings say anything of absence.
"""

from collections.abc import Iterator, Sequence

from networking_nsx.errors import NsxError
from networking_nsx.model import Health, Observation, Progress, Row
from networking_nsx.ports import Index
from networking_nsx.sync.brake import Watch
from networking_nsx.sync.passes import SOME, Pass, by_row, of_existing

_VAGUE = (Health.UNKNOWN, Health.ABSENT)  # perhaps the object is no longer this row's

_DISTRUSTED = "NSX's search index is not believed for now, {} statuses are read directly: {}"
_BELIEVED = "NSX's search index is believed again"


class DirectPass(Pass):
    """Every row is read by itself, as many as the time allows, the others in the sweeps that follow."""

    begun = False
    _read = 0

    @property
    def met(self) -> int:
        return self._read

    def steps(self) -> Iterator[Progress]:
        self.begun = True
        means, kind = self._means, self._kind
        self._ledger.prime(kind, means.store.recorded(kind))
        watch = self._watch()
        began = means.clock.monotonic()
        rows = means.rotation.begin(self._ledger.with_object(kind), began, means.clock.now())
        for start in range(0, len(rows), SOME):
            if self.in_trouble or means.clock.monotonic() - began >= means.direct_seconds:
                break
            yield from self._read_directly(watch, rows[start : start + SOME])
        yield from self._settle(watch, self._ledger.followers())
        yield from self._release_held(watch)
        last = self._progress()._replace(statuses=self._statuses())
        if not self.in_trouble:
            watch.ended(self._open + len(rows) - self._read, means.clock.monotonic())
        now = means.clock.monotonic()
        turns = means.rotation
        yield last._replace(bound=turns.bound(now), behind=turns.behind(now), waited=turns.waited(now))

    def _answered(self, row: Row, answer: list[Observation] | NsxError) -> None:
        super()._answered(row, answer)
        now = self._means.clock.monotonic()
        self._means.rotation.tried(row.id, now, well=not isinstance(answer, NsxError))

    def _read_directly(self, watch: Watch, rows: Sequence[Row]) -> Iterator[Progress]:
        rotation = self._means.rotation
        # Where it was is enough, but for one turn in some, and after a doubt: whose is it?
        seen = yield from self._look(rows, sure={row.id for row in rows if rotation.is_sure(row.id)})
        healths = by_row(seen)
        for row_id in (row_id for row_id, health in healths.items() if health in _VAGUE):
            rotation.doubt(row_id)
        self._read += len(healths)
        self._counts["direct"] += len(healths)
        judged = self._ledger.looked(self._kind, seen)
        there = of_existing(judged.changes)
        self._counts["unsettled"] += len(judged.changes) - len(there)  # absence needs complete listings
        yield from self._settle(watch, judged._replace(changes=there, early=[]))
        yield self._progress()


class Comparison(Pass):
    """A sample of rows in the index and directly; the direct reads are also put to use."""

    def steps(self, index: Index, before: str) -> Iterator[Progress]:
        """`before` is why the index was not believed before this sweep; "" if it was."""
        means = self._means
        watch = self._watch()
        rows = means.canary.draw(self._ledger.rows(self._kind))
        try:
            found = by_row(index.find([row.id for row in rows]))
        except NsxError as error:
            self._counts["failures"] += 1
            self._errors.append(error)
            means.canary.failed(error)
        else:
            # A row that the index does not have may have lost its name: whose the object is must be asked.
            seen = yield from self._look(rows, sure=found)
            direct = by_row(seen)
            counted = means.canary.compare(direct, found, means.clock.monotonic())
            self._counts.update(compared=len(direct), disagreed=counted)
            differing = [change.row for change in self._ledger.looked(self._kind, seen).changes]
            seen = yield from self._look(differing)  # whose their object is, too, before they are written
            self._write_firm(watch, self._ledger.looked(self._kind, seen).changes)
        if not means.canary.distrust:
            self._counts["unsettled"] += means.canary.suspects
        yield self._progress()._replace(notices=self._notices(before))

    def _notices(self, before: str) -> tuple[str, ...]:
        now = self._means.canary.distrust
        if now and not before:
            return (_DISTRUSTED.format(self._kind, now),)
        if before and not now:
            self._means.rotation.forget()
            return (_BELIEVED,)
        return ()
