"""Real databases with Neutron's tables: `sqlite`, `mariadb` and `postgresql`, each an engine on empty tables.

A server runs as long as the test process (with pytest-xdist each worker has its own, so that none has to
outlive another), on a free loopback port, and dies with it even when it is killed. Neutron's tables are made
once per run and copied to the other workers. Neutron, whose import takes seconds, is imported by the first
fixture that is asked for: this is a plugin of all tests, the quick ones too. Without the server's binary a
test is skipped, in CI (`CI=true`) it fails.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import fasteners
import pymysql
import pytest
from servers import folder_of, free_port, needed, run_as

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_PATIENCE = 60.0  # seconds for a server to answer
_CHILDREN_FIRST = (
    "provisioningblocks",
    "ml2_port_binding_levels",
    "ml2_port_bindings",
    "router_extra_attributes",
    "routers",
    "ports",
    "networksegments",
    "externalnetworks",
    "networks",
    "standardattributes",
)


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> "Iterator[Engine]":
    """Give an engine on a file of its own."""
    file = tmp_path / "neutron.sqlite"
    shutil.copyfile(sqlite_template, file)
    engine = _engine(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@pytest.fixture
def mariadb(mariadb_server: str) -> "Iterator[Engine]":
    """Give an engine on a real server, whose tables are emptied afterwards."""
    yield from _emptied(mariadb_server)


@pytest.fixture
def postgresql(postgresql_server: str) -> "Iterator[Engine]":
    """Give an engine on a real server, whose tables are emptied afterwards."""
    yield from _emptied(postgresql_server)


@pytest.fixture(params=["sqlite", "mariadb"])
def neutron_database(request: pytest.FixtureRequest) -> "Engine":
    """Give each of the databases that clouds use."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of Neutron's database on a server that runs for this process."""
    install, server = needed("mariadb-install-db"), needed("mariadbd")
    directory = folder_of("mysql", "mysql")
    data = f"--datadir={directory}/data"
    root = "--auth-root-authentication-method=normal"  # without a password
    _run([*run_as("mysql", directory), install, "--no-defaults", data, root, "--skip-test-db"])
    taken, port = free_port()
    options = (
        f"--socket={directory}/s",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--pid-file={directory}/pid",
    )
    quick = (
        "--default-time-zone=+00:00",
        "--innodb-flush-log-at-trx-commit=0",
        "--skip-name-resolve",
        "--innodb-buffer-pool-size=256M",
    )
    command = [*run_as("mysql", directory), server, "--no-defaults", data, *options, *quick]
    url = f"mysql+pymysql://root@127.0.0.1:{port}/neutron"
    with taken, _served(command, lambda: _connect(port).close(), directory):
        with closing(_connect(port)) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE neutron CHARACTER SET utf8mb3")
        _migrate_once(url, port, _shared(tmp_path_factory) / "neutron.sql")
        yield url


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Give the URL of Neutron's database on a cluster that runs for this process."""
    bins = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    initdb, server = (needed(name, *bins[-1:]) for name in ("initdb", "postgres"))
    directory = folder_of("postgres", "postgres")
    _run(
        [
            *run_as("postgres", directory),
            initdb,
            "-D",
            f"{directory}/data",
            "-A",
            "trust",
            "-U",
            "neutron",
            "--no-sync",
        ]
    )
    taken, port = free_port()
    options = ["-D", f"{directory}/data", "-h", "127.0.0.1", "-p", str(port), "-k", str(directory), "-F"]
    engine = _engine(f"postgresql+psycopg2://neutron@127.0.0.1:{port}/postgres")
    command = [*run_as("postgres", directory), server, *options]
    with taken, _served(command, lambda: engine.connect().close(), directory):
        _create(engine)
        engine.dispose()
        yield engine.url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = _shared(tmp_path_factory) / "template.sqlite"
    with fasteners.InterProcessLock(f"{file}.lock"):
        if not file.exists():
            engine = _engine(f"sqlite:///{file}.part")
            _create(engine)
            engine.dispose()
            Path(f"{file}.part").rename(file)
    return file


def empty(engine: "Engine") -> None:
    """Delete every row that a test may have made."""
    with engine.begin() as connection:
        for name in _CHILDREN_FIRST:
            connection.exec_driver_sql(f"DELETE FROM {name}")


def _emptied(url: str) -> "Iterator[Engine]":
    engine = _engine(url)
    yield engine
    empty(engine)
    engine.dispose()


def _engine(url: str) -> "Engine":
    from networking_nsx.neutron import database  # noqa: PLC0415

    return database.engine(url)


def _create(engine: "Engine") -> None:
    from networking_nsx.neutron import schema  # noqa: PLC0415

    schema.create(engine)


def _migrate_once(url: str, port: int, dump: Path) -> None:
    """Run Neutron's migrations in one worker; the others load what they made, in a tenth of the time."""
    client = ["-h127.0.0.1", f"-P{port}", "-uroot"]
    with fasteners.InterProcessLock(f"{dump}.lock"):
        if not dump.exists():
            engine = _engine(url)
            _create(engine)
            engine.dispose()
            dump.write_bytes(_run([needed("mariadb-dump"), *client, "neutron"]))
            return
    _run([needed("mariadb"), *client, "neutron"], dump.read_bytes())


def _connect(port: int) -> pymysql.Connection:
    return pymysql.connect(host="127.0.0.1", port=port, user="root")


@contextmanager
def _served(command: list[str], probe: Callable[[], None], directory: Path) -> Iterator[None]:
    """Run a server until the block ends."""
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait(process, probe, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], probe: Callable[[], None], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return probe()
        except Exception:  # noqa: BLE001 - each driver has errors of its own for a server that is not there yet
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the server does not answer:\n{log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)


def _shared(factory: pytest.TempPathFactory) -> Path:
    """Give the directory that all workers of a run share."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _run(command: list[str], given: bytes = b"") -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        pytest.fail(f"{command[0]}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout
