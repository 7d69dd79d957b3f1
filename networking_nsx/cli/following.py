"""Listeners: a sweep as lines in a log."""

import logging
from collections import Counter

from networking_nsx.model import Progress
from networking_nsx.sync.runner import Summary

_LOG = logging.getLogger(__name__)

# What an operator should see even when it is a single one, in this order.
_NOTABLE = (
    "withheld",
    "outside",
    "held",
    "absent",
    "missing",
    "refused",
    "blocked",
    "malformed",
    "duplicates",
    "orphans",
    "unknown",
    "early",
    "unsettled",
    "failures",
    "restarts",
)


class LogLines:
    """One INFO line per sweep, a warning per failure, and one per word of NSX that nobody knows."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._held: Counter[str] = Counter()
        self._words: set[str] = set()

    def progressed(self, progress: Progress) -> None:
        self._held[progress.kind.value] += progress.counts.get("held", 0)
        for error in progress.errors:
            _LOG.warning("a %s could not be looked at: %s", progress.kind, error)
        for word in progress.words.keys() - self._words:
            self._words.add(word)
            _LOG.warning("NSX says %r of a %s: the status stays as it is", word, progress.kind)

    def swept(self, summary: Summary) -> None:
        _LOG.info("sweep done: %s", line(summary))
        self._warn_of_held()
        seen = summary.counts["observed"] - summary.counts["orphans"]
        if seen and summary.counts["outside"] == seen:
            _LOG.warning(
                "nothing that NSX has is in scope: see [nsx_sync] network_types, physical_networks, drivers"
            )
        if self._interval and summary.period > self._interval + 1:
            _LOG.warning(
                "sweeps begin every %.1f s, not every %s s (state_sync_interval); a status may be %.1f s old",
                summary.period,
                self._interval,
                summary.bound,
            )

    def _warn_of_held(self) -> None:
        held = {kind: count for kind, count in self._held.items() if count}
        self._held.clear()
        if held:
            _LOG.warning(
                "the brake holds changes (%s): see that NSX tells the truth, then release them with "
                "`neutron-nsx sync once%s`, while no `sync run` is running",
                ", ".join(f"{kind} {count}" for kind, count in held.items()),
                "".join(f" --release {kind}" for kind in held),
            )

    def failed(self, error: Exception, wait: float) -> None:
        expected = not isinstance(error, (AttributeError, LookupError, TypeError, ValueError))
        _LOG.warning(
            "a request or a sweep failed, again in %.0f s: %s",
            wait,
            error,
            exc_info=None if expected else error,
        )


def line(summary: Summary) -> str:
    """A sweep in one line."""
    counts = summary.counts
    notable = "".join(f", {counts[name]} {name}" for name in _NOTABLE if counts[name])
    return f"{counts['observed']} observed, {counts['written']} written{notable}, {summary.seconds:.1f} s"
