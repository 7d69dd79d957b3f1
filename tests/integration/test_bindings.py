"""Where ports are bound and what blocks them, in Neutron's real tables."""

import pytest
from cloud import Cloud

from networking_nsx.model import Key, Kind
from networking_nsx.neutron.bindings import Bindings


@pytest.fixture
def cloud(neutron_database):
    return Cloud(neutron_database)


@pytest.fixture
def bindings(cloud):
    return Bindings(cloud.engine)


def test_a_port_has_the_host_of_its_active_binding(cloud, bindings):
    """Not that of a migration under way."""
    port = cloud.port(vif_type=None)
    cloud.bind(port, "new", status="INACTIVE", driver=None)
    cloud.bind(port, "old")

    assert bindings.host_of(Key(Kind.PORT, port)) == "old"
    assert bindings.host_of(Key(Kind.PORT, cloud.port(vif_type=None))) == ""
    assert bindings.host_of(Key(Kind.NETWORK, cloud.network())) == ""


def test_the_ports_of_a_host_are_those_bound_there_now(cloud, bindings):
    """By id."""
    there = sorted(cloud.port() for _ in range(3))
    elsewhere = cloud.port(vif_type=None)
    cloud.bind(elsewhere, "compute-2")

    assert bindings.ports_on("compute-1") == [Key(Kind.PORT, port) for port in there]
    assert bindings.ports_on("nowhere") == []


def test_the_blocks_of_a_row_are_told_by_entity(cloud, bindings):
    """Whosever they are."""
    port = cloud.port(blocks=("L2", "DHCP"))

    assert bindings.blocks_of(Key(Kind.PORT, port)) == ["DHCP", "L2"]
    assert bindings.blocks_of(Key(Kind.PORT, cloud.port())) == []
