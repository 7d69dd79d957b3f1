"""How the Policy API spells an object, its state and its realization, as JSON objects."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from networking_nsx.simulator import words
from networking_nsx.simulator.guises import tags
from networking_nsx.simulator.naming import (
    EDGE_CLUSTER,
    EDGE_NODES,
    LOCALE_SERVICES,
    POINT,
    TRANSPORT_ZONE,
    Paths,
    has_edges,
    name,
    policy_id,
    vif,
)
from networking_nsx.simulator.population import Item

Json = dict[str, Any]

EPOCH = 1_700_000_000_000  # when everything was created, in milliseconds

ERROR_CODE = 500_030

_ENTITIES = {
    "network": "RealizedLogicalSwitch",
    "port": "RealizedLogicalPort",
    "router": "RealizedLogicalRouter",
}
_METADATA: Json = {
    "_create_user": "admin",
    "_create_time": EPOCH,
    "_last_modified_user": "admin",
    "_last_modified_time": EPOCH,
    "_system_owned": False,
    "_protection": "NOT_PROTECTED",
    "_revision": 0,
}


class PolicyShapes(NamedTuple):
    """Objects as the Policy API shows them."""

    paths: Paths
    deployment_id: str
    edge_routers: float

    def shape(self, item: Item) -> Json:
        """A Segment, SegmentPort or Tier1, without any status."""
        return _SHAPES[item.kind](self, item) | self._tagged(item)

    def locale_services(self, item: Item) -> Json:
        """The locale services of a router with an edge cluster."""
        parent = self.paths.of(item)
        return {
            "resource_type": "LocaleServices",
            "edge_cluster_path": f"{POINT}/edge-clusters/{EDGE_CLUSTER}",
            "bfd_profile_path": "/infra/bfd-profiles/default",
            **self._identity(item, LOCALE_SERVICES, parent),
            "path": self.paths.locale_services(item),
            "display_name": LOCALE_SERVICES,
        }

    def consolidated(self, item: Item, status: str) -> str:
        """Whether what NSX was told is in effect, in one word."""
        if item.kind == "port":
            return words.PORT_CONSOLIDATED[status]
        edges = item.kind == "router" and self.has_edges(item)
        return (words.EDGE_CONSOLIDATED if edges else words.CONSOLIDATED)[status]

    def realization(self, item: Item, status: str) -> Json:
        """What `realized-state/status` answers, and what policy search hits carry."""
        word = {"consolidated_status": self.consolidated(item, status)}
        point = {"enforcement_point_id": "default", "enforcement_point_path": POINT}
        return {
            "intent_path": self.paths.of(item),
            "intent_version": "0",
            "consolidated_status": word,
            "consolidated_status_per_enforcement_point": [{**point, "consolidated_status": word}],
            "publish_status": words.REALIZED.get(word["consolidated_status"], "UNREALIZED"),
            "publish_time": EPOCH,
            "time_taken_for_realization": 20,
        }

    def realized_entity(self, item: Item, status: str) -> Json:
        """The manager's object behind an object, as `realized-entities` lists it."""
        kind = _ENTITIES[item.kind]
        path = self.paths.of(item)
        return {
            "resource_type": "GenericPolicyRealizedResource",
            "entity_type": kind,
            "id": item.nsx_id,
            "display_name": name(item),
            "path": f"/infra/realized-state/enforcement-points/default/{kind}/{item.nsx_id}",
            "state": words.REALIZED.get(self.consolidated(item, status), "UNREALIZED"),
            "realization_specific_identifier": item.nsx_id,
            "realization_api": f"/api/v1/{_MANAGER[item.kind]}/{item.nsx_id}",
            "intent_paths": [path],
            "alarms": [self._realization_alarm(item, told)] if (told := reason(item, status)) else [],
        }

    def _realization_alarm(self, item: Item, told: str) -> Json:
        """A PolicyAlarmResource."""
        return {
            "resource_type": "PolicyAlarmResource",
            "source_reference": self.paths.of(item),
            "message": told,
            "error_details": {"error_code": ERROR_CODE, "error_message": told, "module_name": "Policy"},
        }

    def alarm(self, item: Item, status: str, stamp: int | None) -> Json | None:
        """An open Alarm about an object that is not as it should be."""
        told = reason(item, status)
        if not told:
            return None
        return {
            "id": item.nsx_id,
            "alarm_source_type": "INTENT_PATH",
            "alarm_source": [self.paths.of(item)],
            "entity_id": item.nsx_id,
            "event_type": "realization_error",
            "severity": "HIGH",
            "status": "OPEN",
            "last_reported_time": stamp,
            "description": told,
        }

    def segment_state(self, item: Item, status: str) -> Json:
        shape = {"segment_path": self.paths.of(item), "state": words.STATE[status], "details": []}
        return shape | failure(item, status)

    def port_state(self, item: Item, status: str) -> Json:
        attached = {"id": vif(item), "state": "ATTACHED", "attachers": []}
        return {
            "attachment": attached,
            "transport_node_ids": [],
            "discovered_bindings": [],
            "realized_bindings": [],
            "id": policy_id(item),
            "path": self.paths.of(item),
            "state": words.REALIZED.get(words.PORT_CONSOLIDATED[status], "UNREALIZED"),
        }

    def gateway(self, item: Item, status: str, stamp: int | None, parts: Iterable[str]) -> Json:
        """The asked-for parts of a tier-1's `state`."""
        edges = self.has_edges(item)
        word = (words.EDGE_STATE if edges else words.STATE)[status]
        shape: Json = {"enforcement_point_path": POINT}
        if "GATEWAY_STATE" in parts:
            shape["tier1_state"] = {"state": word, "details": [], "pending_change_list": []} | failure(
                item, status
            )
        if "GATEWAY_STATUS" in parts and edges:
            shape["tier1_status"] = gateway_status(item, status, stamp)
        return shape

    def tags(self, item: Item) -> list[dict[str, str]]:
        return tags(item, self.deployment_id)

    def has_edges(self, item: Item) -> bool:
        return has_edges(item, self.edge_routers)

    def _identity(self, item: Item, given_id: str, parent: str) -> Json:
        return {
            "id": given_id,
            "relative_path": given_id,
            "parent_path": parent,
            "realization_id": item.nsx_id,
            "marked_for_delete": item.deleted,
            "overridden": False,
            **_METADATA,
        }

    def _tagged(self, item: Item) -> Json:
        shape: Json = {
            **self._identity(item, policy_id(item), self.paths.parent(item)),
            "path": self.paths.of(item),
            "display_name": name(item),
            "unique_id": item.nsx_id,
        }
        if tagged := self.tags(item):
            shape["tags"] = tagged
        return shape


def reason(item: Item, status: str) -> str:
    """Why an object is not up, as NSX tells it; "" where it says nothing."""
    return item.message or (words.REASON if status == "error" else "")


def failure(item: Item, status: str) -> Json:
    """What a configuration state says besides its word."""
    told = reason(item, status)
    return {"failure_code": ERROR_CODE, "failure_message": told} if told else {}


def gateway_status(item: Item, status: str, stamp: int | None) -> Json:
    """How the service router of a router does on its two edge nodes."""
    nodes = [
        {
            "transport_node_id": node,
            "edge_path": f"{POINT}/edge-clusters/{EDGE_CLUSTER}/edge-nodes/{number}",
            "service_router_id": item.nsx_id,
            "high_availability_status": word,
        }
        for number, (node, word) in enumerate(zip(EDGE_NODES, words.NODES[status], strict=True))
    ]
    return {"logical_router_id": item.nsx_id, "last_update_timestamp": stamp, "per_node_status": nodes}


def port_status(item: Item, status: str, stamp: int | None) -> Json:
    """The link of a port, as both APIs tell it; of a port that no host reported yet there is no date."""
    shape: Json = {"logical_port_id": item.nsx_id, "status": words.PORT[status]}
    return shape if stamp is None else {**shape, "last_update_timestamp": stamp}


def transport_zone() -> Json:
    return {
        "resource_type": "PolicyTransportZone",
        "id": TRANSPORT_ZONE,
        "display_name": "overlay",
        "path": f"{POINT}/transport-zones/{TRANSPORT_ZONE}",
        "parent_path": POINT,
        "relative_path": TRANSPORT_ZONE,
        "nsx_id": TRANSPORT_ZONE,
        "tz_type": "OVERLAY_BACKED",
        "is_default": True,
        "marked_for_delete": False,
        **_METADATA,
    }


def _segment(_shapes: PolicyShapes, _item: Item) -> Json:
    return {
        "resource_type": "Segment",
        "type": "DISCONNECTED",
        "transport_zone_path": f"{POINT}/transport-zones/{TRANSPORT_ZONE}",
        "admin_state": "UP",
        "replication_mode": "MTEP",
    }


def _port(_shapes: PolicyShapes, item: Item) -> Json:
    return {
        "resource_type": "SegmentPort",
        "attachment": {"id": vif(item), "type": "STATIC", "traffic_tag": 0, "hyperbus_mode": "DISABLE"},
        "admin_state": "UP",
        "address_bindings": [],
    }


def _router(_shapes: PolicyShapes, _item: Item) -> Json:
    return {
        "resource_type": "Tier1",
        "type": "ROUTED",
        "failover_mode": "NON_PREEMPTIVE",
        "ha_mode": "ACTIVE_STANDBY",
        "pool_allocation": "ROUTING",
        "route_advertisement_types": ["TIER1_CONNECTED"],
    }


_SHAPES: dict[str, Callable[[PolicyShapes, Item], Json]] = {
    "network": _segment,
    "port": _port,
    "router": _router,
}
_MANAGER = {"network": "logical-switches", "port": "logical-ports", "router": "logical-routers"}
