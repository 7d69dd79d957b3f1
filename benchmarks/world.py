"""The world that a sweep is measured in: a simulated NSX and Neutron's database, each in its own process."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pymysql
import requests

from benchmarks.child import Child
from networking_nsx.cli.populate import inventory
from networking_nsx.neutron import schema
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.populate import populate

PATIENCE = 60.0  # seconds for a server to start
RATES = {"mh": 1000, "policy": 100}  # requests a second; NSX Policy answers 429 to more than 100

_LIMITS = {"mh": "limit", "policy": "limit_policy"}


@dataclass(frozen=True, slots=True)
class World:
    """Neutron agrees with NSX: every port is ACTIVE, bound to an instance, and up."""

    folder: Path
    manager: str
    database: str  # its URL
    api: str = "mh"

    def ours(self, nova: int = 0, module: str = "ours") -> Child:
        """Our synchronizer, connected, as this module has it; `nova` is the port where Nova listens."""
        return Child.of(module, str(self.configuration(nova)))

    def configuration(self, nova: int = 0) -> Path:
        """A file that is made anew."""
        file = self.folder / "neutron.conf"
        file.write_text(
            f"""[DEFAULT]
use_stderr = false
log_file = {self.folder}/ours.log
notify_nova_on_port_status_changes = {bool(nova)}
[database]
connection = {self.database}
[nsx]
api = {self.api}
managers = {self.manager}
password = admin
request_rate = {RATES[self.api]}
[nova]
auth_type = none
endpoint = http://127.0.0.1:{nova}
"""
        )
        return file

    def limit(self) -> Child:
        return Child.of(_LIMITS[self.api], self.manager, self.database)

    def set_ports(self, status: str, fraction: float, seed: int) -> list[str]:
        """Let a fraction of NSX's ports change; their ids."""
        asked = {"kind": "port", "status": status, "fraction": fraction, "seed": seed}
        answer = requests.post(f"{self.manager}/_sim/status", json=asked, timeout=PATIENCE)
        answer.raise_for_status()
        ids: list[str] = answer.json()["ids"]
        return ids


@contextmanager
def world(ports: int, database: str, api: str = "mh") -> Iterator[World]:
    """So many ports, settled. The database is one of `DATABASES`."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="nsx-bench-")))
        folder.chmod(0o755)  # MariaDB runs as another user
        _simulator, manager = opened.enter_context(simulator(ports, api))
        url = opened.enter_context(DATABASES[database](folder))
        made = World(folder, manager, url, api)
        _populate(made)
        yield made


@contextmanager
def simulator(ports: int, api: str = "mh") -> Iterator[tuple[Child, str]]:
    """A simulated NSX and its URL.

    It has so many ports, a fiftieth as many switches, a five-hundredth as many routers.
    """
    sizes = {"networks": ports // 50, "ports": ports, "routers": ports // 500, "seed": 7}
    options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    with Child(
        [sys.executable, "-m", "networking_nsx.cli.main", "simulator", "--api", api, *options]
    ) as child:
        yield child, child.ready["managers"][0]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/neutron"


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """A server of its own with its default settings, on loopback; the URL of its empty database."""
    data, port = folder / "mariadb", free_port()
    data.mkdir()
    user = []
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(data, "mysql", "mysql")
        user = ["--user=mysql"]
    options = ["--no-defaults", f"--datadir={data}", *user]
    install = ["mariadb-install-db", *options, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or "mariadbd"
    options += [f"--socket={data}/socket", f"--port={port}", "--bind-address=127.0.0.1"]
    with (folder / "mariadb.log").open("wb") as log:
        process = subprocess.Popen([server, *options], stdout=log, stderr=log)
    try:
        _create_database(port)
        yield f"mysql+pymysql://root@127.0.0.1:{port}/neutron"
    finally:
        process.terminate()
        process.wait(PATIENCE)


DATABASES: Mapping[str, Callable[[Path], AbstractContextManager[str]]] = {
    "sqlite": sqlite,
    "mariadb": mariadb,
}


def _create_database(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with (
            suppress(pymysql.OperationalError),
            pymysql.connect(user="root", host="127.0.0.1", port=port) as server,
        ):
            server.cursor().execute("CREATE DATABASE neutron CHARACTER SET utf8mb3")
            return
        time.sleep(0.1)
    raise RuntimeError("MariaDB does not answer")


def _populate(made: World) -> None:
    database = engine(made.database)
    schema.create(database)
    populate(database, inventory(made.manager))
    with database.begin() as connection:  # as NSX has them
        connection.exec_driver_sql("UPDATE ports SET status = 'ACTIVE'")
    database.dispose()
