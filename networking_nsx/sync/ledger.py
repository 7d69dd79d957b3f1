"""What Neutron has, and what this sweep has seen of it.

The ledger is primed from Neutron's rows, kind by kind, at every sweep: NSX is compared with Neutron,
never with its own past. So `changes()` of a settled world is empty, whatever happened between two sweeps.
What outlives a sweep (paths, misses, doubts) is only ever a reason to look more closely, never to write.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from networking_nsx.model import (
    PLURAL,
    Change,
    Health,
    Key,
    Kind,
    Observation,
    Outcome,
    Page,
    Row,
    Sought,
    Status,
)
from networking_nsx.sync import rules
from networking_nsx.sync.misses import Lost, Misses, MissingSettings
from networking_nsx.sync.seen import Seen

_SILENT = frozenset({Health.ABSENT, Health.UNKNOWN})  # they name no object, or say nothing of it


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    missing: MissingSettings = field(default_factory=MissingSettings)
    unknown_after: float = 0.0  # seconds UNKNOWN after which a port is DOWN; 0 keeps its status
    looks: int = 2  # direct looks that must agree on ERROR for an object that exists


class Judged(NamedTuple):
    """What observations amount to."""

    changes: list[Change]
    early: list[Row]  # that should change, too, had they not changed since the moment observed
    counts: Counter[str]
    words: Counter[str]


class Ledger:
    """Rows, and the suspicions about them."""

    def __init__(self, settings: LedgerSettings) -> None:
        self._settings = settings
        self._rows: dict[Kind, dict[str, Row]] = {kind: {} for kind in Kind}
        self._paths: dict[Kind, dict[str, str]] = {kind: {} for kind in Kind}
        self._passes: dict[Kind, Seen] = {kind: Seen() for kind in Kind}
        self._duplicates: set[str] = set()
        self._misses = {kind: Misses(settings.missing) for kind in Kind}
        self._doubts: dict[Key, int] = {}
        self._unknown_since: dict[str, float] = {}
        self._unanswered: set[Key] = set()

    def __repr__(self) -> str:
        rows = ", ".join(f"{kind}s={len(rows)}" for kind, rows in self._rows.items())
        return f"Ledger({rows}, doubts={len(self._doubts)}, duplicates={len(self._duplicates)})"

    def prime(self, kind: Kind, rows: Iterable[Row]) -> None:
        """Begin a pass over this kind with what Neutron has now."""
        self._passes[kind] = Seen()
        self._rows[kind] = {}  # the old rows go before the new ones come: half the memory
        there = self._rows[kind] = {row.id: row for row in rows}
        _forget_gone(self._paths[kind], there)
        self._unanswered = {key for key in self._unanswered if key.kind is not kind or key.id in there}
        for gone in [key for key in self._doubts if key.kind is kind and key.id not in there]:
            del self._doubts[gone]
        if kind is Kind.PORT:
            _forget_gone(self._unknown_since, self._rows[kind])
            self._duplicates &= self._rows[kind].keys()

    def rows(self, kind: Kind) -> Mapping[str, Row]:
        return self._rows[kind]

    def with_object(self, kind: Kind) -> list[Row]:
        """The rows that ought to have an object on NSX, and those that had one when it was listed last."""
        rows, paths = self._rows[kind].values(), self._paths[kind]
        return [row for row in rows if row.facts.expects_twin or (row.facts.in_scope and row.id in paths)]

    def seen(self, kind: Kind) -> int:
        """Rows whose NSX object was met in this pass."""
        return len(self._passes[kind].seen)

    def witnesses(self, kind: Kind, most: int) -> list[Row]:
        """Any rows whose NSX object was met in this pass."""
        rows = self._rows[kind]
        return [rows[met] for met in islice(self._passes[kind].seen & rows.keys(), most)]

    def sought(self, row: Row) -> Sought:
        """All that is known of where to find this row on NSX, or the router that it follows.

        No path for a duplicate: whoever finds one of its objects there would not ask for the others.
        """
        sought = rules.sought(row)
        kind, row_id = sought.key
        known = self._passes[kind].moved.get(row_id) or self._paths[kind].get(row_id, "")
        return sought._replace(path="" if row_id in self._duplicates else known)

    def least_hopeful_last(self, rows: Iterable[Row]) -> list[Row]:
        """Rows whose last look failed come after those that may be answered."""
        return sorted(rows, key=self.is_unanswered)

    def is_unanswered(self, row: Row) -> bool:
        return row.key in self._unanswered

    def answered(self, row: Row, *, well: bool) -> None:
        """Note whether a look at this row had an answer."""
        (self._unanswered.discard if well else self._unanswered.add)(row.key)

    def changes(self, page: Page) -> Judged:
        """What a page amounts to. Rows that may have several NSX objects wait for `folded`."""
        kind = page.kind
        this = self._passes[kind]
        this.as_of = page.as_of
        rows, seen, paths = self._rows[kind], this.seen, self._paths[kind]
        folds = kind in PLURAL
        judged: list[Observation] = []
        counts: Counter[str] = Counter()
        for observation in page.observations:
            row = rows.get(observation.id)
            if row is None:
                counts["orphans"] += 1
                continue
            if not row.facts.in_scope:
                counts["outside"] += 1
                continue
            known = paths.get(row.id)
            moved = known != observation.path
            if row.id in seen and this.moved.get(row.id, known) != observation.path:
                this.several.add(row.id)
                if not folds:
                    self._duplicates.add(row.id)
            if folds or row.id in self._duplicates:
                this.fold(row.id, observation)
            elif moved and rules.improves(row, observation.health):
                this.waiting[row.id] = observation
            else:
                judged.append(observation)
            seen.add(row.id)
            if moved:
                this.moved[row.id] = observation.path
        found = self._judge(kind, judged)
        return found._replace(counts=found.counts + counts)

    def folded(self, kind: Kind) -> Judged:
        """At the end of a kind: what the rows that may have several objects amount to, the worst of each."""
        this = self._passes[kind]
        self._paths[kind] |= this.moved
        worst = [rules.worst(list(objects.values())) for objects in this.folded.values()]
        found = self._judge(kind, [*worst, *this.waiting.values()])
        if kind is not Kind.NETWORK:  # a network made of several switches is no oddity
            found.counts["duplicates"] += len(this.several)
        return found

    def needs_look(self, change: Change) -> bool:
        """What a listing alone does not prove.

        Besides ERROR: that a row which may have several NSX objects has become better. The listing may have
        left out the one that is down, and nobody but NSX knows how many there are.
        """
        plural = change.row.kind in PLURAL or change.row.id in self._duplicates
        return (plural and not rules.worsens(change)) or is_doubtful(change)

    def followers(self) -> Judged:
        """What the routers of this sweep say of the ports that share their health."""
        ports = (row for row in self._rows[Kind.PORT].values() if row.follows)
        seen = ((row, self._router(row.follows)) for row in ports)
        return self._judge(Kind.PORT, [one._replace(kind=Kind.PORT, id=row.id) for row, one in seen if one])

    def _router(self, router_id: str) -> Observation | None:
        """What is known of a router: what its row says, which looks have settled, if the listing agrees."""
        router, this = self._rows[Kind.ROUTER].get(router_id), self._passes[Kind.ROUTER]
        if router is None or not this.as_of:
            return None
        objects = this.folded.get(router_id)
        seen = rules.worst(list(objects.values())) if objects else None
        if router.status == Status.ERROR and (seen is None or seen.health is not Health.UP):
            path = self._paths[Kind.ROUTER].get(router_id, "")
            return Observation(Kind.ROUTER, router_id, Health.DOWN, this.as_of, path, "its router is ERROR")
        if router.status == Status.ACTIVE and seen and seen.health is Health.UP:
            return seen
        return None

    def looked(self, kind: Kind, observations: Iterable[Observation]) -> Judged:
        """What direct reads amount to. An object that was found is no longer missing."""
        observations = list(observations)
        objects = Counter(observation.id for observation in observations)
        for observation in observations:
            if observation.health in _SILENT:
                continue
            self._paths[kind][observation.id] = observation.path
            self._misses[kind].found(observation.id)
            if kind not in PLURAL:
                several = objects[observation.id] > 1
                (self._duplicates.add if several else self._duplicates.discard)(observation.id)
        return self._judge(kind, map(self._with_its_router, rules.fold(observations)))

    def _with_its_router(self, seen: Observation) -> Observation:
        """What a look says of a row: a port whose router is ERROR is down, unless NSX knows better by now."""
        row = self._rows[seen.kind].get(seen.id)
        router = self._rows[Kind.ROUTER].get(row.follows) if row else None
        is_error = router is not None and router.status == Status.ERROR
        return seen._replace(health=Health.DOWN) if is_error and seen.health in _SILENT else seen

    def confirmed(self, changes: list[Change]) -> tuple[list[Change], list[Change]]:
        """Split changes, each from a direct look, into those to write and those to look at once more."""
        firm: list[Change] = []
        doubtful: list[Change] = []
        for change in changes:
            key = change.row.key
            if not is_doubtful(change):
                self._doubts.pop(key, None)
                firm.append(change)
                continue
            self._doubts[key] = self._doubts.get(key, 0) + 1
            (firm if self._doubts[key] >= self._settings.looks else doubtful).append(change)
        return firm, doubtful

    def forget_doubts(self, kind: Kind, still: Iterable[Row]) -> None:
        """Of the rows that this sweep has seen, only those found doubtful again stay in doubt."""
        seen = self._passes[kind].seen - {row.id for row in still}
        self._doubts = {
            key: looks for key, looks in self._doubts.items() if key.kind is not kind or key.id not in seen
        }

    def lost(self, kind: Kind) -> Lost:
        """At the end of a complete pass: the rows that it did not see."""
        unseen = (row for row in self._unseen(kind) if row.facts.expects_twin and row.status != Status.ERROR)
        return self._misses[kind].lost(list(unseen), self._passes[kind].as_of)

    @property
    def pause(self) -> float:
        """Seconds until another sweep can tell more of the rows that are missed."""
        return max(misses.pause for misses in self._misses.values())

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """What a write left standing is what Neutron has."""
        for outcome in outcomes:
            row = outcome.change.row
            if outcome.stands is None:
                self._rows[row.kind].pop(row.id, None)
            else:
                self._rows[row.kind][row.id] = outcome.stands

    def _unseen(self, kind: Kind) -> Iterator[Row]:
        rows = self._rows[kind]
        return (rows[unseen] for unseen in rows.keys() - self._passes[kind].seen)

    def _judge(self, kind: Kind, observations: Iterable[Observation]) -> Judged:
        rows, unknown_since = self._rows[kind], self._unknown_since
        counts: Counter[str] = Counter()
        words: Counter[str] = Counter()
        changes: list[Change] = []
        early: list[Row] = []
        for observation in observations:
            row = rows.get(observation.id)
            if row is None:
                continue
            if observation.health is Health.UNKNOWN:
                counts["unknown"] += 1
                words[observation.word] += 1
                change = rules.change(row, self._aged(observation))
            else:
                unknown_since.pop(row.id, None)
                change = rules.change(row, observation)
            if change is None:
                continue
            if rules.is_early(change):
                early.append(row)
            else:
                changes.append(change)
        return Judged(changes, early, counts, words)

    def _aged(self, unknown: Observation) -> Observation:
        """A port that stays UNKNOWN for longer than `unknown_after` counts as down."""
        limit, at = self._settings.unknown_after, unknown.as_of
        if not limit or unknown.kind is not Kind.PORT:
            return unknown
        since = self._unknown_since[unknown.id] = min(at, self._unknown_since.get(unknown.id, at))
        if at - since <= limit:
            return unknown
        return unknown._replace(health=Health.DOWN, word=f"{unknown.word} for longer than unknown_after")


def is_doubtful(change: Change) -> bool:
    """ERROR for an object that exists is written only after several direct looks."""
    return change.status is Status.ERROR and change.observation.health is not Health.ABSENT


def _forget_gone(remembered: dict[str, Any], rows: Mapping[str, Row]) -> None:
    for gone in remembered.keys() - rows.keys():
        del remembered[gone]
