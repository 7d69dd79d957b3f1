"""All that differs between Neutron and NSX now. Only reads.

A listing raises suspicions, page by page; of every row only its id is kept. A suspicion becomes a difference
when a direct look agrees with it and the row, read once more after the look, has rested since before: what is
changing, and what a listing tells late, is no difference. Where a listing comes from an index, a sample of
the other rows is read directly, too; all of them, where the index is of no use.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from networking_nsx.errors import (
    CursorExpired,
    NsxError,
    Retryable,
    Unauthorized,
    Unavailable,
)
from networking_nsx.model import Kind, Observation, Row, Sought
from networking_nsx.ports import Clock, Random, Source, Store
from networking_nsx.sync.difference import Comparison, Difference, Suspicion, as_read, settled, unconfirmed
from networking_nsx.sync.pacing import Backoff
from networking_nsx.sync.passes import LOOK_FAILURES
from networking_nsx.sync.walk import RESTARTS, pages

LOT = 500  # rows looked at before they are read once more
SAMPLE = 150  # rows that a listing from an index raises no suspicion of, read directly all the same

_UNLISTED = "NSX cannot list every {}; each row is read directly, which takes longer and finds no orphans: {}"
_HIDDEN = "{} of {} rows differ that NSX's search index shows no difference of: others may differ, too ({})"


@dataclass(frozen=True, slots=True)
class Drift:
    """Finds the differences. All that it needs of the world is passed in."""

    source: Source
    store: Store
    clock: Clock
    random: Random
    kinds: tuple[Kind, ...] = tuple(Kind)
    looks: int = 1000  # suspicions looked at directly; the others are reported as not confirmed
    warn: Callable[[str], object] = str  # told what the reader of the differences should know

    def differences(self) -> Iterator[Difference]:
        """Every difference, kind by kind. Raises NsxError, StoreError."""
        left = self.looks
        routers: Mapping[str, Observation] = {}
        for kind in self.kinds:
            compared = self._compared_if_listed(kind, routers)
            if isinstance(compared, NsxError):
                self.warn(_UNLISTED.format(kind, compared))
                yield from self._read(kind, routers)
                continue
            if kind is Kind.ROUTER:
                routers = compared.folded
            suspicions = list(compared.suspicions.values())
            yield from self._confirmed(suspicions[:left])
            yield from (unconfirmed(each, f"the first {self.looks} were") for each in suspicions[left:])
            left -= min(left, len(suspicions))
            if self._is_indexed(kind):
                yield from self._sampled(kind, compared.suspicions)

    def _compared_if_listed(self, kind: Kind, routers: Mapping[str, Observation]) -> Comparison | NsxError:
        """The comparison, or why an index has no listing to compare with."""
        try:
            return self._compared(kind, routers)
        except Unauthorized:
            raise
        except NsxError as error:
            if not self._is_indexed(kind):
                raise
            return error

    def _is_indexed(self, kind: Kind) -> bool:
        return self.source.index is not None and self.source.index.kind is kind

    def _sampled(self, kind: Kind, suspected: Container[str]) -> Iterator[Difference]:
        """What the listing did not show of some rows that it raised no suspicion of."""
        others = [
            row for row in self.store.recorded(kind) if row.facts.expects_twin and row.id not in suspected
        ]
        drawn = self.random.sample(others, min(SAMPLE, len(others)))
        answers = self._answers(drawn)
        found = [
            each
            for row, answer in answers
            if not isinstance(answer, NsxError)
            for each in as_read(row, answer)
        ]
        if found:
            self.warn(_HIDDEN.format(len(found), len(drawn), kind))
        yield from found

    def _read(self, kind: Kind, routers: Mapping[str, Observation]) -> Iterator[Difference]:
        """Without a listing: every row that ought to have an object."""
        followers = Comparison(kind, routers)
        rows = list(self.store.recorded(kind))
        followers.end(row for row in rows if row.follows)
        yield from self._confirmed(followers.suspicions.values())
        for row, answer in self._answers([row for row in rows if row.facts.expects_twin]):
            yield from as_read(row, answer)

    def _answers(self, rows: Sequence[Row]) -> Iterator[tuple[Row, list[Observation] | NsxError]]:
        """Each row as it is after a look at it, and what the look has found."""
        for start in range(0, len(rows), LOT):
            lot = rows[start : start + LOT]
            answers = self._looked_at([Sought(row.key, row.parent_id) for row in lot])
            now = {row.key: row for row in self.store.rows([row.key for row in lot])}
            for row, answer in zip(lot, answers, strict=True):
                if row.key in now:
                    yield now[row.key], answer

    def _compared(self, kind: Kind, routers: Mapping[str, Observation]) -> Comparison:
        for _ in range(RESTARTS):
            try:
                return self._listed(Comparison(kind, routers))
            except CursorExpired:
                continue
        raise Unavailable(f"the cursor of the {kind} listing expired {RESTARTS} times")

    def _listed(self, comparison: Comparison) -> Comparison:
        backoff = Backoff()
        for page in pages(self.source, comparison.kind, lambda: self.source.page_maximum):
            if isinstance(page, Retryable):
                self.clock.sleep(backoff.failed())
                continue
            backoff.succeeded()
            comparison.page(page, self.store.rows([each.key for each in page.observations]))
        comparison.end(self.store.recorded(comparison.kind))
        return comparison

    def _confirmed(self, suspicions: Iterable[Suspicion]) -> Iterator[Difference]:
        rest = iter(suspicions)
        while lot := list(islice(rest, LOT)):
            answers = self._looked_at([suspicion.sought for suspicion in lot])
            rows = {row.key: row for row in self.store.rows([each.observation.key for each in lot])}
            for suspicion, answer in zip(lot, answers, strict=True):
                yield from settled(suspicion, rows.get(suspicion.observation.key), answer)

    def _looked_at(self, lot: Sequence[Sought]) -> list[list[Observation] | NsxError]:
        """The answers, one by one. Raises one where several in a row may pass later: NSX is in trouble."""
        answers, failures = [], 0
        for answer in self.source.look(lot):
            failures = failures + 1 if isinstance(answer, Retryable) else 0
            if isinstance(answer, Retryable) and failures == LOOK_FAILURES:
                raise answer
            answers.append(answer)
        return answers
