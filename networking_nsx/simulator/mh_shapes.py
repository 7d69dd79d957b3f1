"""How NSX-MH spells an object: its tags, its attributes and its relations, as JSON objects.

A status flag is true when the object is up and false when it is down. NSX-MH has no third word: the
flag of an `unknown` object is missing, and `in_progress` and `error` appear as these words where a
client expects a boolean.
"""

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.population import Item

Json = dict[str, Any]

ROOT = "/ws.v1"
FLAGS = {"up": True, "down": False, "in_progress": "in_progress", "error": "error"}  # `unknown` has none

_ID_SCOPES = {"network": "quantum_net_id", "router": "q_router_id", "port": "q_port_id"}
_TRANSPORT_ZONE = "6a2f0c1e-5d38-4e0b-9f27-8c41d7a0b3e5"


def href(item: Item) -> str:
    if item.kind == "port":
        return f"{ROOT}/lswitch/{item.parent}/lport/{item.nsx_id}"
    return f"{ROOT}/{'lswitch' if item.kind == 'network' else 'lrouter'}/{item.nsx_id}"


class Tag(msgspec.Struct, frozen=True, gc=False):
    """What the original plug-in wrote onto an object."""

    scope: str
    tag: str


def tags(item: Item) -> list[Tag]:
    """None on what is not ours."""
    if item.neutron_id is None:
        return []
    made = [_OURS, Tag("os_tid", item.tenant), Tag(_ID_SCOPES[item.kind], item.neutron_id)]
    if item.device_id:
        made.append(Tag("vm_id", item.device_id))
    if item.chained:
        made.append(Tag("multi_lswitch", "True"))
    return made


_OURS = Tag("quantum", "25.1.0")


def name(item: Item) -> str:
    return f"{item.kind}-{item.number}"


class Full(NamedTuple):
    """Everything about one object, with these relations."""

    relations: tuple[str, ...]

    def shape(self, item: Item, inventory: Inventory) -> Json:
        return _related(attributes(item), item, self.relations, inventory)


class Listed(NamedTuple):
    """An object in a list: these attributes (`*` is all), and always its reference."""

    fields: frozenset[str]
    relations: tuple[str, ...]

    def shape(self, item: Item, inventory: Inventory) -> Json:
        fixed, computed, relations = _listed(item.kind, self)
        shape = fixed.copy()
        for key, value_of in computed:
            shape[key] = value_of(item)
        if relations:
            shape["_relations"] = {relation: make(item, inventory) for relation, make in relations}
        return shape


class Status(NamedTuple):
    """What an object's `/status` answers: for a port, its switch as well."""

    def shape(self, item: Item, inventory: Inventory) -> Json:
        switch = inventory.get(item.parent) if item.parent else None
        return _STATUSES[item.kind](item, inventory) | ({"lswitch": attributes(switch)} if switch else {})


Form = Full | Listed | Status


def attributes(item: Item) -> Json:
    """All attributes of the object, without its relations."""
    return _selected(item, frozenset("*"))


def _selected(item: Item, fields: frozenset[str]) -> Json:
    fixed, computed = _asked_for(item.kind, fields)
    shape = fixed.copy()
    for key, value_of in computed:
        shape[key] = value_of(item)
    return shape


@cache
def _asked_for(kind: str, fields: frozenset[str]) -> "tuple[Json, tuple[tuple[str, Attribute], ...]]":
    """The attributes that these fields name: what every object has alike, and how to make the rest."""
    fixed, computed = _FIXED[kind], _COMPUTED[kind]
    # Names that the object does not have are ignored, as the original's `fabric_status` was.
    wanted = {*fixed, *computed} if "*" in fields else {*fields, "_href", "_schema"} if fields else {"_href"}
    return (
        {key: value for key, value in fixed.items() if key in wanted},
        tuple((key, value_of) for key, value_of in computed.items() if key in wanted),
    )


@cache
def _listed(
    kind: str, form: Listed
) -> "tuple[Json, tuple[tuple[str, Attribute], ...], tuple[tuple[str, Relation], ...]]":
    """What a list shows of an object of this kind: looked up once for all of them."""
    return (*_asked_for(kind, form.fields), _related_by(kind, form.relations))


def _related(shape: Json, item: Item, names: tuple[str, ...], inventory: Inventory) -> Json:
    """The shape, with the relations that an object of this kind has."""
    relations = _related_by(item.kind, names)
    if relations:
        shape["_relations"] = {relation: make(item, inventory) for relation, make in relations}
    return shape


@cache
def _related_by(kind: str, names: tuple[str, ...]) -> "tuple[tuple[str, Relation], ...]":
    return tuple((name, _RELATIONS[kind, name]) for name in names if (kind, name) in _RELATIONS)


def _address_pairs(item: Item) -> list[Json]:
    high, low = divmod(item.number % 65536, 256)
    return [{"mac_address": f"fa:16:3e:00:{high:02x}:{low:02x}", "ip_address": f"10.0.{high}.{low}"}]


@cache
def _schema(name: str) -> Json:
    return {"_schema": f"{ROOT}/schema/{name}", "type": name}


Attribute = Callable[[Item], object]

_COMMON: dict[str, Attribute] = {
    "uuid": attrgetter("nsx_id"),
    "display_name": name,
    "tags": tags,
    "_href": href,
}
_COMPUTED: dict[str, dict[str, Attribute]] = {
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
        **_schema("LogicalSwitchConfig"),
        "replication_mode": "service",
        "transport_zones": [{"zone_uuid": _TRANSPORT_ZONE, "transport_type": "stt"}],
        "port_isolation_enabled": False,
    },
    "router": {
        **_schema("LogicalRouterConfig"),
        "replication_mode": "service",
        "distributed": False,
        "nat_synchronization_enabled": True,
        "routing_config": {
            "type": "SingleDefaultRouteImplicitRoutingConfig",
            "default_route_next_hop": {"type": "RouterNextHop", "gateway_ip_address": "192.0.2.1"},
        },
    },
    "port": {
        **_schema("LogicalSwitchPortConfig"),
        "admin_status_enabled": True,
        "queue_uuid": None,
        "security_profiles": [],
        "mirror_targets": [],
    },
}


# The link stays up whatever the fabric says: a client that reads the wrong flag shows.
_PORT_STATUS: Json = {
    **_schema("LogicalSwitchPortStatus"),
    "admin_status_enabled": True,
    "link_status_up": True,
}


def _switch_status(item: Item, inventory: Inventory) -> Json:
    return _status_of(item, "LogicalSwitchStatus", "fabric_status", _counts(item, inventory))


def _router_status(item: Item, inventory: Inventory) -> Json:
    return _status_of(item, "LogicalRouterStatus", "fabric_status", _counts(item, inventory))


def _port_status(item: Item, _inventory: Inventory) -> Json:
    shape = {"_href": f"{href(item)}/status", **_PORT_STATUS}
    if item.status in FLAGS:
        shape["fabric_status_up"] = FLAGS[item.status]
    return shape


def _status_of(item: Item, schema: str, flag: str, shape: Json) -> Json:
    shape["_href"] = f"{href(item)}/status"
    shape.update(_schema(schema))
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
    attached = vif(item)
    shape = {"_href": f"{href(item)}/attachment", **_schema("VifAttachment" if attached else "NoAttachment")}
    return {**shape, "vif_uuid": attached} if attached else shape


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
    for tag in tags(item):
        yield "tag_scope", tag.scope
        yield f"tag:{tag.scope}", tag.tag
