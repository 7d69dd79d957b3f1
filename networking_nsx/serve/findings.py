"""What looking at one row came to, as a table of one row for whoever has asked."""

from datetime import UTC, datetime
from typing import Any

from networking_nsx.model import Finding, Health, Key, Observation, Row
from networking_nsx.sync import rules


def shown(key: Key, finding: Finding) -> dict[str, Any]:
    """What Neutron has, what NSX says, and the evidence; {} where there is no such row."""
    row, seen = finding.row, finding.observation
    if row is None:
        return {}
    return {
        "kind": key.kind.value,
        "id": key.id,
        "status": str(row.status),
        "nsx": seen and seen.health.value,
        "word": seen and seen.word,
        "path": seen and seen.path,
        "as_of": seen and time_of(seen.as_of),
        "changed_at": time_of(row.changed_at),
        "revision": row.revision,
        **row.facts._asdict(),
        "follows": row.follows and f"router {row.follows}",
        "verdict": _verdict(row, seen, finding),
    }


def _verdict(row: Row, seen: Observation | None, finding: Finding) -> str:
    if finding.outcome:
        return finding.outcome.verdict.value
    if seen is None:
        return finding.waits or "out of scope: left alone"
    if seen.health is Health.ABSENT:
        return "not found on NSX: only complete sweeps prove that (sync once)"
    change = rules.change(row, seen)
    left = f", left to the sweep: {finding.left}" if finding.left else ""
    return f"should be {change.status.value}{left}" if change else "agrees"


def time_of(seconds: float) -> str:
    """A moment, for a person and for a machine."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
