"""Who lives there, each in its own time: users, and NSX's objects. Trouble is in `trouble.py`.

Each actor is a table of things that it may do, with weights.
"""

from collections.abc import Callable, Mapping, Sequence

from networking_nsx.model import Kind
from networking_nsx.simulator.inventory import Choice
from networking_nsx.simulator.population import Item
from simulation.history import Name
from simulation.neutron import OUR_BLOCK, Record
from simulation.world import World

Act = Callable[[], object]
WORDS = ("up", "up", "up", "down", "down", "unknown", "in_progress", "error")


class Actor:
    """Does one of its acts, and again after a while, until it is told to rest."""

    seconds = 10.0  # from one act to the next, on average

    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.random
        self.resting = False
        self._next()

    def acts(self) -> Mapping[str, tuple[int, Act]]:
        """By name: its weight, and what to do. An act that has nothing to work on answers False."""
        raise NotImplementedError

    def _next(self) -> None:
        self.world.schedule.after(self.random.expovariate(1 / self.seconds), self._act)

    def _act(self) -> None:
        if self.resting:
            return
        acts = self.acts()
        (name,) = self.random.choices(list(acts), [weight for weight, _ in acts.values()])
        if acts[name][1]() is not False:
            self.world.count(type(self).__name__.lower(), name)
        self._next()

    def later(self, seconds: float, act: Act) -> None:
        self.world.schedule.after(self.random.uniform(0, seconds), act)

    def rows(self, kind: Kind | None = None) -> list[Record]:
        kinds = [kind] if kind else list(Kind)
        return [row for kind in kinds for _, row in sorted(self.world.neutron.records[kind].items())]

    def row(self, kind: Kind | None = None) -> Record | None:
        """Any of ours."""
        known = [row for row in self.rows(kind or self.random.choice(list(Kind))) if ours(row)]
        return self.random.choice(known) if known else None


_FEWEST = {Kind.NETWORK: 18, Kind.ROUTER: 10, Kind.PORT: 175}  # of ours that are left


class Users(Actor):
    """Neutron's users, and Nova."""

    seconds = 8.0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        world.on_look = self._meanwhile
        world.on_page = self._just_now

    def acts(self) -> Mapping[str, tuple[int, Act]]:
        return {
            "create a port": (9, self._create_port),
            "create a network": (1, lambda: self._create(Kind.NETWORK)),
            "create a router": (1, lambda: self._create(Kind.ROUTER)),
            "bind anew": (3, self._rebind),
            "unbind": (2, self._unbind),
            "bind by another driver": (2, lambda: self._hand_over(self.row(Kind.PORT))),
            "switch off or on": (3, self._switch),
            "rename": (3, self._rename),
            "set a wrong status": (3, self._falsify),
            "change many ports that fail": (1, self._migrate),
            "delete": (6, self._delete),
        }

    def _meanwhile(self, name: Name, settling: bool) -> None:
        """Somebody changes a row just when it is looked at."""
        missing = not self.world.sim.objects.named(*name)
        if self.resting or self.random.random() > (0.3 if settling else 0.05 if missing else 0.001):
            return
        row = self.world.neutron.records[Kind(name[0])].get(name[1])
        if row and ours(row):
            self.world.count("users", "change what is looked at")
            self.later(0.02, lambda: _exists(self.world, row) and self._spoil(row))

    def _just_now(self, kind: str) -> None:
        """Somebody changes a row between its reading and its writing."""
        if not self.resting and self.random.random() < 0.03:
            self.world.count("users", "change what is listed")
            self._spoil(self.row(Kind(kind)))

    def _create_port(self) -> object:
        network = self.row(Kind.NETWORK)
        if network is None:
            return False
        port = self.world.neutron.add(
            Kind.PORT, status="DOWN", network_id=network.id, vif_type="unbound", driver=None
        )
        self._realize(port)
        self.later(10, lambda: self._bind(port))
        return True

    def _create(self, kind: Kind) -> None:
        self._realize(self.world.neutron.add(kind))

    def _realize(self, row: Record) -> None:
        """A driver makes the object on NSX, perhaps before anybody sees the row."""
        world = self.world

        def make() -> None:
            network = row.network_id or None
            if network and not world.sim.objects.named("network", network):
                return
            status = self.random.choice(WORDS)
            world.sim.objects.create(str(row.kind), ids=[row.id], network_id=network, status=status)

        if self.random.random() < 0.3:
            make()
        else:
            self.later(20, make)

    def _bind(self, port: Record) -> None:
        if not _exists(self.world, port):
            return
        blocks = {OUR_BLOCK} | ({"DHCP"} if self.random.random() < 0.5 else set())
        bump = self.random.random() < 0.8
        self.world.neutron.change(port, bump=bump, vif_type="ovs", driver="nsx", blocks=blocks, status="DOWN")
        if "DHCP" in blocks:
            self.later(20, lambda: self._serve(port))

    def _serve(self, port: Record) -> None:
        """An agent is ready."""
        if _exists(self.world, port):
            self.world.neutron.free(port, "DHCP")

    def _rebind(self) -> object:
        port = self.row(Kind.PORT)
        if port is None or port.owner != "compute:nova":
            return False
        self._bind(port)
        return True

    def _unbind(self) -> object:
        port = self.row(Kind.PORT)
        if port is None or port.owner != "compute:nova":
            return False
        bump = self.random.random() < 0.8
        self.world.neutron.change(
            port, bump=bump, vif_type="unbound", driver=None, status="DOWN", blocks=set()
        )
        self.later(300, lambda: self._bind(port))
        return True

    def _hand_over(self, port: Record | None) -> bool:
        """It is another driver's for a while; NSX keeps its object. Not every writer bumps the revision."""
        if port is None or port.owner != "compute:nova":
            return False
        self.world.neutron.change(port, bump=self.random.random() < 0.5, vif_type="ovs", driver="openvswitch")
        self.later(300, lambda: self._bind(port))
        return True

    def _switch(self) -> object:
        row = self.row()
        return False if row is None else self.world.neutron.change(row, admin_up=not row.admin_up)

    def _migrate(self) -> object:
        """Most ports are changed and fail within one second: too many for single looks."""
        ports = [port for port in self.rows(Kind.PORT) if ours(port) and port.status == "ACTIVE"]
        failing = self.random.sample(ports, 3 * len(ports) // 4)
        for port in failing:
            self.world.neutron.change(port)
            self.world.sim.objects.set_status(Choice("port", [port.id], 1.0, 0), "down")
        names = [port.id for port in failing]
        self.later(60, lambda: self.world.sim.objects.set_status(Choice("port", names, 1.0, 0), "up"))
        return bool(failing)

    def _spoil(self, row: Record | None) -> None:
        """What was read of it is true no more, and it may not even be ours."""
        if self.random.random() > 0.2 or not self._hand_over(row):
            self._falsify(row)

    def _rename(self) -> object:
        row = self.row()
        return False if row is None else self.world.neutron.change(row)

    def _falsify(self, row: Record | None = None) -> object:
        row = row or self.row()
        if row is None:
            return False
        words = (
            ("ACTIVE", "ERROR", "BUILD") if row.kind is Kind.ROUTER else ("ACTIVE", "ERROR", "BUILD", "DOWN")
        )
        return self.world.neutron.change(row, status=self.random.choice(words))

    def _delete(self) -> object:
        row = self.row()
        if row is None or sum(map(ours, self.rows(row.kind))) <= _FEWEST[row.kind]:
            return False
        world = self.world
        gone = {row.kind: [row.id]}
        if row.kind is Kind.NETWORK:
            gone[Kind.PORT] = [port.id for port in self.rows(Kind.PORT) if port.network_id == row.id]
        if row.kind is Kind.ROUTER:
            gone[Kind.PORT] = [port.id for port in self.rows(Kind.PORT) if port.device_id == row.id]

        def from_neutron() -> None:
            for kind, ids in gone.items():
                for row_id in ids:
                    world.neutron.delete(kind, row_id)

        def from_nsx() -> None:
            for kind, ids in gone.items():
                world.sim.objects.delete(Choice(str(kind), ids, 1.0, 0))

        first, second = self.random.sample([from_neutron, from_nsx], 2)
        first()
        self.later(20, second)
        return True


class Life(Actor):
    """What becomes of NSX's objects by themselves."""

    seconds = 6.0

    def __init__(self, world: World) -> None:
        self._vanished: list[tuple[str, str]] = []
        self._flapping: dict[str, int] = {}  # with the sweeps: how often still
        world.on_sweep = self._flap_with_sweeps
        super().__init__(world)

    def acts(self) -> Mapping[str, tuple[int, Act]]:
        return {
            "change": (40, self._change),
            "recover": (25, self._recover),
            "vanish": (1, self._vanish),
            "appear again": (6, self._appear),
            "a second object": (1, self._second),
            "a rack goes down": (2, self._rack),
            "flap": (2, self._flap),
            "flap with the sweeps": (2, self._flap_along),
            "many vanish": (1, self._vanish_many),
        }

    def _objects(self, kind: str | None = None) -> Sequence[Item]:
        known = (item for item in self.world.sim.objects.items(kind) if item.neutron_id)
        return sorted(known, key=lambda item: item.nsx_id)

    def _change(self) -> object:
        items = self._objects(self.random.choice(["network", "router", "port", "port", "port"]))
        if not items:
            return False
        self._become([self.random.choice(items)], self.random.choice(WORDS))
        return True

    def _recover(self) -> object:
        bad = [item for item in self._objects() if item.status != "up"]
        if not bad:
            return False
        self._become([self.random.choice(bad)], "up")
        return True

    def _vanish(self) -> object:
        items = self._objects()
        if len(items) < 50:
            return False
        item = self.random.choice(items)
        self.world.sim.objects.delete(Choice(item.kind, [item.nsx_id], 1.0, 0))
        return True

    def _vanish_many(self) -> object:
        """More than the brake lets pass, for longer than a row must rest; then they come back."""
        ports = self._objects("port")
        if len(ports) < 100 or self._vanished:
            return False
        self._vanished = [
            (item.neutron_id, item.network_id) for item in self.random.sample(ports, len(ports) // 6)
        ]
        self.world.sim.objects.delete(Choice("port", [row_id for row_id, _ in self._vanished], 1.0, 0))
        self.world.schedule.after(400.0, self._return)
        return True

    def _return(self) -> None:
        objects = self.world.sim.objects
        for row_id, network in self._vanished:
            if not objects.named("port", row_id) and objects.named("network", network):
                objects.create("port", ids=[row_id], network_id=network)
        self._vanished = []

    def _appear(self) -> object:
        rows = [row for row in self.rows() if ours(row) and row.owner == "compute:nova"]
        missing = [row for row in rows if not self.world.sim.objects.named(str(row.kind), row.id)]
        if not missing:
            return False
        row = self.random.choice(missing)
        network = row.network_id or None
        if network and not self.world.sim.objects.named("network", network):
            return False
        self.world.sim.objects.create(str(row.kind), ids=[row.id], network_id=network)
        return True

    def _second(self) -> object:
        row = self.row(self.random.choice([Kind.NETWORK, Kind.PORT]))
        if row is None or not self.world.sim.objects.named(str(row.kind), row.id):
            return False
        status = self.random.choice(("up", "down"))
        network = row.network_id or None
        self.world.sim.objects.create(str(row.kind), ids=[row.id], network_id=network, status=status)
        twins = [item.nsx_id for item in self.world.sim.objects.named(str(row.kind), row.id)]
        self.later(300, lambda: self._end_twin(str(row.kind), row.id, twins[-1]))
        return True

    def _end_twin(self, kind: str, row_id: str, nsx_id: str) -> None:
        if len(self.world.sim.objects.named(kind, row_id)) > 1 and self.world.sim.objects.get(nsx_id):
            self.world.sim.objects.delete(Choice(kind, [nsx_id], 1.0, 0))

    def _rack(self) -> object:
        """Up to a third of all ports: more than the brake lets pass unseen. Some for a moment only."""
        ports = [item for item in self._objects("port") if item.status == "up"]
        rack = self.random.sample(ports, len(ports) // self.random.choice((3, 4, 8)))
        self._become(rack, "down")
        names = [item.nsx_id for item in rack]
        self.later(self.random.choice((5, 120, 120)), lambda: self._repair(names))
        return True

    def _flap_along(self) -> object:
        """It has another status at each sweep, for a while: every time there is something to write."""
        ports = self._objects("port")
        if ports:
            self._flapping[self.random.choice(ports).nsx_id] = self.random.randrange(6, 14)
        return bool(ports)

    def _flap_with_sweeps(self) -> None:
        for nsx_id, left in list(self._flapping.items()):
            self._say(nsx_id, "up" if left % 2 else "down")
            self._flapping[nsx_id] = left - 1
            if not left or self.resting:
                del self._flapping[nsx_id]

    def _flap(self) -> object:
        ports = self._objects("port")
        if not ports:
            return False
        nsx_id = self.random.choice(ports).nsx_id
        for number in range(self.random.randrange(5, 40)):
            word = "up" if number % 2 else "down"
            self.world.schedule.after(3.0 * number, lambda word=word: self._say(nsx_id, word))
        return True

    def _say(self, nsx_id: str, word: str) -> None:
        item = self.world.sim.objects.get(nsx_id)
        if item:
            self._become([item], word)

    def _repair(self, names: Sequence[str]) -> None:
        self._become([item for item in self._objects("port") if item.nsx_id in names], "up")

    def _become(self, items: Sequence[Item], word: str) -> None:
        for item in items:
            self.world.sim.objects.set_status(Choice(item.kind, [item.nsx_id], 1.0, 0), word)


def ours(row: Record) -> bool:
    if row.kind is Kind.PORT:
        return row.driver == "nsx" or (row.driver is None and row.owner == "compute:nova")
    return not row.external


def _exists(world: World, row: Record) -> bool:
    return world.neutron.records[row.kind].get(row.id) is row
