"""How the cost grows with the cloud: a table, and a plot in the documentation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.report import Check
from benchmarks.sweeps import Round, measured, tell
from benchmarks.world import world

SIZES = (10_000, 100_000, 300_000)
ROUNDS = 3
PAGE = Path(__file__).parent.parent / "docs/explanation/performance.md"
PLOT = PAGE.with_name("performance-scale.svg")
_BEGIN, _END = "<!-- scale -->\n", "<!-- /scale -->\n"
_STRAIGHT = 1.2  # times the cost per port of a cloud of a third of the size

_HEAD = """| ports | first sweep: CPU, wall | unchanged sweep: CPU, wall | limit: CPU | memory |
|--:|--:|--:|--:|--:|
"""


def run(*, quick: bool) -> list[Check]:
    """Write the table and the plot, unless `quick`."""
    found: dict[int, list[Round]] = {}
    for size in (SIZES[0] // 10, SIZES[0]) if quick else SIZES:
        with world(size, "sqlite") as settled:
            found[size] = measured(settled, 1 if quick else ROUNDS)
        tell(f"{size} ports, sqlite", found[size])
    if not quick:
        _write_table(found)
        _draw(found)
    return _checks(found)


def _checks(found: Mapping[int, Sequence[Round]]) -> list[Check]:
    *_, middle, most = found
    cpu = _per_port(found, most, "cpu") / _per_port(found, middle, "cpu")
    memory = _per_port(found, most, "memory") / _per_port(found, middle, "memory")
    where = f"per port at {most} by at {middle} ports"
    return [
        Check(f"growth: CPU of an unchanged sweep {where}", [cpu], _STRAIGHT, "x"),
        Check(f"growth: memory {where}", [memory], _STRAIGHT, "x"),
    ]


def _per_port(found: Mapping[int, Sequence[Round]], size: int, what: str) -> float:
    return _median(found[size], "ours", "unchanged", what) / size


def _median(rounds: Sequence[Round], *names: str) -> float:
    figures: list[float] = []
    for figure in rounds:
        value: object = figure
        for name in names:
            value = getattr(value, name)
        figures.append(float(value))  # type: ignore[arg-type]
    return median(figures)


def _write_table(found: Mapping[int, Sequence[Round]]) -> None:
    """Between the marks in the page, which is otherwise left alone."""
    before, rest = PAGE.read_text().split(_BEGIN)
    after = rest.split(_END)[1]
    rows = "".join(_row(size, rounds) for size, rounds in found.items())
    PAGE.write_text(f"{before}{_BEGIN}{_HEAD}{rows}{_END}{after}")


def _row(size: int, rounds: Sequence[Round]) -> str:
    sweeps = (
        f"{_median(rounds, 'ours', name, 'cpu'):.2f} s, {_median(rounds, 'ours', name, 'wall'):.2f} s"
        for name in ("first", "unchanged")
    )
    limit = _median(rounds, "limit", "unchanged", "cpu")
    memory = _median(rounds, "ours", "unchanged", "memory")
    return f"| {size:,} | {' | '.join(sweeps)} | {limit:.2f} s | +{memory:.0f} MB |\n"


def _draw(found: Mapping[int, Sequence[Round]]) -> None:
    """The same bytes from the same figures: no date, no random names."""
    mpl.rcParams["svg.hashsalt"] = "networking-nsx"
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    cpu, memory = figure.subplots(1, 2)
    for axes, label, *names in (
        (cpu, "first sweep", "ours", "first", "cpu"),
        (cpu, "unchanged sweep", "ours", "unchanged", "cpu"),
        (cpu, "the limit", "limit", "unchanged", "cpu"),
        (memory, "at the most", "ours", "unchanged", "memory"),
    ):
        axes.plot(list(found), [_median(rounds, *names) for rounds in found.values()], "o-", label=label)
        axes.legend()
    for axes, what in ((cpu, "CPU seconds of a sweep"), (memory, "MB above the connected process")):
        axes.set(xlabel="ports (thousands)", ylabel=what, xlim=(0, None), ylim=(0, None))
        axes.xaxis.set_major_formatter(lambda ports, _: f"{ports / 1000:g}")
    figure.savefig(PLOT, format="svg", metadata={"Date": None, "Creator": None})
