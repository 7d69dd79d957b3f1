"""A run: trouble for so many steps, then rest, then the truth."""

from collections import Counter
from dataclasses import dataclass, field

from networking_nsx.model import Kind
from simulation.actors import Death, Life, Trouble, Users
from simulation.oracle import Violation
from simulation.world import World

RUN = 25_000  # steps: long enough for what takes hours to happen
_SLICE = 60.0  # seconds of simulated time between two looks at the steps
_LIVENESS = 1200.0  # seconds: the longest a refused account waits, and then some
_SETTLING = 3  # sweeps: two looks, one in each, and one that was under way


@dataclass(slots=True)
class Report:
    """What a run came to."""

    seed: int
    api: str
    steps: int = 0
    seconds: float = 0.0  # of simulated time
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    violation: str = ""

    @property
    def replay(self) -> str:
        return f"make simulate SEED={self.seed} API={self.api} STEPS={self.steps}"


def simulate(seed: int, api: str, steps: int) -> Report:
    """Never raises: what went wrong is in the report."""
    report = Report(seed, api, steps)
    world = World(seed, api)
    began = world.time()
    try:
        _trouble(world, steps)
    except Violation as violation:
        report.violation = str(violation)
    report.steps = world.schedule.steps
    report.seconds = world.time() - began
    report.counts = world.counts
    for name, number in world.oracle.judged.items():
        report.counts["judged", name] = number
    return report


def _trouble(world: World, steps: int) -> None:
    actors = [Users(world), Life(world), trouble := Trouble(world), death := Death(world)]
    while world.schedule.steps < steps:
        world.schedule.run(world.time() + _SLICE)
    for actor in actors:
        actor.resting = True
    trouble.rest()
    world.schedule.run(world.time() + 400.0)  # what was agreed for later still happens
    world.machine.skew = 0.0
    death.resting = True
    _truth(world)


def _truth(world: World) -> None:
    """After the last fault: a complete sweep in time, then everything true within the bound that was told."""
    calm = world.time()
    while not [1 for began, _, _ in world.summaries if began >= calm]:
        world.schedule.run(world.time() + 10.0)
        if world.time() > calm + _LIVENESS:
            raise Violation(f"promise 4: no complete sweep within {_LIVENESS:.0f} s of calm")
    since = world.time()
    _release(world)
    for _ in range(_SETTLING):
        bound = max(summary.bound for _, _, summary in world.summaries[-3:])
        world.schedule.run(world.time() + bound + world.agreed.interval + world.agreed.index_lag)
        _release(world)
    world.oracle.settled(since, world.time(), absence=False)
    world.schedule.run(world.time() + 300.0 + 5 * (world.agreed.interval + world.agreed.index_lag))
    _release(world)
    world.schedule.run(world.time() + 5 * world.agreed.interval)
    world.oracle.settled(since, world.time(), absence=True)


def _release(world: World) -> None:
    """An operator accepts what the brake holds: calm has come."""
    for process in world.processes.values():
        for kind in Kind:
            process.brake.release(kind)
            world.oracle.released[str(kind)] = world.time()
