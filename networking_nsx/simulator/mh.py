"""The API of NSX-MH, `/ws.v1`, for reading: sessions, lists with paging, single objects, statuses.

Promises: an answer is of one moment of the inventory; every answer carries the configuration
generation of its node; nothing but a login is answered without a session of the node that is asked.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import NamedTuple

import msgspec
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from networking_nsx.simulator import mh_shapes
from networking_nsx.simulator.catalogue import Catalogue, Term
from networking_nsx.simulator.cursors import Listing, UnknownCursor
from networking_nsx.simulator.exchange import (
    Answer,
    Page,
    Request,
    error,
    json_answer,
    list_answer,
    object_answer,
)
from networking_nsx.simulator.fault_kinds import Site
from networking_nsx.simulator.faults import Due
from networking_nsx.simulator.mh_shapes import Form, Full, Listed, Status
from networking_nsx.simulator.population import Item
from networking_nsx.simulator.settings import SimulatorSettings

ROOT = mh_shapes.ROOT
LOGIN = f"{ROOT}/login"
COOKIE = "nvp_sessionid"
VERSION = "NVP/4.2.0"

_ENCODER = msgspec.json.Encoder()
_PAGE_LENGTH = 1000
_PAGE_MAXIMUM = 5000
_FILTERS = ("uuid", "display_name", "attachment_vif_uuid")


class _Bad(ValueError):
    """A request that NSX-MH answers with 400."""


class _Route(NamedTuple):
    """What a path leads to: `handle` is a method of MhApi."""

    pattern: str
    method: str
    handle: str
    kind: str = ""


_ROUTES = (
    _Route("/login", "POST", "_login"),
    _Route("/control-cluster/node", "GET", "_nodes"),
    _Route("/lswitch", "GET", "_list", "network"),
    _Route("/lswitch/<nsx_id>", "GET", "_read", "network"),
    _Route("/lswitch/<nsx_id>/status", "GET", "_read_status", "network"),
    _Route("/lswitch/*/lport", "GET", "_list", "port"),
    _Route("/lswitch/<parent>/lport", "GET", "_list", "port"),
    _Route("/lswitch/<parent>/lport/<nsx_id>", "GET", "_read", "port"),
    _Route("/lswitch/<parent>/lport/<nsx_id>/status", "GET", "_read_status", "port"),
    _Route("/lrouter", "GET", "_list", "router"),
    _Route("/lrouter/<nsx_id>", "GET", "_read", "router"),
    _Route("/lrouter/<nsx_id>/status", "GET", "_read_status", "router"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: its route, the ids in its path, or the error that it leads nowhere."""

    route: _Route | None
    ids: Mapping[str, str]
    wrong: Answer | None = None

    @property
    def pattern(self) -> str:
        """The path with its ids blotted out, for counting."""
        if self.route is None:
            return "(no such path)"
        return ROOT + self.route.pattern.replace("<", "{").replace(">", "}")


class MhApi:
    """Answers requests below `/ws.v1`."""

    headers = (("Server", VERSION),)  # of every answer

    def __init__(self, settings: SimulatorSettings, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._inventory = site.inventory
        self._catalogue = Catalogue(site.inventory, mh_shapes.terms, self._render)
        rules = [Rule(ROOT + route.pattern, endpoint=route, methods=[route.method]) for route in _ROUTES]
        self._map = Map(rules, merge_slashes=False).bind("nsx")

    def target(self, request: Request) -> Target:
        try:
            route, ids = self._map.match(request.path, request.method)
        except HTTPException as wrong:
            return Target(None, {}, error(wrong.code or 404, wrong.name))
        return Target(route, ids)

    def account(self, request: Request) -> str:
        """Whom a request counts for: the session's account, or the one that wants to log in."""
        known = self._site.sessions[request.node].account(request.cookie(COOKIE))
        return known or request.form().get("username") or "-"

    def answer(self, request: Request, target: Target, due: Due) -> Answer:
        lag = self._lag(request.node)
        wanted = request.headers.get("x-nvp-wait-for-config-generation", "")
        if wanted.isdigit():
            self._inventory.generations.wait(int(wanted), lag, self._settings.generation_wait)
        answer = self._allowed(request, target, due)
        generation = str(self._inventory.generations.known(lag))
        return replace(answer, headers=(*answer.headers, ("X-Nvp-Config-Generation", generation)))

    def _allowed(self, request: Request, target: Target, due: Due) -> Answer:
        login = target.route is not None and target.route.handle == "_login"
        if not login and not self._site.sessions[request.node].valid(request.cookie(COOKIE)):
            return error(401, "Log in first: there is no such session on this node")
        if target.route is None:
            return target.wrong or error(404, "Not Found")
        handle: Callable[..., Answer] = getattr(self, target.route.handle)
        try:
            return handle(request, due, target.route.kind, **target.ids)
        except _Bad as bad:
            return error(400, str(bad))
        except UnknownCursor:
            return error(self._settings.unknown_cursor, "Unknown _page_cursor")

    def _login(self, request: Request, _due: Due, _kind: str) -> Answer:
        form = request.form()
        account = form.get("username", "")
        if (account, form.get("password")) != (self._settings.user, self._settings.password):
            return error(401, "Wrong username or password")
        cookie = f"{COOKIE}={self._site.sessions[request.node].open(account)}; Path=/; HttpOnly"
        return json_answer(200, {}, ("Set-Cookie", cookie))

    def _nodes(self, request: Request, _due: Due, _kind: str) -> Answer:
        fields = _names(request, "fields")
        nodes = [_node(number, url) for number, url in enumerate(self._site.urls)]
        chosen = [
            {key: value for key, value in node.items() if "*" in fields or key in (*fields, "_href")}
            for node in nodes
        ]
        return json_answer(200, {"results": chosen, "result_count": len(chosen)})

    def _read(self, request: Request, due: Due, kind: str, **ids: str) -> Answer:
        return self._object(due, kind, ids, Full(_names(request, "relations")))

    def _read_status(self, _request: Request, due: Due, kind: str, **ids: str) -> Answer:
        return self._object(due, kind, ids, Status())

    def _object(self, due: Due, kind: str, ids: Mapping[str, str], form: Form) -> Answer:
        with self._inventory.lock:
            item = self._inventory.get(ids["nsx_id"])
            absent = item is None or (item.kind, item.parent) != (kind, ids.get("parent"))
            if absent or due.marked("inventory-lost"):
                return error(404, f"There is no {kind} {ids['nsx_id']}")
            page = due.page(Page(tuple(self._catalogue.rendered([ids["nsx_id"]], form))))
        return object_answer(page)

    def _list(self, request: Request, due: Due, kind: str, parent: str | None = None) -> Answer:
        length = _length(request)
        form = Listed(frozenset(_names(request, "fields")), _names(request, "relations"))
        lost = due.marked("inventory-lost")
        with self._inventory.lock:
            if parent and (lost or not self._is_switch(parent)):
                return error(404, f"There is no network {parent}")
            terms = [*_terms(request), *([("lswitch", parent)] if parent else [])]
            ids = [] if lost else self._catalogue.select(kind, terms)
            listing = Listing(f"{kind}@{parent or '*'}", ids, self._settings.cursor)
            page = self._page(request, due, listing, length, form)
        return list_answer(due.page(page), "page_cursor")

    def _page(self, request: Request, due: Due, listing: Listing, length: int, form: Form) -> Page:
        cursor = request.value("_page_cursor")
        if cursor is not None and due.marked("cursor-expired"):
            raise UnknownCursor(cursor)
        return self._catalogue.page(listing, form, cursor, length)

    def _is_switch(self, nsx_id: str) -> bool:
        item = self._inventory.get(nsx_id)
        return item is not None and item.kind == "network"

    def _render(self, item: Item, form: Form) -> bytes:
        return _ENCODER.encode(form.shape(item, self._inventory))

    def _lag(self, node: int) -> float:
        lags = self._settings.node_lag
        return lags[node] if node < len(lags) else 0.0


def _terms(request: Request) -> Iterable[Term]:
    """The query's filters. The first `tag` belongs to the first `tag_scope`, and so on."""
    for name in _FILTERS:
        yield from ((name, value) for value in request.values(name))
    scopes, tags = request.values("tag_scope"), request.values("tag")
    if len(tags) > len(scopes):
        raise _Bad("a tag needs a tag_scope")
    for scope, tag in zip_longest(scopes, tags):
        yield ("tag_scope", scope) if tag is None else (f"tag:{scope}", tag)


def _length(request: Request) -> int:
    asked = request.value("_page_length")
    if asked is None:
        return _PAGE_LENGTH
    if not asked.isdigit() or int(asked) > _PAGE_MAXIMUM:
        raise _Bad(f"_page_length must be a number up to {_PAGE_MAXIMUM}, not {asked!r}")
    return int(asked)


def _names(request: Request, parameter: str) -> tuple[str, ...]:
    values = (name for value in request.values(parameter) for name in value.split(","))
    return tuple(dict.fromkeys(filter(None, values)))


def _node(number: int, url: str) -> mh_shapes.Json:
    scheme, _, address = url.partition("://")
    listen = f"{'pssl' if scheme == 'https' else 'ptcp'}:{address}"
    uuid = f"c0ffee00-0000-4000-8000-{number:012d}"
    return {
        "_href": f"{ROOT}/control-cluster/node/{uuid}",
        "uuid": uuid,
        "display_name": f"controller-{number}",
        "type": "ControlClusterNodeConfig",
        "roles": [{"role": "api_provider", "listen_addr": listen}, {"role": "switch_manager"}],
    }
