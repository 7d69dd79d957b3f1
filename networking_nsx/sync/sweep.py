"""One complete pass over NSX, kind by kind: the line from a page fetched to a row written.

A sweep is an iterator: it acts, yields what it met, and goes on when its caller has waited as long
as it likes. So it knows nothing of pace, threads or signals, and stopping it between two steps leaves
nothing half-written.

It promises: a cursor advances only after its page was settled; a page that fails is asked for again;
an expired cursor begins its kind again; only a kind that was read to its end says anything of absence.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from networking_nsx.errors import CursorExpired, NsxError, Retryable, Unavailable
from networking_nsx.model import Change, Health, Kind, Observation, Outcome, Page, Progress, Row, Verdict
from networking_nsx.ports import Clock, Source, Store
from networking_nsx.sync.brake import Brake, Watch
from networking_nsx.sync.ledger import Judged, Ledger, is_doubtful, needs_look

PAGE_ATTEMPTS = 5  # then the whole sweep has failed
RESTARTS = 3  # of one kind in one sweep, after expired cursors
BATCH = 5000  # changes written between two steps
LOT = 10  # direct reads between two steps: a stop is not kept waiting for all of them
LOOK_FAILURES = 5  # direct reads that fail in a row: NSX is in trouble, the rows wait for the next sweep
EMPTY_PAGES = 100  # a listing that has more of them than objects does not come to an end


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
        for _ in range(RESTARTS):
            try:
                yield from _Pass(self, kind, attempts).steps(room)
            except CursorExpired:
                yield Progress(kind, {"restarts": 1}, goes_on=True)
            else:
                return
        raise Unavailable(f"the cursor of the {kind} listing expired {RESTARTS} times in one sweep")


class _Pass:
    """One pass over one kind, from its first page to its last doubt."""

    def __init__(self, sweeper: Sweeper, kind: Kind, attempts: int) -> None:
        self._sweeper = sweeper
        self._kind = kind
        self._attempts = attempts  # at each page
        self._ledger = sweeper.ledger
        self._counts: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._outcomes: list[Outcome] = []
        self._errors: list[NsxError] = []
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
            yield from self._settle(watch, self._ledger.changes(page))
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
                if failures == self._attempts:
                    raise
                yield Progress(self._kind, {"failures": 1}, failure=error)
                continue
            failures = 0
            yield page
            cursor = page.cursor
            if cursor is None:
                return
            if cursor in asked or len(asked) > EMPTY_PAGES + self._fetched:
                raise CursorExpired(f"the {self._kind} listing does not come to an end, at {cursor!r}")
            asked.add(cursor)

    def _end(self, watch: Watch) -> Iterator[Progress]:
        """The kind has been read to its end: judge what had to wait for that."""
        if self._kind is Kind.PORT:
            yield from self._settle(watch, self._ledger.followers())
        folded = self._ledger.folded(self._kind)
        doubtful = [change for change in folded.changes if needs_look(change)]
        sound = [change for change in folded.changes if not needs_look(change)]
        yield from self._settle(watch, folded._replace(changes=sound))
        yield from self._look_again(watch, doubtful)
        yield self._progress()
        yield from self._release_held(watch)
        yield from self._declare_absent(watch)
        last = self._progress()
        if not self._open:
            self._sweeper.brake.nothing_held(self._kind)
        yield last._replace(goes_on=self._kind is not self._sweeper.kinds[-1])

    def _settle(self, watch: Watch, judged: Judged) -> Iterator[Progress]:
        """Write what the brake lets through; look again at once at what was refused."""
        self._note(judged)
        passing = watch.sift(judged.changes, self._ledger.seen(self._kind))
        for start in range(0, len(passing), BATCH):
            if start:
                yield self._progress()
            refused = self._write(passing[start : start + BATCH])
            # A look at a row that may have several objects might find only the one it had before.
            again = [row for row in refused if not self._ledger.is_plural(row)]
            found = yield from self._looked_at(again)
            self._write_firm(watch, found)

    def _look_again(self, watch: Watch, doubtful: list[Change]) -> Iterator[Progress]:
        """Look at what the listing alone does not prove; ERROR needs several looks, one in each sweep."""
        self._ledger.forget_doubts(self._kind, doubtful)
        looked = yield from self._looked_at([change.row for change in doubtful])
        firm, still = self._ledger.confirmed(_of_existing(looked))
        self._counts["unsettled"] += len(still)
        self._write(watch.sift(firm, self._ledger.seen(self._kind)))

    def _release_held(self, watch: Watch) -> Iterator[Progress]:
        """What the brake held goes on if the whole kind, or a sample of direct reads, speaks for it."""
        held = watch.held()
        if held and not watch.passes_at_the_end():
            held = yield from self._sampled(held)
            self._counts["held"] += len(watch.held()) - len(held)
        for start in range(0, len(held), BATCH):
            self._write(held[start : start + BATCH])
            yield self._progress()

    def _sampled(self, held: list[Change]) -> Generator[Progress, None, list[Change]]:
        """The held changes that may go on: all but the refuted ones, if the sample agrees; else none."""
        drawn = {change.row.id: change.status for change in self._sweeper.brake.draw(held)}
        rows = self._ledger.rows(self._kind)
        seen = yield from self._look([rows[row_id] for row_id in drawn])
        found = {change.row.id: change.status for change in self._ledger.looked(self._kind, seen).changes}
        agreeing = {row_id for row_id, status in drawn.items() if found.get(row_id) == status}
        if not self._sweeper.brake.agrees(len(agreeing), len(drawn)):
            return []
        return [change for change in held if change.row.id not in drawn or change.row.id in agreeing]

    def _declare_absent(self, watch: Watch) -> Iterator[Progress]:
        """Rows missed often enough are looked for directly; those that cannot be found become ERROR."""
        lost = self._ledger.lost(self._kind)
        self._counts["missing"] += lost.missing
        if not watch.absence_passes(lost.missing, self._ledger.seen(self._kind)):
            self._counts["held"] += lost.missing
            return
        self._counts["unsettled"] += lost.waiting
        found = yield from self._looked_at(lost.suspects)
        self._write_firm(watch, found)
        absent = [change for change in found if change.observation.health is Health.ABSENT]
        if not absent:
            return
        witnessed = yield from self._witnessed()
        self._counts["absent" if witnessed else "held"] += len(absent)
        self._write(absent if witnessed else [])

    def _witnessed(self) -> Generator[Progress, None, bool]:
        """Whether NSX still finds directly what this pass has seen; if not, it has lost more than a few."""
        witness = self._ledger.witness(self._kind)
        if witness is None:
            return True
        seen = yield from self._look([witness])
        return any(one.health is not Health.ABSENT for one in seen)

    def _looked_at(self, rows: Iterable[Row]) -> Generator[Progress, None, list[Change]]:
        """What looks at as many of these rows as this pass still may amount to; the others wait."""
        rows = self._ledger.least_hopeful_last(rows)
        now, later = rows[: self._looks_left], rows[self._looks_left :]
        self._looks_left -= len(now)
        seen = yield from self._look(now)
        self._counts["unsettled"] += len(later) + len(now) - len({one.id for one in seen})
        judged = self._ledger.looked(self._kind, seen)
        self._note(judged)
        return judged.changes

    def _look(self, rows: Sequence[Row]) -> Generator[Progress, None, list[Observation]]:
        """What direct reads say. A row that NSX did not answer for has no observation, hence no change."""
        seen: list[Observation] = []
        failures = 0  # one after the other
        answers = self._sweeper.source.look([self._ledger.sought(row) for row in rows])
        for number, (row, answer) in enumerate(zip(rows, answers, strict=False), 1):
            well = not isinstance(answer, NsxError)
            self._ledger.answered(row, well=well)
            if isinstance(answer, NsxError):
                self._counts["failures"] += 1
                self._errors.append(answer)
            else:
                self._counts["looked"] += 1
                seen += [one._replace(kind=row.kind, id=row.id) for one in answer]
            failures = 0 if well else failures + 1
            if failures == LOOK_FAILURES:
                break
            if number % LOT == 0:
                yield self._progress()
        return seen

    def _write_firm(self, watch: Watch, found: list[Change]) -> None:
        """Write what a look proves by itself: of an object that exists, and not ERROR."""
        firm = [change for change in _of_existing(found) if not is_doubtful(change)]
        self._write(watch.sift(firm, self._ledger.seen(self._kind)))

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
            errors=tuple(self._errors),
            goes_on=page is not None and page.cursor is not None,
        )
        self._open += self._counts["held"] + self._counts["unsettled"]
        self._counts.clear()
        self._words.clear()
        self._outcomes.clear()
        self._errors.clear()
        return step


def _of_existing(changes: Iterable[Change]) -> list[Change]:
    """Without those of objects that a look did not find: absence has its own proof (`_declare_absent`)."""
    return [change for change in changes if change.observation.health is not Health.ABSENT]
