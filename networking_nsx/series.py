"""Series of numbers, as Prometheus has them, kept until somebody asks.

A family has a series for each combination of its labels' values; a value that its label does not declare
counts as `other`, so that their number is bounded whatever is counted.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate, product
from math import prod

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

OTHER = "other"
_AT_ONCE = 60  # series of a family that are told from the beginning: an increase from nothing is not seen

Values = tuple[str, ...]  # of a family's labels
Reader = Callable[[], Mapping[Values, float]]


class Type(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A name, and all that may stand there; nothing: what the configuration says."""

    name: str
    values: Values = ()


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric."""

    name: str
    type: Type
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()  # of a histogram: their upper bounds


@dataclass(slots=True)
class _Spread:
    """One series of a histogram."""

    counts: list[int]  # by bucket, the endless one last
    total: float = 0.0


@dataclass(slots=True)
class _Kept:
    """What is known of one family."""

    numbers: dict[Values, float] = field(default_factory=dict)
    spreads: dict[Values, _Spread] = field(default_factory=dict)


class Series(Collector):
    """The numbers of some families. Any thread may call; nobody waits for long."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._lock = threading.Lock()
        self._kept = {family: _Kept() for family in families}
        self._readers: dict[Family, Reader] = {}
        for family in families:
            for values in _at_once(family):
                self._begin(family, values)

    def count(self, family: Family, *values: str, by: float = 1.0) -> None:
        """So many more."""
        key = _bounded(family, values)
        with self._lock:
            numbers = self._kept[family].numbers
            numbers[key] = numbers.get(key, 0.0) + by

    def set(self, family: Family, number: float, *values: str) -> None:
        key = _bounded(family, values)
        with self._lock:
            self._kept[family].numbers[key] = number

    def replace(self, family: Family, numbers: Mapping[Values, float]) -> None:
        """All series of a gauge, at once."""
        summed: dict[Values, float] = {}
        for values, number in numbers.items():
            key = _bounded(family, values)
            summed[key] = summed.get(key, 0.0) + number
        with self._lock:
            self._kept[family].numbers = summed

    def observe(self, family: Family, number: float, *values: str, times: int = 1) -> None:
        """One more for a histogram, or several of the same size."""
        key = _bounded(family, values)
        with self._lock:
            spreads = self._kept[family].spreads
            if key not in spreads:
                self._begin(family, key)
            spreads[key].counts[bisect_left(family.buckets, number)] += times
            spreads[key].total += number * times

    def read(self, family: Family, reader: Reader) -> None:
        """Ask for the numbers of a family whenever somebody asks for the metrics."""
        self._readers[family] = reader

    def collect(self) -> Iterator[Metric]:
        """For prometheus_client."""
        for family, reader in self._readers.items():
            self.replace(family, reader())
        with self._lock:
            told = [_told(family, kept) for family, kept in self._kept.items()]
        return iter(told)

    def _begin(self, family: Family, values: Values) -> None:
        kept = self._kept[family]
        if family.type is Type.HISTOGRAM:
            kept.spreads[values] = _Spread([0] * (len(family.buckets) + 1))
        else:
            kept.numbers[values] = 0.0


def _at_once(family: Family) -> Iterable[Values]:
    """The series that are told from the beginning. A gauge has none: 0 would be said of what is not known."""
    known = [label.values for label in family.labels]
    number = prod(map(len, known))
    return product(*known) if family.type is not Type.GAUGE and 0 < number <= _AT_ONCE else ()


def _bounded(family: Family, values: Values) -> Values:
    """The values, `other` in the place of what is not declared."""
    return tuple(
        value if not label.values or value in label.values else OTHER
        for label, value in zip(family.labels, values, strict=True)
    )


def _told(family: Family, kept: _Kept) -> Metric:
    names = [label.name for label in family.labels]
    if family.type is Type.HISTOGRAM:
        return _histogram(family, names, kept.spreads)
    make = CounterMetricFamily if family.type is Type.COUNTER else GaugeMetricFamily
    made: CounterMetricFamily | GaugeMetricFamily = make(family.name, family.help, labels=names)
    for values, number in sorted(kept.numbers.items()):
        made.add_metric(values, number)
    return made


def _histogram(family: Family, names: list[str], spreads: Mapping[Values, _Spread]) -> Metric:
    made = HistogramMetricFamily(family.name, family.help, labels=names)
    bounds = [*map(str, family.buckets), "+Inf"]
    for values, spread in sorted(spreads.items()):
        made.add_metric(values, list(zip(bounds, accumulate(spread.counts), strict=True)), spread.total)
    return made
