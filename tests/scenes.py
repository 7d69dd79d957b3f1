"""Daemons in trouble: each a process with an NSX, a Neutron and a Nova of its own, and scraped."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from line import vars_of
from nova import FakeNova
from prometheus import Prometheus
from servers import free_port
from sites import Site, process
from waiting import wait_for

from networking_nsx.neutron import database, schema
from networking_nsx.neutron.populate import populate
from networking_nsx.simulator import Simulator

INTERVAL = 5  # seconds; a machine may be busy
SIZE = {"networks": 6, "ports": 60, "routers": 2}


@dataclass
class Scene:
    """One daemon, and what can go wrong around it."""

    nsx: Simulator
    site: Site
    nova: FakeNova
    daemon: subprocess.Popen
    address: str

    def is_ready(self) -> bool:
        """Whether it has swept."""
        try:
            return requests.get(f"http://{self.address}/readyz", timeout=10).ok
        except requests.ConnectionError:
            return False

    def fault(self, fault: str, match: str = "/", **parameters: object) -> None:
        self.nsx.faults.add(fault, match=match, **{"count": None, **parameters})

    def sql(self, statement: str) -> None:
        engine = database.engine(f"sqlite:///{self.site.file}")
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def order(self, *words: str) -> None:
        """Have a command done."""
        done = self.site.command(*words, "--config-file", str(self.site.config))
        assert done.returncode == 0, done.stderr


@dataclass
class Trouble:
    """What is done to a daemon, the alerts that this fires, and what ends them, where that shows soon."""

    cause: Callable[[Scene], object]
    alerts: set[str]
    mend: Callable[[Scene], object] | None = None
    nsx: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


class Stage:
    """Where daemons run side by side, by name."""

    def __init__(self, folder: Path, neutron: Path, command: Callable, prometheus: Prometheus) -> None:
        self._folder = folder
        self._neutron = neutron
        self._command = command
        self._prometheus = prometheus

    @contextmanager
    def playing(self, troubles: Mapping[str, Trouble]) -> Iterator[Mapping[str, Scene]]:
        """A daemon for each, which has swept and was scraped since then."""
        with ExitStack() as opened:
            scenes = {name: opened.enter_context(self._scene(name, each)) for name, each in troubles.items()}
            for name, scene in scenes.items():
                wait_for(scene.is_ready)
                opened.enter_context(self._prometheus.scraping(name, scene.address))
            wait_for(lambda: self._prometheus.scraped_twice() >= scenes.keys())
            yield scenes

    @contextmanager
    def _scene(self, name: str, trouble: Trouble) -> Iterator[Scene]:
        folder = self._folder / name.replace(" ", "-")
        folder.mkdir()
        with ExitStack() as opened:
            nsx = opened.enter_context(Simulator(nodes=2, threads=8, **SIZE, **trouble.nsx))
            nova = opened.enter_context(_silent_nova())
            taken, port = free_port()
            opened.enter_context(taken)
            address = f"127.0.0.1:{port}"
            site = Site(folder, {"control": nsx.control}, self._neutron, self._command)
            site.configure(**_options(nsx, nova, folder, address) | trouble.options)
            log = opened.enter_context((folder / "log").open("w"))
            daemon = opened.enter_context(process("sync", "run", "--config-file", str(site.config), log=log))
            yield Scene(nsx, site, nova, daemon, address)


@contextmanager
def _silent_nova() -> Iterator[FakeNova]:
    """It answers, but takes nothing until it is told to."""
    nova = FakeNova()
    nova.failure = 503
    nova.start()
    yield nova
    nova.stop()


def _options(nsx: Simulator, nova: FakeNova, folder: Path, address: str) -> dict[str, str]:
    return {
        "nsx__api": nsx.settings.api,
        "nsx__managers": ",".join(nsx.urls),
        "nova__endpoint": nova.url,
        "nsx__retries": "0",
        "nsx__connect_timeout": "0.5",
        "state_sync_interval": str(INTERVAL),
        "min_sync_req_delay": "0",
        "first_delay": "0",
        "control_socket": str(folder / "socket"),
        "listen": address,
    }


@pytest.fixture(scope="module")
def neutron(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Neutron's database, with a row for each object of a scene's NSX."""
    file = tmp_path_factory.mktemp("neutron") / "neutron.sqlite"
    engine = database.engine(f"sqlite:///{file}")
    schema.create(engine)
    with Simulator(**SIZE) as nsx:
        populate(engine, [vars_of(item) for item in nsx.inventory()])
    engine.dispose()
    return file


@pytest.fixture
def stage(tmp_path: Path, neutron: Path, command: Callable, prometheus: Prometheus) -> Stage:
    return Stage(tmp_path, neutron, command, prometheus)
