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
_ADOPTION, _TELLING = 0.25, 0.01  # the targets, as shares of the sweep's CPU


class Round(NamedTuple):
    """CPU seconds by the way of sweeping; of these the sweep's own thread, for telling the journal.

    Telling is all that an unchanged sweep costs: nothing of it is kept.
    """

    unchanged: dict[str, float]
    adoption: dict[str, float]
    telling_unchanged: float
    telling_adoption: float


def run(*, quick: bool) -> list[Check]:
    ports, rounds = (PORTS // 10, 1) if quick else (PORTS, ROUNDS)
    with world(ports, "sqlite") as settled, settled.ours() as ours:
        ours.ask("sweep")
        found = [_round(settled, ours) for _ in range(rounds)]
    _tell(ports, found)
    telling = (
        Check(f"{what}: telling the journal, by the sweep's CPU", shares, _TELLING, "x")
        for what, shares in {
            f"unchanged sweep, {ports} ports": [e.telling_unchanged / e.unchanged["sweep"] for e in found],
            f"all {ports} ports written": [e.telling_adoption / e.adoption["sweep"] for e in found],
        }.items()
    )
    return [*telling, *(_adoption(ports, way, found) for way in _WAYS[1:])]


def _round(settled: World, ours: Child) -> Round:
    unchanged: dict[str, list[float]] = {way: [] for way in _WAYS}
    for _ in range(3):
        for way in _WAYS:
            used = ours.measured(way)
            unchanged[way].append(used.cpu)
    quiet = used.answer["telling"]
    adoption = dict.fromkeys(_WAYS, 0.0)
    telling = 0.0
    # Each way has the ports go down once, and come up once.
    for number, way in enumerate((*_WAYS, *_WAYS)):
        settled.set_ports("down" if number % 2 == 0 else "up", 1.0, 0)
        time.sleep(_REST)
        used = ours.measured(way)
        adoption[way] += used.cpu
        telling += used.answer.get("telling", 0.0) if way == "kept" else 0.0
    return Round({way: median(cpu) for way, cpu in unchanged.items()}, adoption, quiet, telling)


def _adoption(ports: int, way: str, rounds: Sequence[Round]) -> Check:
    shares = [each.adoption[way] / each.adoption["sweep"] - 1 for each in rounds]
    return Check(f"all {ports} ports written, {way}: CPU beyond the sweep's, by it", shares, _ADOPTION, "x")


def _tell(ports: int, rounds: Sequence[Round]) -> None:
    print(f"{ports} ports, SQLite; median of {len(rounds)} rounds [least-most]")
    for way in _WAYS:
        unchanged = spread([each.unchanged[way] for each in rounds])
        adoption = spread([each.adoption[way] / 2 for each in rounds])
        print(f"  {way:8} CPU: unchanged {unchanged} s, all written {adoption} s")
