"""The world that a sweep is measured in: a simulated NSX and Neutron's database, each in its own process."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
DATABASES = ("sqlite", "mariadb")


@dataclass(frozen=True, slots=True)
class World:
    """Neutron agrees with NSX: every port is ACTIVE, bound to an instance, and up."""

    folder: Path
    manager: str
    database: str  # its URL

    def ours(self, nova: int = 0) -> Child:
        """Our synchronizer, connected; `nova` is the port where Nova listens."""
        file = self.folder / "neutron.conf"
        notify = f"[nova]\nauth_type = none\nendpoint = http://127.0.0.1:{nova}\n"
        file.write_text(
            f"[DEFAULT]\nlog_file = {self.folder}/ours.log\nnotify_nova_on_port_status_changes = {bool(nova)}\n"
            f"[database]\nconnection = {self.database}\n"
            f"[nsx]\nmanagers = {self.manager}\npassword = admin\nrequest_rate = 1000\n" + (notify if nova else "")
        )
        return Child.of("ours", str(file))

    def limit(self) -> Child:
        return Child.of("limit", self.manager, self.database)

    def set_ports(self, status: str, fraction: float, seed: int) -> list[str]:
        """Let a fraction of NSX's ports change; their ids."""
        asked = {"kind": "port", "status": status, "fraction": fraction, "seed": seed}
        answer = requests.post(f"{self.manager}/_sim/status", json=asked, timeout=PATIENCE)
        answer.raise_for_status()
        ids: list[str] = answer.json()["ids"]
        return ids


@contextmanager
def world(ports: int, database: str) -> Iterator[World]:
    """So many ports, a fiftieth of it in networks and a five-hundredth in routers, settled."""
    with ExitStack() as opened:
        # SQLite's and MariaDB's files; the server runs as another user.
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="nsx-bench-")))
        folder.chmod(0o755)
        sizes = {"networks": ports // 50, "ports": ports, "routers": ports // 500, "seed": 7}
        options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
        command = [sys.executable, "-m", "networking_nsx.cli.main", "simulator", *options]
        simulator = opened.enter_context(Child(command))
        url = opened.enter_context(mariadb(folder)) if database == "mariadb" else f"sqlite:///{folder}/neutron"
        made = World(folder, simulator.read()["managers"][0], url)
        _populate(made)
        yield made


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """A server of its own with its default settings, on loopback; the URL of its empty database."""
    data, port = folder / "mariadb", free_port()
    data.mkdir()
    user = []
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(data, "mysql", "mysql")
        user = ["--user=mysql"]
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run([*install, "--skip-test-db", *user], check=True, capture_output=True)
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or "mariadbd"
    options = [f"--datadir={data}", f"--socket={data}/socket", f"--port={port}", "--bind-address=127.0.0.1"]
    with (folder / "mariadb.log").open("wb") as log:
        process = subprocess.Popen([server, "--no-defaults", *options, *user], stdout=log, stderr=log)
    try:
        _create_database(port)
        yield f"mysql+pymysql://root@127.0.0.1:{port}/neutron"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _create_database(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(pymysql.OperationalError), pymysql.connect(host="127.0.0.1", port=port, user="root") as server:
            server.cursor().execute("CREATE DATABASE neutron CHARACTER SET utf8mb3")
            return
        time.sleep(0.1)
    raise RuntimeError("MariaDB does not answer")


def _populate(made: World) -> None:
    database = engine(made.database)
    schema.create(database)
    populate(database, inventory(made.manager))
    database.dispose()
    with made.ours() as ours:
        ours.read()
        ours.ask("sweep")
