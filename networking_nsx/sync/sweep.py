"""One complete pass over NSX, kind by kind: the line from a page fetched to a row written.

A sweep is an iterator: it acts, yields what it met, and goes on when its caller has waited as long
as it likes. So it knows nothing of pace, threads or signals, and stopping it between two steps leaves
nothing half-written.

It promises: a cursor advances only after its page was settled; a page that fails is asked for again;
an expired cursor begins its kind again; only a kind that was read to its end says anything of absence.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from networking_nsx.errors import CursorExpired, NsxError, Retryable, Unavailable
from networking_nsx.model import Change, Health, Kind, Observation, Outcome, Page, Progress, Row, Verdict
from networking_nsx.ports import Clock, Source, Store
from networking_nsx.sync.brake import Brake, Watch
from networking_nsx.sync.ledger import Judged, Ledger, is_doubtful, needs_look

PAGE_ATTEMPTS = 5  # then the whole sweep has failed
RESTARTS = 3  # of one kind in one sweep, after expired cursors
BATCH = 5000  # changes written between two steps


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Makes sweeps. All that it needs of the world is passed in."""

    source: Source
    ledger: Ledger
    store: Store
    brake: Brake
    clock: Clock
    kinds: tuple[Kind, ...] = tuple(Kind)
    looks: int = (
        200  # rows looked at directly per kind and sweep; more finds losses sooner, for more requests
    )

    def sweep(self, room: Callable[[], int]) -> Iterator[Progress]:
        """One complete pass. `room` says how many objects the next page may bring.

        Raises NsxError or StoreError when the sweep has failed; what was settled before stays.
        """
        for kind in self.kinds:
            yield from self._kind(kind, room)

    def _kind(self, kind: Kind, room: Callable[[], int]) -> Iterator[Progress]:
        for _ in range(RESTARTS):
            try:
                yield from _Pass(self, kind).steps(room)
            except CursorExpired:
                yield Progress(kind, {"restarts": 1}, goes_on=True)
            else:
                return
        raise Unavailable(f"the cursor of the {kind} listing expired {RESTARTS} times in one sweep")


class _Pass:
    """One pass over one kind, from its first page to its last doubt."""

    def __init__(self, sweeper: Sweeper, kind: Kind) -> None:
        self._sweeper = sweeper
        self._kind = kind
        self._ledger = sweeper.ledger
        self._counts: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._outcomes: list[Outcome] = []
        self._fetched = 0
        self._total = 0  # objects that this pass is going to meet, as far as is known
        self._open = 0  # rows that this pass leaves undecided
        self._looks_left = sweeper.looks

    def steps(self, room: Callable[[], int]) -> Iterator[Progress]:
        sweeper, kind = self._sweeper, self._kind
        self._ledger.prime(kind, sweeper.store.recorded(kind))
        watch = sweeper.brake.watch(kind, self._ledger.rows(kind).values(), sweeper.clock.now())
        for page in self._pages(room):
            if isinstance(page, Progress):
                yield page
                continue
            self._settle(watch, self._ledger.changes(page), observed=len(page.observations))
            yield self._progress(page)
        yield from self._end(watch)

    def _pages(self, room: Callable[[], int]) -> Iterator[Page | Progress]:
        """Every page of the listing, in turn; a failed request comes as the progress it made: none."""
        cursor, asked, failures = None, set[str](), 0
        while True:
            try:
                page = self._sweeper.source.page(self._kind, cursor, room())
            except Retryable as error:
                failures += 1
                if failures == PAGE_ATTEMPTS:
                    raise
                yield Progress(self._kind, {"failures": 1}, failure=error)
                continue
            failures = 0
            yield page
            cursor = page.cursor
            if cursor is None:
                return
            if cursor in asked:
                raise CursorExpired(f"the {self._kind} listing leads in a circle, back to {cursor!r}")
            asked.add(cursor)

    def _end(self, watch: Watch) -> Iterator[Progress]:
        """The kind has been read to its end: judge what had to wait for that."""
        if self._kind is Kind.PORT:
            self._settle(watch, self._ledger.followers())
        folded = self._ledger.folded(self._kind)
        doubtful = [change for change in folded.changes if needs_look(change)]
        sound = [change for change in folded.changes if not needs_look(change)]
        self._settle(watch, folded._replace(changes=sound))
        self._look_again(watch, doubtful)
        yield self._progress()
        yield from self._release_held(watch)
        self._declare_absent(watch)
        last = self._progress()
        if not self._open:
            self._sweeper.brake.nothing_held(self._kind)
        yield last._replace(goes_on=self._kind is not self._sweeper.kinds[-1])

    def _settle(self, watch: Watch, judged: Judged, observed: int = 0) -> None:
        """Write what the brake lets through; look again at once at what was refused."""
        self._note(judged)
        refused = self._write(watch.sift(judged.changes, observed))
        if refused:
            again = _of_existing(self._judged_looks(refused).changes)
            self._write(watch.sift([change for change in again if not is_doubtful(change)], 0))

    def _look_again(self, watch: Watch, doubtful: list[Change]) -> None:
        """Look at what the listing alone does not prove; ERROR needs several looks, one in each sweep."""
        self._ledger.forget_doubts(self._kind, doubtful)
        looked = self._judged_looks(change.row for change in doubtful)
        firm, still = self._ledger.confirmed(_of_existing(looked.changes))
        self._counts["unsettled"] += len(still)
        self._write(watch.sift(firm, 0))

    def _release_held(self, watch: Watch) -> Iterator[Progress]:
        """What the brake held goes on if the whole kind, or a sample of direct reads, speaks for it."""
        held = watch.held()
        if not held:
            return
        if not (watch.passes_at_the_end() or self._sample_agrees(held)):
            self._counts["held"] += len(held)
            return
        for start in range(0, len(held), BATCH):
            self._write(held[start : start + BATCH])
            yield self._progress()

    def _sample_agrees(self, held: list[Change]) -> bool:
        drawn = {change.row.id: change.status for change in self._sweeper.brake.draw(held)}
        rows = self._ledger.rows(self._kind)
        seen = self._look([rows[row_id] for row_id in drawn])
        found = {change.row.id: change.status for change in self._ledger.looked(self._kind, seen).changes}
        agreeing = sum(found.get(row_id) == status for row_id, status in drawn.items())
        return self._sweeper.brake.agrees(agreeing, len(drawn))

    def _declare_absent(self, watch: Watch) -> None:
        """Rows missed often enough are looked for directly; those that cannot be found become ERROR."""
        lost = self._ledger.lost(self._kind)
        self._counts["missing"] += lost.missing
        if not watch.absence_passes(lost.missing, self._ledger.seen(self._kind)):
            self._counts["held"] += lost.missing
            return
        self._counts["unsettled"] += lost.waiting
        found = self._judged_looks(lost.suspects).changes
        present = [change for change in _of_existing(found) if not is_doubtful(change)]
        self._write(watch.sift(present, 0))
        absent = [change for change in found if change.observation.health is Health.ABSENT]
        if absent and not self._witnessed():
            self._counts["held"] += len(absent)
            return
        self._counts["absent"] += len(absent)
        self._write(absent)

    def _witnessed(self) -> bool:
        """Whether NSX still finds directly what this pass has seen; if not, it has lost more than a few."""
        witness = self._ledger.witness(self._kind)
        if witness is None:
            return True
        return any(seen.health is not Health.ABSENT for seen in self._look([witness]))

    def _judged_looks(self, rows: Iterable[Row]) -> Judged:
        """Look at as many of these rows as this pass still may; the others wait for the next sweep."""
        rows = list(rows)
        now, later = rows[: self._looks_left], rows[self._looks_left :]
        self._looks_left -= len(now)
        self._counts["unsettled"] += len(later)
        seen = self._look(now)
        self._counts["unsettled"] += len(now) - len({observation.id for observation in seen})
        judged = self._ledger.looked(self._kind, seen)
        self._note(judged)
        return judged

    def _look(self, rows: list[Row]) -> list[Observation]:
        """What direct reads say. Rows that NSX did not answer for have no observation, hence no change."""
        seen: list[Observation] = []
        try:
            for observation in self._sweeper.source.look([self._ledger.sought(row) for row in rows]):
                seen.append(observation)  # noqa: PERF402 - what came before an error counts
        except NsxError:
            self._counts["failures"] += 1
        self._counts["looked"] += len({observation.id for observation in seen})
        return seen

    def _write(self, changes: list[Change]) -> list[Row]:
        """Write, record what stands now, and return the rows whose change was refused."""
        if not changes:
            return []
        outcomes = self._sweeper.store.write(changes)
        self._ledger.record(outcomes)
        self._outcomes += outcomes
        self._counts.update(outcome.verdict.value for outcome in outcomes)
        refused = (outcome.stands for outcome in outcomes if outcome.verdict is Verdict.REFUSED)
        return [row for row in refused if row]

    def _note(self, judged: Judged) -> None:
        self._counts.update(judged.counts)
        self._words.update(judged.words)

    def _progress(self, page: Page | None = None) -> Progress:
        """What was met since the step before."""
        if page:
            observed = len(page.observations)
            self._counts.update(pages=1, observed=observed, malformed=page.malformed, foreign=page.foreign)
            self._fetched += observed + page.malformed + page.foreign
            # A total that is too small (NSX may be wrong) would stretch the sweep.
            self._total = max(self._total, page.total or 0, len(self._ledger.rows(self._kind)), self._fetched)
        step = Progress(
            self._kind,
            dict(self._counts),
            total=self._total,
            outcomes=tuple(self._outcomes),
            words=dict(self._words),
            goes_on=page is not None and page.cursor is not None,
        )
        self._open += self._counts["held"] + self._counts["unsettled"]
        self._counts.clear()
        self._words.clear()
        self._outcomes.clear()
        return step


def _of_existing(changes: Iterable[Change]) -> list[Change]:
    """Without those of objects that a look did not find: absence has its own proof (`_declare_absent`)."""
    return [change for change in changes if change.observation.health is not Health.ABSENT]
