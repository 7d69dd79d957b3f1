"""A run: storms and calms for so many steps, then rest, then the truth."""

import traceback
from collections import Counter
from dataclasses import dataclass, field

from networking_nsx.model import Kind
from simulation.actors import Life, Users
from simulation.history import Violation
from simulation.trouble import MET, Weather
from simulation.world import World

_SLICE = 60.0  # seconds of simulated time between two looks at the steps
_LIVENESS = 1200.0  # seconds: the longest a refused account waits, and then some
_LATER = 150.0  # seconds: most of what was agreed for later has happened
_SETTLING = 3  # bounds: two looks, one in each sweep, and one sweep that was under way


@dataclass(slots=True)
class Report:
    """What a run came to."""

    seed: int
    api: str
    asked: int  # steps
    steps: int = 0  # made before all came to rest
    seconds: float = 0.0  # of simulated time, until then
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    violation: str = ""
    crash: str = ""  # what went wrong is no verdict

    @property
    def pace(self) -> float:
        """Seconds from one fault of NSX that was met to the next, on average."""
        return self.seconds / max(1, self.counts[MET])

    @property
    def replay(self) -> str:
        return f"make simulate SEED={self.seed} API={self.api} STEPS={self.asked}"


def simulate(seed: int, api: str, steps: int) -> Report:
    """Never raises: what went wrong is in the report."""
    report = Report(seed, api, steps)
    world = World(seed, api)
    try:
        _course(world, report)
    except Violation as violation:
        report.violation = str(violation)
    except Exception:  # noqa: BLE001 - a defect, of the program or of the simulation
        report.crash = traceback.format_exc()
    report.steps = report.steps or world.schedule.steps
    report.counts = world.counts
    for name, number in world.oracle.judged.items():
        report.counts["judged", name] = number
    return report


def _course(world: World, report: Report) -> None:
    began = world.time()
    actors = [Users(world), Life(world)]
    weather = Weather(world)
    while world.schedule.steps < report.asked:
        world.schedule.run(world.time() + _SLICE)
        world.oracle.budget.silent(world.time())
    for actor in actors:
        actor.resting = True
    weather.rest()
    report.steps, report.seconds = world.schedule.steps, world.time() - began
    _truth(world)


def _truth(world: World) -> None:
    """After the last fault: a complete sweep in time, then everything true within the bound that was told."""
    calm = world.time()
    while not (told := world.told(calm)):
        world.schedule.run(world.time() + 10.0)
        if world.time() > calm + _LIVENESS:
            raise Violation(f"promise 4: no complete sweep within {_LIVENESS:.0f} s of calm")
    world.schedule.run(max(world.time(), calm + _LATER))
    since = world.time()
    _release(world)
    for _ in range(_SETTLING):
        told = world.told(calm)
        world.schedule.run(world.time() + max(told[-3:]) + world.agreed.interval + world.agreed.index_lag)
    world.oracle.settled(since, world.time(), absence=False)
    _release(world)
    for _ in range(_SETTLING):
        told = world.told(calm)
        world.schedule.run(world.time() + max(told[-3:]) + world.agreed.interval + world.agreed.index_lag)
    world.oracle.settled(since, world.time(), absence=True)


def _release(world: World) -> None:
    """An operator accepts the losses that the brake must hold, and nothing else."""
    if world.oracle.brake.must_hold(world.time(), world.time()):
        world.count("death", "an operator releases")
        for process in world.processes.values():
            for kind in Kind:
                process.brake.release(kind, process.monotonic())
                world.oracle.brake.released[str(kind)] = world.time()
