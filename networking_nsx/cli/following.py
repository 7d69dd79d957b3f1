"""Listeners: a sweep as lines in a log."""

import logging
from collections import Counter
from collections.abc import Iterable

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
    "delayed",
    "deferred",
    "malformed",
    "duplicates",
    "orphans",
    "unknown",
    "early",
    "unsettled",
    "failures",
    "restarts",
    "disagreed",
    "direct",
)


_TOLD = 10  # errors of direct reads in a sweep; of more, the number
_WORDS = 100  # that are told in a process's life; an NSX may invent one for each port


def _by_once(kinds: Iterable[str]) -> str:
    options = "".join(f" --release {kind}" for kind in kinds)
    return f"`neutron-nsx sync once{options}`, while no `sync run` is running"


def _by_command(kinds: Iterable[str]) -> str:
    return "`neutron-nsx sync release" + "".join(f" --kind {kind}" for kind in kinds) + "`"


class LogLines:
    """One INFO line per sweep, a warning per failure, and one per word of NSX that nobody knows."""

    def __init__(self, interval: float, *, controlled: bool = False) -> None:
        """`controlled`: commands reach this process through its control socket."""
        self._interval = interval
        self._release = _by_command if controlled else _by_once
        self._held: Counter[str] = Counter()
        self._words: set[str] = set()
        self._unread = 0  # direct reads that failed in this sweep

    def began(self) -> None:
        self._held.clear()
        self._unread = 0

    def progressed(self, progress: Progress) -> None:
        self._held[progress.kind.value] += progress.counts.get("held", 0)
        for notice in progress.notices:
            _LOG.warning("%s", notice)
        for error in progress.errors:
            self._unread += 1
            if self._unread <= _TOLD:
                _LOG.warning("a %s could not be looked at: %s", progress.kind, error)
        for word in progress.words.keys() - self._words:
            if len(self._words) < _WORDS:
                self._words.add(word)
                _LOG.warning("NSX says %r of a %s: the status stays as it is", word, progress.kind)

    def swept(self, summary: Summary) -> None:
        _LOG.info("sweep done: %s", line(summary))
        self._warn_of_held()
        if self._unread > _TOLD:
            _LOG.warning("%d more rows could not be looked at", self._unread - _TOLD)
        seen = summary.counts["observed"] - summary.counts["orphans"]
        if seen and summary.counts["outside"] == seen:
            _LOG.warning(
                "nothing that NSX has is in scope: see [nsx_sync] network_types, physical_networks, drivers"
            )
        if self._interval and summary.counts["direct"]:
            _LOG.warning(
                "%d rows were read directly; a status may be %.1f s old",
                summary.counts["direct"],
                summary.bound,
            )
        elif self._interval and summary.period > self._interval + 1:
            _LOG.warning(
                "sweeps begin every %.1f s, not every %s s (state_sync_interval); a status may be %.1f s old",
                summary.period,
                self._interval,
                summary.bound,
            )

    def _warn_of_held(self) -> None:
        held = {kind: count for kind, count in self._held.items() if count}
        if held:
            _LOG.warning(
                "the brake holds changes (%s): see that NSX tells the truth, then release them with %s",
                ", ".join(f"{kind} {count}" for kind, count in held.items()),
                self._release(held),
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
