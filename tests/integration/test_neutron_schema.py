"""Databases that are not what they should be, and rows for a whole inventory."""

import logging
import socket

import pytest
import sqlalchemy as sa
from cloud import Cloud, Ear, HandClock

from networking_nsx.errors import StoreError
from networking_nsx.model import Facts, Key, Kind
from networking_nsx.neutron import database, schema
from networking_nsx.neutron.populate import populate
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore


@pytest.fixture
def nobody():
    """Give a port of this machine where nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


class TestCheck:
    def test_neutrons_own_database_is_accepted(self, neutron_database):
        """No error, no doubt."""
        assert schema.check(neutron_database) == []

    def test_an_empty_database_is_refused(self, tmp_path):
        """The message names what is missing and what to do."""
        file = tmp_path / "empty.sqlite"
        file.touch()
        engine = database.engine(f"sqlite:///{file}")

        with pytest.raises(StoreError, match=r"missing: externalnetworks, .*neutron-db-manage upgrade heads"):
            schema.check(engine)

    def test_a_missing_table_is_named(self, sqlite):
        """A database of another plugin has some of the tables only."""
        with sqlite.begin() as connection:
            connection.execute(sa.text("DROP TABLE ml2_port_bindings"))

        with pytest.raises(StoreError, match=r"missing: ml2_port_bindings\)"):
            schema.check(sqlite)

    def test_another_revision_is_a_doubt(self, mariadb):
        """The tables may differ from those of the installed Neutron: a warning, as they may not."""
        with mariadb.begin() as connection:
            there = connection.scalars(sa.text("SELECT version_num FROM alembic_version")).all()
            connection.execute(sa.text("UPDATE alembic_version SET version_num = 'older' LIMIT 1"))
        try:
            (doubt,) = schema.check(mariadb)
        finally:
            with mariadb.begin() as connection:
                connection.execute(sa.text("DELETE FROM alembic_version"))
                connection.execute(
                    sa.text("INSERT INTO alembic_version VALUES (:head)"), [{"head": head} for head in there]
                )

        assert "older" in doubt
        assert "neutron-db-manage upgrade heads" in doubt

    def test_tables_are_made_only_where_they_are_absent(self, neutron_database):
        """A second run changes nothing."""
        Cloud(neutron_database).network()

        schema.create(neutron_database)

        with neutron_database.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM networks")) == 1


class TestUnreachable:
    @pytest.mark.parametrize(
        "use",
        [
            schema.check,
            lambda engine: list(NeutronStore(engine, Scope(), Ear(), HandClock()).recorded(Kind.PORT)),
            lambda engine: NeutronStore(engine, Scope(), Ear(), HandClock()).rows([Key(Kind.PORT, "p")]),
        ],
        ids=["check", "recorded", "rows"],
    )
    def test_a_server_that_does_not_answer_is_named(self, nobody, use, caplog):
        """The message says where nobody answered, and never the password, nor does the log."""
        caplog.set_level(logging.DEBUG)
        engine = database.engine(f"mysql+pymysql://neutron:s3cret@127.0.0.1:{nobody}/neutron")

        with pytest.raises(StoreError, match=rf"neutron:\*\*\*@127.0.0.1:{nobody}") as error:
            use(engine)

        assert "s3cret" not in str(error.value) + caplog.text

    @pytest.mark.parametrize(
        "url",
        [
            "not a URL",
            "nodatabase://host/neutron",
            "mysql+nodriver://host/neutron",
            "mysql+pymysql://neutron:s3cret@host:abc/neutron",
            "mysql+pymysql://neutron:half@s3cret@host:abc@x/neutron",
            "mysql+pymysql://neutron:half@host:s3cret@host/neutron",
            "mysql+pymysql://neutron:s3cret@host/neutron?read_timeout=soon",
        ],
    )
    def test_a_url_that_means_nothing_is_named(self, url):
        """The message names the option, and never the password."""
        with pytest.raises(StoreError, match=r"\[database\] connection") as error:
            database.engine(url)

        assert "s3cret" not in str(error.value)

    def test_an_argument_that_the_driver_does_not_know_is_named(self):
        """Only the first connection tells; the message names the option and the argument."""
        engine = database.engine("mysql+pymysql://neutron:s3cret@host/neutron?nonsense=1")

        with pytest.raises(StoreError, match=r"\[database\] connection.*nonsense") as error:
            schema.check(engine)

        assert "s3cret" not in str(error.value)

    def test_a_database_without_tables_is_an_error(self, tmp_path):
        """Whoever did not check first hears the database's own words."""
        engine = database.engine(f"sqlite:///{tmp_path}/empty.sqlite")

        with pytest.raises(StoreError, match=r"could not be used: .*no such table: ports"):
            list(NeutronStore(engine, Scope(), Ear(), HandClock()).recorded(Kind.PORT))

    def test_a_lost_connection_is_an_error_once(self, mariadb):
        """A statement on a connection that the server ended fails; the next one gets a new connection."""
        store = NeutronStore(mariadb, Scope(), Ear(), HandClock())
        Cloud(mariadb).router()

        @sa.event.listens_for(mariadb, "before_cursor_execute")
        def cut(connection, _cursor, statement, _parameters, _context, _many):
            if statement.startswith("SELECT routers.id") and not connection.info.get("cut"):
                connection.info["cut"] = True
                connection.connection.dbapi_connection._sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001

        with pytest.raises(StoreError, match="does not answer"):
            list(store.recorded(Kind.ROUTER))
        sa.event.remove(mariadb, "before_cursor_execute", cut)

        assert len(list(store.recorded(Kind.ROUTER))) == 1


class TestPopulate:
    LINES = (
        {"kind": "network", "nsx_id": "a", "neutron_id": "n1", "network_id": None, "status": "up"},
        {"kind": "network", "nsx_id": "b", "neutron_id": "n1", "network_id": None, "status": "up"},
        {"kind": "network", "nsx_id": "c", "neutron_id": None, "network_id": None, "status": "up"},
        {"kind": "router", "nsx_id": "d", "neutron_id": "r1", "network_id": None, "status": "down"},
        {"kind": "port", "nsx_id": "e", "neutron_id": "p1", "network_id": "n1", "status": "up"},
        {"kind": "port", "nsx_id": "f", "neutron_id": "p2", "network_id": "elsewhere", "status": "up"},
        {"kind": "port", "nsx_id": "g", "neutron_id": None, "network_id": "n1", "status": "up"},
    )

    def test_every_object_of_ours_gets_a_row(self, neutron_database):
        """Several switches are one network; foreign objects and ports of unknown networks get none."""
        made = populate(neutron_database, self.LINES)

        scope = Scope(network_types=("geneve",), drivers=("nsx",))
        store = NeutronStore(neutron_database, scope, Ear(), HandClock())
        rows = [row for kind in Kind for row in store.recorded(kind)]
        assert made == {Kind.NETWORK: 1, Kind.ROUTER: 1, Kind.PORT: 1}
        assert [(row.id, row.parent_id, row.status) for row in rows] == [
            ("n1", "", "ACTIVE"),
            ("r1", "", "ACTIVE"),
            ("p1", "n1", "DOWN"),
        ]
        assert {row.facts for row in rows} == {Facts(*(True,) * 4)}

    def test_a_second_run_adds_only_what_is_new(self, neutron_database):
        """Rows that exist keep their status and revision."""
        cloud = Cloud(neutron_database)
        populate(neutron_database, self.LINES)
        cloud.update("ports", "p1", status="ACTIVE", bump=True)

        new = {"kind": "port", "neutron_id": "p3", "network_id": "n1"}
        made = populate(neutron_database, [*self.LINES, new])

        assert made == {Kind.NETWORK: 0, Kind.ROUTER: 0, Kind.PORT: 1}
        assert cloud.statuses() == {"p1": "ACTIVE", "p3": "DOWN"}
