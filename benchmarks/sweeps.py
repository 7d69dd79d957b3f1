"""CPU and memory of a sweep over a settled cloud: ours and the limit in turn, each time in a new process."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.child import Child, Usage
from benchmarks.report import Check, spread
from benchmarks.world import DATABASES, World, world

PORTS = 100_000
ROUNDS = 5
_MORE = 3  # sweeps after the first; the median counts
_RATIO = 2.5  # times the limit's CPU
_MEMORY = 130.0  # MB above the connected process


class Sweeps(NamedTuple):
    """What one process used: it connected, swept for the first time, then some times more."""

    first: Usage
    unchanged: Usage  # CPU and wall: medians; memory: the most since it connected


class Round(NamedTuple):
    ours: Sweeps
    limit: Sweeps


def run(*, quick: bool) -> list[Check]:
    ports, rounds = (PORTS // 10, 1) if quick else (PORTS, ROUNDS)
    checks = []
    for database in DATABASES:
        with world(ports, database) as settled:
            found = measured(settled, rounds)
        tell(f"{ports} ports, {database}", found)
        checks += _checks(database, found)
    return checks


def measured(settled: World, rounds: int) -> list[Round]:
    return [Round(_sweeps(settled.ours), _sweeps(settled.limit)) for _ in range(rounds)]


def tell(where: str, rounds: Sequence[Round]) -> None:
    print(f"{where}; median of {len(rounds)} rounds [least-most]")
    for name in Sweeps._fields:
        for side in Round._fields:
            used: list[Usage] = [getattr(getattr(each, side), name) for each in rounds]
            cpu, wall, memory = (spread([figure[place] for figure in used]) for place in range(3))
            print(f"  {name:9} {side:5}  CPU {cpu} s  wall {wall} s  memory +{memory} MB")


def ratios(rounds: Sequence[Round], name: str) -> list[float]:
    """Our CPU by the limit's, round by round."""
    return [getattr(each.ours, name).cpu / getattr(each.limit, name).cpu for each in rounds]


def _sweeps(start: Callable[[], Child]) -> Sweeps:
    with start() as child:
        child.rest()
        first, *more = (child.measured("sweep") for _ in range(1 + _MORE))
    cpu, wall = median(usage.cpu for usage in more), median(usage.wall for usage in more)
    return Sweeps(first, Usage(cpu, wall, more[-1].memory, more[-1].answer))


def _checks(database: str, rounds: Sequence[Round]) -> list[Check]:
    times = [
        Check(f"{name} sweep, {database}: our CPU by the limit's", ratios(rounds, name), _RATIO, "x")
        for name in Sweeps._fields
    ]
    memory = [each.ours.unchanged.memory for each in rounds]
    return [*times, Check(f"memory, {database}: above the connected process", memory, _MEMORY, " MB")]
