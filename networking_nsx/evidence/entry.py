"""What is kept: one value for each write, look, answer of Nova and event, made of what the runners tell."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from networking_nsx.evidence.why import why
from networking_nsx.model import Finding, Key, Observation, Outcome, Row, Verdict

WRITTEN = Verdict.WRITTEN.value
LOOK = "look"
NOVA = "nova"
LOST = "lost"


class Entry(NamedTuple):
    """One thing that happened; the fields are those of the audit log and of `timeline`."""

    at: float  # seconds since the epoch; of a write its commit's
    what: str  # written, another verdict, look, nova; or brake, command, sweep, index, daemon, lost
    kind: str = ""  # with `id`; both are "" for what concerns no single row
    id: str = ""
    old: str = ""  # status of the row
    new: str = ""  # the status that it got, or should have got
    path: str = ""  # where on NSX
    word: str = ""  # NSX's own
    seen_at: float | None = None  # the latest moment that NSX's word surely describes
    by: str = ""  # sweep, settle, sync once, sync key
    sweep: int | None = None  # its number since the process has begun
    sweep_began: float | None = None
    why: str = ""


class By(NamedTuple):
    """Who looked."""

    name: str
    sweep: int | None = None
    began: float | None = None


class Noted(NamedTuple):
    """What one step told, as it is: it becomes entries in another thread."""

    by: By
    at: float
    outcomes: tuple[Outcome, ...] = ()
    findings: Mapping[Key, Finding] = {}
    others: tuple[Entry, ...] = ()

    @property
    def weight(self) -> int:
        return len(self.outcomes) + len(self.findings) + len(self.others)


def entries_of(noted: Noted) -> Iterator[Entry]:
    for outcome in noted.outcomes:
        yield _of_outcome(outcome, noted)
    for key, finding in noted.findings.items():
        if finding.outcome is None:  # else it is told by its outcome
            yield _of_look(key, finding, noted)
    yield from noted.others


def _of_outcome(outcome: Outcome, noted: Noted) -> Entry:
    """The hot line of a first adoption: 100,000 in one sweep."""
    change, verdict, stands, _ = outcome
    row, status, seen = change
    written = verdict is Verdict.WRITTEN and stands is not None
    return Entry(
        stands.changed_at if written and stands else noted.at,
        verdict.value,
        row.kind.value,
        row.id,
        str(row.status),  # of ours, an enumeration
        status.value,
        seen.path,
        seen.word,
        seen.as_of,
        *noted.by,
        why(change),
    )


def _of_look(key: Key, finding: Finding, noted: Noted) -> Entry:
    row, seen = finding.row, finding.observation
    return Entry(
        noted.at,
        LOOK,
        key.kind.value,
        key.id,
        str(row.status) if row else "",
        "",
        seen.path if seen else "",
        seen.word if seen else "",
        seen.as_of if seen else None,
        *noted.by,
        _came_to(row, seen, finding),
    )


def _came_to(row: Row | None, seen: Observation | None, finding: Finding) -> str:
    if row is None:
        return "Neutron has no such row"
    if finding.left:
        return f"left to the sweep: {finding.left}"
    if finding.waits:
        return f"looked at again: {finding.waits}"
    return f"nothing to write: NSX says {seen.health.value}" if seen else "out of scope: left alone"
