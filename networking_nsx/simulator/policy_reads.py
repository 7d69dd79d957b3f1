"""Reading objects and their statuses: segments, their ports and tier-1 gateways; and what realizes them.

Promises: lists show no status; a status that is read here is the newest that hosts have reported.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from networking_nsx.simulator import words
from networking_nsx.simulator.catalogue import Catalogue, Term
from networking_nsx.simulator.cursors import Listing, UnknownCursor
from networking_nsx.simulator.exchange import Answer, Page
from networking_nsx.simulator.feed import Feed
from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.manager_shapes import ManagerShapes
from networking_nsx.simulator.naming import LOCALE_SERVICES, policy_id, vif
from networking_nsx.simulator.policy_calls import (
    CURSOR,
    ENCODER,
    PAGE_MAXIMUM,
    Call,
    Route,
    every,
    listed,
    number,
    whole,
)
from networking_nsx.simulator.policy_errors import Wrong, absent, invalid
from networking_nsx.simulator.policy_shapes import PolicyShapes, port_status
from networking_nsx.simulator.population import Item
from networking_nsx.simulator.readings import Readings

POLICY = "/policy/api/v1/infra"
MANAGER = "/api/v1"

_FOLDERS = {"segments": "network", "tier-1s": "router"}
_PARTS = ("GATEWAY_STATE", "GATEWAY_STATUS", "IPV6_STATUS")


class Reads:
    """The read-only part of both APIs that is about the inventory."""

    def __init__(
        self,
        inventory: Inventory,
        policy: PolicyShapes,
        manager: ManagerShapes,
        feed: Feed,
        readings: Readings,
    ) -> None:
        self._inventory = inventory
        self._policy = policy
        self._manager = manager
        self._feed = feed
        self._readings = readings
        self._catalogue = Catalogue(inventory, _terms, self._render)

    def routes(self) -> list[Route]:
        return [
            *(Route(POLICY + pattern, handle) for pattern, handle in self._of_policy().items()),
            *(Route(MANAGER + pattern, handle) for pattern, handle in self._of_manager().items()),
        ]

    def _of_policy(self) -> Mapping[str, Callable[[Call], Answer]]:
        port = "/segments/<segment>/ports/<port>"
        return {
            "/segments": partial(self._list, "policy", "network"),
            "/segments/state": partial(self._states, "network", "configuration_state"),
            "/segments/<segment>": partial(self._one, self._policy.shape),
            "/segments/<segment>/state": self._segment_state,
            "/segments/<segment>/ports": self._ports,
            port: partial(self._one, self._policy.shape),
            f"{port}/status": self._port_status,
            f"{port}/state": partial(self._with_status, self._policy.port_state),
            "/tier-1s": partial(self._list, "policy", "router"),
            "/tier-1s/<router>": partial(self._one, self._policy.shape),
            "/tier-1s/<router>/state": self._gateway,
            "/tier-1s/<router>/locale-services": self._services,
            "/tier-1s/<router>/locale-services/<service>": self._service,
            "/realized-state/status": self._realization,
            "/realized-state/realized-entities": self._realized,
        }

    def _of_manager(self) -> Mapping[str, Callable[[Call], Answer]]:
        return {
            "/alarms": self._alarms,
            "/logical-ports": partial(self._list, "manager", "port"),
            "/logical-ports/status": self._counters,
            "/logical-ports/<logical_port>": partial(self._one, self._manager.shape),
            "/logical-ports/<logical_port>/status": self._port_status,
            "/logical-ports/<logical_port>/state": partial(self._with_status, self._policy.port_state),
            "/logical-switches": partial(self._list, "manager", "network"),
            "/logical-switches/state": partial(self._states, "network", "status", manager=True),
            "/logical-switches/<logical_switch>": partial(self._one, self._manager.shape),
            "/logical-switches/<logical_switch>/state": self._switch_state,
            "/logical-routers": partial(self._list, "manager", "router"),
            "/logical-routers/<logical_router>": partial(self._one, self._manager.shape),
            "/logical-routers/<logical_router>/status": self._router_status,
        }

    def _list(self, form: str, kind: str, call: Call, terms: Sequence[Term] = ()) -> Answer:
        if parent := call.request.value("logical_switch_id"):
            terms = [*terms, ("segment", parent)]
        if attached := call.request.value("attachment_id"):
            terms = [*terms, ("vif", attached)]
        lost = call.due.marked("inventory-lost")
        with self._inventory.lock:
            ids = [] if lost else self._catalogue.select(kind, terms)
            page = self._page(call, Listing(f"{form}:{kind}@{terms}", ids), form)
        return listed(call, page)

    def _page(self, call: Call, listing: Listing, form: str) -> Page:
        cursor = call.request.value(CURSOR) or None
        if cursor and call.due.marked("cursor-expired"):
            raise invalid(CURSOR, cursor)
        length = number(call.request, "page_size", PAGE_MAXIMUM, PAGE_MAXIMUM)
        try:
            return self._catalogue.page(listing, form, cursor, length)
        except UnknownCursor as unknown:
            raise invalid(CURSOR, cursor) from unknown

    def _render(self, item: Item, form: str) -> bytes:
        shapes = self._policy if form == "policy" else self._manager
        return ENCODER.encode(shapes.shape(item))

    def _ports(self, call: Call) -> Answer:
        with self._inventory.lock:
            segment = self._item(call)
            return self._list("policy", "port", call, [("segment", segment.nsx_id)])

    def _one(self, shape: Callable[[Item], dict[str, Any]], call: Call) -> Answer:
        with self._inventory.lock:
            return whole(call, shape(self._item(call)))

    def _with_status(self, shape: Callable[[Item, str], dict[str, Any]], call: Call) -> Answer:
        with self._inventory.lock:
            item = self._item(call)
            return whole(call, shape(item, self._feed.status(item)[0]))

    def _port_status(self, call: Call) -> Answer:
        with self._inventory.lock:
            item = self._item(call)
            self._readings.note(item)
            return whole(call, port_status(item, *self._feed.status(item)))

    def _segment_state(self, call: Call) -> Answer:
        with self._inventory.lock:
            item = self._item(call)
            self._readings.note(item)
            return whole(call, self._policy.segment_state(item, self._feed.status(item)[0]))

    def _switch_state(self, call: Call) -> Answer:
        return self._with_status(self._manager.switch_state, call)

    def _gateway(self, call: Call) -> Answer:
        asked = call.request.value("type")
        if asked and asked not in _PARTS:
            raise invalid("type", asked)
        with self._inventory.lock:
            item = self._item(call)
            self._readings.note(item)
            parts = [asked] if asked else _PARTS
            return whole(call, self._policy.gateway(item, *self._feed.status(item), parts))

    def _router_status(self, call: Call) -> Answer:
        with self._inventory.lock:
            item = self._item(call)
            return whole(call, self._manager.router_status(item, *self._feed.status(item)))

    def _services(self, call: Call) -> Answer:
        with self._inventory.lock:
            return every(call, self._services_of(self._item(call)))

    def _service(self, call: Call) -> Answer:
        with self._inventory.lock:
            services = self._services_of(self._item(call))
        if not services or call.ids["service"] != LOCALE_SERVICES:
            raise absent(call.request.path.removeprefix("/policy/api/v1"))
        return whole(call, services[0])

    def _services_of(self, router: Item) -> list[dict[str, Any]]:
        return [self._policy.locale_services(router)] if self._policy.has_edges(router) else []

    def _states(self, kind: str, parameter: str, call: Call, *, manager: bool = False) -> Answer:
        shape = self._manager.switch_state if manager else self._policy.segment_state
        wanted = call.request.value(parameter)
        with self._inventory.lock:
            items = [] if call.due.marked("inventory-lost") else self._inventory.items(kind)
            shapes = [shape(item, self._feed.status(item)[0]) for item in items]
        return every(call, [one for one in shapes if not wanted or one["state"] == wanted.lower()])

    def _counters(self, call: Call) -> Answer:
        """Only how many ports there are and how many are up, whatever the path promises."""
        filters = {name: value for name in _FILTERS if (value := call.request.value(name))}
        with self._inventory.lock:
            items = [] if call.due.marked("inventory-lost") else self._inventory.items("port")
            chosen = [item for item in items if all(_FILTERS[key](item) == filters[key] for key in filters)]
            up = [item for item in chosen if words.PORT[self._feed.status(item)[0]] == "UP"]
        shape = {"total_ports": len(chosen), "up_ports": len(up), "last_update_timestamp": self._feed.date()}
        told = [{"name": name, "value": value} for name, value in filters.items()]
        return whole(call, {**shape, "filters": told})

    def _realization(self, call: Call) -> Answer:
        with self._inventory.lock:
            item = self._at(call)
            return whole(call, self._policy.realization(item, self._feed.status(item)[0]))

    def _realized(self, call: Call) -> Answer:
        """Nothing, until a host has reported the object."""
        with self._inventory.lock:
            item = self._at(call)
            status, stamp = self._feed.status(item)
            return every(call, [] if stamp is None else [self._policy.realized_entity(item, status)])

    def _alarms(self, call: Call) -> Answer:
        """The open ones of one intent path: no others are kept."""
        is_open = call.request.value("status") in (None, "OPEN")
        with self._inventory.lock:
            item = self._at(call)
            alarm = self._policy.alarm(item, *self._feed.status(item))
            return every(call, [alarm] if alarm and is_open else [])

    def _at(self, call: Call) -> Item:
        """The object at an intent path. Raises Wrong."""
        path = call.request.value("intent_path") or ""
        parts = path.split("/")[2:]
        ids = dict(
            zip(("segment" if parts[:1] == ["segments"] else "router", "port"), parts[1::2], strict=False)
        )
        item = self._found(ids) if parts[:1] and parts[0] in _FOLDERS else None
        if item is None or self._policy.paths.of(item) != path or call.due.marked("inventory-lost"):
            raise Wrong(400, 500012, f"The path=[{path}] is invalid", module="Policy")
        return item

    def _item(self, call: Call) -> Item:
        """The object that a path leads to. Raises Wrong."""
        item = self._found(call.ids)
        if item is None or call.due.marked("inventory-lost"):
            raise absent(call.request.path.removeprefix("/policy/api/v1"))
        return item

    def _found(self, ids: Mapping[str, str]) -> Item | None:
        for name, kind in _REALIZED.items():
            if name in ids:
                item = self._inventory.get(ids[name])
                return item if item and item.kind == kind else None
        if "router" in ids:
            return self._named("router", ids["router"])
        segment = self._named("network", ids["segment"])
        if segment is None or "port" not in ids:
            return segment
        port = self._named("port", ids["port"])
        return port if port and port.parent == segment.nsx_id else None

    def _named(self, kind: str, given: str) -> Item | None:
        named = self._inventory.named(kind, given.partition("_")[0])
        return next((item for item in named if policy_id(item) == given), None)


_REALIZED = {"logical_port": "port", "logical_switch": "network", "logical_router": "router"}
_FILTERS: dict[str, Callable[[Item], str | None]] = {
    "logical_switch_id": lambda item: item.parent,
    "attachment_id": vif,
    "attachment_type": lambda _item: "VIF",
}


def _terms(item: Item) -> Iterable[Term]:
    if item.parent:
        yield "segment", item.parent
        yield "vif", vif(item)
