"""The fast path: a few rows, soon, by direct reads.

A hint says that a row is worth a look, never what is to be seen there: the row is read anew, NSX is looked
at directly, and what differs is written. So a hint that comes twice, too late or for nothing does no harm,
and one that is lost costs no more than the time until the next sweep.

Only what one direct look proves is written: never ERROR for an object that exists, nor absence. Few rows may
worsen; more than that is a mass change, which sweeps weigh as a whole.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from networking_nsx.errors import NsxError, Retryable
from networking_nsx.model import (
    Change,
    Finding,
    Health,
    Key,
    Observation,
    Progress,
    Row,
    Verdict,
)
from networking_nsx.ports import Clock, Source, Store
from networking_nsx.sync import rules
from networking_nsx.sync.brake import Allowance
from networking_nsx.sync.ledger import is_doubtful
from networking_nsx.sync.passes import LOOK_FAILURES, LOT

FIRST = 0.25  # seconds from a hint to the first look
STEADY = 0.5  # seconds to the second one, and between two while a provisioning block stands
LONGEST = 32.0  # seconds between two looks; what needs longer is left to the sweep
LIMIT = 10_000  # keys that wait; for more of them a sweep is the better way
FRESH = 10.0  # seconds; what NSX said longer ago is not written: it may have hung meanwhile

# Why a row is looked at again. What is not here is settled, or left to the sweep.
_EARLY = "it has changed meanwhile"
_STALE = "NSX took too long to answer"
_WAITS: Mapping[Verdict, str] = {
    Verdict.REFUSED: _EARLY,
    Verdict.BLOCKED: "another provisioning block stands, that of DHCP for instance",
    Verdict.DELAYED: "it was written too often within a minute",
}
# What one look does not prove, how that is counted, and why the row is looked at again.
_VAGUE: Mapping[Health, tuple[str, str]] = {
    Health.UNKNOWN: ("unknown", "NSX does not say whether it is up"),
    Health.ABSENT: ("unsettled", "NSX does not have it yet"),
}
# Why a change is left to the sweep.
_DOUBTFUL = "one look does not prove it"
_HELD = "brake_minimum others have worsened lately"
_DEFERRED = "nothing gets worse during a maintenance"


class Due(NamedTuple):
    """When a key is looked at next."""

    at: float  # monotonic
    pause: float  # seconds that it waits for that; twice as many for the look after it


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
            self._due[key] = Due(min(at, planned.at) if planned else at, FIRST)
            return True

    def rest(self) -> float | None:
        """Seconds until a key is due; None while none waits."""
        with self._lock:
            if not self._due:
                return None
            return max(0.0, min(due.at for due in self._due.values()) - self._clock.monotonic())

    def planned(self, key: Key) -> float | None:
        """Seconds until this key is due; None when it does not wait."""
        with self._lock:
            due = self._due.get(key)
            return max(0.0, due.at - self._clock.monotonic()) if due else None

    def ripe(self) -> list[Key]:
        """What is due: what has been put off least comes first, as NSX may hang on the others."""
        now = self._clock.monotonic()
        with self._lock:
            ripe = [(due.pause, due.at, key) for key, due in self._due.items() if due.at <= now]
        return [key for *_, key in sorted(ripe)]

    def take(self, keys: Sequence[Key]) -> dict[Key, Due | None]:
        """Begin to look at these, with what is planned for each if nothing is said of it any more."""
        now = self._clock.monotonic()
        with self._lock:
            taken = {key: _later(self._due.pop(key), now) for key in keys}
            self._due.update((key, due) for key, due in taken.items() if due)
        return taken

    def put_off(self, keys: Iterable[Key]) -> None:
        """The pauses of these, as far as they are to be looked at, begin only now."""
        now = self._clock.monotonic()
        with self._lock:
            for due, key in [(self._due[key], key) for key in keys if key in self._due]:
                self._due[key] = Due(now + due.pause, due.pause)

    def settled(self, key: Key, planned: Due | None) -> None:
        """Forget it, unless there was another hint since it was taken."""
        with self._lock:
            if planned and self._due.get(key) is planned:
                del self._due[key]

    def again(self, key: Key, planned: Due | None, after: float) -> None:
        """Look at it in so many seconds instead, unless there was another hint since it was taken."""
        with self._lock:
            if self._due.get(key) is planned:
                self._due[key] = Due(self._clock.monotonic() + after, FIRST)


def _later(due: Due, now: float) -> Due | None:
    """What follows a look now; None: the key is left to the sweep."""
    pause = 2 * due.pause
    return Due(now + pause, pause) if pause <= LONGEST else None


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles what the schedule has. Only one thread at a time may let it."""

    source: Source
    store: Store
    schedule: Schedule
    allowance: Allowance
    clock: Clock

    def settle(self) -> Generator[Progress, None, None]:
        """Look at what is due, a row in each step; `Progress.findings` says what came of it.

        A row is written as soon as NSX has answered for it. One without an answer is looked at again later;
        after several in a row NSX is in trouble, and the others wait, too. Raises StoreError.
        """
        ripe = self.schedule.ripe()
        failures = 0  # one after the other
        for start in range(0, len(ripe), LOT):
            taken = self.schedule.take(ripe[start : start + LOT])
            for settled in self._each(list(taken)):
                self._plan(settled.key, taken[settled.key], settled.finding)
                yield settled.progress()
                failures = failures + 1 if isinstance(settled.error, Retryable) else 0
                if failures == LOOK_FAILURES:
                    self.schedule.put_off(ripe[start + LOT :])
                    return

    def _plan(self, key: Key, planned: Due | None, finding: Finding) -> None:
        """When to look again; what is neither settled nor has a pace of its own waits longer each time."""
        verdict = finding.outcome and finding.outcome.verdict
        if not finding.waits:
            self.schedule.settled(key, planned)
        elif verdict is Verdict.BLOCKED:
            self.schedule.again(key, planned, STEADY)
        elif finding.outcome and verdict is Verdict.DELAYED:
            self.schedule.again(key, planned, finding.outcome.wait)
        else:
            self.schedule.put_off([key])

    def _each(self, keys: Sequence[Key]) -> Iterator["_Settled"]:
        """What each of these rows comes to, from what Neutron has; only those that are ours are looked at."""
        rows = {row.key: row for row in self.store.rows(keys)}
        ours = [row for row in rows.values() if row.facts.in_scope]
        for key in keys:
            if key not in rows or not rows[key].facts.in_scope:
                yield _Settled(key, Finding(rows.get(key)))
        answers = self.source.look([rules.sought(row) for row in ours])
        for row, answer in zip(ours, answers, strict=True):
            if isinstance(answer, NsxError):
                yield _Settled(row.key, Finding(row, waits=str(answer)), ("failures",), answer)
            else:
                # The worst of its objects, or of those of the router that it follows.
                seen = rules.worst(answer)._replace(kind=row.kind, id=row.id)
                count, finding = self._judged(row, seen)
                yield _Settled(row.key, finding, ("looked", count) if count else ("looked",))

    def _judged(self, row: Row, seen: Observation) -> tuple[str, Finding]:
        """What this look alone proves is written; what the row counts as, "" where all is well."""
        if seen.health in _VAGUE:
            count, waits = _VAGUE[seen.health]
            return count, Finding(row, seen, waits=waits if self._may_change(row, seen) else "")
        change = rules.change(row, seen)
        if change is None:
            return "", Finding(row, seen)
        if rules.is_early(change):
            return "early", Finding(row, seen, waits=_EARLY)
        if self.clock.now() - seen.as_of > FRESH:
            return "unsettled", Finding(row, seen, waits=_STALE)
        if is_doubtful(change):
            return "unsettled", Finding(row, seen, left=_DOUBTFUL)
        if not self.allowance.allows(change, self.clock.monotonic()):
            return "held", Finding(row, seen, left=_HELD)
        return self._written(change)

    def _may_change(self, row: Row, seen: Observation) -> bool:
        """Whether what is not clear now may be so soon: an object may come that a build waits for."""
        awaited = row.facts.expects_twin and rules.is_awaited(row, self.clock.now())
        return awaited or seen.health is not Health.ABSENT

    def _written(self, change: Change) -> tuple[str, Finding]:
        (outcome,) = self.store.write([change])
        verdict = outcome.verdict
        waits = _WAITS.get(verdict, "")
        if verdict is Verdict.BLOCKED and not rules.is_awaited(change.row, self.clock.now()):
            waits = ""
        left = _DEFERRED if verdict is Verdict.DEFERRED else ""
        return verdict.value, Finding(outcome.stands, change.observation, outcome, waits, left)


class _Settled(NamedTuple):
    """What one row came to."""

    key: Key
    finding: Finding
    counts: tuple[str, ...] = ()
    error: NsxError | None = None

    def progress(self) -> Progress:
        outcome = self.finding.outcome
        return Progress(
            self.key.kind,
            dict.fromkeys(self.counts, 1),
            outcomes=(outcome,) if outcome else (),
            errors=(self.error,) if self.error else (),
            findings={self.key: self.finding},
        )
