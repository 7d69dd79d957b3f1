"""One `neutron-nsx sync run`, put together of the real parts, that may die at any of its points."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from networking_nsx.assemble import URGENT_SHARE
from networking_nsx.model import Key, Progress
from networking_nsx.neutron.scope import Scope
from networking_nsx.nsx.api import MH, POLICY
from networking_nsx.nsx.auth import PolicyLogin
from networking_nsx.nsx.codec_policy import Tags
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.listing_policy import PolicySettings
from networking_nsx.nsx.mh import MhLogin, MhSource
from networking_nsx.nsx.policy import PolicySource
from networking_nsx.nsx.reader_mh import Generation
from networking_nsx.simulator import Simulator
from networking_nsx.simulator.exchange import Answer, Request
from networking_nsx.sync.brake import Allowance, Brake, BrakeSettings
from networking_nsx.sync.canary import Canary, CanarySettings
from networking_nsx.sync.damping import Damped
from networking_nsx.sync.ledger import Ledger, LedgerSettings
from networking_nsx.sync.maintenance import Deferring, Window
from networking_nsx.sync.misses import MissingSettings
from networking_nsx.sync.pacing import Pacer, PacingSettings
from networking_nsx.sync.runner import Runner, SettleRunner, Summary
from networking_nsx.sync.settle import FIRST, Settler
from networking_nsx.sync.settle import Schedule as Due
from networking_nsx.sync.sweep import Sweeper
from simulation.network import Network
from simulation.neutron import MemoryStore, Neutron
from simulation.note import Note
from simulation.schedule import MONOTONIC, START, Killed, Schedule, Task

_FOR_EVER = 1e9  # seconds
WAITING = "while it waits"
POINTS = (
    WAITING,
    "before a request",
    "after an answer",
    "while rows are read",
    "before a transaction",
    "between two transactions",
    "after a commit",
)


class InTurn(Executor):
    """Does at once what it is given."""

    def submit(self, fn, /, *args: Any, **kwargs: Any):
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as an executor does
            done.set_exception(error)
        return done


class Watcher(Protocol):
    """Whoever looks on from outside."""

    def arrived(self, process: "Process", request: Request) -> Callable[[Answer], object]: ...

    def sweep_began(self, process: "Process") -> None: ...

    def swept(self, process: "Process", summary: Summary) -> None: ...

    def progressed(self, process: "Process", progress: Progress) -> None: ...

    def died(self, process: "Process", point: str) -> None: ...

    def hinted(self, process: "Process", key: Key) -> None: ...

    def failed(self, process: "Process", error: Exception) -> None: ...

    def ended(self, process: "Process") -> None: ...


@dataclass(frozen=True, slots=True)
class Agreed:
    """How the daemon is configured."""

    api: str
    interval: int = 10
    chunk: int = 25
    request_rate: int = 40
    index_lag: float = 0.0
    looks: int = 200

    @property
    def scope(self) -> Scope:
        return Scope(drivers=("nsx",), api=self.api)


class Baton:
    """One of a process's runners works at a time; where it waits between two steps, the other one may."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.holder: Gate | None = None
        self.waiting: Gate | None = None


class Gate:
    """The `runner.Gate` of one runner."""

    task: Task

    def __init__(self, baton: Baton) -> None:
        self._baton = baton
        self._idle = False

    def wait(self, seconds: float) -> bool:
        baton = self._baton
        self.leave()
        self._idle = True
        self.task.sleep(seconds)
        self._idle = False
        while baton.holder not in (None, self):
            baton.waiting = self
            self.task.sleep(_FOR_EVER)
        baton.waiting = None if baton.waiting is self else baton.waiting
        baton.holder = self
        return False

    def enter(self) -> None: ...

    def leave(self) -> None:
        """Let the other one work."""
        baton = self._baton
        if baton.holder is self:
            baton.holder = None
            if baton.waiting:
                baton.schedule.after(0, baton.waiting.task.wake)

    def ring(self) -> None:
        """End a wait, if there is one."""
        if self._idle:
            self._baton.schedule.after(0, self._look_up)

    def _look_up(self) -> None:
        if self._idle:
            self.task.wake()


class Machine:
    """What its processes share: a clock, which somebody may set, and what outlives them."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.skew = 0.0
        self.note = Note()

    def now(self) -> float:
        return self._schedule.time + self.skew

    def monotonic(self) -> float:
        return self._schedule.time - START + MONOTONIC


class Process:
    """Runs from its making on, until it is stopped or dies."""

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        machine: Machine,
        sim: Simulator,
        neutron: Neutron,
        agreed: Agreed,
        watcher: Watcher,
        random: Random,
    ) -> None:
        self.name = name
        self.machine = machine
        self._schedule = schedule
        self._ended = 0  # of its tasks
        self.doomed: tuple[str, int] | None = None  # the point at which it dies, passes left
        self._watcher = watcher
        self._stopping = self._dead = False
        network = Network(sim.urls, sim.answer, self, lambda request: watcher.arrived(self, request), random)
        source, urgent = _sources(agreed, sim, self, network)
        store = MemoryStore(neutron, agreed.scope, machine.now, name, self.passes)
        damped = Damped(store, self, nullcontext())  # nobody waits while he writes
        self.window = Window(self, nullcontext(), machine.note, lambda *_: None, machine.note.kept)
        deferring = Deferring(damped, self.window)
        self.brake = Brake(BrakeSettings(), random)
        missing = MissingSettings(apart=agreed.index_lag)
        self._due = Due(self, nullcontext())
        self.sweeper = Sweeper(
            source,
            Ledger(LedgerSettings(missing=missing)),
            deferring,
            self.brake,
            Canary(CanarySettings(sample=30), random),
            self,
            looks=agreed.looks,
            direct_seconds=float(agreed.interval),
            hint=self._hint,
        )
        pacing = PacingSettings(
            interval=agreed.interval, chunk=agreed.chunk, jitter=1, page_maximum=source.page_maximum
        )
        baton = Baton(schedule)
        self._sweeping = Gate(baton)
        self._settling = Gate(baton)
        self._runner = Runner(
            self.sweeper, Pacer(pacing, random), self, self, first_delay=1.0, gate=self._sweeping
        )
        settler = Settler(urgent, deferring, self._due, Allowance(BrakeSettings()), self)
        self._settle_runner = SettleRunner(settler, self, self, self._settling)
        self.tasks = [Task(schedule, self._sweep), Task(schedule, self._settle)]
        self._sweeping.task, self._settling.task = self.tasks

    @property
    def settling(self) -> bool:
        """Whether it is the settle runner that works."""
        return self.tasks[1].running

    @property
    def alive(self) -> bool:
        return any(task.alive for task in self.tasks)

    def stop(self) -> None:
        """SIGTERM."""
        self._stopping = True
        for task in self.tasks:
            task.wake()

    def kill(self) -> None:
        """SIGKILL. Not from within."""
        if self.alive and not self._dead:
            self._watcher.died(self, WAITING)
        self._dead = True
        for task in self.tasks:
            if task.alive:
                task.kill()

    def passes(self, point: str) -> None:
        """It may die here."""
        if self._dead:
            raise Killed
        if self.doomed and self.doomed[0] == point:
            left = self.doomed[1]
            if not left:
                self._dead = True
                self._watcher.died(self, point)
                raise Killed
            self.doomed = (point, left - 1)

    # Its clock

    def now(self) -> float:
        return self.machine.now()

    def monotonic(self) -> float:
        return self.machine.monotonic()

    def sleep(self, seconds: float) -> None:
        if not self._stopping:
            next(task for task in self.tasks if task.running).sleep(seconds)
        if self._dead:
            raise Killed

    # Its listener

    def began(self) -> None:
        self.window.began()
        self._watcher.sweep_began(self)

    def progressed(self, progress: Progress) -> None:
        self._watcher.progressed(self, progress)

    def swept(self, summary: Summary) -> None:
        self.window.swept(summary)
        self._watcher.swept(self, summary)

    def failed(self, error: Exception, wait: float) -> None:  # noqa: ARG002
        self._watcher.failed(self, error)

    def _hint(self, key: Key, after: float = FIRST, /) -> None:
        self._watcher.hinted(self, key)
        if self._due.hint(key, after):
            self._settling.ring()

    def _sweep(self) -> None:
        self._work(self._runner, self._sweeping)

    def _settle(self) -> None:
        self._work(self._settle_runner, self._settling)

    def _work(self, runner: Runner | SettleRunner, gate: Gate) -> None:
        try:
            runner.run(lambda: self._stopping)
        finally:
            gate.leave()
            self._ended += 1
            if self._dead and self._ended < len(self.tasks):
                self._schedule.after(0, self.kill)
            elif self._ended == len(self.tasks):
                self._watcher.ended(self)


def _sources(agreed: Agreed, sim: Simulator, clock: Process, network: Network):
    """As `assemble.py` does."""
    http = HttpSettings(
        request_rate=agreed.request_rate,
        urgent_share=URGENT_SHARE,
        answer_timeout=10.0,
        total_timeout=40.0,
        concurrency=1000,
    )
    make: Callable[..., Any] = MhLogin if agreed.api == "mh" else PolicyLogin
    api = MH if agreed.api == "mh" else POLICY
    client = Client(sim.urls, make("admin", "admin"), http, clock, network, api=api)
    if api is MH:
        generation = Generation(clock)
        return MhSource(client, clock, generation), MhSource(client.urgent(), clock, generation)
    settings = PolicySettings(tags=Tags(deployment="sim"), index_lag=agreed.index_lag, gateway_reads=6)
    return tuple(
        PolicySource(each, clock, settings, lambda _: InTurn()) for each in (client, client.urgent())
    )
