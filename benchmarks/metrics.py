"""What metrics cost of a sweep's CPU: in the same sweep, and beside a sweep without them."""

from statistics import median

from benchmarks.child import Child
from benchmarks.measured import TIMES
from benchmarks.report import Check, spread
from benchmarks.world import World, world

PORTS = 100_000
ROUNDS = 5
_PERCENT = 1.0  # of a sweep's CPU
_ROWS = 0.5  # the same, for counting rows by status


def run(*, quick: bool) -> list[Check]:
    ports, rounds = (PORTS // 10, 2) if quick else (PORTS, ROUNDS)
    with world(ports, "sqlite") as settled, Child.of("measured", str(settled.configuration())) as child:
        pairs = [(child.measured("without").cpu, child.measured("counting").cpu) for _ in range(rounds)]
        sweep = median(plain for plain, _ in pairs)
        unchanged = [_share(child) for _ in range(rounds)]
        rows = [_times(child, "by_status", sweep) for _ in range(rounds)]
        scrapes = [_times(child, "scraped", sweep) for _ in range(rounds)]
        changed = [_written(settled, child, seed) for seed in range(2)]
    beside = spread([counted / plain for plain, counted in pairs])
    print(f"{ports} ports: a sweep takes {sweep:.2f} s of CPU; with metrics by without: {beside}x")
    return [
        Check("metrics, of the CPU of an unchanged sweep", unchanged, _PERCENT, " %"),
        Check("metrics, of the CPU of a sweep that writes every port", changed, _PERCENT, " %"),
        Check("rows by status, of the CPU of an unchanged sweep", rows, _ROWS, " %"),
        Check("one scrape, of the CPU of an unchanged sweep", scrapes, _PERCENT, " %"),
    ]


def _share(child: Child) -> float:
    """What they take of a sweep that has them, in per cent."""
    used = child.measured("counting")
    return 100 * float(used.answer) / used.cpu


def _written(settled: World, child: Child, seed: int) -> float:
    settled.set_ports("up" if seed % 2 else "down", 1.0, seed)
    return _share(child)


def _times(child: Child, name: str, sweep: float) -> float:
    """What is done so often, of that sweep, in per cent."""
    return 100 * child.measured(name).cpu / TIMES / sweep
