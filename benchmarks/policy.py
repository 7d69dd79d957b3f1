"""NSX Policy: requests and CPU of a sweep, and the age of statuses while they are read directly."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from benchmarks.child import Child
from benchmarks.report import Check
from benchmarks.sweeps import PORTS, ROUNDS, Sweeps, measured, ratios, tell
from benchmarks.world import PATIENCE, World, world
from networking_nsx.cli.populate import inventory
from networking_nsx.neutron import schema
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.populate import populate

_RATIO = 2.5  # times the limit's CPU
_PAGES = 140  # requests for pages of ports, of 100,000
_SEARCH = "GET /api/v1/search/query"
_NODES = 3
_DIRECT_PORTS = 5000
_DIRECT_RUNS = 3
_TURNS = 3  # of the whole rotation
_BOUND = re.compile(r"a status may be ([\d.]+) s old")


def run(*, quick: bool) -> list[Check]:
    ports, rounds = (PORTS // 10, 1) if quick else (PORTS, ROUNDS)
    with world(ports, "sqlite", "policy") as settled:
        found = measured(settled, rounds)
        pages = [_pages(settled)]
    tell(f"{ports} ports, NSX Policy, sqlite", found)
    checks = [
        Check(f"{name} sweep, NSX Policy: our CPU by the limit's", ratios(found, name), _RATIO, "x")
        for name in Sweeps._fields
    ]
    checks.append(Check("unchanged sweep, NSX Policy: searches for ports", pages, _PAGES, ""))
    shares = [_direct(_DIRECT_PORTS // (5 if quick else 1)) for _ in range(1 if quick else _DIRECT_RUNS)]
    return [
        *checks,
        Check("direct reads, 3 managers: oldest age by the bound that was told", shares, 1.0, "x"),
        Check(
            "direct reads, 3 managers: the bound by twice the oldest age",
            [0.5 / one for one in shares],
            1.0,
            "x",
        ),
    ]


def _pages(settled: World) -> float:
    """The searches of one sweep of ours, the sample's look-ups included."""
    with settled.ours() as ours:
        ours.ask("sweep")
        requests.post(f"{settled.manager}/_sim/requests/reset", timeout=PATIENCE).raise_for_status()
        ours.ask("sweep")
    counts = requests.get(f"{settled.manager}/_sim/requests", timeout=PATIENCE).json()["by_path"]
    return float(sum(counts[_SEARCH].values()))


def _direct(ports: int) -> float:
    """Run the daemon against an index that drops half: the oldest true age by the bound that it logs."""
    with tempfile.TemporaryDirectory(prefix="nsx-bench-") as name, _nsx(ports) as managers:
        folder, control = Path(name), managers[0]
        database = engine(f"sqlite:///{folder}/neutron")
        schema.create(database)
        populate(database, inventory(control))
        database.dispose()
        fault = [{"fault": "index-drop", "fraction": 0.5}]
        requests.post(f"{control}/_sim/faults", json=fault, timeout=PATIENCE).raise_for_status()
        with _daemon(folder, managers) as log:
            bound = _told(log)
            requests.post(f"{control}/_sim/reads/reset", timeout=PATIENCE).raise_for_status()
            time.sleep(_TURNS * bound)
            reads: dict[str, Any] = requests.get(f"{control}/_sim/reads?kind=port", timeout=PATIENCE).json()
            told = [float(each) for each in _BOUND.findall(log.read_text())]
    print(f"  {ports} ports read directly: oldest {reads['longest']:.1f} s, told {told[-1]:.1f} s")
    assert not reads["unread"], reads
    return float(reads["longest"]) / told[-1]


@contextmanager
def _nsx(ports: int) -> Iterator[list[str]]:
    sizes = {"networks": ports // 50, "ports": ports, "routers": 4, "seed": 7, "nodes": _NODES}
    options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    command = [sys.executable, "-m", "networking_nsx.cli.main", "simulator", "--api", "policy", *options]
    with Child(command) as child:
        yield child.ready["managers"]


@contextmanager
def _daemon(folder: Path, managers: list[str]) -> Iterator[Path]:
    """`neutron-nsx sync run`, as an operator would have it; its log."""
    file, log = folder / "neutron.conf", folder / "ours.log"
    file.write_text(
        f"""[DEFAULT]
use_stderr = false
log_file = {log}
notify_nova_on_port_status_changes = false
[database]
connection = sqlite:///{folder}/neutron
[nsx]
api = policy
managers = {",".join(managers)}
password = admin
[nsx_sync]
first_delay = 0
lock_path = {folder}
listen =
"""
    )
    command = [sys.executable, "-m", "networking_nsx.cli.main", "sync", "run", "--config-file", str(file)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _told(log: Path) -> float:
    """Wait until the bound has been told a few times: its pace is measured pass by pass."""
    deadline = time.monotonic() + 10 * PATIENCE
    while time.monotonic() < deadline:
        told = _BOUND.findall(log.read_text()) if log.exists() else []
        if len(told) > _TURNS:
            return float(told[-1])
        time.sleep(1)
    raise RuntimeError(f"no bound was told: {json.dumps(log.read_text()[-2000:])}")
