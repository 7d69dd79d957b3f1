"""What the Policy and Manager APIs tell of NSX itself: nodes, cluster, limits, transport zones, the user."""

from typing import Any

from networking_nsx.simulator.exchange import Answer
from networking_nsx.simulator.naming import POINT, TRANSPORT_ZONE
from networking_nsx.simulator.policy_calls import Call, Route, every, whole
from networking_nsx.simulator.policy_errors import absent
from networking_nsx.simulator.policy_shapes import transport_zone
from networking_nsx.simulator.settings import SimulatorSettings

VERSION = "4.2.1.0.0.24304122"

_CLUSTER = "5b1d2c3e-7f60-4a8b-9c1d-2e3f4a5b6c7d"
_GROUPS = ("MANAGER", "POLICY", "HTTPS", "DATASTORE", "CONTROLLER", "CLUSTER_BOOT_MANAGER")


class System:
    """The read-only part of both APIs that is about NSX itself."""

    def __init__(self, settings: SimulatorSettings, urls: list[str]) -> None:
        self._settings = settings
        self._urls = urls  # of the nodes; known once it listens

    def routes(self) -> list[Route]:
        zones = "/policy/api/v1" + POINT + "/transport-zones"
        return [
            Route("/api/v1/node", self._node),
            Route("/api/v1/node/version", self._version),
            Route("/api/v1/cluster", self._cluster),
            Route("/api/v1/cluster/status", self._status),
            Route("/api/v1/cluster/api-service", self._limits),
            Route("/api/v1/reverse-proxy/node/health", lambda call: whole(call, {"healthy": True})),
            Route(zones, lambda call: every(call, [transport_zone()])),
            Route(f"{zones}/<zone>", self._zone),
            Route("/api/v1/transport-zones", lambda call: every(call, [_manager_zone()])),
            Route("/policy/api/v1/aaa/user-info", self._user),
        ]

    def _node(self, call: Call) -> Answer:
        node = call.request.node
        shape = {
            "node_version": VERSION,
            "product_version": VERSION,
            "hostname": f"manager-{node}",
            "node_uuid": _node_id(node),
            "kernel_version": "5.4.0",
            "timezone": "Etc/UTC",
        }
        return whole(call, shape)

    def _version(self, call: Call) -> Answer:
        return whole(call, {"node_version": VERSION, "product_version": VERSION})

    def _cluster(self, call: Call) -> Answer:
        nodes = [
            {"node_uuid": _node_id(number), "fqdn": f"manager-{number}", "status": "JOINED"}
            for number, _ in enumerate(self._urls)
        ]
        return whole(call, {"cluster_id": _CLUSTER, "nodes": nodes})

    def _status(self, call: Call) -> Answer:
        nodes = [{"uuid": _node_id(number)} for number, _ in enumerate(self._urls)]
        members = [{"member_uuid": node["uuid"], "member_status": "UP"} for node in nodes]
        groups = [{"group_type": name, "group_status": "STABLE", "members": members} for name in _GROUPS]
        shape = {
            "cluster_id": _CLUSTER,
            "mgmt_cluster_status": {"status": "STABLE", "online_nodes": nodes, "offline_nodes": []},
            "control_cluster_status": {"status": "STABLE"},
            "detailed_cluster_status": {
                "cluster_id": _CLUSTER,
                "overall_status": "STABLE",
                "groups": groups,
            },
        }
        return whole(call, shape)

    def _limits(self, call: Call) -> Answer:
        settings = self._settings
        shape = {
            "resource_type": "ApiServiceConfig",
            "client_api_rate_limit": settings.client_rate_limit,
            "client_api_concurrency_limit": settings.client_concurrency_limit,
            "global_api_concurrency_limit": settings.node_concurrency_limit,
            "session_timeout": round(settings.session_lifetime),
            "connection_timeout": 30,
            "basic_authentication_enabled": True,
            "cookie_based_authentication_enabled": True,
            "lockout_immune_addresses": [],
        }
        return whole(call, shape)

    def _zone(self, call: Call) -> Answer:
        if call.ids["zone"] != TRANSPORT_ZONE:
            raise absent(call.request.path.removeprefix("/policy/api/v1"))
        return whole(call, transport_zone())

    def _user(self, call: Call) -> Answer:
        roles = [{"role": role, "permissions": []} for role in self._settings.roles]
        return whole(call, {"user_name": call.account, "roles": roles})


def _node_id(number: int) -> str:
    return f"c0ffee00-0000-4000-8000-{number:012d}"


def _manager_zone() -> dict[str, Any]:
    return {
        "resource_type": "TransportZone",
        "id": TRANSPORT_ZONE,
        "display_name": "overlay",
        "transport_type": "OVERLAY",
        "is_default": True,
    }
