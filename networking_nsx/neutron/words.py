"""Neutron's words, as they stand in its rows. A test compares them with neutron-lib's constants.

neutron-lib's own would do, but importing any part of it costs a third of a second at each start.
"""

ACTIVE = "ACTIVE"

COMPUTE_PREFIX = "compute:"  # of the owners that are instances
FLOATING_IP = "network:floatingip"
ROUTER_GATEWAY = "network:router_gateway"
DHCP = "network:dhcp"
ROUTER_INTERFACES = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
    "network:router_ha_interface",
    "network:router_centralized_snat",
)

UNBOUND = "unbound"  # these are kinds of virtual interfaces
BINDING_FAILED = "binding_failed"
