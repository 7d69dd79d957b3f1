"""One cloud for a while: who acts in it, and what is counted."""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from networking_nsx.model import Key, Kind, Progress
from networking_nsx.simulator import Simulator, SimulatorSettings
from networking_nsx.simulator.exchange import Answer, Request
from networking_nsx.sync.runner import Summary
from simulation.asked import Question
from simulation.evidence import Terms, Write
from simulation.history import History, Name
from simulation.neutron import Neutron, Record
from simulation.oracle import Oracle
from simulation.ours import Attempt
from simulation.process import Agreed, Machine, Process
from simulation.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

NODES = 3
SIZES = {"networks": 20, "ports": 180, "routers": 12}
_GATEWAYS = 6
_OTHERS = 20  # ports of another driver
_FEW = 4  # of each other sort
_HOUR = 3600.0


class World:
    """A cloud of more than 200 objects, and everything that watches it. One seed decides all of it."""

    def __init__(self, seed: int, api: str) -> None:
        self.seed = seed
        self.random = Random(f"{seed}:{api}")
        self.schedule = Schedule()
        self.agreed = Agreed(
            api,
            request_rate=self.random.choice((10, 20, 40) if api == "mh" else (10, 10, 20)),
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
        self.hints: dict[str, set[Name]] = {}  # of each process, since its sweep at hand began
        self._bounds: list[tuple[float, float]] = []  # when each was told
        self._number = 0
        self.on_end: Callable[[Process], object] = repr
        self.on_look: Callable[[Name, bool], object] = lambda *_: None
        self.stormy = True
        self.heard = self.time()  # when anybody asked NSX anything last
        self.on_page: Callable[[str], object] = repr
        self.on_answer: Callable[..., object] = lambda *_, **__: None
        self.on_sweep: Callable[[], object] = bool
        self.troubled: Callable[[], float] = lambda: float("inf")  # when anything was amiss last

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

    def arrived(self, process: Process, request: Request) -> "Callable[[Answer], object]":
        """A request has reached its node. What comes back is to be told of the answer."""
        self.schedule.steps += 1
        self.heard = self.time()
        question = Question(
            *(process.name, process.settling, request.node, request.method, request.path),
            *(unquote(request.raw_query), self.time(), self.machine.now()),
        )
        names = self.oracle.arrived(question)
        for name in names:
            self.on_look(name, question.settling)
        at_hand = self.oracle.asked.of(process.name).at_hand
        if at_hand and not names and not question.settling:
            self.on_page(at_hand.kind)

        def answered(answer: Answer) -> None:
            self.oracle.answered(question, answer, self.time())
            self.on_answer(answer, [] if question.settling else names, named=bool(names))

        return answered

    def sweep_began(self, process: Process) -> None:
        self.hints.pop(process.name, None)
        self.oracle.sweep_began(process.name, self.time())
        self.oracle.maintenance.sweep_began(process.name, self.machine.now())

    def swept(self, process: Process, summary: Summary) -> None:
        self.count("sweep", "complete")
        self.oracle.sweep_ended(process.name, summary.bound, self.time())
        self.oracle.maintenance.sweep_ended(process.name)
        self.oracle.calm(process.name, self.troubled(), self.time())
        for name, number in summary.counts.items():
            self.counts["met", name] += number
        self._bounds.append((self.time(), summary.bound))
        self.on_sweep()

    def told(self, since: float) -> list[float]:
        """The bounds that sweeps have told since then."""
        return [bound for at, bound in self._bounds if at >= since]

    def progressed(self, process: Process, progress: Progress) -> None:
        if progress.findings:
            self.counts["settled", "looks"] += len(progress.findings)
            self.counts["met", "delayed"] += progress.counts.get("delayed", 0)
        else:
            self.oracle.budget.lives(process.name, self.time())

    def hinted(self, process: Process, key: Key) -> None:
        self.hints.setdefault(process.name, set()).add((str(key.kind), key.id))

    def failed(self, process: Process, error: Exception) -> None:
        self.count("failure", type(error).__name__)
        if not process.settling:
            self.oracle.budget.lives(process.name, self.time())

    def died(self, process: Process, point: str) -> None:  # noqa: ARG002
        self.count("death", point)

    def ended(self, process: Process) -> None:
        self.processes.pop(process.name, None)
        self.oracle.ended(process.name)
        self.on_end(process)

    # What Neutron's tables tell

    def changed(self, record: Record) -> None:
        self.history.row_changed(record)

    def freed(self, record: Record) -> None:
        self.history.row_freed(record)

    def deleted(self, kind: str, row_id: str) -> None:
        self.history.row_deleted((str(kind), row_id))
        self.oracle.gone((str(kind), row_id))

    def listed(self, writer: str, kind: Kind) -> None:
        self.oracle.pass_began(writer, str(kind), self.time(), self.machine.now())

    def read(self, writer: str, record: Record) -> None:
        self.oracle.read(writer, record, self.time(), settling=self.processes[writer].settling)

    def asked(self, writer: str, record: Record, status: str, *, refused: bool) -> None:
        settling = self.processes[writer].settling
        self.oracle.asked_to_write(Attempt(writer, settling, record, status, refused, self.time()))

    def wrote(self, writer: str, record: Record, before: str, dated: float) -> None:
        self.count("transition", f"{record.kind} {before} -> {record.status}")
        settled = self.processes[writer].settling
        self.oracle.wrote(Write(writer, settled, record, before, dated, self.time(), self.machine.now()))
        if settled:
            self.count("settled", "writes")
            if (str(record.kind), record.id) in self.hints.get(writer, ()):
                self.count("settled", "before the next sweep")
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
        """A row for each object; what hangs on routers; others' ports; all an hour old."""
        old: dict[str, Any] = {"changed_at": float(int(self.time() - _HOUR))}
        for item in self.sim.inventory():
            if item.neutron_id:
                parent = {"network_id": item.network_id} if item.kind == "port" else {}
                self.neutron.add(Kind(item.kind), item.neutron_id, **parent, **old)
        networks = sorted(self.neutron.records[Kind.NETWORK])
        outside = self.neutron.add(Kind.NETWORK, external=True, **old)
        self._realize(outside)
        self._hang_on_routers(networks, outside.id, old)
        for number in range(_OTHERS):
            status = self.random.choice(("ACTIVE", "DOWN", "BUILD"))
            where = networks[number % len(networks)]
            self._port(driver="openvswitch", network_id=where, status=status, **old)
        for number in range(_FEW):
            self._port(owner="network:floatingip", network_id=outside.id, status="N/A", **old)
            self._port(owner="network:dhcp", network_id=networks[number], **old)
            self._port(network_id=outside.id, **old)
        for life in self.history.rows.values():
            life.touched = life.revised = self.time() - _HOUR
            life.statuses[-1] = (life.touched, life.columns.status)

    def _hang_on_routers(self, networks: list[str], outside: str, old: dict[str, Any]) -> None:
        """Gateways, and router interfaces: these have an object of their own in NSX-MH."""
        for number, router in enumerate(sorted(self.neutron.records[Kind.ROUTER])[:_GATEWAYS]):
            unbound = {"vif_type": "unbound", "driver": None, "device_id": router, **old}
            self.neutron.add(Kind.PORT, owner="network:router_gateway", network_id=outside, **unbound)
            interface = {"owner": "network:router_interface", "network_id": networks[number], **unbound}
            if self.agreed.api == "mh":
                self._port(**interface)
            else:
                self.neutron.add(Kind.PORT, **interface)

    def _port(self, **columns: Any) -> None:
        self._realize(self.neutron.add(Kind.PORT, **columns))

    def _realize(self, row: Record) -> None:
        """NSX has an object for it, which flips like the others, whosever the row is."""
        self.sim.objects.create(str(row.kind), ids=[row.id], network_id=row.network_id or None)
