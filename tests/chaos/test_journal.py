"""The triggers tell of every change of a row, of who made it, and of what the row was then."""

import pymysql
import pytest
import sqlalchemy as sa
from chaos import journal
from chaos.judge import Entry
from chaos.rows import Rows
from cloud import Cloud


@pytest.fixture
def root(mariadb):
    """A cursor on a server whose rows are watched."""
    connection = pymysql.connect(host="127.0.0.1", port=mariadb.url.port, user="root", autocommit=True)
    with connection.cursor() as cursor:
        journal.install(cursor)
        yield cursor
        journal.remove(cursor)
    connection.close()


@pytest.fixture
def writer(mariadb):
    """Executes as the synchronizer's user, a transaction each time."""
    url = mariadb.url.set(username=journal.WRITER, password=journal.WRITER)
    engine = sa.create_engine(url)

    def execute(*statements: str, commit: bool = True) -> None:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            (connection.commit if commit else connection.rollback)()

    yield execute
    engine.dispose()


def told(root, row_id):
    """Who wrote what, of this row."""
    return [(entry.who, entry.old, entry.new) for entry in journal.read(root) if entry.id == row_id]


def facts(root) -> Entry:
    return journal.read(root)[-1]


@pytest.mark.parametrize("kind", ["network", "router", "port"])
def test_a_status_that_is_written_is_told(mariadb, root, writer, kind):
    """Of each kind, whoever writes it; what is rolled back never was."""
    cloud = Cloud(mariadb)
    row_id = getattr(cloud, kind)(status="DOWN")
    before = len(told(root, row_id))
    writer(f"UPDATE {kind}s SET status = 'ACTIVE' WHERE id = '{row_id}'", commit=False)
    writer(f"UPDATE {kind}s SET status = 'ACTIVE' WHERE id = '{row_id}'")
    details = {"kind": kind, "id": row_id, "status": "ERROR", "quiet": True}
    Rows(mariadb.url.port).act("wreck", details)

    assert told(root, row_id)[before:] == [("nsx", "DOWN", "ACTIVE"), ("neutron", "ACTIVE", "ERROR")]
    assert abs(facts(root).at - float(root_time(root))) < 60


def root_time(root):
    root.execute("SELECT UNIX_TIMESTAMP(SYSDATE(6))")
    return root.fetchone()[0]


def test_a_users_change_that_leaves_the_status_alone_is_told_as_one(mariadb, root):
    """Of the row, and of what only its revision shows."""
    cloud = Cloud(mariadb)
    port_id = cloud.port(vif_type="unbound", driver=None)
    rows = Rows(mariadb.url.port)
    before = len(told(root, port_id))
    rows.act("rename", {"id": port_id})
    renamed = told(root, port_id)[before:]
    rows.act("bind", {"id": port_id, "blocks": ""})

    assert renamed == [("neutron", "", ""), ("neutron", "DOWN", "")]
    assert told(root, port_id)[before + 2 :] == [("neutron", "", "")]


@pytest.mark.parametrize(
    ("port", "bound", "ours"),
    [
        ({}, True, True),
        ({"driver": "ovn"}, True, False),
        ({"vif_type": "unbound", "driver": None}, False, True),
        ({"vif_type": None}, False, True),
        ({"device_owner": "network:floatingip"}, True, False),
    ],
)
def test_what_a_port_was_when_it_was_written(mariadb, root, writer, port, bound, ours):
    """Bound or not, by whom, blocked, disabled."""
    cloud = Cloud(mariadb)
    port_id = cloud.port(**port, admin_state_up=False, blocks=("DHCP",))
    writer(f"UPDATE ports SET status = 'ACTIVE' WHERE id = '{port_id}'")
    found = facts(root)

    assert (found.id, found.bound, found.ours) == (port_id, bound, ours)
    assert (found.blocked, found.admin_up) == (True, False)


def test_an_external_network_is_not_ours(mariadb, root, writer):
    """Nobody may write it but others."""
    network_id = Cloud(mariadb).network(external=True)
    writer(f"UPDATE networks SET status = 'DOWN' WHERE id = '{network_id}'")

    assert not facts(root).ours


def test_a_users_acts_do_to_the_rows_what_they_say(mariadb, root):
    """A port's whole life; what differs from NSX is seen by plain SQL."""
    cloud = Cloud(mariadb)
    rows = Rows(mariadb.url.port)
    network = cloud.network()
    rows.act("create", {"id": "p", "network_id": network})
    unbound = rows.differing("mh", {("network", network): ("up",), ("port", "p"): ("up",)})
    rows.act("bind", {"id": "p", "blocks": "L2,DHCP"})
    blocked = rows.differing("mh", {("network", network): ("up",), ("port", "p"): ("up",)})
    missing = rows.differing("mh", {("network", network): ("up",)})
    blocks = cloud.blocks("p")
    rows.act("serve", {"id": "p", "quiet": True})
    bound = rows.differing("mh", {("network", network): ("up",), ("port", "p"): ("up",)})
    rows.act("admin", {"id": "p", "up": False})
    disabled = rows.differing("mh", {("network", network): ("up",), ("port", "p"): ("up",)})
    gone = rows.differing("mh", {("port", "p"): ()})
    rows.act("delete", {"id": "p"})

    assert missing == {("port", "p"): ("DOWN", "ERROR")}
    assert (unbound, blocked, bound) == ({}, {}, {("port", "p"): ("DOWN", "ACTIVE")})
    assert (blocks, cloud.blocks("p")) == ({"L2", "DHCP"}, set())
    assert disabled == {}
    assert gone == {("port", "p"): ("DOWN", "ERROR"), ("network", network): ("ACTIVE", "ERROR")}
    assert cloud.statuses() == {}
