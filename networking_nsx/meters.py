"""What feeds the metrics while it happens: listeners of the runners, and of what Nova answers.

Each is told by one thread. What can be read at any time is not here, but in `serve/gauges.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from networking_nsx import errors, metrics
from networking_nsx.metrics import ERROR
from networking_nsx.model import Answer, Finding, Kind, Outcome, Progress, Status, Verdict
from networking_nsx.ports import Clock
from networking_nsx.series import OTHER, Family, Series, Values
from networking_nsx.sync.runner import Summary

# What each step adds to.
_EVENTS: Mapping[str, Family] = {
    "pages": metrics.PAGES,
    "restarts": metrics.RESTARTS,
    "absent": metrics.ABSENT,
}
_OF_THE_INDEX: Mapping[str, Family] = {"compared": metrics.COMPARED, "disagreed": metrics.DISAGREED}
# What each sweep finds anew.
_STATES: Mapping[str, Family] = {
    "observed": metrics.OBJECTS,
    "missing": metrics.MISSING,
    "duplicates": metrics.DUPLICATES,
    "unsettled": metrics.UNSETTLED,
    "orphans": metrics.ORPHANS,
    "foreign": metrics.FOREIGN,
    "malformed": metrics.MALFORMED,
    "unknown": metrics.UNKNOWN,
}


class _Steps:
    """What the steps of both runners have in common."""

    def __init__(self, series: Series, runner: str) -> None:
        self._series = series
        self._runner = runner
        series.set(metrics.BACKOFF, 0, runner)

    def progressed(self, progress: Progress) -> None:
        if not progress.failure:
            self._series.set(metrics.BACKOFF, 0, self._runner)
        if looked := progress.counts.get("looked"):
            self._series.count(metrics.LOOKS, self._runner, progress.kind.value, by=looked)
        for error in progress.errors:
            self.met(error)
        self._came_to(progress.kind.value, progress.outcomes)

    def failed(self, error: Exception, wait: float) -> None:
        self._series.set(metrics.BACKOFF, wait, self._runner)
        self.met(error)

    def met(self, error: Exception) -> None:
        self._series.count(metrics.ERRORS, self._runner, class_of(error))

    def _came_to(self, kind: str, outcomes: Iterable[Outcome]) -> None:
        # Counted first: there may be thousands, of which few differ in these.
        alike: dict[tuple[str, Status, Verdict, float], int] = {}
        for (row, status, seen), verdict, stands, _ in outcomes:
            essence = (row.status, status, verdict, stands.changed_at - seen.as_of if stands else 0.0)
            alike[essence] = alike.get(essence, 0) + 1
        for (before, after, verdict, latency), times in alike.items():
            self._series.count(metrics.OUTCOMES, self._runner, kind, verdict.value, by=times)
            if verdict is Verdict.WRITTEN:
                self._series.count(metrics.CHANGES, self._runner, kind, str(before), after.value, by=times)
                self._series.observe(metrics.WRITE_LATENCY, max(0.0, latency), self._runner, times=times)


def class_of(error: Exception) -> str:
    """The nearest class of errors.py that is counted by its name; `other` is a defect of ours."""
    ours = (each.__name__ for each in type(error).__mro__ if each.__module__ == errors.__name__)
    return next((name for name in ours if name in ERROR.values), OTHER)


class Sweeping:
    """A `runner.Listener`."""

    def __init__(self, series: Series, clock: Clock) -> None:
        self._series = series
        self._clock = clock
        self._steps = _Steps(series, "sweep")
        self._under_way = False
        self._failure: Exception | None = None  # of the last step: it is asked for again
        self._met: dict[Kind, Counter[str]] = {}
        self._words: dict[Kind, set[str]] = {}
        self._statuses: dict[Kind, Mapping[str, int]] = {}

    def began(self) -> None:
        if self._under_way:
            self._ended("given_up")
        self._under_way = True
        self._failure = None
        self._met = defaultdict(Counter)
        self._words = defaultdict(set)

    def progressed(self, progress: Progress) -> None:
        kind, counts = progress.kind, progress.counts
        self._failure = progress.failure
        self._steps.progressed(progress)
        for name in counts.keys() & _EVENTS.keys():
            self._series.count(_EVENTS[name], kind.value, by=counts[name])
        for name in counts.keys() & _OF_THE_INDEX.keys():
            self._series.count(_OF_THE_INDEX[name], by=counts[name])
        if counts.get("restarts"):  # what was met is going to be met again
            self._met[kind].clear()
        self._met[kind].update({name: counts.get(name, 0) for name in _STATES})
        self._words[kind].update(progress.words)
        if progress.statuses is not None:
            self._statuses[kind] = progress.statuses
            self._series.replace(metrics.RESOURCES, _by_status(self._statuses))

    def swept(self, summary: Summary) -> None:
        self._ended("completed")
        self._series.observe(metrics.SWEEP_DURATION, summary.seconds)
        self._series.set(metrics.LAST_SWEEP, self._clock.now())
        for kind, met in self._met.items():
            for name, family in _STATES.items():
                self._series.set(family, met[name], kind.value)
            self._series.set(metrics.WORDS, len(self._words[kind]), kind.value)

    def failed(self, error: Exception, wait: float) -> None:
        self._steps.failed(error, wait)
        if error is not self._failure:
            self._ended("failed")

    def _ended(self, result: str) -> None:
        self._under_way = False
        self._series.count(metrics.SWEEPS, result)


def _by_status(kinds: Mapping[Kind, Mapping[str, int]]) -> dict[Values, float]:
    """By kind and status; 0 where none has a status that we write."""
    none: dict[str, int] = {status.value: 0 for status in Status}
    return {
        (kind.value, str(status)): number
        for kind, statuses in kinds.items()
        for status, number in {**none, **statuses}.items()
    }


class Settling:
    """A `runner.SettleListener`."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._steps = _Steps(series, "settle")

    def progressed(self, progress: Progress) -> None:
        self._steps.progressed(progress)
        for finding in progress.findings.values():
            self._series.count(metrics.SETTLED, _result(finding))

    def failed(self, error: Exception, wait: float) -> None:
        self._steps.failed(error, wait)


def _result(finding: Finding) -> str:
    if finding.waits:
        return "again"
    return "left" if finding.left else "settled"


class Answers:
    """A `ports.Told`."""

    def __init__(self, series: Series, clock: Clock) -> None:
        self._series = series
        self._clock = clock

    def __call__(self, answer: Answer, _event: str, _port_id: str, committed_at: float) -> None:
        self._series.count(metrics.NOVA_EVENTS, answer.value.replace(" ", "_"))
        if answer is Answer.ACKNOWLEDGED:
            self._series.observe(metrics.NOVA_LATENCY, max(0.0, self._clock.now() - committed_at))
