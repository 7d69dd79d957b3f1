"""What every pass over one kind is made of: looking, braking, writing, counting.

The line that uses these, from a page fetched to a row written, is `sweep.py`; `direct.py` has the other
one, for rows whose listing cannot be believed.
"""

from collections import Counter
from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from networking_nsx.errors import NsxError, Retryable
from networking_nsx.model import (
    Change,
    Health,
    Key,
    Kind,
    Observation,
    Outcome,
    Page,
    Progress,
    Row,
    Verdict,
)
from networking_nsx.ports import Clock, Hint, Source, Store
from networking_nsx.sync import rules
from networking_nsx.sync.brake import Brake, Watch
from networking_nsx.sync.canary import Canary
from networking_nsx.sync.ledger import Judged, Ledger, is_doubtful
from networking_nsx.sync.rotation import Rotation
from networking_nsx.sync.turns import Turns

BATCH = 5000  # changes written between two steps
SOME = 200  # rows asked for at once where many are read directly: a source may read several at a time
LOT = 10  # direct reads between two steps: a stop is not kept waiting for all of them
_STATUS = attrgetter("status")
LOOK_FAILURES = 5  # direct reads in a row that may succeed later: NSX is in trouble, the others wait


def to_nobody(_key: Key, _after: float = 0.0, /) -> None:
    """What another look would settle waits for the next sweep."""


@dataclass(frozen=True, slots=True)
class Means:
    """All that a sweep needs of the world, and what it remembers."""

    source: Source
    ledger: Ledger
    store: Store
    brake: Brake
    canary: Canary
    clock: Clock
    kinds: tuple[Kind, ...] = tuple(Kind)
    looks: int = 200
    """Rows looked at directly per kind and sweep. More finds losses sooner, for more requests."""
    direct_seconds: float = float("inf")
    """Of a sweep, for reading directly what an index says, or all rows while it is not believed."""
    rotation: Rotation = field(default_factory=Rotation)
    turns: Turns = field(default_factory=Turns)
    hint: Hint = to_nobody
    """Told of each row that came too early, was refused, or had no answer for the first time."""


class Pass:
    """One pass over one kind."""

    def __init__(self, means: Means, kind: Kind) -> None:
        self._means = means
        self._kind = kind
        self._ledger = means.ledger
        self._counts: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._outcomes: list[Outcome] = []
        self._errors: list[NsxError] = []
        self._fetched = 0
        self._total = 0  # objects that this pass is going to meet, as far as is known
        self._open = 0  # rows that this pass leaves undecided
        self._looks_left = means.looks
        self.in_trouble = False  # looks failed one after the other: no more of them for now

    @property
    def met(self) -> int:
        """Rows whose object this pass has seen so far."""
        return self._ledger.seen(self._kind)

    def _statuses(self) -> Counter[str]:
        """Neutron's rows by status, as this pass leaves them."""
        return Counter(map(_STATUS, self._ledger.rows(self._kind).values()))

    def _watch(self) -> Watch:
        """The brake over this pass, which begins."""
        clock, rows = self._means.clock, self._ledger.rows(self._kind).values()
        return self._means.brake.watch(self._kind, rows, clock.now(), clock.monotonic())

    def _settle(self, watch: Watch, judged: Judged) -> Iterator[Progress]:
        """Write what the brake lets through; look again at once at what was refused, or came too early."""
        self._note(judged)
        found = yield from self._looked_at(judged.early)
        self._write_firm(watch, found)
        passing = watch.sift(judged.changes, self.met)
        for start in range(0, len(passing), BATCH):
            if start:
                yield self._progress()
            refused = self._write(passing[start : start + BATCH])
            found = yield from self._looked_at(refused)
            self._write_firm(watch, found)

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
        drawn = {change.row.id: change.status for change in self._means.brake.draw(held)}
        rows = self._ledger.rows(self._kind)
        seen = yield from self._look([rows[row_id] for row_id in drawn])
        found = {change.row.id: change.status for change in self._ledger.looked(self._kind, seen).changes}
        agreeing = {row_id for row_id, status in drawn.items() if found.get(row_id) == status}
        if not self._means.brake.agrees(len(agreeing), len(drawn)):
            return []
        return [change for change in held if change.row.id not in drawn or change.row.id in agreeing]

    def _looked_at(self, rows: Iterable[Row]) -> Generator[Progress, None, list[Change]]:
        """What looks at as many of these rows as this pass still may amount to; the others wait."""
        rows = self._ledger.least_hopeful_last(rows)
        now, later = rows[: self._looks_left], rows[self._looks_left :]
        self._looks_left -= len(now)
        hopeful = [row for row in now if not self._ledger.is_unanswered(row)]
        seen = yield from self._look(now)
        answered = {one.id for one in seen}
        self._counts["unsettled"] += len(later) + sum(row.id not in answered for row in now)
        judged = self._ledger.looked(self._kind, seen)
        self._note(judged)
        self._counts["early"] += len(judged.early)
        # What had no answer before either is hinted at no more, nor what was not even asked for.
        failed = [row for row in hopeful if row.id not in answered and self._ledger.is_unanswered(row)]
        self._hint(judged.early + failed)
        return judged.changes

    def _look(
        self, rows: Sequence[Row], sure: Container[str] = ()
    ) -> Generator[Progress, None, list[Observation]]:
        """What direct reads say. A row that NSX did not answer for has no observation, hence no change.

        `sure` are the ids of those whose object is known to be theirs still: where it was is enough.
        """
        seen: list[Observation] = []
        failures = 0  # one after the other
        sought = [self._ledger.sought(row)._replace(met=row.id in sure) for row in rows]
        answers = self._means.source.look(sought)
        for number, (row, answer) in enumerate(zip(rows, answers, strict=False), 1):
            self._answered(row, answer)
            if isinstance(answer, NsxError):
                self._counts["failures"] += 1
                self._errors.append(answer)
            else:
                self._counts["looked"] += 1
                seen += [one._replace(kind=row.kind, id=row.id) for one in answer]
            failures = failures + 1 if isinstance(answer, Retryable) else 0
            if failures == LOOK_FAILURES:
                self.in_trouble = True
                break
            if number % LOT == 0:
                yield self._progress()
        return seen

    def _answered(self, row: Row, answer: list[Observation] | NsxError) -> None:
        """Note that NSX was asked for a row. What proves nothing now may not the next time, either."""
        seen = [] if isinstance(answer, NsxError) else answer
        well = bool(seen) and rules.worst(seen).health is not Health.UNKNOWN
        self._ledger.answered(row, well=well)

    def _write_firm(self, watch: Watch, found: list[Change]) -> None:
        """Write what a look proves by itself: of an object that exists, and not ERROR."""
        firm = [change for change in of_existing(found) if not is_doubtful(change)]
        self._write(watch.sift(firm, self.met))

    def _write(self, changes: list[Change]) -> list[Row]:
        """Write, record what stands now, and return the rows whose change was refused."""
        if not changes:
            return []
        outcomes = self._means.store.write(changes)
        self._ledger.record(outcomes)
        self._outcomes += outcomes
        self._counts.update(outcome.verdict.value for outcome in outcomes)
        for outcome in outcomes:
            self._hint_of(outcome)
        refused = (outcome.stands for outcome in outcomes if outcome.verdict is Verdict.REFUSED)
        return [row for row in refused if row]

    def _hint_of(self, outcome: Outcome) -> None:
        """Of what was not written, but may be before the next sweep."""
        verdict, row = outcome.verdict, outcome.change.row
        blocked = verdict is Verdict.BLOCKED and rules.is_awaited(row, self._means.clock.now())
        if verdict is Verdict.DELAYED:
            self._means.hint(row.key, outcome.wait)
        elif blocked or verdict is Verdict.REFUSED:
            self._means.hint(row.key)

    def _hint(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._means.hint(row.key)

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
            turns=page.turns if page else 1,
        )
        self._open += self._counts["held"] + self._counts["deferred"] + self._counts["unsettled"]
        self._counts.clear()
        self._words.clear()
        self._outcomes.clear()
        self._errors.clear()
        return step


def of_existing(changes: Iterable[Change]) -> list[Change]:
    """Without those of objects that a look did not find: absence has its own proof (`_declare_absent`)."""
    return [change for change in changes if change.observation.health is not Health.ABSENT]


def by_row(seen: Iterable[Observation]) -> dict[str, Health]:
    """By row, the worst of its objects."""
    return {one.id: one.health for one in rules.fold(seen)}
