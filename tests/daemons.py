"""A daemon in this process: its real threads, a real simulator, Neutron in a real database, HTTP."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
import sqlalchemy as sa
from line import vars_of
from prometheus_client import CollectorRegistry
from servers import free_port
from waiting import wait_for

from networking_nsx import assemble, config
from networking_nsx.evidence.journal import journal
from networking_nsx.metrics import Metrics
from networking_nsx.model import Progress
from networking_nsx.neutron.populate import populate
from networking_nsx.serve.daemon import Followers, serve
from networking_nsx.simulator import Simulator
from networking_nsx.sync.runner import Summary

_LOG = logging.getLogger(__name__)


class Quiet:
    """A listener that says nothing."""

    def began(self) -> None: ...

    def progressed(self, progress: Progress) -> None: ...

    def swept(self, summary: Summary) -> None: ...

    def failed(self, error: Exception, wait: float) -> None: ...


@dataclass
class Daemon:
    url: str
    nsx: Simulator
    engine: sa.Engine
    stop: threading.Event
    stops: list = field(default_factory=list)

    def get(self, path: str, **how) -> requests.Response:
        return requests.get(self.url + path, timeout=30, **how)

    def code(self, path: str) -> int:
        return self.get(path).status_code

    def wait_until(self, path: str, code: int, seconds: float = 60.0) -> requests.Response:
        wait_for(lambda: self.code(path) == code, seconds)
        return self.get(path)

    def end(self) -> None:
        for stop in (self.stop.set, *self.stops):
            stop()


@contextmanager
def daemon(nsx: Simulator, engine: sa.Engine, folder: Path, **options: str) -> Iterator[Daemon]:
    """Run until the end of the block, with these options of [nsx_sync], or of another group as group__option.

    Neutron has a row for each object of the simulator.
    """
    populate(engine, [vars_of(item) for item in nsx.inventory()])
    taken, port = free_port()
    running = Daemon(f"http://127.0.0.1:{port}", nsx, engine, threading.Event())
    with taken:
        file = _configuration(nsx, engine, folder, listen=f"127.0.0.1:{port}", **options)
        failures: list[BaseException] = []
        thread = threading.Thread(target=_run, args=(file, running, failures), daemon=True)
        thread.start()
        try:
            wait_for(lambda: failures or _answers(running))
            if failures:
                raise failures[0]
            yield running
        finally:
            running.end()
            thread.join(60)
            assert not thread.is_alive()


def _configuration(nsx: Simulator, engine: sa.Engine, folder: Path, **options: str) -> Path:
    groups = {
        "DEFAULT": {"notify_nova_on_port_status_changes": "false"},
        "database": {"connection": engine.url.render_as_string(hide_password=False)},
        "nsx": {"api": nsx.settings.api, "managers": ",".join(nsx.urls), "password": "admin"},
        "nsx_sync": {"state_sync_interval": "1", "min_sync_req_delay": "0", "first_delay": "0"},
    }
    for name, value in options.items():
        group, _, option = name.rpartition("__")
        groups[group or "nsx_sync"][option] = value
    sections = (
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
        for group, options in groups.items()
    )
    file = folder / "neutron.conf"
    file.write_text("".join(sections))
    return file


def _run(file: Path, running: Daemon, failures: list[BaseException]) -> None:
    """What `sync run` does."""
    try:
        conf, metrics = config.load([str(file)]), Metrics(CollectorRegistry())
        settings = config.settings(conf)
        with (
            journal(settings.state_path, settings.audit_log) as kept,
            assemble.daemon(conf, running.stop, [kept.nova], metrics) as parts,
        ):
            serve(parts, Followers(Quiet(), metrics, kept), running.stop, running.stops)
    except Exception as error:  # noqa: BLE001 - of whichever kind: the test is told
        _LOG.exception("the daemon has failed")
        failures.append(error)


def _answers(running: Daemon) -> bool:
    try:
        return bool(running.get("/healthz"))
    except requests.ConnectionError:
        return False
