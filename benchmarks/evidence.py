"""What keeping the evidence costs: sweeps with and without it, in turn, in one process and one run."""

import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.child import Child
from benchmarks.report import Check, spread
from benchmarks.world import World, world

PORTS = 100_000
ROUNDS = 3
_REST = 2.2  # seconds: Neutron keeps whole ones, and a row of this second is not judged yet
_WAYS = ("sweep", "kept", "audited")
_UNCHANGED, _ADOPTION, _TELLING = 0.01, 0.25, 0.01  # the targets, as shares of the sweep's CPU


class Round(NamedTuple):
    """CPU seconds by the way of sweeping; `telling`: of these the sweep's own thread, for the journal."""

    unchanged: dict[str, float]
    adoption: dict[str, float]
    telling: float


def run(*, quick: bool) -> list[Check]:
    ports, rounds = (PORTS // 10, 1) if quick else (PORTS, ROUNDS)
    with world(ports, "sqlite") as settled, settled.ours() as ours:
        ours.ask("sweep")
        found = [_round(settled, ours) for _ in range(rounds)]
    _tell(ports, found)
    return [
        *(
            _check(f"unchanged sweep, {ports} ports", way, found, "unchanged", _UNCHANGED)
            for way in _WAYS[1:]
        ),
        *(_check(f"all {ports} ports written", way, found, "adoption", _ADOPTION) for way in _WAYS[1:]),
        Check(
            f"all {ports} ports written: of the sweep's own thread, by its CPU",
            [each.telling / each.adoption["sweep"] for each in found],
            _TELLING,
            "x",
        ),
    ]


def _round(settled: World, ours: Child) -> Round:
    unchanged: dict[str, list[float]] = {way: [] for way in _WAYS}
    for _ in range(3):
        for way in _WAYS:
            unchanged[way].append(ours.measured(way).cpu)
    adoption = dict.fromkeys(_WAYS, 0.0)
    telling = 0.0
    # Each way has the ports go down once, and come up once.
    for number, way in enumerate((*_WAYS, *_WAYS)):
        settled.set_ports("down" if number % 2 == 0 else "up", 1.0, 0)
        time.sleep(_REST)
        used = ours.measured(way)
        adoption[way] += used.cpu
        telling += used.answer.get("telling", 0.0) if way == "kept" else 0.0
    return Round({way: median(cpu) for way, cpu in unchanged.items()}, adoption, telling / 2)


def _check(what: str, way: str, rounds: Sequence[Round], of: str, target: float) -> Check:
    shares = [getattr(each, of)[way] / getattr(each, of)["sweep"] - 1 for each in rounds]
    return Check(f"{what}: {way}, CPU beyond the sweep's by the sweep's", shares, target, "x")


def _tell(ports: int, rounds: Sequence[Round]) -> None:
    print(f"{ports} ports, SQLite; median of {len(rounds)} rounds [least-most]")
    for way in _WAYS:
        unchanged = spread([each.unchanged[way] for each in rounds])
        adoption = spread([each.adoption[way] / 2 for each in rounds])
        print(f"  {way:8} CPU: unchanged {unchanged} s, all written {adoption} s")
