"""One complete pass over NSX, kind by kind: the line from a page fetched to a row written.

A sweep is an iterator: it acts, yields what it met, and goes on when its caller has waited as long
as it likes. So it knows nothing of pace, threads or signals, and stopping it between two steps leaves
nothing half-written.

It promises: a cursor advances only after its page was settled; a page that fails is asked for again;
an expired cursor begins its kind again; only a kind that was read to its end says anything of absence.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from networking_nsx.errors import (
    CursorExpired,
    NsxError,
    Retryable,
    Unauthorized,
    Unavailable,
)
from networking_nsx.model import Change, Health, Kind, Progress, Row
from networking_nsx.sync.brake import Watch
from networking_nsx.sync.direct import Comparison, DirectPass
from networking_nsx.sync.ledger import Judged
from networking_nsx.sync.passes import SOME, Means, Pass, of_existing
from networking_nsx.sync.walk import PAGE_ATTEMPTS, RESTARTS, pages

_WITNESSES = 3  # that are asked in turn, while none tells anything certain


@dataclass(frozen=True, slots=True)
class Sweeper(Means):
    """Makes sweeps."""

    def sweep(self, room: Callable[[], int]) -> Generator[Progress, None, None]:
        """One complete pass. `room` says how many objects the next page may bring.

        A kind whose listing fails does not keep the others from being read. Raises NsxError in the end,
        StoreError at once, when the sweep has failed; what was settled before stays.
        """
        failure: NsxError | None = None
        for kind in self.kinds:
            # Where one kind failed for good, the next one shows at once whether NSX is there at all.
            attempts = 1 if failure else PAGE_ATTEMPTS
            try:
                yield from self._kind(kind, room, attempts)
            except NsxError as error:
                failure = failure or error
        if failure:
            raise failure

    def _kind(self, kind: Kind, room: Callable[[], int], attempts: int) -> Iterator[Progress]:
        index = self.source.index
        if index is None or index.kind is not kind:
            yield from self._listed(kind, room, attempts)
            return
        before = self.canary.distrust
        direct = DirectPass(self, kind)
        if before:
            yield from direct.steps()
        else:
            yield from self._listed_or_read(kind, room, attempts, direct)
        yield from Comparison(self, kind).steps(index, before)
        if self.canary.distrust and not direct.begun:
            yield from direct.steps()

    def _listed_or_read(
        self, kind: Kind, room: Callable[[], int], attempts: int, direct: DirectPass
    ) -> Iterator[Progress]:
        """Where a listing fails: is it the index, or NSX as a whole? Raises the error in the second case."""
        try:
            yield from self._listed(kind, room, attempts)
        except Unauthorized:
            raise
        except NsxError as error:
            yield from direct.steps()
            if not direct.met:
                raise
            self.canary.doubt(str(error))

    def _listed(self, kind: Kind, room: Callable[[], int], attempts: int) -> Iterator[Progress]:
        for _ in range(RESTARTS):
            try:
                yield from ListedPass(self, kind, attempts).steps(room)
            except CursorExpired:
                yield Progress(kind, {"restarts": 1}, goes_on=True)
            else:
                return
        raise Unavailable(f"the cursor of the {kind} listing expired {RESTARTS} times in one sweep")


class ListedPass(Pass):
    """From the first page of a listing to its last doubt."""

    def __init__(self, means: Means, kind: Kind, attempts: int) -> None:
        super().__init__(means, kind)
        self._attempts = attempts  # at each page
        index = means.source.index
        self._indexed = index is not None and index.kind is kind

    def steps(self, room: Callable[[], int]) -> Iterator[Progress]:
        means, kind = self._means, self._kind
        self._ledger.prime(kind, means.store.recorded(kind))
        watch = self._watch()
        if self._indexed:
            means.turns.begin(means.direct_seconds, means.clock.monotonic())
        for page in pages(means.source, kind, room, self._attempts):
            if isinstance(page, Retryable):
                yield Progress(kind, {"failures": 1}, failure=page)
                continue
            judged = yield from self._verified(self._ledger.changes(page))
            yield from self._settle(watch, judged)
            yield self._progress(page)
        yield from self._end(watch)

    def _verified(self, judged: Judged) -> Generator[Progress, None, Judged]:
        """What an index says is a suspicion: the rows are read directly, as many as the time allows."""
        if not self._indexed:
            return judged
        turns, clock = self._means.turns, self._means.clock
        turns.turn_page()
        rows = self._ledger.least_hopeful_last([*judged.early, *(c.row for c in judged.changes)])
        changes: list[Change] = []
        read = 0
        self.in_trouble = False  # of the page before
        for start in range(0, len(rows), SOME):
            if self.in_trouble or not turns.allows():
                break
            began = clock.monotonic()
            seen = yield from self._look(rows[start : start + SOME])
            turns.took(clock.monotonic() - began)
            read += len({one.id for one in seen})
            found = self._ledger.looked(self._kind, seen)
            self._counts["early"] += len(found.early)
            self._hint(found.early)
            changes += of_existing(found.changes)
        turns.counted(read, len(rows) - read)
        self._counts["unsettled"] += len(rows) - read
        return judged._replace(changes=changes, early=[])

    def _end(self, watch: Watch) -> Iterator[Progress]:
        """The kind has been read to its end: judge what had to wait for that."""
        if self._kind is Kind.PORT:
            yield from self._settle(watch, self._ledger.followers())
        folded = self._ledger.folded(self._kind)
        doubtful = [change for change in folded.changes if self._ledger.needs_look(change)]
        sound = [change for change in folded.changes if not self._ledger.needs_look(change)]
        judged = yield from self._verified(folded._replace(changes=sound, early=[]))
        yield from self._settle(watch, judged)
        yield from self._look_again(watch, [change.row for change in doubtful] + folded.early)
        yield self._progress()
        yield from self._release_held(watch)
        yield from self._declare_absent(watch)
        last = self._progress()._replace(statuses=self._statuses())
        watch.ended(self._open, self._means.clock.monotonic())
        bound = self._means.turns.bound(self._means.clock.monotonic()) if self._indexed else 0.0
        yield last._replace(goes_on=self._kind is not self._means.kinds[-1], bound=bound)

    def _look_again(self, watch: Watch, doubtful: list[Row]) -> Iterator[Progress]:
        """Look at what the listing alone does not prove; ERROR needs several looks, one in each sweep."""
        self._ledger.forget_doubts(self._kind, doubtful)
        looked = yield from self._looked_at(doubtful)
        self._confirm(watch, of_existing(looked))

    def _confirm(self, watch: Watch, looked: list[Change]) -> None:
        firm, still = self._ledger.confirmed(looked)
        self._counts["unsettled"] += len(still)
        self._write(watch.sift(firm, self.met))

    def _declare_absent(self, watch: Watch) -> Iterator[Progress]:
        """Rows missed often enough are looked for directly; those that cannot be found become ERROR."""
        lost = self._ledger.lost(self._kind)
        self._counts["missing"] += lost.missing
        if not watch.absence_passes(lost.missing, self.met):
            self._counts["held"] += lost.missing
            return
        self._counts["unsettled"] += lost.waiting
        found = yield from self._looked_at(lost.suspects)
        self._confirm(watch, of_existing(found))
        absent = [change for change in found if change.observation.health is Health.ABSENT]
        if not absent:
            return
        witnessed = yield from self._witnessed()
        self._counts["absent" if witnessed else "held"] += len(absent)
        if witnessed:
            watch.declares()
            self._write(absent)

    def _witnessed(self) -> Generator[Progress, None, bool]:
        """Whether NSX still finds directly what this pass has seen; if not, it has lost more than a few.

        Where a look tells nothing certain, another row is asked. The first one that is certain decides; an
        object of which only the state is unknown is there, too.
        """
        witnesses = self._ledger.witnesses(self._kind, _WITNESSES)
        answered = not witnesses
        for witness in witnesses:
            healths = {one.health for one in (yield from self._look([witness]))}
            if healths - {Health.UNKNOWN}:
                return Health.ABSENT not in healths
            answered |= bool(healths)
        return answered
