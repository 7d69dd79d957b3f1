"""How the Manager API (`/api/v1`) spells the objects that realize those of the Policy API."""

from collections.abc import Callable
from typing import Any, NamedTuple

from networking_nsx.simulator import words
from networking_nsx.simulator.guises import tags
from networking_nsx.simulator.naming import EDGE_CLUSTER, TRANSPORT_ZONE, Paths, has_edges, name, vif
from networking_nsx.simulator.policy_shapes import EPOCH, gateway_status
from networking_nsx.simulator.population import Item

Json = dict[str, Any]

_METADATA: Json = {
    "_create_user": "nsx_policy",
    "_create_time": EPOCH,
    "_last_modified_user": "nsx_policy",
    "_last_modified_time": EPOCH,
    "_system_owned": False,
    "_protection": "REQUIRE_OVERRIDE",
    "_revision": 0,
}


class ManagerShapes(NamedTuple):
    """Objects as the Manager API shows them."""

    paths: Paths
    deployment_id: str
    edge_routers: float

    def shape(self, item: Item) -> Json:
        """A LogicalSwitch, LogicalPort or LogicalRouter, without any status."""
        shape = _SHAPES[item.kind](self, item)
        shape["id"] = item.nsx_id
        shape["display_name"] = name(item)
        if tagged := self.tags(item):
            shape["tags"] = tagged
        shape.update(_METADATA)
        return shape

    def tags(self, item: Item) -> list[dict[str, str]]:
        """The tags of the Policy object, and its path as one more."""
        if item.neutron_id is None:
            return []
        return [*tags(item, self.deployment_id), {"scope": "policyPath", "tag": self.paths.of(item)}]

    def switch_state(self, item: Item, status: str) -> Json:
        return {"logical_switch_id": item.nsx_id, "state": words.STATE[status], "details": []}

    def router_status(self, item: Item, status: str, stamp: int | None) -> Json:
        """The nodes of the service router; a distributed router has none."""
        if has_edges(item, self.edge_routers):
            return gateway_status(item, status, stamp)
        return {"logical_router_id": item.nsx_id, "last_update_timestamp": stamp}


def _switch(_shapes: ManagerShapes, _item: Item) -> Json:
    return {
        "resource_type": "LogicalSwitch",
        "transport_zone_id": TRANSPORT_ZONE,
        "admin_state": "UP",
        "replication_mode": "MTEP",
        "switch_type": "DEFAULT",
    }


def _port(_shapes: ManagerShapes, item: Item) -> Json:
    return {
        "resource_type": "LogicalPort",
        "logical_switch_id": item.parent,
        "attachment": {"attachment_type": "VIF", "id": vif(item)},
        "admin_state": "UP",
        "address_bindings": [],
    }


def _router(shapes: ManagerShapes, item: Item) -> Json:
    shape: Json = {"resource_type": "LogicalRouter", "router_type": "TIER1"}
    if has_edges(item, shapes.edge_routers):
        shape |= {"edge_cluster_id": EDGE_CLUSTER, "high_availability_mode": "ACTIVE_STANDBY"}
    return shape


_SHAPES: dict[str, Callable[[ManagerShapes, Item], Json]] = {
    "network": _switch,
    "port": _port,
    "router": _router,
}
