"""The fast path: a few rows, soon, by direct reads.

A hint says that a row is worth a look, never what is to be seen there: the row is read anew, NSX is looked
at directly, and what differs is written. So a hint that comes twice, too late or for nothing does no harm,
and one that is lost costs no more than the time until the next sweep.

Only what one direct look proves is written: never ERROR for an object that exists, nor absence. Few rows may
worsen; more than that is a mass change, which sweeps weigh as a whole.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple

from networking_nsx.errors import NsxError
from networking_nsx.model import (
    Change,
    Finding,
    Health,
    Key,
    Kind,
    Observation,
    Outcome,
    Progress,
    Row,
    Verdict,
)
from networking_nsx.ports import Clock, Source, Store
from networking_nsx.sync import rules
from networking_nsx.sync.brake import Allowance
from networking_nsx.sync.ledger import is_doubtful
from networking_nsx.sync.passes import LOT

FIRST = 0.25  # seconds from a hint to the first look
STEADY = 0.5  # seconds to the second one, and between two while a provisioning block stands
LONGEST = 32.0  # seconds between two looks; what needs longer is left to the sweep
LIMIT = 10_000  # keys that wait; for more of them a sweep is the better way
_TURN = 200  # keys that are taken at once


# Why a row is looked at again. What is not here is settled, or left to the sweep.
_EARLY = "it has changed within this second"
_WAITS: Mapping[Verdict, str] = {
    Verdict.REFUSED: "it has changed meanwhile",
    Verdict.BLOCKED: "another provisioning block stands, that of DHCP for instance",
    Verdict.DELAYED: "it was written too often within a minute",
}
# What one look does not prove, how that is counted, and why the row is looked at again.
_VAGUE: Mapping[Health, tuple[str, str]] = {
    Health.UNKNOWN: ("unknown", "NSX does not say whether it is up"),
    Health.ABSENT: ("unsettled", "NSX does not have it yet"),
}


class Due(NamedTuple):
    """When a key is looked at next."""

    at: float  # monotonic
    pause: float  # seconds to the look after that


class Schedule:
    """Keys worth a look, each with its moment. What was taken is due again, unless it is settled first.

    So nothing is lost of what a stop, a pause or an error leaves half done.
    """

    def __init__(self, clock: Clock, lock: AbstractContextManager[object]) -> None:
        """`lock` is held while the schedule changes: hints come from anywhere."""
        self._clock = clock
        self._lock = lock
        self._due: dict[Key, Due] = {}

    def __repr__(self) -> str:
        return f"Schedule({len(self._due)} keys)"

    def __len__(self) -> int:
        return len(self._due)

    def hint(self, key: Key, after: float = FIRST) -> bool:
        """Look at this row in so many seconds, or sooner if that is planned. False when too many wait."""
        at = self._clock.monotonic() + after
        with self._lock:
            planned = self._due.get(key)
            if planned is None and len(self._due) >= LIMIT:
                return False
            self._due[key] = Due(min(at, planned.at) if planned else at, STEADY)
            return True

    def rest(self) -> float | None:
        """Seconds until a key is due; None while none waits."""
        with self._lock:
            if not self._due:
                return None
            return max(0.0, min(due.at for due in self._due.values()) - self._clock.monotonic())

    def take(self) -> dict[Key, Due | None]:
        """What is due, longest due first, with what is planned for each if nothing is said of it any more."""
        now = self._clock.monotonic()
        with self._lock:
            ripe = sorted((due.at, key) for key, due in self._due.items() if due.at <= now)[:_TURN]
            taken = {key: _later(self._due.pop(key), now) for _, key in ripe}
            self._due.update((key, due) for key, due in taken.items() if due)
        return taken

    def settled(self, key: Key, planned: Due | None) -> None:
        """Forget it, unless there was another hint since it was taken."""
        with self._lock:
            if planned and self._due.get(key) is planned:
                del self._due[key]

    def again(self, key: Key, planned: Due | None, after: float) -> None:
        """Look at it in so many seconds instead, unless there was another hint since it was taken."""
        with self._lock:
            if self._due.get(key) is planned:
                self._due[key] = Due(self._clock.monotonic() + after, STEADY)


def _later(due: Due, now: float) -> Due | None:
    """What follows a look now; None: the key is left to the sweep."""
    return Due(now + due.pause, 2 * due.pause) if due.pause <= LONGEST else None


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles what the schedule has. Only one thread at a time may let it."""

    source: Source
    store: Store
    schedule: Schedule
    allowance: Allowance
    clock: Clock

    def settle(self) -> Generator[Progress, None, None]:
        """Look at what is due, a few rows in each step; `Progress.findings` says what each came to.

        Raises StoreError. A row that NSX gives no answer for is looked at again later.
        """
        taken = self.schedule.take()
        for kind in Kind:
            keys = [key for key in taken if key.kind is kind]
            for start in range(0, len(keys), LOT):
                lot = _Lot(self)
                lot.look_at(keys[start : start + LOT])
                for key, finding in lot.findings.items():
                    self._plan(key, taken[key], finding)
                yield Progress(
                    kind,
                    dict(lot.counts),
                    outcomes=tuple(lot.outcomes),
                    errors=tuple(lot.errors),
                    findings=lot.findings,
                )

    def _plan(self, key: Key, planned: Due | None, finding: Finding) -> None:
        """When to look again; what is neither settled nor has a pace of its own waits longer each time."""
        verdict = finding.outcome and finding.outcome.verdict
        if not finding.waits:
            self.schedule.settled(key, planned)
        elif verdict is Verdict.BLOCKED:
            self.schedule.again(key, planned, STEADY)
        elif finding.outcome and verdict is Verdict.DELAYED:
            self.schedule.again(key, planned, finding.outcome.wait)


@dataclass(slots=True)
class _Lot:
    """A few rows of one kind, from what Neutron has to what came of each."""

    settler: Settler
    findings: dict[Key, Finding] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)
    errors: list[NsxError] = field(default_factory=list)

    def look_at(self, keys: Sequence[Key]) -> None:
        rows = self.settler.store.rows(keys)
        self.findings = dict.fromkeys(keys, Finding(None))
        self.findings.update((row.key, Finding(row)) for row in rows)
        self._write([change for row, seen in self._looked_at(rows) if (change := self._change(row, seen))])

    def _looked_at(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Observation]]:
        """What NSX has for each row that is ours and at rest: the worst of its objects."""
        rows = [row for row in rows if row.facts.in_scope and not self._is_too_young(row)]
        if not rows:
            return
        answers = self.settler.source.look([rules.sought(row) for row in rows])
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, NsxError):
                self.errors.append(answer)
                self._put_off(row, "failures", str(answer))
            else:
                self.counts["looked"] += 1
                yield row, rules.worst(answer)._replace(kind=row.kind, id=row.id)

    def _is_too_young(self, row: Row) -> bool:
        """Whether a look now would not be later than its last change."""
        young = row.changed_at >= self.settler.clock.now()
        if young:
            self._put_off(row, "early", _EARLY)
        return young

    def _change(self, row: Row, seen: Observation) -> Change | None:
        """What this look alone proves; None when that is nothing."""
        self.findings[row.key] = Finding(row, seen)
        if seen.health in _VAGUE:
            count, waits = _VAGUE[seen.health]
            self._put_off(row, count, waits if self._may_change(row, seen) else "", seen)
            return None
        change = rules.change(row, seen)
        if change and rules.is_early(change):
            self._put_off(row, "early", _EARLY, seen)
            return None
        if change and is_doubtful(change):
            self.counts["unsettled"] += 1
            return None
        return change

    def _may_change(self, row: Row, seen: Observation) -> bool:
        """Whether what is not clear now may be so soon: an object may come that a build waits for."""
        awaited = row.facts.expects_twin and rules.is_awaited(row, self.settler.clock.now())
        return awaited or seen.health is not Health.ABSENT

    def _write(self, changes: list[Change]) -> None:
        passing = self.settler.allowance.sift(changes, self.settler.clock.monotonic())
        self.counts["held"] += len(changes) - len(passing)
        if not passing:
            return
        self.outcomes = self.settler.store.write(passing)
        for outcome in self.outcomes:
            verdict, row = outcome.verdict, outcome.change.row
            self.counts[verdict.value] += 1
            waits = _WAITS.get(verdict, "")
            if verdict is Verdict.BLOCKED and not rules.is_awaited(row, self.settler.clock.now()):
                waits = ""
            self.findings[row.key] = Finding(outcome.stands, outcome.change.observation, outcome, waits)

    def _put_off(self, row: Row, count: str, waits: str, seen: Observation | None = None) -> None:
        self.counts[count] += 1
        self.findings[row.key] = Finding(row, seen, waits=waits)
