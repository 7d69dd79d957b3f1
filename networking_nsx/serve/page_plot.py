"""The last hour as bars: minutes in, rectangles and a sentence out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from networking_nsx.serve.page_history import Minute

WIDTH, HEIGHT = 300, 60  # of a plot, in its own units
_GAP = 1


class Bar(NamedTuple):
    """A rectangle, and what it stands for: a name of `Series.names`."""

    x: int
    y: float
    width: int
    height: float
    name: str


class Series(NamedTuple):
    """Counts that are drawn on top of each other."""

    title: str
    names: tuple[str, ...]


class Plot(NamedTuple):
    """One of the plots."""

    title: str
    total: int
    most: int  # in a minute
    at: float  # that minute; 0 if there is none
    by_name: Mapping[str, int]
    bars: list[Bar]


SERIES = (
    Series("Statuses written", ("ACTIVE", "DOWN", "ERROR")),
    Series("NSX objects observed", ("observed",)),
    Series("Sweeps completed", ("sweeps",)),
    Series("Failures", ("failures",)),
)


def plot(series: Series, minutes: Sequence[Minute]) -> Plot:
    """Draw it: the largest minute is as high as there is room."""
    sums = [sum(minute.counts.get(name, 0) for name in series.names) for minute in minutes]
    most = max(sums, default=0)
    at = minutes[sums.index(most)].at if most else 0.0
    totals = {name: sum(minute.counts.get(name, 0) for minute in minutes) for name in series.names}
    return Plot(series.title, sum(sums), most, at, totals, _bars(series, minutes, most))


def _bars(series: Series, minutes: Sequence[Minute], most: int) -> list[Bar]:
    bars = []
    width = WIDTH // max(1, len(minutes))
    for place, minute in enumerate(minutes):
        y = float(HEIGHT)
        for name in series.names:
            if count := minute.counts.get(name, 0):
                height = max(1.0, round(HEIGHT * count / most, 1))
                y = max(0.0, round(y - height, 1))
                bars.append(Bar(place * width, y, width - _GAP, height, name))
    return bars


def figures(minutes: Sequence[Minute]) -> list[Minute]:
    """Those in which something happened, the newest first: the same as a table."""
    return [minute for minute in reversed(minutes) if any(minute.counts.values())]
