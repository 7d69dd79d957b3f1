"""Neutron's tables, as far as they are read or written, without Neutron.

Neutron's own models would do, but to import them is to import its agents: two seconds of CPU at each start.
A test compares all that is named here with the models.
"""

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, String

from networking_nsx.model import Kind

_METADATA = sa.MetaData()


def _resource(name: str, *columns: Column[object]) -> sa.Table:
    """What every resource has, and what is its own."""
    return sa.Table(
        name,
        _METADATA,
        Column("id", String(36), primary_key=True),
        Column("project_id", String(255)),
        Column("name", String(255)),
        Column("standard_attr_id", BigInteger),
        *columns,
    )


NETWORKS = _resource(
    "networks",
    Column("status", String(16)),
    Column("admin_state_up", Boolean),
    Column("mtu", Integer),
)
ROUTERS = _resource(
    "routers",
    Column("status", String(16)),
    Column("admin_state_up", Boolean),
    Column("enable_snat", Boolean),
)
PORTS = _resource(
    "ports",
    Column("status", String(16)),
    Column("admin_state_up", Boolean),
    Column("network_id", String(36)),
    Column("mac_address", String(32)),
    Column("device_id", String(255)),
    Column("device_owner", String(255)),
)
TABLES: dict[Kind, sa.Table] = {Kind.NETWORK: NETWORKS, Kind.ROUTER: ROUTERS, Kind.PORT: PORTS}

SEGMENTS = sa.Table(
    "networksegments",
    _METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(255)),
    Column("standard_attr_id", BigInteger),
    Column("network_id", String(36)),
    Column("network_type", String(32)),
    Column("physical_network", String(64)),
    Column("segmentation_id", Integer),
    Column("segment_index", Integer),
    Column("is_dynamic", Boolean),
)
EXTERNALS = sa.Table("externalnetworks", _METADATA, Column("network_id", String(36), primary_key=True))
ATTRIBUTES = sa.Table(
    "standardattributes",
    _METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("resource_type", String(255)),
    Column("revision_number", BigInteger),
    # Neutron's type cuts fractions off; here whoever writes does.
    Column("created_at", DateTime),
    Column("updated_at", DateTime),
)
BINDINGS = sa.Table(
    "ml2_port_bindings",
    _METADATA,
    Column("port_id", String(36), primary_key=True),
    Column("host", String(255), primary_key=True),
    Column("vnic_type", String(64)),
    Column("profile", String(4095)),
    Column("vif_type", String(64)),
    Column("vif_details", String(4095)),
    Column("status", String(16)),
)
LEVELS = sa.Table(
    "ml2_port_binding_levels",
    _METADATA,
    Column("port_id", String(36), primary_key=True),
    Column("host", String(255), primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("driver", String(64)),
)
BLOCKS = sa.Table(
    "provisioningblocks",
    _METADATA,
    Column("standard_attr_id", BigInteger, primary_key=True),
    Column("entity", String(255), primary_key=True),
)
ROUTER_EXTRAS = sa.Table(
    "router_extra_attributes",
    _METADATA,
    Column("router_id", String(36), primary_key=True),
    Column("distributed", Boolean),
    Column("service_router", Boolean),
    Column("ha", Boolean),
)

# What a synchronizer reads and writes; `populate` alone has use for more.
NEEDED = (*TABLES.values(), ATTRIBUTES, BINDINGS, LEVELS, SEGMENTS, EXTERNALS, BLOCKS)

ALL = dict(_METADATA.tables)
"""Every table that is named here, by name."""
