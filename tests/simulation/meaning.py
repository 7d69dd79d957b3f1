"""What a status means and whose a row is: design section 5, written a second time, as tables."""

from collections.abc import Mapping
from typing import Any

# What a word of NSX means. A word without an entry proves nothing.
MEANING: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("mh", "network"): {"up": "ACTIVE", "down": "DOWN"},
    ("mh", "router"): {"up": "ACTIVE", "down": "ERROR"},
    ("mh", "port"): {"up": "ACTIVE", "down": "DOWN"},
    ("policy", "network"): {"up": "ACTIVE", "down": "ERROR", "error": "ERROR"},
    ("policy", "router"): {"up": "ACTIVE", "down": "ERROR", "error": "ERROR"},
    ("policy", "port"): {"up": "ACTIVE", "down": "DOWN", "error": "DOWN"},
}
_FOLLOWERS = {
    "mh": {"network:router_gateway"},
    "policy": {"network:router_gateway", "network:router_interface"},
}
KINDS = ("network", "router", "port")
_BADNESS = {"ACTIVE": 0, "DOWN": 2, "ERROR": 3}  # of words that are not ours: between the first two
BAD = ("DOWN", "ERROR")


def worsens(before: str, after: str) -> bool:
    return _BADNESS.get(after, 1) > _BADNESS.get(before, 1)


def place(api: str, columns: Any, network: Any) -> str:
    """out, twin, optional, waiting or follower. `network`: the columns of a port's network."""
    if columns.kind == "router":
        return "twin"
    if columns.kind == "network":
        return "out" if columns.external else "twin"
    bound = columns.vif_type not in (None, "unbound", "binding_failed")
    if columns.owner == "network:floatingip" or (bound and columns.driver != "nsx"):
        return "out"
    if columns.owner in _FOLLOWERS[api]:
        return "follower"
    if columns.owner == "network:router_interface":
        return "optional"
    if not bound:
        return "waiting"
    external = network is not None and network.external
    dhcp = api == "policy" and columns.owner == "network:dhcp"
    return "optional" if external or dhcp else "twin"
