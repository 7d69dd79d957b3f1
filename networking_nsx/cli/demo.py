"""`neutron-nsx demo`: the main job on embedded parts, with trouble, and the proof that all ends true.

A simulator in a process of its own, Neutron's tables in SQLite, and the synchronizer. Ports flip, vanish and
appear and requests fail between the pages of the sweeps. At the end the simulator's inventory is compared
with the rows by plain SQL, without any code of the synchronizer.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cliff.command import Command
from rich.console import Console

from networking_nsx import config
from networking_nsx.assemble import Parts, writer
from networking_nsx.cli.comparison import both_say, compare
from networking_nsx.cli.populate import inventory
from networking_nsx.cli.screen import Screen
from networking_nsx.cli.trouble import Trouble
from networking_nsx.errors import ConfigurationError, Unavailable
from networking_nsx.neutron import schema
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.populate import populate
from networking_nsx.sync.runner import once

NETWORKS, ROUTERS = 40, 4
STARTING = 30  # seconds for the simulator to get ready


class Demo(Command):
    """Run everything embedded: simulator, Neutron's tables in SQLite, synchronizer, trouble, comparison."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "--api", choices=["mh", "policy"], default="mh", help="of the simulated NSX (default: mh)"
        )
        parser.add_argument("--ports", type=int, default=2000, help="(default: 2000)")
        parser.add_argument("--cycles", type=int, default=3, help="rounds of trouble (default: 3)")
        parser.add_argument("--directory", metavar="DIR", help="keep the database and the configuration here")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        if parsed_args.ports < 1 or parsed_args.cycles < 0:
            raise ConfigurationError("--ports must be at least 1, --cycles at least 0")
        with ExitStack() as opened:
            folder = parsed_args.directory or opened.enter_context(tempfile.TemporaryDirectory())
            screen = opened.enter_context(Screen(Console(highlight=False)))
            return _play(parsed_args.api, Path(folder), parsed_args.ports, parsed_args.cycles, screen)


def _play(api: str, folder: Path, ports: int, cycles: int, screen: Screen) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "neutron.sqlite"
    if file.exists():
        raise ConfigurationError(
            f"--directory {folder}: {file.name} is there already; choose an empty folder"
        )
    with _simulator(api, ports) as managers, ExitStack() as opened:
        screen.say(
            f"simulator: {ports} ports, {NETWORKS} networks, {ROUTERS} routers on {', '.join(managers)}"
        )
        configuration = _configuration(api, folder, file, managers)
        database = engine(f"sqlite:///{file}")
        opened.callback(database.dispose)
        schema.create(database)
        populate(database, inventory(managers[0]))
        screen.say(f"Neutron: {file}, ports DOWN as they are created; configuration: {configuration.name}")
        parts = opened.enter_context(writer(config.load([str(configuration)]), threading.Event()))
        trouble = Trouble(api, managers[0], lambda objects: populate(database, objects))
        _follow_a_port(trouble, lambda: inventory(managers[0]), file, parts, screen)
        for cycle in range(1, cycles + 1):
            with screen.disturbed_by(trouble.between_pages(cycle)):
                _sweep(f"cycle {cycle}: objects flip, vanish and appear, requests fail", parts, screen)
            _sweep(f"cycle {cycle}: once more, for what changed during the last sweep", parts, screen)
        trouble.end()
        _sweep("no more trouble: nothing is left to write", parts, screen)
        return _verdict(trouble, compare(api, inventory(managers[0]), file), screen)


def _follow_a_port(
    trouble: Trouble,
    nsx: Callable[[], Iterable[Mapping[str, Any]]],
    file: Path,
    parts: Parts,
    screen: Screen,
) -> None:
    """Show one port by its id: before and after it was corrected, up and down."""
    port: str = next(item["neutron_id"] for item in nsx() if item["kind"] == "port")
    screen.say(both_say(nsx(), port, file))
    _sweep("first synchronization", parts, screen)
    screen.say(both_say(nsx(), port, file))
    trouble.take_down(port)
    screen.say(f"that port goes down on NSX\n{both_say(nsx(), port, file)}")
    _sweep("second synchronization", parts, screen)
    screen.say(both_say(nsx(), port, file))


def _sweep(title: str, parts: Parts, screen: Screen) -> None:
    screen.say(title)
    for _ in once(parts.sweeper, parts.clock, screen):
        pass


def _verdict(trouble: Trouble, differences: tuple[int, list[str]], screen: Screen) -> int:
    compared, wrong = differences
    counts = trouble.counts() | {"rows compared": compared}
    screen.say(", ".join(f"{count} {name}" for name, count in counts.items()))
    for line in wrong[:20]:
        screen.say(line)
    idle = [name for name, count in counts.items() if not count]
    if idle:
        screen.say(f"FAILED: this run proves nothing: 0 {', 0 '.join(idle)}")
        return 1
    if wrong:
        screen.say(f"FAILED: {len(wrong)} rows differ from NSX")
        return 1
    screen.say(f"OK: all {compared} rows say what NSX says")
    return 0


@contextmanager
def _simulator(api: str, ports: int) -> Iterator[list[str]]:
    """A simulator in a process of its own; its managers' URLs."""
    sizes = {"nodes": 2, "networks": NETWORKS, "ports": ports, "routers": ROUTERS, "seed": 7}
    options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    command = [sys.executable, "-m", "networking_nsx.cli.main", "simulator", "--api", api, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # nosec B603 # noqa: S603 - our own words
        try:
            yield _ready(process)
        finally:
            process.terminate()
            process.wait(STARTING)


def _ready(process: subprocess.Popen[str]) -> list[str]:
    giving_up = threading.Timer(STARTING, process.kill)
    giving_up.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
        managers: list[str] = json.loads(line)["managers"]
    except ValueError as error:
        raise Unavailable("the simulator did not start; try `neutron-nsx simulator`") from error
    finally:
        giving_up.cancel()
    return managers


def _configuration(api: str, folder: Path, file: Path, managers: list[str]) -> Path:
    path = folder / "neutron.conf"
    path.write_text(
        f"""[DEFAULT]
notify_nova_on_port_status_changes = false
[database]
connection = sqlite:///{file}
[nsx]
api = {api}
managers = {",".join(managers)}
password = admin
# The simulator's search index is never late. A real one is.
index_lag = 0
[nsx_sync]
# The demo has no five minutes to spare: a row may be missing as soon as it has rested for a second.
missing_grace = 1
"""
    )
    return path
