"""The store against other writers at the same moment: locks, deadlocks, and whoever completes a port, too."""

import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from cloud import TABLES, Cloud, Ear, HandClock, change, port_key
from oslo_config import cfg
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from waiting import wait_for, wait_for_a_waiting_lock

from networking_nsx.errors import StoreError
from networking_nsx.model import Key, Kind, Status, Verdict
from networking_nsx.neutron import database
from networking_nsx.neutron.populate import populate
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore

ACTIVE = Status.ACTIVE
PORTS, BLOCKS = TABLES["ports"], TABLES["provisioningblocks"]


class RealPauses(HandClock):
    """Really waits a little, and writes it down."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        time.sleep(min(seconds, 0.2))


@pytest.fixture
def clock():
    return RealPauses()


@pytest.fixture(scope="module")
def neutron():
    """Neutron's own code: seconds to import, for the test process that needs it."""
    from neutron.db import models_v2  # noqa: PLC0415
    from neutron.objects import network, ports, router  # noqa: PLC0415
    from neutron_lib import context  # noqa: PLC0415
    from neutron_lib.db import api  # noqa: PLC0415

    objects = {Kind.NETWORK: network.Network, Kind.ROUTER: router.Router, Kind.PORT: ports.Port}
    return SimpleNamespace(port=models_v2.Port, objects=objects, context=context, api=api)


def store_on(engine, clock):
    return NeutronStore(engine, Scope(), Ear(), clock)


@contextmanager
def writing(store, changes):
    """Write in a thread while the block runs; gives the list that the outcomes come to."""
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.extend(store.write(changes)))
    thread.start()
    yield outcomes
    thread.join(30)
    assert not thread.is_alive()


def test_a_deadlock_is_tried_again(mariadb, clock):
    """The server ends one of two transactions that wait for each other: ours begins again and writes all."""
    cloud, store = Cloud(mariadb), store_on(mariadb, clock)
    ids = sorted(cloud.port() for _ in range(2))
    changes = [change(row, ACTIVE) for row in store.rows([port_key(port_id) for port_id in ids])]

    with mariadb.connect() as watcher, mariadb.connect() as other:
        # The server ends the transaction that did less.
        populate(mariadb, [{"kind": "router", "neutron_id": f"r{i}"} for i in range(100)])
        other.execute(sa.update(TABLES["routers"]).values(name="much"))
        other.execute(sa.update(PORTS).where(PORTS.c.id == ids[1]).values(name="first"))
        with writing(store, changes) as outcomes:
            wait_for_a_waiting_lock(watcher)
            other.execute(sa.update(PORTS).where(PORTS.c.id == ids[0]).values(name="second"))
            other.commit()

    assert clock.slept
    assert [outcome.verdict for outcome in outcomes] == [Verdict.WRITTEN] * 2
    assert set(cloud.statuses().values()) == {"ACTIVE"}


def test_a_row_that_stays_locked_is_a_clear_error(mariadb):
    """A lock is waited for only so long and so often; what was committed before stays."""
    clock = HandClock()
    impatient = database.engine(mariadb.url.render_as_string(hide_password=False))
    sa.event.listen(impatient, "connect", _never_wait)
    cloud, store = Cloud(mariadb), store_on(impatient, clock)
    network_id = cloud.network(status="DOWN")
    port_id = cloud.port()
    rows = store.rows([port_key(port_id), Key(Kind.NETWORK, network_id)])

    with mariadb.connect() as other:
        other.execute(sa.update(PORTS).where(PORTS.c.id == port_id).values(name="locked"))
        with pytest.raises(StoreError, match="stays locked"):
            store.write([change(row, ACTIVE) for row in rows])

    assert cloud.statuses("networks")[network_id] == "ACTIVE"
    assert cloud.statuses() == {port_id: "DOWN"}
    assert len(clock.slept) < 10


def _never_wait(connection, _record):
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 0")


def test_a_locked_sqlite_file_is_tried_again(sqlite, clock):
    """SQLite has one lock; whoever finds it taken comes back."""
    cloud = Cloud(sqlite)
    store = store_on(database.engine(f"{sqlite.url}?timeout=0.05"), clock)
    (row,) = store.rows([port_key(cloud.port())])

    with sqlite.connect() as other:
        other.execute(sa.update(PORTS).values(name="held"))
        with writing(store, [change(row, ACTIVE)]) as outcomes:
            wait_for(lambda: clock.slept)
            other.commit()

    assert clock.slept
    assert [outcome.verdict for outcome in outcomes] == [Verdict.WRITTEN]


@pytest.mark.parametrize("we_come_first", [True, False])
def test_two_entities_completing_at_once_leave_no_port_behind(mariadb, clock, we_come_first):
    """Whichever way our completion crosses DHCP's, a look later the port is ACTIVE.

    DHCP does as neutron.db.provisioning_blocks.provisioning_complete: in one transaction it deletes its
    block, then activates the port unless its snapshot shows another one.
    """
    cloud, store = Cloud(mariadb), store_on(mariadb, clock)
    row = store.rows([port_key(cloud.port(blocks=("L2", "DHCP")))])[0]
    number = cloud.value("ports", row.id, "standard_attr_id")

    with mariadb.connect() as dhcp:
        dhcp.execute(sa.select(PORTS.c.id)).all()  # its snapshot begins
        if we_come_first:
            store.write([change(row, ACTIVE)])
        dhcp.execute(sa.delete(BLOCKS).where(BLOCKS.c.standard_attr_id == number, BLOCKS.c.entity == "DHCP"))
        if not we_come_first:
            store.write([change(row, ACTIVE)])
        still_there = dhcp.scalar(sa.select(BLOCKS.c.entity).where(BLOCKS.c.standard_attr_id == number))
        dhcp.commit()
    (outcome,) = store.write([change(row, ACTIVE)])

    assert still_there == "L2"  # so DHCP activates nothing
    assert (outcome.verdict, cloud.statuses()) == (Verdict.WRITTEN, {row.id: "ACTIVE"})


def test_a_commit_whose_answer_is_lost_is_told_to_nova_later(mariadb, clock):
    """The write failed for all that we know; once the database is back, Nova hears of what it holds."""
    ear, cloud = Ear(), Cloud(mariadb)
    store = NeutronStore(mariadb, Scope(), ear, clock)
    (row,) = store.rows([port_key(cloud.port())])

    @sa.event.listens_for(mariadb, "commit", once=True)
    def cut(connection):
        raw = connection.connection.dbapi_connection
        raw.commit()
        raw._sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001

    with pytest.raises(StoreError, match="does not answer"):
        store.write([change(row, ACTIVE)])
    told_before = list(ear.events)
    (stands,) = store.recorded(Kind.PORT)

    assert stands.status == "ACTIVE"
    assert told_before == []
    assert [event.port_id for event in ear.events] == [row.id]


def test_neutrons_own_revision_check_notices_our_write(neutron, neutron_database, clock):
    """An API request that read the port before our write begins again: Neutron retries a StaleDataError."""
    cloud, store = Cloud(neutron_database), store_on(neutron_database, clock)
    row = store.rows([port_key(cloud.port())])[0]

    with Session(neutron_database, expire_on_commit=False) as request:
        port = request.get(neutron.port, row.id)
        request.commit()
        store.write([change(row, ACTIVE)])
        port.standard_attr.bump_revision()

        with pytest.raises(StaleDataError):
            request.flush()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.NETWORK, Status.DOWN),
        (Kind.NETWORK, Status.ERROR),
        (Kind.ROUTER, Status.ERROR),
        (Kind.PORT, Status.ACTIVE),
        (Kind.PORT, Status.ERROR),
    ],
)
def test_neutron_reads_back_what_was_written(neutron, neutron_database, clock, kind, status):
    """Through its versioned objects, which refuse words that they do not know."""
    cloud, store = Cloud(neutron_database), store_on(neutron_database, clock)
    getattr(cloud, kind)()
    (row,) = (row for row in store.recorded(kind))

    (outcome,) = store.write([change(row, status)])

    with neutron_on(neutron, neutron_database):
        found = neutron.objects[kind].get_object(neutron.context.get_admin_context(), id=row.id)
    assert (found.status, found.revision_number) == (status, outcome.stands.revision)
    assert found.updated_at.timestamp() == int(outcome.stands.changed_at)


@contextmanager
def neutron_on(neutron, engine):
    """Let Neutron's own code use this engine."""
    cfg.CONF([], default_config_files=[], default_config_dirs=[])
    manager = enginefacade.transaction_context()
    manager.configure(connection=engine.url.render_as_string(hide_password=False), sqlite_fk=True)
    restore = neutron.api.get_context_manager().patch_factory(manager)
    try:
        yield
    finally:
        restore()
