"""An account of the synchronizer's own on Neutron's database: what it must be allowed, and a new password."""

import pytest
import sqlalchemy as sa
from cloud import Cloud, Ear, HandClock, change, port_key
from deployed import ROOT

from networking_nsx.errors import StoreError
from networking_nsx.model import Key, Kind, Status, Verdict
from networking_nsx.neutron import database, schema
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore
from networking_nsx.neutron.writing import OUR_BLOCK

GUIDE = ROOT / "docs" / "how-to" / "rotate-secrets.md"


def say(engine, statements):
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.fixture
def account(mariadb):
    """The statements of the guide, carried out; removed afterwards."""
    sql = GUIDE.read_text().partition("```sql\n")[2].partition("```")[0]
    statements = [line.replace("'...'", "'first'").rstrip(";") for line in sql.splitlines() if line]
    say(mariadb, [statement.replace("%", "%%") for statement in statements])
    yield "neutron_b"
    say(mariadb, ["DROP USER neutron_b"])


def engine_of(mariadb, account, password):
    url = mariadb.url.set(username=account, password=password, query={})
    return database.engine(url.render_as_string(hide_password=False))


def write(engine, key, status):
    store = NeutronStore(engine, Scope(), Ear(), HandClock())
    (row,) = store.rows([key])
    (outcome,) = store.write([change(row, status)])
    return outcome.verdict


def test_the_rights_of_the_guide_suffice(mariadb, account):
    """For the look at the schema, every kind, and a port whose block is deleted."""
    cloud = Cloud(mariadb)
    keys = [
        port_key(cloud.port(blocks=(OUR_BLOCK,))),
        Key(Kind.NETWORK, cloud.network()),
        Key(Kind.ROUTER, cloud.router()),
    ]
    ours = engine_of(mariadb, account, "first")
    doubts = schema.check(ours)
    verdicts = [write(ours, key, Status.ERROR) for key in keys[1:]] + [write(ours, keys[0], Status.ACTIVE)]
    ours.dispose()

    assert (list(doubts), verdicts) == ([], [Verdict.WRITTEN] * 3)
    with pytest.raises(sa.exc.DBAPIError):
        say(engine_of(mariadb, account, "first"), ["DELETE FROM ports"])


def test_a_connection_that_stands_outlives_its_password_and_a_new_one_needs_the_new(mariadb, account):
    """What fails names the account, not the password; nothing else than the new password mends it."""
    cloud = Cloud(mariadb)
    key = port_key(cloud.port())
    before = engine_of(mariadb, account, "first")
    write(before, key, Status.ACTIVE)
    say(mariadb, ["ALTER USER neutron_b IDENTIFIED BY 'second'"])
    still = write(before, key, Status.DOWN)
    before.dispose()  # as each connection ends after an hour
    with pytest.raises(StoreError, match="Access denied for user 'neutron_b'") as refused:
        write(before, key, Status.ACTIVE)
    after = engine_of(mariadb, account, "second")
    again = write(after, key, Status.ACTIVE)
    after.dispose()

    assert (still, again) == (Verdict.WRITTEN, Verdict.WRITTEN)
    assert "first" not in str(refused.value)
