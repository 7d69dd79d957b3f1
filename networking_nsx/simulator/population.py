"""One object of NSX, and the objects a plan asks for: the same for the same plan, on every machine."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

KINDS = ("network", "router", "port")
STATUSES = ("up", "down", "unknown", "in_progress", "error")

_TENANTS = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One object of NSX: a switch (kind `network`), a router or a switch port."""

    kind: str
    nsx_id: str
    neutron_id: str | None  # None: not ours, it carries no tags
    status: str
    number: int
    tenant: str
    network_id: str | None = None  # ports: the Neutron id of their network
    parent: str | None = None  # ports: the NSX id of their switch
    device_id: str | None = None  # ports: the Neutron id of the instance
    chained: bool = False  # one of several switches of its network
    twin: bool = False  # another object had this Neutron id when this one was made
    guise: str = ""  # how its tags are tampered with: a name in `guises.py`
    message: str = ""  # why it is not up, as NSX tells it
    deleted: bool = False  # gone, but not from the search index: a mark there


@dataclass(frozen=True, slots=True)
class Plan:
    """How many objects, and of which Neutron ids."""

    networks: int = 0
    ports: int = 0
    routers: int = 0
    seed: int = 0
    ports_per_network: int | None = None  # instead of `ports`: so many times `networks`
    switches_per_network: int = 1
    status: str = "up"
    network_ids: Sequence[str] | None = None  # Neutron ids, instead of `networks`
    port_ids: Sequence[str] | None = None
    router_ids: Sequence[str] | None = None


def items_of(plan: Plan) -> list[Item]:
    """The planned objects. Ports are spread evenly over networks and over a network's switches."""
    tenants = [identifier(Random(f"{plan.seed}:tenant:{number}")) for number in range(_TENANTS)]
    switches = list(_switches(plan, tenants))
    routers = list(_routers(plan, tenants))
    return [*switches, *routers, *_ports(plan, switches)]


def identifier(random: Random) -> str:
    """Make a UUID of version 4."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _switches(plan: Plan, tenants: Sequence[str]) -> Iterator[Item]:
    random = Random(f"{plan.seed}:network")
    neutron_ids = plan.network_ids or [identifier(random) for _ in range(plan.networks)]
    for turn in range(plan.switches_per_network):
        for number, (neutron_id, again) in enumerate(_met_again(neutron_ids)):
            yield Item(
                kind="network",
                nsx_id=identifier(random),
                neutron_id=neutron_id,
                status=plan.status,
                number=turn * len(neutron_ids) + number,
                tenant=tenants[number % len(tenants)],
                chained=plan.switches_per_network > 1,
                twin=turn > 0 or again,
            )


def _routers(plan: Plan, tenants: Sequence[str]) -> Iterator[Item]:
    random = Random(f"{plan.seed}:router")
    neutron_ids = plan.router_ids or [identifier(random) for _ in range(plan.routers)]
    for number, (neutron_id, again) in enumerate(_met_again(neutron_ids)):
        yield Item(
            kind="router",
            nsx_id=identifier(random),
            neutron_id=neutron_id,
            status=plan.status,
            number=number,
            tenant=tenants[number % len(tenants)],
            twin=again,
        )


def _ports(plan: Plan, switches: Sequence[Item]) -> Iterator[Item]:
    random = Random(f"{plan.seed}:port")
    networks = len(switches) // plan.switches_per_network
    count = plan.ports if plan.ports_per_network is None else networks * plan.ports_per_network
    neutron_ids = plan.port_ids or [identifier(random) for _ in range(count)]
    for number, (neutron_id, again) in enumerate(_met_again(neutron_ids if switches else ())):
        switch = switches[number % len(switches)]
        yield Item(
            kind="port",
            nsx_id=identifier(random),
            neutron_id=neutron_id,
            status=plan.status,
            number=number,
            tenant=switch.tenant,
            network_id=switch.neutron_id,
            parent=switch.nsx_id,
            device_id=identifier(random),
            twin=again,
        )


def _met_again(ids: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each id, and whether it came before."""
    met: set[str] = set()
    for one in ids:
        yield one, one in met
        met.add(one)
