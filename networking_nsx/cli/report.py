"""What one-off sweeps came to, for a person and for a machine."""

from collections import Counter
from typing import Any

from cliff.columns import FormattableColumn

from networking_nsx.assemble import Parts
from networking_nsx.cli.following import LogLines
from networking_nsx.errors import InMaintenance
from networking_nsx.model import COUNTS, Kind, Outcome, Progress, Verdict
from networking_nsx.sync.maintenance import Phase
from networking_nsx.sync.runner import Listener, Several, Summary, once

# These add up over the sweeps; of everything else the last sweep has the say.
_EVENTS = frozenset(
    {
        "pages",
        "failures",
        "written",
        "refused",
        "gone",
        "looked",
        "absent",
        "restarts",
        "compared",
        "disagreed",
        "direct",
    }
)


class Report(LogLines):
    """Sweeps and gathers what they came to."""

    def __init__(self, interval: float) -> None:
        super().__init__(interval)
        self.last = Summary()
        self._sweeps = 0
        self._total: Counter[str] = Counter()
        self._outcomes: list[Outcome] = []

    def sweep(self, parts: Parts, listener: Listener, release: list[str], *, verifies: bool) -> None:
        """`listener` is this report, or several that it is one of.

        `verifies`: these sweeps are of all kinds and write, so that a maintenance that is over may end.

        Raises InMaintenance.
        """
        if release and parts.window.phase is Phase.HOLDING:
            raise InMaintenance(
                "a maintenance holds, nothing is released: end it first: neutron-nsx maintenance stop"
            )
        for kind in release:
            parts.brake.release(Kind(kind), parts.clock.monotonic())
        listener = Several(listener, parts.window) if verifies else listener
        self._sweeps_of(parts, listener)
        if self.last.counts["deferred"] and parts.window.phase is Phase.NONE:  # it has just been verified
            self._sweeps_of(parts, listener)

    def _sweeps_of(self, parts: Parts, listener: Listener) -> None:
        for summary in once(parts.sweeper, parts.clock, listener):
            self.last = summary
            self._sweeps += 1
            self._total.update(summary.counts)

    def progressed(self, progress: Progress) -> None:
        super().progressed(progress)
        self._outcomes += progress.outcomes

    def columns(self) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """The names and values of a table of one row."""
        counts = {name: (self._total if name in _EVENTS else self.last.counts)[name] for name in COUNTS}
        # A change that is withheld is found again by each sweep.
        last = {(outcome.change.row.key, outcome.verdict): outcome for outcome in self._outcomes}
        counts["withheld"] = sum(verdict is Verdict.WITHHELD for _, verdict in last)
        return ("sweeps", *counts, "changes"), (self._sweeps, *counts.values(), Changes(list(last.values())))


class Changes(FormattableColumn[Any]):
    """Every change: counted for a person, whole for a machine."""

    def human_readable(self) -> str:
        counted = Counter(
            f"{change.row.kind} {change.row.status} -> {change.status.value}: {verdict.value}"
            for change, verdict, *_ in self._value
        )
        return "\n".join(f"{what}: {count}" for what, count in sorted(counted.items()))

    def machine_readable(self) -> list[dict[str, str]]:
        return [
            {
                "kind": change.row.kind.value,
                "id": change.row.id,
                "from": str(change.row.status),
                "to": change.status.value,
                "verdict": verdict.value,
                "path": change.observation.path,
                "word": change.observation.word,
            }
            for change, verdict, *_ in self._value
        ]
