"""What NSX ought to have for a port differs with the API that made it."""

import pytest

from networking_nsx.model import Kind
from networking_nsx.neutron.scope import Scope, judge

BOUND = ("ovs", False, True, True)  # vif_type, external, inside, bound by ours
UNBOUND = ("unbound", False, True, False)


@pytest.mark.parametrize(
    ("api", "owner", "columns", "expects_twin", "follows"),
    [
        ("mh", "compute:nova", BOUND, True, False),
        ("policy", "compute:nova", BOUND, True, False),
        ("mh", "network:dhcp", BOUND, True, False),
        ("policy", "network:dhcp", BOUND, False, False),
        ("mh", "network:router_interface", UNBOUND, False, False),
        ("policy", "network:router_interface", UNBOUND, False, True),
        ("mh", "network:router_gateway", UNBOUND, False, True),
        ("policy", "network:router_gateway", UNBOUND, False, True),
        ("mh", "compute:nova", UNBOUND, False, False),
        ("policy", "compute:nova", UNBOUND, False, False),
    ],
)
def test_a_port_and_its_object(api, owner, columns, expects_twin, follows):
    standing = judge(Scope(api=api), Kind.PORT, owner, *columns)

    assert standing.in_scope
    assert (standing.expects_twin, standing.follows_router) == (expects_twin, follows)


@pytest.mark.parametrize("api", ["mh", "policy"])
@pytest.mark.parametrize(
    ("owner", "columns"),
    [
        ("network:floatingip", BOUND),
        ("compute:nova", ("ovs", False, False, True)),  # outside
        ("compute:nova", ("ovs", False, True, False)),  # bound by another driver
    ],
)
def test_what_is_never_ours(api, owner, columns):
    assert not judge(Scope(api=api), Kind.PORT, owner, *columns).in_scope
