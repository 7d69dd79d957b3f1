"""What is wrong, and what to do about it: a table of rules. What the daemon tells goes in, sentences out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from networking_nsx.serve.health import Hang
from networking_nsx.serve.page_text import count, moment, span

Told = Mapping[str, Any]

_LATE = 3  # intervals, after which a status is old


class Level(StrEnum):
    """How much it matters, the worst first."""

    FAILING = "failing"
    FROZEN = "frozen"
    NOTE = "note"


class Trouble(NamedTuple):
    """One thing that is wrong."""

    level: Level
    title: str
    text: str
    todo: str = ""  # a sentence
    command: str = ""


class Sight(NamedTuple):
    """All that is judged."""

    told: Told  # as `sync status` has it
    hangs: Sequence[Hang]
    interval: float
    now: float


def troubles(sight: Sight) -> list[Trouble]:
    """Everything that is wrong, the worst first."""
    found = [trouble for rule in _RULES for trouble in rule(sight)]
    return sorted(found, key=lambda trouble: list(Level).index(trouble.level))


def state(sight: Sight, found: Sequence[Trouble]) -> tuple[str, str]:
    """The whole in a word, and how that looks."""
    if any(trouble.level is Level.FAILING for trouble in found):
        return "Failing", "failing"
    if any(trouble.level is Level.FROZEN for trouble in found):
        return _frozen(sight.told), "frozen"
    if sight.told["last_sweep_at"] is None:
        return "Starting", "starting"
    return "Running", "running"


def _frozen(told: Told) -> str:
    if told["state"] != "running":
        return "Paused"
    return "Maintenance" if told["maintenance"] != "none" else "Frozen"


def _hang(sight: Sight) -> Iterator[Trouble]:
    for hang in sight.hangs:
        since = moment(sight.now - hang.seconds)
        yield Trouble(
            Level.FAILING,
            f"The {hang.name} loop hangs",
            f"It has not moved since {since}, for {span(hang.seconds)}: NSX or the database gives no answer.",
            "See the daemon's log; restart the daemon if it lasts.",
        )


def _failures(sight: Sight) -> Iterator[Trouble]:
    told = sight.told
    if told["failures"]:
        again = told["next_attempt_at"]
        following = f" The next attempt is due at {moment(again)}." if again else ""
        yield Trouble(
            Level.FAILING,
            f"{count(told['failures'], 'failure')} in a row",
            f"{told['last_error']}.{following}",
            "Statuses stay as they are meanwhile, and get older. To see what is wrong:",
            "neutron-nsx check --config-file ...",
        )
    if told["settle_failures"]:
        yield Trouble(
            Level.FAILING,
            f"{count(told['settle_failures'], 'failure')} in a row where single rows are settled",
            f"{told['settle_error']}.",
        )


def _held(sight: Sight) -> Iterator[Trouble]:
    held = {kind: number for kind, number in sight.told["held"].items() if number}
    if held:
        what = ", ".join(count(number, kind) for kind, number in held.items())
        yield Trouble(
            Level.FROZEN,
            f"The brake holds {what}",
            "So many would become worse at once that it may be a mistake of NSX rather than the truth.",
            "If NSX tells the truth, let them be written:",
            "neutron-nsx sync release" + "".join(f" --kind {kind}" for kind in held) + " --config-file ...",
        )


def _maintenance(sight: Sight) -> Iterator[Trouble]:
    told = sight.told
    if told["maintenance"] == "holding":
        yield Trouble(
            Level.FROZEN,
            f"Maintenance until {moment(told['maintenance_until'])}",
            f"{told['maintenance_reason']}. What would become worse is deferred, what is better is written.",
            "To end it now:",
            "neutron-nsx maintenance stop --config-file ...",
        )
    elif told["maintenance"] != "none":
        yield Trouble(
            Level.FROZEN,
            "Maintenance is over; a whole sweep comes first",
            "What would become worse is deferred until everything has been read once.",
        )


def _paused(sight: Sight) -> Iterator[Trouble]:
    since = sight.told["paused_since"]
    if sight.told["state"] != "running" and since:
        yield Trouble(
            Level.FROZEN,
            "Paused",
            f"Nothing is asked and nothing is written since {moment(since)}, for {span(sight.now - since)}.",
            "To go on:",
            "neutron-nsx sync resume --config-file ...",
        )


def _index(sight: Sight) -> Iterator[Trouble]:
    if sight.told["index"] == "not believed":
        yield Trouble(
            Level.FROZEN,
            "NSX's search index is not believed",
            f"{sight.told['index_reason']}. Ports are read one by one, which takes longer.",
            "It is believed again by itself when samples agree.",
        )


def _late(sight: Sight) -> Iterator[Trouble]:
    bound = sight.told["bound"]
    if bound is not None and bound > _LATE * sight.interval and sight.told["state"] == "running":
        yield Trouble(
            Level.NOTE,
            f"A status may be {span(bound)} old",
            f"Every {span(sight.interval)} would be right (state_sync_interval).",
        )


def _reports(sight: Sight) -> Iterator[Trouble]:
    if sight.told["mode"] == "report":
        yield Trouble(Level.NOTE, "Report only", "Nothing is written to Neutron (mode = report).")


_RULES: tuple[Callable[[Sight], Iterator[Trouble]], ...] = (
    _hang,
    _failures,
    _held,
    _maintenance,
    _paused,
    _index,
    _late,
    _reports,
)
