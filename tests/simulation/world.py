"""One cloud for a while: who acts in it, and what is counted."""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

from networking_nsx.model import Kind, Progress
from networking_nsx.simulator import Simulator, SimulatorSettings
from networking_nsx.sync.runner import Summary
from simulation.history import History
from simulation.neutron import Neutron, Record
from simulation.oracle import Oracle, Terms
from simulation.process import Agreed, Machine, Process
from simulation.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

NODES = 3
SIZES = {"networks": 20, "ports": 180, "routers": 12}
_GATEWAYS = 6
_OTHERS = 20  # ports of another driver
_HOUR = 3600.0


class World:
    """A cloud of more than 200 objects, and everything that watches it. One seed decides all of it."""

    def __init__(self, seed: int, api: str) -> None:
        self.seed = seed
        self.random = Random(f"{seed}:{api}")
        self.schedule = Schedule()
        self.agreed = Agreed(
            api,
            request_rate=self.random.choice((20, 40, 90)),
            index_lag=30.0 if api == "policy" else 0.0,
        )
        self.cursor = self.random.choice(("keyed", "keyed", "positional"))
        self.history = History(self.time)
        self.oracle = Oracle(self.history, self._terms())
        self.counts: Counter[tuple[str, str]] = Counter()  # what happened, by sort
        self.machine = Machine(self.schedule)
        self.sim = self._nsx(api)
        self.neutron = Neutron(self.time, self)
        self._populate()
        self.processes: dict[str, Process] = {}
        self.summaries: list[tuple[float, float, Summary]] = []  # began, ended, and what came of it
        self._began: dict[str, float] = {}
        self._number = 0
        self.on_end: Callable[[Process], object] = repr

    def time(self) -> float:
        return self.schedule.time

    def count(self, sort: str, what: str) -> None:
        self.counts[sort, what] += 1

    def start(self) -> Process:
        """One more daemon."""
        self._number += 1
        name = f"daemon-{self._number}"
        random = Random(f"{self.seed}:{name}")
        process = Process(
            *(name, self.schedule, self.machine, self.sim, self.neutron, self.agreed, self, random)
        )
        self.processes[name] = process
        return process

    # What processes tell

    def arrived(self, process: Process, node: int, method: str, path: str) -> None:
        self.schedule.steps += 1
        self.oracle.arrived(process.name, node, method, path, self.time())

    def sweep_began(self, process: Process) -> None:
        self._began[process.name] = self.time()
        self.oracle.sweep_began(process.name, self.time())

    def swept(self, process: Process, summary: Summary) -> None:
        self.count("sweep", "complete")
        self.oracle.sweep_ended(process.name)
        for name, number in summary.counts.items():
            self.counts["met", name] += number
        self.summaries.append((self._began[process.name], self.time(), summary))

    def progressed(self, progress: Progress) -> None:
        if progress.findings:
            self.counts["settled", "looks"] += len(progress.findings)
            self.counts["settled", "writes"] += progress.counts.get("written", 0)
        self.counts["met", "delayed"] += progress.counts.get("delayed", 0)

    def passed(self, point: str) -> None: ...

    def failed(self, process: Process, error: Exception) -> None:  # noqa: ARG002
        self.count("failure", type(error).__name__)

    def ended(self, process: Process) -> None:
        self.processes.pop(process.name, None)
        if process.doomed and not process.doomed[1]:
            self.count("death", process.doomed[0])
        self.on_end(process)

    # What Neutron's tables tell

    def changed(self, record: Record) -> None:
        self.history.row_changed(record)

    def deleted(self, kind: str, row_id: str) -> None:
        self.history.row_deleted((str(kind), row_id))

    def wrote(self, writer: str, record: Record, before: str) -> None:
        self.count("transition", f"{record.kind} {before} -> {record.status}")
        if self.processes[writer].sweeper.canary.distrust:
            # It says so itself: without an index a second object of a port is found late (docs: guarantees).
            self.oracle.hiding = max(self.oracle.hiding, self.time())
        self.oracle.wrote(writer, record, before, self.time())
        self.history.row_written(record)

    def _terms(self) -> Terms:
        agreed = self.agreed
        hides = self.cursor == "positional"
        return Terms(agreed.api, agreed.request_rate, agreed.interval, agreed.index_lag, hides)

    def _nsx(self, api: str) -> Simulator:
        delay = self.random.uniform(0, 20) if api == "policy" else 0.0
        settings = SimulatorSettings(
            api=api,
            nodes=NODES,
            clock=self.schedule.seconds,
            index_delay=delay,
            purge_delay=delay,
            cursor=self.cursor,
        )
        sim = Simulator(settings)
        sim.urls[:] = [f"https://nsx-{number}" for number in range(NODES)]
        sim.objects.watch(self.history.object_changed)
        sim.populate(**SIZES, seed=self.seed)
        return sim

    def _populate(self) -> None:
        """A row for each object; gateways; others' ports; all an hour old."""
        old: dict[str, Any] = {"changed_at": float(int(self.time() - _HOUR))}
        for item in self.sim.inventory():
            if item.neutron_id:
                parent = {"network_id": item.network_id} if item.kind == "port" else {}
                self.neutron.add(Kind(item.kind), item.neutron_id, **parent, **old)
        routers = sorted(self.neutron.records[Kind.ROUTER])
        networks = sorted(self.neutron.records[Kind.NETWORK])
        outside = self.neutron.add(Kind.NETWORK, external=True, **old)
        for router in routers[:_GATEWAYS]:
            gateway = {"owner": "network:router_gateway", "device_id": router, "network_id": outside.id}
            self.neutron.add(Kind.PORT, vif_type="unbound", driver=None, **gateway, **old)
        for number in range(_OTHERS):
            status = self.random.choice(("ACTIVE", "DOWN", "BUILD"))
            where = networks[number % len(networks)]
            self.neutron.add(Kind.PORT, driver="openvswitch", network_id=where, status=status, **old)
        for life in self.history.rows.values():
            life.touched = life.revised = self.time() - _HOUR
            life.statuses[-1] = (life.touched, life.columns.status)
