"""What is not ours: networks of other types, ports of other drivers, ports that nobody bound."""

import uuid
from datetime import datetime

import pytest
import sqlalchemy as sa
from line import Line, differing

from networking_nsx.neutron import records
from networking_nsx.neutron.scope import Scope
from networking_nsx.simulator import Simulator

SCOPE = Scope(network_types=("geneve",), drivers=("nsx",))
NETWORKS, PORTS, UNBOUND = 40, 400, 5000
LONG_AGO = datetime(2020, 2, 2)  # noqa: DTZ001 - as Neutron stores it


@pytest.fixture
def sim():
    with Simulator(networks=NETWORKS, routers=10, ports=PORTS) as simulator:
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    """Every second network is of another driver, with its ports, whatever NSX has for them."""
    with Line(sqlite, sim, scope=SCOPE) as line:
        others = foreign_networks(sim)
        for network in others:
            line.execute(
                "UPDATE networksegments SET network_type = 'vlan', physical_network = 'other'"
                " WHERE network_id = :id",
                id=network,
            )
        line.execute(
            "UPDATE ml2_port_binding_levels SET driver = 'openvswitch' WHERE port_id IN"
            " (SELECT p.id FROM ports p JOIN networksegments s"
            " ON s.network_id = p.network_id WHERE s.network_type = 'vlan')"
        )
        yield line


def foreign_networks(sim):
    return [item.neutron_id for item in sim.inventory("network")[1::2]]


def insert_ports(line, networks, *, driver=None, status="DOWN"):
    """Put ports by Core inserts, one per network given; without a driver nobody has bound them."""
    with line.engine.begin() as connection:
        number = connection.scalar(sa.select(sa.func.max(records.ATTRIBUTES.c.id))) + 1
        ids = [str(uuid.uuid4()) for _ in networks]
        attributes = [
            {
                "id": number + place,
                "resource_type": "ports",
                "revision_number": 7,
                "created_at": LONG_AGO,
                "updated_at": LONG_AGO,
            }
            for place in range(len(ids))
        ]
        ports = [
            {
                "id": port,
                "standard_attr_id": number + place,
                "project_id": "project",
                "name": "",
                "status": status,
                "admin_state_up": True,
                "network_id": network,
                "mac_address": "02:00:" + (number + place).to_bytes(4, "big").hex(":"),
                "device_id": "",
                "device_owner": "",
            }
            for place, (port, network) in enumerate(zip(ids, networks, strict=True))
        ]
        connection.execute(sa.insert(records.ATTRIBUTES), attributes)
        connection.execute(sa.insert(records.TABLES[records.Kind.PORT]), ports)
        vif_type = "ovs" if driver else "unbound"
        binding = {
            "host": "compute-9",
            "vif_type": vif_type,
            "vnic_type": "normal",
            "profile": "",
            "vif_details": "",
            "status": "ACTIVE",
        }
        connection.execute(sa.insert(records.BINDINGS), [{"port_id": port, **binding} for port in ids])
        if driver:
            level = {"host": "compute-9", "level": 0, "driver": driver}
            connection.execute(sa.insert(records.LEVELS), [{"port_id": port, **level} for port in ids])
    return ids


def rows_of(line, ids):
    """Status, revision and date of these rows, as they lie in the tables."""
    wanted = set(ids)
    return {key: row for key, row in line.rows().items() if key[1] in wanted}


def test_other_drivers_networks_and_unbound_ports_are_never_written(sim, line):
    """Ten sweeps, NSX having objects of the same ids, up, down and gone: status, revision and date stay."""
    others = foreign_networks(sim)
    ours = [item.neutron_id for item in sim.inventory("network")[::2]]
    of_others = [item.neutron_id for item in sim.inventory("port") if item.network_id in set(others)]
    unbound = insert_ports(line, [ours[place % len(ours)] for place in range(UNBOUND)])
    bound_elsewhere = insert_ports(
        line, [network for network in ours for _ in range(10)], driver="openvswitch", status="ACTIVE"
    )
    sim.create("port", ids=unbound[:50], network_id=ours[0], status="down")
    sim.create("port", ids=unbound[50:100], network_id=ours[0], status="up")
    sim.create("port", ids=bound_elsewhere[:50], network_id=ours[0], status="down")
    foreign = {*others, *of_others, *unbound, *bound_elsewhere}
    before = rows_of(line, foreign)
    mine = {key: status for key, status in line.statuses().items() if key[1] not in foreign}

    for number in range(10):
        for kind in ("network", "port"):
            sim.set_status(kind, "down" if number % 2 else "up", [*others, *of_others])
        sim.set_status("router", "down" if number % 4 > 1 else "up", fraction=0.3)
        if number == 6:
            sim.delete("port", of_others[:100])
            sim.delete("network", others[:5])
        summary = line.sweep()
        line.clock.sleep(700)

    assert len(before) == len(others) + len(of_others) + UNBOUND + len(bound_elsewhere)
    assert rows_of(line, foreign) == before
    assert summary.counts["observed"] > len(mine)
    assert differing({key: line.statuses()[key] for key in mine}, line.truth(mine)) == {}
    assert {status for (kind, _), status in line.statuses().items() if kind == "network"} == {"ACTIVE"}


def test_faults_of_all_that_is_ours_do_not_reach_the_others(sim, line):
    """Everything down, lost, restored: half of the networks and ports has nothing to do with it."""
    others = foreign_networks(sim)
    of_others = [item.neutron_id for item in sim.inventory("port") if item.network_id in set(others)]
    before = rows_of(line, [*others, *of_others])
    line.sweep()
    for kind in ("network", "router", "port"):
        sim.set_status(kind, "down")
    line.sweep(3)
    sim.faults.add("inventory-lost")
    line.sweep(3)
    sim.faults.clear()
    rule = sim.faults.add("inventory-restored")
    line.sweep(2)

    assert rule.fired == 1
    assert rows_of(line, [*others, *of_others]) == before
    assert set(line.statuses("router").values()) == {"ACTIVE"}


def test_without_limits_all_is_ours(sqlite, sim):
    """The same rows, had the operator set no limits: so it was the scope that kept them."""
    with Line(sqlite, sim) as line:
        line.execute("UPDATE networksegments SET network_type = 'vlan', physical_network = 'other'")
        line.execute("UPDATE ml2_port_binding_levels SET driver = 'openvswitch'")
        line.sweep()

        assert set(line.statuses("port").values()) == {"ACTIVE"}
