"""How NSX-MH spells an object: its tags, its attributes and its relations, as JSON objects.

A status flag is true when the object is up and false when it is down. NSX-MH has no third word: the
flag of an `unknown` object is missing, and `in_progress` and `error` appear as these words where a
client expects a boolean.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.population import Item

Json = dict[str, Any]

ROOT = "/ws.v1"
FLAGS = {"up": True, "down": False, "in_progress": "in_progress", "error": "error"}  # `unknown` has none

_SCHEMAS = {
    "network": "LogicalSwitchConfig",
    "router": "LogicalRouterConfig",
    "port": "LogicalSwitchPortConfig",
}
_ID_SCOPES = {"network": "quantum_net_id", "router": "q_router_id", "port": "q_port_id"}
_VERSION = "25.1.0"
_TRANSPORT_ZONE = "6a2f0c1e-5d38-4e0b-9f27-8c41d7a0b3e5"


def href(item: Item) -> str:
    if item.kind == "port":
        return f"{ROOT}/lswitch/{item.parent}/lport/{item.nsx_id}"
    return f"{ROOT}/{'lswitch' if item.kind == 'network' else 'lrouter'}/{item.nsx_id}"


def tags(item: Item) -> list[tuple[str, str]]:
    """(scope, tag) pairs, as the original plug-in wrote them; none on what is not ours."""
    if item.neutron_id is None:
        return []
    pairs = [("quantum", _VERSION), ("os_tid", item.tenant), (_ID_SCOPES[item.kind], item.neutron_id)]
    if item.device_id:
        pairs.append(("vm_id", item.device_id))
    if item.chained:
        pairs.append(("multi_lswitch", "True"))
    return pairs


def name(item: Item) -> str:
    return f"{item.kind}-{item.number}"


class Full(NamedTuple):
    """Everything about one object, with these relations."""

    relations: tuple[str, ...]

    def shape(self, item: Item, inventory: Inventory) -> Json:
        return attributes(item) | _relations(item, self.relations, inventory)


class Listed(NamedTuple):
    """An object in a list: these attributes (`*` is all), and always its reference."""

    fields: frozenset[str]
    relations: tuple[str, ...]

    def shape(self, item: Item, inventory: Inventory) -> Json:
        return _selected(item, self.fields) | _relations(item, self.relations, inventory)


class Status(NamedTuple):
    """What an object's `/status` answers: for a port, its switch as well."""

    def shape(self, item: Item, inventory: Inventory) -> Json:
        switch = inventory.get(item.parent) if item.parent else None
        return _STATUSES[item.kind](item, inventory) | ({"lswitch": attributes(switch)} if switch else {})


Form = Full | Listed | Status


def attributes(item: Item) -> Json:
    """All attributes of the object, without its relations."""
    return {key: value_of(item) for key, value_of in _ATTRIBUTES[item.kind].items()}


def _selected(item: Item, fields: frozenset[str]) -> Json:
    return {key: value_of(item) for key, value_of in _asked_for(item.kind, fields)}


@cache
def _asked_for(kind: str, fields: frozenset[str]) -> "tuple[tuple[str, Callable[[Item], object]], ...]":
    """The attributes that these fields name."""
    if "*" in fields:
        return tuple(_ATTRIBUTES[kind].items())
    if not fields:
        return (("_href", href),)
    # Names that the object does not have are ignored, as the original's `fabric_status` was.
    wanted = {*fields, "_href", "_schema"}
    return tuple((key, value_of) for key, value_of in _ATTRIBUTES[kind].items() if key in wanted)


def _relations(item: Item, names: tuple[str, ...], inventory: Inventory) -> Json:
    made = {
        relation: _RELATIONS[item.kind, relation](item, inventory)
        for relation in names
        if (item.kind, relation) in _RELATIONS
    }
    return {"_relations": made} if made else {}


def _address_pairs(item: Item) -> list[Json]:
    high, low = divmod(item.number % 65536, 256)
    return [{"mac_address": f"fa:16:3e:00:{high:02x}:{low:02x}", "ip_address": f"10.0.{high}.{low}"}]


def _always(value: object) -> Callable[[Item], object]:
    return lambda _item: value


Attributes = dict[str, Callable[[Item], object]]

_COMMON: Attributes = {
    "uuid": lambda item: item.nsx_id,
    "display_name": name,
    "tags": lambda item: [{"scope": scope, "tag": tag} for scope, tag in tags(item)],
    "_href": href,
    "_schema": lambda item: f"{ROOT}/schema/{_SCHEMAS[item.kind]}",
    "type": lambda item: _SCHEMAS[item.kind],
}
_COMPUTED: dict[str, Attributes] = {
    "network": _COMMON,
    "router": _COMMON,
    "port": {
        **_COMMON,
        "portno": lambda item: item.number + 1,
        "allowed_address_pairs": _address_pairs,
    },
}
_FIXED: dict[str, Json] = {
    "network": {
        "replication_mode": "service",
        "transport_zones": [{"zone_uuid": _TRANSPORT_ZONE, "transport_type": "stt"}],
        "port_isolation_enabled": False,
    },
    "router": {
        "replication_mode": "service",
        "distributed": False,
        "nat_synchronization_enabled": True,
        "routing_config": {
            "type": "SingleDefaultRouteImplicitRoutingConfig",
            "default_route_next_hop": {"type": "RouterNextHop", "gateway_ip_address": "192.0.2.1"},
        },
    },
    "port": {
        "admin_status_enabled": True,
        "queue_uuid": None,
        "security_profiles": [],
        "mirror_targets": [],
    },
}
_ATTRIBUTES: dict[str, Attributes] = {
    kind: computed | {key: _always(value) for key, value in _FIXED[kind].items()}
    for kind, computed in _COMPUTED.items()
}


def _switch_status(item: Item, inventory: Inventory) -> Json:
    return _status_of(item, "LogicalSwitchStatus", "fabric_status", _counts(item, inventory))


def _router_status(item: Item, inventory: Inventory) -> Json:
    return _status_of(item, "LogicalRouterStatus", "fabric_status", _counts(item, inventory))


def _port_status(item: Item, _inventory: Inventory) -> Json:
    # The link stays up whatever the fabric says: a client that reads the wrong flag shows.
    flags = {"admin_status_enabled": True, "link_status_up": True}
    return _status_of(item, "LogicalSwitchPortStatus", "fabric_status_up", flags)


def _status_of(item: Item, schema: str, flag: str, rest: Json) -> Json:
    shape = {"type": schema, **rest, "_href": f"{href(item)}/status", "_schema": f"{ROOT}/schema/{schema}"}
    if item.status in FLAGS:
        shape[flag] = FLAGS[item.status]
    return shape


def _counts(item: Item, inventory: Inventory) -> Json:
    statuses = [port.status for port in inventory.ports_of(item.nsx_id)]
    return {
        "lport_count": len(statuses),
        "lport_admin_up_count": len(statuses),
        "lport_link_up_count": len(statuses),
        "lport_fabric_up_count": statuses.count("up"),
    }


def _attachment(item: Item, _inventory: Inventory) -> Json:
    shape = {"type": "VifAttachment", "vif_uuid": vif(item)} if vif(item) else {"type": "NoAttachment"}
    links = {"_href": f"{href(item)}/attachment", "_schema": f"{ROOT}/schema/{shape['type']}"}
    return {**shape, **links}


def vif(item: Item) -> str | None:
    """The interface a port is attached to: the original plug-in attaches the Neutron port's id."""
    return item.neutron_id if item.kind == "port" else None


def _switch_of(item: Item, inventory: Inventory) -> Json:
    switch = inventory.get(item.parent or "")
    return attributes(switch) if switch else {}


Relation = Callable[[Item, Inventory], Json]
_STATUSES: dict[str, Relation] = {"network": _switch_status, "router": _router_status, "port": _port_status}
_RELATIONS: dict[tuple[str, str], Relation] = {
    ("network", "LogicalSwitchStatus"): _switch_status,
    ("router", "LogicalRouterStatus"): _router_status,
    ("port", "LogicalPortStatus"): _port_status,
    ("port", "LogicalPortAttachment"): _attachment,
    ("port", "LogicalSwitchConfig"): _switch_of,
}


def terms(item: Item) -> Iterator[tuple[str, str]]:
    """What a list query can find the object by: (query parameter, value) pairs."""
    yield "display_name", name(item)
    if item.parent:
        yield "lswitch", item.parent
    if vif_uuid := vif(item):
        yield "attachment_vif_uuid", vif_uuid
    for scope, tag in tags(item):
        yield "tag_scope", scope
        yield f"tag:{scope}", tag
