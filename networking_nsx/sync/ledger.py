"""What Neutron has, and what this sweep has seen of it.

The ledger is primed from Neutron's rows, kind by kind, at every sweep: NSX is compared with Neutron,
never with its own past. So `changes()` of a settled world is empty, whatever happened between two sweeps.
What outlives a sweep (paths, misses, doubts) is only ever a reason to look more closely, never to write.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from networking_nsx.model import Change, Health, Key, Kind, Observation, Outcome, Page, Row, Sought, Status
from networking_nsx.sync import rules

# Rows of these kinds may have several NSX objects: judged together, when the kind has been read to its end.
_FOLDED = frozenset({Kind.NETWORK, Kind.ROUTER})


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    missing_grace: float = 300.0  # seconds a row must have rested before it can be missing
    missing_sweeps: int = 2  # complete sweeps that must miss a row before it is looked for directly
    unknown_after: float = 0.0  # seconds UNKNOWN after which a port is DOWN; 0 keeps its status
    looks: int = 2  # direct looks that must agree on ERROR for an object that exists


class Judged(NamedTuple):
    """What observations amount to."""

    changes: list[Change]
    counts: Counter[str]
    words: Counter[str]


class Lost(NamedTuple):
    """Rows that lack the NSX object which they should have, at the end of a complete pass."""

    missing: int  # all of them
    suspects: list[Row]  # those rested and missed often enough to be looked for directly
    waiting: int  # those that another sweep will decide


@dataclass(slots=True)
class _Pass:
    """What one pass over one kind has seen so far."""

    seen: set[str] = field(default_factory=set)
    folded: dict[str, dict[str, Observation]] = field(default_factory=dict)  # id -> path -> observation
    waiting: dict[str, Observation] = field(default_factory=dict)  # of ports that may have a second object
    as_of: float = 0.0

    def fold(self, row_id: str, observation: Observation) -> None:
        """One more object of a row, beside the first one if that still waits."""
        objects = self.folded.setdefault(row_id, {})
        first = self.waiting.pop(row_id, None)
        if first:
            objects[first.path] = first
        objects[observation.path] = observation


class Ledger:
    """Rows, and the suspicions about them."""

    def __init__(self, settings: LedgerSettings) -> None:
        self._settings = settings
        self._rows: dict[Kind, dict[str, Row]] = {kind: {} for kind in Kind}
        self._paths: dict[Kind, dict[str, str]] = {kind: {} for kind in Kind}
        self._passes: dict[Kind, _Pass] = {kind: _Pass() for kind in Kind}
        self._duplicates: set[str] = set()
        self._misses: dict[Kind, dict[str, int]] = {kind: {} for kind in Kind}
        self._doubts: dict[Key, int] = {}
        self._unknown_since: dict[str, float] = {}
        self._unanswered: set[Key] = set()

    def __repr__(self) -> str:
        rows = ", ".join(f"{kind}s={len(rows)}" for kind, rows in self._rows.items())
        return f"Ledger({rows}, doubts={len(self._doubts)}, duplicates={len(self._duplicates)})"

    def prime(self, kind: Kind, rows: Iterable[Row]) -> None:
        """Begin a pass over this kind with what Neutron has now."""
        self._passes[kind] = _Pass()
        self._rows[kind] = {}  # the old rows go before the new ones come: half the memory
        self._rows[kind] = {row.id: row for row in rows}
        _forget_gone(self._paths[kind], self._rows[kind])
        self._unanswered = {
            key for key in self._unanswered if key.kind is not kind or key.id in self._rows[kind]
        }
        if kind is Kind.PORT:
            _forget_gone(self._unknown_since, self._rows[kind])

    def rows(self, kind: Kind) -> Mapping[str, Row]:
        return self._rows[kind]

    def seen(self, kind: Kind) -> int:
        """Rows whose NSX object was met in this pass."""
        return len(self._passes[kind].seen)

    def witness(self, kind: Kind) -> Row | None:
        """Any row whose NSX object was met in this pass."""
        met = next(iter(self._passes[kind].seen), "")
        return self._rows[kind].get(met)

    def sought(self, row: Row) -> Sought:
        """All that is known of where to find this row on NSX, or the router that it follows."""
        kind, row_id = (Kind.ROUTER, row.follows) if row.follows else row.key
        return Sought(Key(kind, row_id), row.parent_id, self._paths[kind].get(row_id, ""))

    def least_hopeful_last(self, rows: Iterable[Row]) -> list[Row]:
        """Rows whose last look failed come after those that may be answered."""
        return sorted(rows, key=lambda row: row.key in self._unanswered)

    def answered(self, row: Row, *, well: bool) -> None:
        """Note whether a look at this row had an answer."""
        (self._unanswered.discard if well else self._unanswered.add)(row.key)

    def changes(self, page: Page) -> Judged:
        """What a page amounts to. Rows that may have several NSX objects wait for `folded`."""
        kind = page.kind
        this = self._passes[kind]
        this.as_of = page.as_of
        rows, seen, paths = self._rows[kind], this.seen, self._paths[kind]
        folds = kind in _FOLDED
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
            path = observation.path
            if folds or row.id in self._duplicates or (row.id in seen and paths[row.id] != path):
                this.fold(row.id, observation)
            elif row.id not in paths and rules.improves(row, observation.health):
                this.waiting[row.id] = observation
            else:
                judged.append(observation)
            seen.add(row.id)
            if paths.get(row.id) != path:
                paths[row.id] = path
        found = self._judge(kind, judged)
        return Judged(found.changes, found.counts + counts, found.words)

    def folded(self, kind: Kind) -> Judged:
        """At the end of a kind: what the rows that may have several objects amount to, the worst of each."""
        this = self._passes[kind]
        several = {row_id for row_id, objects in this.folded.items() if len(objects) > 1}
        worst = [rules.worst(list(objects.values())) for objects in this.folded.values()]
        found = self._judge(kind, [*worst, *this.waiting.values()])
        if kind is Kind.PORT:
            # A second object whose first one was judged with its page: here the row can only get worse.
            alone = this.folded.keys() - several
            worse = [one for one in found.changes if one.row.id not in alone or rules.worsens(one)]
            found = found._replace(changes=worse)
            several |= alone - self._duplicates
            self._duplicates = several
        if kind is not Kind.NETWORK:  # a network made of several switches is no oddity
            found.counts["duplicates"] += len(several)
        return found

    def is_plural(self, row: Row) -> bool:
        """Whether this pass has met, or may still meet, another object of this row."""
        return row.kind in _FOLDED or row.id in self._duplicates or row.id in self._passes[row.kind].folded

    def followers(self) -> Judged:
        """What the routers of this sweep say of the ports that share their health."""
        ports = (row for row in self._rows[Kind.PORT].values() if row.follows)
        seen = ((row, self._router(row.follows)) for row in ports)
        return self._judge(Kind.PORT, [one._replace(kind=Kind.PORT, id=row.id) for row, one in seen if one])

    def _router(self, router_id: str) -> Observation | None:
        """What this sweep knows of a router: UP only if its own row, which asks for a look, says so too."""
        router, this = self._rows[Kind.ROUTER].get(router_id), self._passes[Kind.ROUTER]
        if router is None or not this.as_of:
            return None
        objects = this.folded.get(router_id)
        if objects:
            seen = rules.worst(list(objects.values()))
            return None if seen.health is Health.UP and router.status != Status.ACTIVE else seen
        if router.status != Status.ERROR:
            return None
        path = self._paths[Kind.ROUTER].get(router_id, "")
        return Observation(Kind.ROUTER, router_id, Health.DOWN, this.as_of, path, "its router is ERROR")

    def looked(self, kind: Kind, observations: Iterable[Observation]) -> Judged:
        """What direct reads amount to. An object that was found is no longer missing."""
        observations = rules.fold(observations)
        for observation in observations:
            if observation.health in (Health.ABSENT, Health.UNKNOWN):
                continue
            self._paths[kind][observation.id] = observation.path
            self._misses[kind].pop(observation.id, None)
        return self._judge(kind, observations)

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

    def forget_doubts(self, kind: Kind, still: Iterable[Change]) -> None:
        """Only what this sweep found doubtful again stays in doubt."""
        keep = {change.row.key for change in still}
        self._doubts = {k: n for k, n in self._doubts.items() if k.kind is not kind or k in keep}

    def lost(self, kind: Kind) -> Lost:
        """At the end of a complete pass: the rows that it did not see."""
        this, misses = self._passes[kind], self._misses[kind]
        missing = [row for row in self._unseen(kind) if row.facts.expects_twin and row.status != Status.ERROR]
        rested = [row for row in missing if row.changed_at <= this.as_of - self._settings.missing_grace]
        self._misses[kind] = {row.id: misses.get(row.id, 0) + 1 for row in rested}
        suspects = [row for row in rested if self._misses[kind][row.id] >= self._settings.missing_sweeps]
        return Lost(len(missing), suspects, len(rested) - len(suspects))

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
                counts["early"] += 1
            else:
                changes.append(change)
        return Judged(changes, counts, words)

    def _aged(self, unknown: Observation) -> Observation:
        """A port that stays UNKNOWN for longer than `unknown_after` counts as down."""
        limit = self._settings.unknown_after
        if not limit or unknown.kind is not Kind.PORT:
            return unknown
        since = self._unknown_since.setdefault(unknown.id, unknown.as_of)
        return unknown._replace(health=Health.DOWN) if unknown.as_of - since > limit else unknown


def is_doubtful(change: Change) -> bool:
    """ERROR for an object that exists is written only after several direct looks."""
    return change.status is Status.ERROR and change.observation.health is not Health.ABSENT


def needs_look(change: Change) -> bool:
    """What a listing alone does not prove.

    Besides ERROR: that a row which may have several NSX objects has become better. The listing may have
    left out the one that is down, and nobody but NSX knows how many there are.
    """
    improves = change.row.kind in _FOLDED and not rules.worsens(change)
    return improves or is_doubtful(change)


def _forget_gone(remembered: dict[str, Any], rows: Mapping[str, Row]) -> None:
    for gone in remembered.keys() - rows.keys():
        del remembered[gone]
