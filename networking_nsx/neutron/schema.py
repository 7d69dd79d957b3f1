"""Neutron's tables: are they there, and, for demos and tests, make them."""

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from networking_nsx.errors import StoreError
from networking_nsx.neutron.database import connect_once, name_of
from networking_nsx.neutron.tables import ATTRIBUTES, BLOCKS, NEEDED, TABLES

_REVISIONS = "db/migration/alembic_migrations/versions"  # in Neutron
_MIGRATE = "from neutron.db.migration.cli import main; main()"


def check(engine: Engine) -> list[str]:
    """Look whether this is a database of the installed Neutron; answer what is doubtful, one text each.

    Raises StoreError, which says what to do, when the database cannot be reached or has not the tables.
    """
    _check_file(engine)
    tables = connect_once(engine, lambda connection: set(sa.inspect(connection).get_table_names()))
    missing = sorted({table.name for table in NEEDED} - tables)
    if missing:
        raise StoreError(
            f"{name_of(engine)} has not all of Neutron's tables (missing: {', '.join(missing)}): see that "
            "[database] connection is Neutron's own, and that `neutron-db-manage upgrade heads` was run"
        )
    if engine.dialect.name != "mysql":  # create_all leaves no revision
        return []
    return connect_once(engine, _doubts_of_revision)


def check_writes(engine: Engine) -> None:
    """Try the statements that a write consists of, on no row. Raises StoreError when one is refused."""
    connect_once(engine, _write_nothing)


def create(engine: Engine) -> None:
    """Make Neutron's tables where they are absent. Raises StoreError."""
    if engine.dialect.name == "mysql":
        _migrate(engine)
    else:
        from neutron.db.migration.models import head  # noqa: PLC0415 - every model there is, a second to import

        # Neutron's migrations fail on SQLite ("No support for ALTER of constraints") and on PostgreSQL.
        connect_once(engine, lambda connection: head.get_metadata().create_all(connection))


def _check_file(engine: Engine) -> None:
    """SQLite would make a database that is not there."""
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and not Path(file).exists():
        raise StoreError(
            f"[database] connection: {file} does not exist: see that it is Neutron's own database"
        )


def _write_nothing(connection: Connection) -> None:
    for table in TABLES.values():
        connection.execute(sa.update(table).where(table.c.id == "").values(status=table.c.status))
    revision = {"revision_number": ATTRIBUTES.c.revision_number}
    connection.execute(sa.update(ATTRIBUTES).where(ATTRIBUTES.c.id == 0).values(revision))
    connection.execute(sa.delete(BLOCKS).where(BLOCKS.c.standard_attr_id == 0, BLOCKS.c.entity == ""))


def _doubts_of_revision(connection: Connection) -> list[str]:
    wanted = {(_revisions() / name).read_text().strip() for name in ("CONTRACT_HEAD", "EXPAND_HEAD")}
    present = set(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))
    if wanted <= present:
        return []
    doubt = (
        f"{name_of(connection.engine)} is at revision {', '.join(sorted(present))}, the installed Neutron at "
        f"{', '.join(sorted(wanted))}: run `neutron-db-manage upgrade heads` or install the same Neutron"
    )
    return [doubt]


def _revisions() -> Path:
    """Where the installed Neutron has them. Nothing of it is imported."""
    found = find_spec("neutron")
    if found is None or found.origin is None:
        raise StoreError("Neutron is not installed beside neutron-nsx")
    return Path(found.origin).parent / _REVISIONS


def _migrate(engine: Engine) -> None:
    """Run `neutron-db-manage upgrade heads` in a process of its own, as it configures logging."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as configuration:  # mode 0600: it holds a password
        url = engine.url.render_as_string(hide_password=False)
        configuration.write(f"[database]\nconnection = {url.replace('$', '$$')}\n")
        configuration.flush()
        command = [sys.executable, "-c", _MIGRATE, "--config-file", configuration.name, "upgrade", "heads"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # nosec B603 # noqa: S603 - our own words
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise StoreError(f"neutron-db-manage could not make the tables in {name_of(engine)}: {reason}")
