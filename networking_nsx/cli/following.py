"""Listeners: a sweep as lines in a log."""

import logging

from networking_nsx.model import Progress
from networking_nsx.sync.runner import Summary

_LOG = logging.getLogger(__name__)

# What an operator should see even when it is a single one, in this order.
_NOTABLE = (
    "withheld",
    "held",
    "absent",
    "missing",
    "refused",
    "blocked",
    "malformed",
    "duplicates",
    "orphans",
    "unknown",
    "failures",
    "restarts",
)


class LogLines:
    """One INFO line per sweep, a warning per failure, and one per word of NSX that nobody knows."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._words: set[str] = set()

    def progressed(self, progress: Progress) -> None:
        for word in progress.words.keys() - self._words:
            self._words.add(word)
            _LOG.warning("NSX says %r of a %s: the status stays as it is", word, progress.kind)

    def swept(self, summary: Summary) -> None:
        _LOG.info("sweep done: %s", line(summary))
        if summary.counts["held"]:
            _LOG.warning(
                "the brake holds %d changes: see that NSX tells the truth, then end this process and release "
                "them with `neutron-nsx sync once --release KIND`",
                summary.counts["held"],
            )
        if self._interval and summary.since_last > self._interval + 1:
            _LOG.warning(
                "statuses are verified every %.1f s, not every %s s (state_sync_interval)",
                summary.since_last,
                self._interval,
            )

    def failed(self, error: Exception, wait: float) -> None:
        expected = not isinstance(error, (AttributeError, LookupError, TypeError, ValueError))
        _LOG.warning(
            "synchronization failed, again in %.0f s: %s", wait, error, exc_info=None if expected else error
        )


def line(summary: Summary) -> str:
    """A sweep in one line."""
    counts = summary.counts
    notable = "".join(f", {counts[name]} {name}" for name in _NOTABLE if counts[name])
    return f"{counts['observed']} observed, {counts['written']} written{notable}, {summary.seconds:.1f} s"
