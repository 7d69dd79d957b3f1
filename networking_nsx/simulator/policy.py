"""The Policy API and the Manager API beside it, for reading: who is let in, and where a path leads.

Promises: nothing but a login is answered without a session, a password, a token or a certificate; an
answer is of one moment of the inventory.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from networking_nsx.simulator.accounts import COOKIE
from networking_nsx.simulator.exchange import Answer, Request
from networking_nsx.simulator.fault_kinds import Site
from networking_nsx.simulator.faults import Due
from networking_nsx.simulator.feed import Feed
from networking_nsx.simulator.manager_shapes import ManagerShapes
from networking_nsx.simulator.naming import Paths
from networking_nsx.simulator.policy_calls import LOGIN, Call, Route
from networking_nsx.simulator.policy_errors import Wrong, absent
from networking_nsx.simulator.policy_reads import Reads
from networking_nsx.simulator.policy_shapes import PolicyShapes
from networking_nsx.simulator.policy_system import System
from networking_nsx.simulator.search import Search
from networking_nsx.simulator.settings import SimulatorSettings

LOGOUT = "/api/session/destroy"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: its route and the ids in its path, or the error that it leads nowhere."""

    route: Route | None
    ids: Mapping[str, str]
    wrong: Wrong | None = None
    login: bool = False

    @property
    def pattern(self) -> str:
        """The path with its ids blotted out, for counting."""
        if self.route is None:
            return "(no such path)"
        return self.route.pattern.replace("<", "{").replace(">", "}")


class PolicyApi:
    """Answers requests below `/policy` and `/api`."""

    headers = ()  # of every answer

    def __init__(self, settings: SimulatorSettings, site: Site) -> None:
        self._accounts = site.accounts
        self._secure = "Secure; " if settings.tls else ""
        shared = (Paths(site.inventory), settings.deployment_id, settings.edge_routers)
        policy, manager = PolicyShapes(*shared), ManagerShapes(*shared)
        feed = Feed(settings, site.inventory, policy, manager)
        routes = [
            Route(LOGIN, self._login, "POST"),
            Route(LOGOUT, self._logout, "POST"),
            *System(settings, site.urls).routes(),
            *Reads(site.inventory, policy, manager, feed, site.readings).routes(),
            *Search(settings, site.inventory, feed).routes(),
        ]
        rules = [Rule(route.pattern, endpoint=route, methods=[route.method]) for route in routes]
        self._map = Map(rules, merge_slashes=False).bind("nsx")

    def target(self, request: Request) -> Target:
        try:
            route, ids = self._map.match(request.path, request.method)
        except HTTPException as wrong:
            missing = wrong.code in (None, 404)
            error = absent(request.path) if missing else Wrong(wrong.code or 404, 405, wrong.name)
            return Target(None, {}, error)
        return Target(route, ids, login=route.pattern == LOGIN)

    def account(self, request: Request) -> str:
        """Whom a request counts for: the account that is in, or the one that wants to log in."""
        if request.path == LOGIN:
            return request.form().get("j_username") or "-"
        return self._accounts.named(request)

    def answer(self, request: Request, target: Target, due: Due) -> Answer:
        try:
            return self._answer(request, target, due)
        except Wrong as wrong:
            return wrong.answer()

    def _answer(self, request: Request, target: Target, due: Due) -> Answer:
        account = "" if target.login else self._accounts.admit(request)
        if target.route is None:
            raise target.wrong or absent(request.path)
        return target.route.handle(Call(request, due, account, target.ids))

    def _login(self, call: Call) -> Answer:
        form = call.request.form()
        account = self._accounts.check(form.get("j_username", ""), form.get("j_password", ""))
        cookie, xsrf = self._accounts.open(call.request.node, account)
        headers = (
            ("Set-Cookie", f"{COOKIE}={cookie}; Path=/; {self._secure}HttpOnly"),
            ("X-XSRF-TOKEN", xsrf),
        )
        return Answer(200, b"", headers)

    def _logout(self, call: Call) -> Answer:
        self._accounts.close(call.request)
        return Answer(200)
