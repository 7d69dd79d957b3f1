"""Where the CPU of an unchanged sweep goes, and how it grows: a table and a plot in the documentation."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.report import Check
from benchmarks.world import world

SIZES = (10_000, 100_000)
ROUNDS = 5
PARTS = {"nsx": "NSX: HTTP, decoding", "neutron": "Neutron: select, rows", "between": "comparing"}
PAGE = Path(__file__).parent.parent / "docs/explanation/performance.md"
PLOT = PAGE.with_name("performance-parts.svg")
_BEGIN, _END = "<!-- parts -->\n", "<!-- /parts -->\n"
_BETWEEN = 0.5  # of the CPU at most is ours to save: the rest is reading, which every synchronizer does

_Found = Mapping[int, Mapping[str, float]]  # by ports, by part: CPU seconds


def run(*, quick: bool) -> list[Check]:
    """Write the table and the plot, unless `quick`."""
    found = {size: _measured(size) for size in ((SIZES[0] // 10,) if quick else SIZES)}
    if not quick:
        _write_table(found)
        _draw(found)
    return [
        Check(f"comparing: share of a sweep's CPU, {size} ports", [_share(each)], _BETWEEN, "x")
        for size, each in found.items()
    ]


def _measured(ports: int) -> Mapping[str, float]:
    with world(ports, "sqlite") as settled, settled.ours() as ours:
        ours.ask("parts")  # the first one warms up
        rounds = [ours.ask("parts") for _ in range(ROUNDS)]
    found = {part: median(one[part] for one in rounds) for part in PARTS}
    print(f"{ports} ports, CPU by part: {found}", flush=True)
    return found


def _share(found: Mapping[str, float]) -> float:
    return found["between"] / sum(found.values())


def _write_table(found: _Found) -> None:
    """Between the marks in the page, which is otherwise left alone."""
    before, rest = PAGE.read_text().split(_BEGIN)
    after = rest.split(_END)[1]
    head = f"| ports | {' | '.join(PARTS.values())} |\n|--:|--:|--:|--:|\n"
    rows = "".join(
        f"| {size:,} | {' | '.join(_told(each[part], each) for part in PARTS)} |\n"
        for size, each in found.items()
    )
    PAGE.write_text(f"{before}{_BEGIN}{head}{rows}{_END}{after}")


def _told(seconds: float, found: Mapping[str, float]) -> str:
    return f"{seconds:.2f} s, {seconds / sum(found.values()):.0%}"


def _draw(found: _Found) -> None:
    """The same bytes from the same figures: no date, no random names."""
    mpl.rcParams["svg.hashsalt"] = "networking-nsx"
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    parts, scale = figure.subplots(1, 2)
    names = [f"{size // 1000}" for size in found]
    bottom = [0.0] * len(names)
    for part, label in PARTS.items():
        shares = [each[part] / sum(each.values()) for each in found.values()]
        parts.bar(names, shares, bottom=bottom, label=label)
        bottom = [low + share for low, share in zip(bottom, shares, strict=True)]
        scale.plot(list(found), [each[part] * 1e6 / size for size, each in found.items()], "o-", label=label)
    parts.set(xlabel="ports (thousands)", ylabel="share of a sweep's CPU")
    scale.set(xlabel="ports (thousands)", ylabel="CPU microseconds of a port", xlim=(0, None), ylim=(0, None))
    scale.xaxis.set_major_formatter(lambda ports, _: f"{ports / 1000:g}")
    scale.legend()
    figure.savefig(PLOT, format="svg", metadata={"Date": None, "Creator": None})
