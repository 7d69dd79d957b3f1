"""For end-to-end tests: the installed command, a simulator process, Neutron in SQLite, a configuration."""

import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest
import requests

COMMAND = str(Path(sys.executable).with_name("neutron-nsx"))


def call(*words: str) -> subprocess.CompletedProcess[str]:
    """The installed command, in a process of its own: seconds for its imports alone."""
    return subprocess.run([COMMAND, *words], capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture
def command(capsys):
    """The command's entry point, called in this process."""
    from networking_nsx.cli.main import main  # noqa: PLC0415 - this is a plugin of all tests, the quick ones too

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        for handler in logging.root.handlers:
            handler.close()  # a file that it logs to; what goes to a stream goes on
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    before = list(logging.root.handlers)
    yield run
    # What the command has set up writes to a stream that ends with this test.
    logging.root.handlers[:] = before


@contextmanager
def process(*words: str, log: IO[str] | int = subprocess.PIPE, environment: Mapping[str, str] | None = None):
    """A command that runs until the end of the block; `environment`: what it has in addition."""
    with subprocess.Popen(
        [COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, **(environment or {})},
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.fixture(scope="session")
def simulator():
    """Base URLs of a simulator with 20 networks, 200 ports and 2 routers."""
    sizes = ("--networks", "20", "--ports", "200", "--routers", "2")
    # It lives for as long as the tests: nobody reads what it logs, and a full pipe would stop it.
    with process("simulator", "--api", "both", "--nodes", "2", *sizes, log=subprocess.DEVNULL) as running:
        yield json.loads(running.stdout.readline())


class Site:
    """A Neutron database and a configuration for the simulator."""

    def __init__(self, folder: Path, simulator: dict, template: Path, command) -> None:
        self.command = command
        self.control = simulator["control"]
        self.file = folder / "neutron.sqlite"
        self.file.write_bytes(template.read_bytes())
        self.config = folder / "neutron.conf"
        self.configure()

    def configure(self, **options: str) -> None:
        """Write the configuration; options are those of [nsx_sync], or of another group as group__option."""
        groups = {
            "DEFAULT": {"notify_nova_on_port_status_changes": "false"},
            "database": {"connection": f"sqlite:///{self.file}"},
            "nsx": {"managers": self.control, "password": "admin"},
            "nova": {},
            "nsx_sync": {"missing_grace": "0", "lock_path": str(self.file.parent), "listen": ""},
        }
        for name, value in options.items():
            group, _, option = name.rpartition("__")
            groups[group or "nsx_sync"][option] = value
        self.config.write_text(
            "".join(
                f"[{group}]\n" + "".join(f"{option} = {value}\n" for option, value in values.items())
                for group, values in groups.items()
            )
        )

    def once(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.command("sync", "once", "--config-file", str(self.config), "-f", "json", *words)

    def statuses(self, table: str = "ports") -> dict[str, int]:
        with closing(sqlite3.connect(self.file)) as neutron:
            return dict(neutron.execute(f"select status, count(*) from {table} group by status"))

    def ports(self) -> list[str]:
        """Neutron's ids of the ports that NSX has."""
        inventory = requests.get(f"{self.control}/_sim/inventory?kind=port", timeout=60).text
        return [json.loads(line)["neutron_id"] for line in inventory.splitlines()]

    def down(self) -> list[str]:
        """Neutron's ids of the ports that are down on NSX."""
        inventory = requests.get(f"{self.control}/_sim/inventory?kind=port", timeout=60).text
        found = map(json.loads, inventory.splitlines())
        return [each["neutron_id"] for each in found if each["status"] == "down"]

    def age(self) -> None:
        """All rows were changed an hour ago."""
        with closing(sqlite3.connect(self.file)) as neutron, neutron:
            neutron.execute(
                "update standardattributes set updated_at = datetime('now', '-1 hour'),"
                " created_at = datetime('now', '-1 hour')"
            )

    def ask(self, what: str, body: dict) -> dict:
        answer = requests.post(f"{self.control}/_sim/{what}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def forget_faults(self) -> None:
        requests.delete(f"{self.control}/_sim/faults", timeout=60).raise_for_status()


@pytest.fixture
def site(tmp_path, simulator, populated, command):
    """A site of its own; the simulator is as it was at first."""
    made = Site(tmp_path, simulator, populated, command)
    made.forget_faults()
    made.ask("populate", {"networks": 20, "ports": 200, "routers": 2, "seed": 0})
    return made


@pytest.fixture(scope="session")
def populated(tmp_path_factory, simulator):
    """A database as `neutron-nsx populate` makes it."""
    file = tmp_path_factory.mktemp("populated") / "neutron.sqlite"
    done = call(
        "populate", "--connection", f"sqlite:///{file}", "--simulator", simulator["control"], "-f", "json"
    )
    assert json.loads(done.stdout) == {
        "network rows added": 20,
        "router rows added": 2,
        "port rows added": 200,
    }
    assert done.stderr == ""  # Neutron's libraries tell of themselves when they are imported
    return file
