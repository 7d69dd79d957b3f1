"""What Nova is told after a write that failed: whether it was committed, only the rows know."""

import threading
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from cloud import TABLES, Cloud, Ear, HandClock, change, port_key
from oslo_db.exception import DBConnectionError

from networking_nsx.errors import StoreError
from networking_nsx.model import Status
from networking_nsx.neutron.events import PLUGGED, UNPLUGGED
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore

ACTIVE, DOWN = Status.ACTIVE, Status.DOWN


class Case:
    """A store on a database that may fail at the end of each transaction."""

    def __init__(self, engine, ear=None) -> None:
        self.engine = engine
        self.ear = ear or Ear()
        self.clock = HandClock()
        self.cloud = Cloud(engine)
        self.store = NeutronStore(engine, Scope(), self.ear, self.clock)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.name, event.port_id) for event in self.ear.events]

    def reads(self, port_id: str):
        (row,) = self.store.rows([port_key(port_id)])
        return row

    def writes(self, port_id: str, status: Status) -> None:
        self.clock.time += 2
        self.store.write([change(self.reads(port_id), status)])

    def writes_in_doubt(self, port_id: str, status: Status, *, committed: bool) -> None:
        row = self.reads(port_id)
        with self.failing(committed=committed), pytest.raises(StoreError):
            self.store.write([change(row, status)])

    @contextmanager
    def failing(self, *, committed: bool):
        """No transaction has an answer to its commit."""

        def fail(connection) -> None:
            if committed:
                connection.connection.commit()
            raise DBConnectionError

        with listening(self.engine, "commit", fail):
            yield


@contextmanager
def listening(engine, event: str, listener):
    sa.event.listen(engine, event, listener)
    try:
        yield
    finally:
        sa.event.remove(engine, event, listener)


@pytest.fixture
def case(sqlite):
    return Case(sqlite)


@pytest.mark.parametrize(("status", "name"), [(ACTIVE, PLUGGED), (DOWN, UNPLUGGED)])
def test_a_commit_without_an_answer_is_told_once(case, status, name):
    """Up or down, as soon as the database can be read again."""
    port_id = case.cloud.port(status="DOWN" if status is ACTIVE else "ACTIVE")
    case.writes_in_doubt(port_id, status, committed=True)
    before = case.told
    for _ in range(3):
        case.reads(port_id)

    assert (before, case.told) == ([], [(name, port_id)])


def test_what_was_not_committed_is_not_told(case):
    """The row stands as it was read."""
    port_id = case.cloud.port()
    case.writes_in_doubt(port_id, ACTIVE, committed=False)
    case.reads(port_id)

    assert case.told == []


def test_a_port_that_rests_is_not_told_again(case):
    """However often the write of another port fails."""
    resting, stuck = case.cloud.port(), case.cloud.port()
    case.writes(resting, ACTIVE)
    for _ in range(5):
        case.writes_in_doubt(stuck, ACTIVE, committed=False)

    assert (case.reads(resting).status, case.told) == ("ACTIVE", [(PLUGGED, resting)])


def test_a_doubt_outlives_a_database_that_stays_away(case):
    """Neither the reads nor the writes that fail meanwhile take it away."""
    first, second = case.cloud.port(), case.cloud.port()
    rows = [case.reads(port_id) for port_id in (first, second)]
    with case.failing(committed=True):
        for attempt in (
            lambda: case.store.write([change(rows[0], ACTIVE)]),
            lambda: case.store.write([change(rows[1], ACTIVE)]),
            lambda: case.store.rows([port_key(second)]),
        ):
            with pytest.raises(StoreError):
                attempt()
    case.writes(second, ACTIVE)

    assert case.told == [(PLUGGED, first), (PLUGGED, second)]


def test_a_port_that_is_no_longer_so_is_not_told(case):
    """Whoever has changed it since has told Nova."""
    port_id = case.cloud.port()
    case.writes_in_doubt(port_id, ACTIVE, committed=True)
    case.cloud.update("ports", port_id, bump=True, status="DOWN")
    case.reads(port_id)

    assert case.told == []


class Interrupted(Ear):
    """While it is told for the first time, another thread does something, and is given a second for it."""

    def __init__(self) -> None:
        super().__init__()
        self.other: threading.Thread | None = None

    def notify(self, events) -> None:
        if events and self.other and not self.other.ident:
            self.other.start()
            self.other.join(1)
        super().notify(events)


def test_what_is_made_up_for_overtakes_no_later_write(sqlite):
    """Of another thread: what Nova is told last is what Neutron says."""
    case = Case(sqlite, Interrupted())
    port_id = case.cloud.port()
    case.writes_in_doubt(port_id, ACTIVE, committed=True)
    case.ear.other = threading.Thread(target=case.writes, args=(port_id, DOWN))
    case.reads(port_id)
    case.ear.other.join(60)

    assert case.cloud.statuses()[port_id] == "DOWN"
    assert case.told == [(PLUGGED, port_id), (UNPLUGGED, port_id)]


def test_a_commit_that_is_still_under_way_is_waited_for(mariadb):
    """We gave up its answer, the server has not done it yet: it is not taken for one that failed."""
    case = Case(mariadb)
    port_id = case.cloud.port()
    case.writes_in_doubt(port_id, ACTIVE, committed=False)
    ports, attributes = TABLES["ports"], TABLES["standardattributes"]
    number = case.cloud.value("ports", port_id, "standard_attr_id")
    with mariadb.connect() as server:
        server.execute(sa.update(ports).where(ports.c.id == port_id).values(status="ACTIVE"))
        server.execute(sa.update(attributes).where(attributes.c.id == number).values(revision_number=6))
        case.clock.sleep = lambda _seconds: server.commit()  # between two attempts to have the lock
        case.reads(port_id)

    assert case.told == [(PLUGGED, port_id)]


def test_a_write_that_did_not_come_to_its_commit_leaves_no_doubt(mariadb):
    """So nothing waits for the locks that may have been in its way."""
    case = Case(mariadb)
    port_id = case.cloud.port()
    row = case.reads(port_id)

    def fail(_connection, _cursor, statement, *_: object) -> None:
        if statement.startswith("UPDATE"):
            raise DBConnectionError

    with listening(mariadb, "before_cursor_execute", fail), pytest.raises(StoreError):
        case.store.write([change(row, ACTIVE)])
    with mariadb.connect() as other:
        other.execute(sa.select(TABLES["ports"].c.id).with_for_update())
        case.reads(port_id)

    assert (case.clock.slept, case.told) == ([], [])
