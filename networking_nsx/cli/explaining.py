"""Why a row has its status: what was written, what NSX says of it, and when it is looked at next."""

from typing import Any

from cliff.columns import FormattableColumn

from networking_nsx.errors import NotAcknowledged
from networking_nsx.evidence.audit import moment_of
from networking_nsx.evidence.entry import Entry
from networking_nsx.evidence.reading import Unreadable, evidence
from networking_nsx.model import Finding, Health, Key
from networking_nsx.neutron.bindings import Bindings
from networking_nsx.ports import Explained
from networking_nsx.serve.client import ask
from networking_nsx.serve.plain import plain
from networking_nsx.serve.protocol import Command, Request

_SWEEP = "by the next sweep"
_NEEDS_NO_REASON = (Health.UP, Health.ABSENT)  # of what is not there NSX has nothing to say


class Lines(FormattableColumn[Any]):
    """A list: a line each for a person, as it is for a machine."""

    def human_readable(self) -> str:
        return "\n".join(_line(each) for each in self._value)


def explained(key: Key, finding: Finding, source: Explained, bindings: Bindings) -> dict[str, Any]:
    """What Neutron and NSX know besides. Costs requests to NSX where the object is not up."""
    seen = finding.observation
    asks = seen is not None and seen.health not in _NEEDS_NO_REASON
    return {
        "host": bindings.host_of(key),
        "blocks": Lines(bindings.blocks_of(key)),
        "reasons": Lines([plain(line) for line in source.reasons(seen)] if seen and asks else []),
    }


def remembered(key: Key, state_path: str, control_socket: str) -> dict[str, Any]:
    """What was written, and what is planned. Needs neither NSX nor a daemon."""
    return {"next_look": _next_look(key, control_socket), **_writes(key, state_path)}


def told(entry: Entry) -> dict[str, Any]:
    """An entry for a person and for a machine: moments as text, and nothing that a terminal would obey."""
    fields = entry._asdict()
    moments = {name: moment_of(fields[name]) for name in ("at", "seen_at", "sweep_began")}
    return {
        name: plain(value) if isinstance(value, str) else value for name, value in (fields | moments).items()
    }


def _writes(key: Key, state_path: str) -> dict[str, Any]:
    try:
        with evidence(state_path) as kept:
            return {"writes": Lines([told(entry) for entry in kept.writes(key)]), "evidence": ""}
    except Unreadable as error:
        return {"writes": Lines([]), "evidence": str(error)}


def _next_look(key: Key, control_socket: str) -> str:
    if not control_socket:
        return _SWEEP
    try:
        seconds = ask(control_socket, Request(Command.NEXT, (key.kind,), key.id))["in"]
    except NotAcknowledged as error:
        return f"{_SWEEP}, once a daemon runs: {error}"
    return _SWEEP if seconds is None else f"in {seconds:.1f} s"


def _line(each: str | dict[str, Any]) -> str:
    if isinstance(each, str):
        return each
    by = f"{each['by']} {each['sweep']}" if each["sweep"] else each["by"]
    return (
        f"{each['at']} {each['old']} -> {each['new']}: {each['why']}; "
        f"{each['word']!r} seen {each['seen_at']} at {each['path']} by {by}"
    )
