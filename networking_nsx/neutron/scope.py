"""Which of Neutron's rows are ours, and what NSX ought to have for them: rules as tables.

Every rule is pure: what the database holds of one row goes in, its `Standing` comes out. The first line of
a table that fits decides.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from networking_nsx.model import Kind
from networking_nsx.neutron import words
from networking_nsx.scope import Scope


class Standing(NamedTuple):
    """What a row's columns say of it, its administrative state aside."""

    in_scope: bool
    expects_twin: bool
    may_activate: bool
    follows_router: bool


class Role(Enum):
    """What a port is for, as far as it matters here."""

    FLOATING_IP = "floating IP"  # its status is "N/A", for ever
    GATEWAY = "gateway"
    INTERFACE = "router interface"
    DHCP = "DHCP server"
    OTHER = "any other"


class Place(Enum):
    """Where a network lies."""

    INSIDE = "inside our scope"
    EXTERNAL = "external"
    OUTSIDE = "outside"


class Binding(Enum):
    """Who bound a port."""

    NONE = "nobody"
    OURS = "one of our drivers"
    OTHERS = "another driver"


_NEVER = Standing(in_scope=False, expects_twin=False, may_activate=False, follows_router=False)
_TWIN = Standing(in_scope=True, expects_twin=True, may_activate=True, follows_router=False)
_OPTIONAL = Standing(in_scope=True, expects_twin=False, may_activate=True, follows_router=False)
_FOLLOWER = Standing(in_scope=True, expects_twin=False, may_activate=True, follows_router=True)
_WAITING = Standing(in_scope=True, expects_twin=False, may_activate=False, follows_router=False)

_ANY = None

_PORTS = (
    # role             network         binding         standing
    (Role.FLOATING_IP, _ANY,           _ANY,           _NEVER),
    (_ANY,             Place.OUTSIDE,  _ANY,           _NEVER),
    (_ANY,             _ANY,           Binding.OTHERS, _NEVER),
    (Role.GATEWAY,     _ANY,           _ANY,           _FOLLOWER),
    (Role.INTERFACE,   _ANY,           _ANY,           _OPTIONAL),
    (_ANY,             _ANY,           Binding.NONE,   _WAITING),
    (_ANY,             Place.EXTERNAL, _ANY,           _OPTIONAL),
    (_ANY,             _ANY,           _ANY,           _TWIN),
)  # fmt: skip

# By API. A gateway port is its router's uplink. In NSX-MH a router interface has a logical switch port of
# its own, but Neutron never binds it, so its absence proves nothing. In NSX Policy it has none, and shares
# its router's state; nor has a DHCP port, which NSX serves without one (as vmware-nsx's policy plug-in).
_PORTS_BY_API = {
    "mh": _PORTS,
    "policy": (
        *_PORTS[:4],
        (Role.INTERFACE, _ANY, _ANY, _FOLLOWER),
        (Role.DHCP, _ANY, _ANY, _OPTIONAL),
        *_PORTS[5:],
    ),
}

_NETWORKS = {Place.INSIDE: _TWIN, Place.EXTERNAL: _NEVER, Place.OUTSIDE: _NEVER}

_ROLES = {
    words.FLOATING_IP: Role.FLOATING_IP,
    words.ROUTER_GATEWAY: Role.GATEWAY,
    words.DHCP: Role.DHCP,
    **dict.fromkeys(words.ROUTER_INTERFACES, Role.INTERFACE),
}

# None: the port has no active binding at all.
_NOT_BOUND = (None, words.UNBOUND, words.BINDING_FAILED)


def judge(scope: Scope, kind: Kind, *columns: object) -> Standing:
    """Judge a row of a kind by the columns that its rule asks for."""
    if scope.kinds and kind not in scope.kinds:
        return _NEVER
    return _RULES[kind](scope, *columns)


def _port(
    scope: Scope, owner: str, vif_type: str | None, external: object, inside: object, ours: object
) -> Standing:
    """Judge a port by its columns; the last three are truth values as a database spells them."""
    asked = (_ROLES.get(owner, Role.OTHER), _place(external, inside), _binding(vif_type, ours))
    return next(standing for *rule, standing in _PORTS_BY_API[scope.api] if _fits(tuple(rule), asked))


def _network(_scope: Scope, external: object, inside: object) -> Standing:
    return _NETWORKS[_place(external, inside)]


def _router(_scope: Scope) -> Standing:
    return _TWIN


_RULES: dict[Kind, Callable[..., Standing]] = {Kind.NETWORK: _network, Kind.ROUTER: _router, Kind.PORT: _port}


def _place(external: object, inside: object) -> Place:
    if external:
        return Place.EXTERNAL
    return Place.INSIDE if inside else Place.OUTSIDE


def _binding(vif_type: str | None, ours: object) -> Binding:
    if vif_type in _NOT_BOUND:
        return Binding.NONE
    return Binding.OURS if ours else Binding.OTHERS


def _fits(rule: tuple[object, ...], asked: tuple[object, ...]) -> bool:
    return all(wanted is _ANY or wanted is value for wanted, value in zip(rule, asked, strict=True))
