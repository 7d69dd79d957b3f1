"""What changed ports cost on MariaDB, Nova's events included, and what other readers notice of it."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from benchmarks.child import Child
from benchmarks.report import Check, spread
from benchmarks.world import World, free_port, world

PORTS = 100_000
ROUNDS = 3  # in each, ports go down and up again
_REST = 2.2  # seconds: Neutron keeps whole ones, and a row of this second is not judged yet
_ALONE = 10.0  # seconds for which the other reader has the machine for itself
_EVENTS = {"down": "network-vif-unplugged", "up": "network-vif-plugged"}
_CPU, _STATEMENTS, _LONGEST, _SLOWER = 0.15, 0.02, 1.0, 2.0  # the targets


class Cost(NamedTuple):
    """What a sweep with changes used more than one without."""

    cpu: float  # ms per changed port, until Nova had answered the last event
    statements: float  # per changed port
    longest: float  # seconds of its longest transaction
    wrong: int  # events that Nova missed, or should not have got
    reads: list[float]  # ms of each of the other reader's reads meanwhile


@dataclass(frozen=True, slots=True)
class Cloud:
    """A settled world, with our synchronizer, a Nova and another reader beside it."""

    settled: World
    nova: Child
    ours: Child
    reader: Child

    def change(self, status: str, fraction: float, seed: int) -> Cost:
        before = self._sweep()
        ids = self.settled.set_ports(status, fraction, seed)
        time.sleep(_REST)
        after = self._sweep()
        return Cost(
            1000 * (after.cpu - before.cpu) / len(ids),
            (after.counts["statements"] - before.counts["statements"]) / len(ids),
            after.counts["longest"],
            _wrong({_EVENTS[status]: ids}, after.events),
            after.reads,
        )

    def alone(self) -> list[float]:
        """What reads take while nothing else goes on, in ms."""
        self.reader.ask("take")
        time.sleep(_ALONE)
        reads: list[float] = self.reader.ask("take")
        return reads

    def drain(self) -> None:
        """Wait until Nova hears nothing more."""
        heard = -1
        while heard != (heard := self.nova.ask("count")):
            time.sleep(1)

    def _sweep(self) -> "_Swept":
        cpu = self.ours.cpu()
        self.nova.ask("take")
        self.reader.ask("take")
        counts = self.ours.ask("sweep")
        reads = self.reader.ask("take")
        self.drain()
        return _Swept(self.ours.cpu() - cpu, counts, self.nova.ask("take"), reads)


class _Swept(NamedTuple):
    cpu: float
    counts: dict[str, Any]
    events: dict[str, list[str]]  # their names, each with its ports
    reads: list[float]  # ms


def run(*, quick: bool) -> list[Check]:
    ports, rounds = (PORTS // 10, 1) if quick else (PORTS, ROUNDS)
    with _cloud(ports) as cloud:
        some = [cloud.change(status, 0.1, seed) for seed in range(rounds) for status in _EVENTS]
        alone = cloud.alone()
        every = [cloud.change(status, 1.0, seed) for seed in range(rounds) for status in _EVENTS]
    slower = [median(cost.reads) / median(alone) for cost in every]
    _tell(alone, every)
    return [
        *_checks(f"10 % of {ports} ports", some),
        *_checks(f"all {ports} ports", every),
        Check("meanwhile: a read of another process, by one alone", slower, _SLOWER, "x"),
    ]


@contextmanager
def _cloud(ports: int) -> Iterator[Cloud]:
    with ExitStack() as opened:
        settled, port = opened.enter_context(world(ports, "mariadb")), free_port()
        nova = opened.enter_context(Child.of("nova", str(port)))
        ours = opened.enter_context(settled.ours(port))
        cloud = Cloud(settled, nova, ours, opened.enter_context(Child.of("api_reads", settled.database)))
        cloud.drain()  # at its start ours tells of what was activated lately
        ours.ask("sweep")
        yield cloud


def _wrong(expected: dict[str, list[str]], heard: dict[str, list[str]]) -> int:
    """How many events are too few or too many; 0 when each came exactly once."""
    wanted, got = (
        Counter((name, port) for name, ports in each.items() for port in ports) for each in (expected, heard)
    )
    return (wanted - got).total() + (got - wanted).total()


def _tell(alone: Sequence[float], every: Sequence[Cost]) -> None:
    print(f"another process's read: alone {median(alone):.2f} ms ({len(alone)} reads)")
    meanwhile = spread([median(cost.reads) for cost in every])
    print(f"  while all ports change {meanwhile} ms ({sum(len(cost.reads) for cost in every)} reads)")


def _checks(what: str, costs: Sequence[Cost]) -> list[Check]:
    return [
        Check(f"{what}: CPU per changed port, events included", [cost.cpu for cost in costs], _CPU, " ms"),
        Check(f"{what}: statements per changed port", [cost.statements for cost in costs], _STATEMENTS, ""),
        Check(f"{what}: longest transaction", [max(cost.longest for cost in costs)], _LONGEST, " s"),
        Check(f"{what}: events missing or too many", [sum(cost.wrong for cost in costs)], 0, ""),
    ]
