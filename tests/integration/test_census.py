"""How many rows have which status, counted by real databases."""

import pytest
from cloud import Cloud, HandClock

from networking_nsx.model import Kind
from networking_nsx.neutron.census import KINDS, By, Census
from networking_nsx.neutron.scope import Scope


@pytest.fixture
def cloud(neutron_database):
    return Cloud(neutron_database)


@pytest.fixture
def census(cloud):
    return Census(cloud.engine, Scope(drivers=("nsx",)), HandClock())


def _counts(groups):
    return [(group.id, dict(group.counts)) for group in groups]


class TestGroups:
    def test_ports_are_counted_by_the_host_that_they_are_bound_to(self, cloud, census):
        """The host with most ports that are bad comes first; the binding that is migrated to counts not."""
        network = cloud.network()
        for host, status in (("esx-1", "ACTIVE"), ("esx-2", "DOWN"), ("esx-2", "ERROR"), ("esx-3", "DOWN")):
            port = cloud.port(network, status=status, vif_type=None)
            cloud.bind(port, host)
            cloud.bind(port, "esx-9", status="INACTIVE")

        assert _counts(census.groups(Kind.PORT, By.HOST)) == [
            ("esx-2", {"DOWN": 1, "ERROR": 1}),
            ("esx-3", {"DOWN": 1}),
            ("esx-1", {"ACTIVE": 1}),
        ]

    def test_ports_are_counted_by_their_segment_which_has_its_networks_name(self, cloud, census):
        """Its id is the network's."""
        red, blue = cloud.network(name="red"), cloud.network(name="blue")
        for network, status in ((red, "DOWN"), (red, "DOWN"), (blue, "ACTIVE")):
            cloud.port(network, status=status)

        assert census.groups(Kind.PORT, By.SEGMENT) == [
            (red, "red", {"DOWN": 2}),
            (blue, "blue", {"ACTIVE": 1}),
        ]

    @pytest.mark.parametrize("kind", Kind)
    def test_every_kind_is_counted_by_project(self, cloud, census, kind):
        """A project is that of the row itself."""
        add = {Kind.NETWORK: cloud.network, Kind.ROUTER: cloud.router, Kind.PORT: _port(cloud)}[kind]
        for project, status in (("a", "ACTIVE"), ("b", "ERROR"), ("b", "ACTIVE")):
            add(project_id=project, status=status)

        groups = [
            group
            for group in _counts(census.groups(kind, By.PROJECT))
            if group[0] != "project"  # the ports' networks
        ]
        assert groups == [("b", {"ACTIVE": 1, "ERROR": 1}), ("a", {"ACTIVE": 1})]

    def test_ports_with_another_status_are_left_out_where_one_is_asked_for(self, cloud, census):
        """As the ports that are DOWN."""
        cloud.port(status="ACTIVE")
        cloud.port(status="DOWN")

        assert _counts(census.down_ports(By.HOST)) == [("compute-1", {"DOWN": 1})]

    def test_rows_that_are_not_ours_are_not_counted(self, cloud, census):
        """Whatever their status is, it says nothing of NSX."""
        network = cloud.network()
        cloud.port(network, driver="openvswitch")
        cloud.port(network, device_owner="network:floatingip", status="N/A")
        cloud.port(network, status="DOWN")

        assert _counts(census.groups(Kind.PORT, By.HOST)) == [("compute-1", {"DOWN": 1})]

    def test_a_port_without_a_host_has_a_group_without_a_name(self, cloud, census):
        """It is bound to none."""
        cloud.port(vif_type=None)

        assert _counts(census.groups(Kind.PORT, By.HOST)) == [("", {"DOWN": 1})]

    def test_a_kind_without_such_a_thing_is_refused(self, census):
        """Networks and routers have no host: nobody is told that there are none."""
        assert Kind.ROUTER not in KINDS[By.HOST]
        with pytest.raises(ValueError, match="a router has no host"):
            census.groups(Kind.ROUTER, By.HOST)


def test_a_row_is_found_by_its_id_whatever_its_kind_is(cloud, census):
    """An id that only looks alike is another one, also for MariaDB."""
    router = cloud.router(id="ab")
    cloud.network(id="ac")

    assert [row.key for row in census.rows("ab")] == [(Kind.ROUTER, router)]
    assert census.rows("AB") == census.rows("ab ") == census.rows("") == []


def _port(cloud):
    network = cloud.network()
    return lambda **columns: cloud.port(network, **columns)
