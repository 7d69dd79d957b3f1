"""What can be asked of an NSX-MH."""

import re

from msgspec import Struct

from networking_nsx.nsx.checks import (
    Check,
    Finding,
    Manager,
    certificate,
    clock,
    listing,
    no_connection,
    ok,
    reachable,
    rights,
    warn,
)
from networking_nsx.nsx.decoding import Reading

_COUNT = "/ws.v1/lswitch?_page_length=0"  # the cheapest question that needs a session
_NODES = "/ws.v1/control-cluster/node"
_VERSION = re.compile(r"NVP/(\d+)\.\S+")
_DIGITS = 5  # of a port
_KNOWN = range(2, 5)  # major versions, as vmware-nsx knew them
_ANYWHERE = ("", "0.0.0.0", "[::]")  # noqa: S104 - a controller may tell so; nothing listens here


class _Role(Struct):
    listen_addr: str = ""  # pssl:host:port


class _Node(Struct):
    roles: list[_Role] = []


_CONTROLLERS = Reading(_Node, "page_cursor")


def _login(manager: Manager) -> Finding:
    manager.client.get(_COUNT)
    return ok("logged in")


def _version(manager: Manager) -> Finding:
    server = manager.client.get(_COUNT).headers.get("Server", "")
    found = _VERSION.match(server)
    if found and int(found[1]) in _KNOWN:
        return ok(server)
    return warn(
        f"{server or 'no version told'}: NVP/2 to NVP/4 are known",
        "see that [nsx] api = mh is what it speaks",
    )


def _health(manager: Manager) -> Finding:
    """Whether every controller that NSX names takes connections."""
    nodes = _CONTROLLERS.page(manager.client.get(_NODES, [("fields", "roles")]).body).things
    addresses = [address for node in nodes for role in node.roles for address in _addresses(role)]
    dead = [host for host in addresses if no_connection(host, manager.http.connect_timeout)]
    if dead:
        names = ", ".join(f"{host}:{port}" for host, port in dead)
        return warn(
            f"{len(dead)} of {len(nodes)} controllers take no connections from here: {names}", "see why"
        )
    return ok(f"{len(nodes)} controllers")


def _addresses(role: _Role) -> list[tuple[str, int]]:
    """The address that a role listens on, if it has one that can be asked."""
    _, _, address = role.listen_addr.partition(":")
    host, _, port = address.rpartition(":")
    known = port.isdecimal() and len(port) <= _DIGITS  # int() refuses thousands of them with a ValueError
    return [(host.strip("[]"), int(port))] if host not in _ANYWHERE and known else []


MANAGER = (
    Check("reachable", reachable),
    Check("certificate", certificate, ("reachable",)),
    Check("login", _login, ("certificate",)),
    Check("clock", clock(_COUNT), ("login",)),
    Check("version", _version, ("login",)),
    Check("rights", rights, ("login",)),
    Check("health", _health, ("login",)),
)
NSX = (Check("listing", listing, ("login", "rights")),)
