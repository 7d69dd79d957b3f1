"""What each option changes, seen from outside: by a simulator's log, Neutron's rows, files, exit codes.

A scene is a cloud of its own and one look at it. It is played twice, without and with an option changed.
"""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from line import Follower, LeapingClock, vars_of
from servers import free_port
from sites import process

from networking_nsx import assemble, config
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.populate import populate
from networking_nsx.simulator import Simulator
from networking_nsx.simulator.exchange import Answer, Request
from networking_nsx.sync.runner import OpenGate, Summary

PLACE = re.compile(r"\{(\w+)\}")


class Watched(Simulator):
    """A simulator that also counts how many requests it holds at a time, and remembers their headers."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.heard: list[str] = []
        self.most = 0
        self._held = 0
        self._counting = threading.Lock()

    def answer(self, request: Request) -> Answer:
        with self._counting:
            self.heard += request.headers
            self._held += 1
            self.most = max(self.most, self._held)
        try:
            time.sleep(0.02)  # while others come
            return super().answer(request)
        finally:
            with self._counting:
                self._held -= 1


@dataclass
class Scene:
    """A cloud: a simulated NSX, a row for each object, and a configuration with some options set."""

    command: Callable[..., subprocess.CompletedProcess[str]]
    template: Path
    folder: Path
    options: dict[str, str]
    listen: int = field(init=False, default=0)
    """A free port of this machine, for `{listen}` in an option."""

    @contextmanager
    def nsx(self, **settings: Any) -> Iterator[Watched]:
        """A simulator with 2 networks, 20 ports and 1 router unless told otherwise, and their rows."""
        self.folder.mkdir(parents=True)
        taken, self.listen = free_port()
        sizes = {"networks": 2, "ports": 20, "routers": 1, "seed": 7}
        with taken, Watched(**sizes | settings) as nsx:
            shutil.copyfile(self.template, self.folder / "neutron.sqlite")
            self.add_rows(nsx)
            yield nsx

    def add_rows(self, nsx: Simulator) -> None:
        database = engine(f"sqlite:///{self.folder}/neutron.sqlite")
        populate(database, [vars_of(item) for item in nsx.inventory()])
        database.dispose()

    def file(self, nsx: Simulator, **base: str) -> Path:
        """The configuration; options are those of [nsx_sync], or of another group as group__option."""
        groups: dict[str, dict[str, str]] = {
            "DEFAULT": {"notify_nova_on_port_status_changes": "false"},
            "database": {"connection": "sqlite:///{folder}/neutron.sqlite"},
            "nsx": {"managers": "{node0}", "password": "admin"},
            "nsx_sync": {"lock_path": "{folder}", "listen": ""},
        }
        for name, value in (base | self.options).items():
            group, _, option = name.rpartition("__")
            groups[group or "nsx_sync"][option] = value
        places = {"folder": str(self.folder), "listen": str(self.listen)} | {
            f"node{n}": url for n, url in enumerate(nsx.urls)
        }
        lines = [
            line
            for group, found in groups.items()
            for line in (f"[{group}]", *(f"{name} = {value}" for name, value in found.items()))
        ]
        file = self.folder / "neutron.conf"
        file.write_text(PLACE.sub(lambda place: places[place[1]], "\n".join(lines) + "\n"))
        return file

    def once(self, nsx: Simulator, *words: str, **base: str) -> subprocess.CompletedProcess[str]:
        file = str(self.file(nsx, **base))
        return self.command("sync", "once", "--config-file", file, "-f", "json", *words)

    def counts(self, nsx: Simulator, *words: str, **base: str) -> dict[str, Any]:
        """What `sync once` came to."""
        done = self.once(nsx, *words, **base)
        assert done.stdout, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def show(self, nsx: Simulator, **base: str) -> subprocess.CompletedProcess[str]:
        """`show` of some port."""
        port = str(nsx.inventory("port")[0].neutron_id)
        return self.command("show", "port", port, "--config-file", str(self.file(nsx, **base)), "-f", "json")

    def statuses(self) -> Counter[str]:
        """Of the ports, in Neutron."""
        return Counter(status for (status,) in self.sql("SELECT status FROM ports"))

    def sql(self, statement: str) -> list[Any]:
        database = engine(f"sqlite:///{self.folder}/neutron.sqlite")
        with database.begin() as connection:
            found = connection.execute(sa.text(statement))
            rows = list(found) if found.returns_rows else []
        database.dispose()
        return rows

    @contextmanager
    def daemon(self, nsx: Simulator, **base: str) -> Iterator[None]:
        """A daemon that has begun, in a process of its own."""
        with process("sync", "run", "--config-file", str(self.file(nsx, **base))) as running:
            assert any("synchronizing with" in line for line in iter(running.stderr.readline, ""))
            yield

    def sweeps(
        self, nsx: Simulator, count: int, after: Callable[[Summary], object] = bool, **base: str
    ) -> "Timed":
        """So many sweeps of the daemon's runner. Who waits moves its clock on, and goes on at once."""
        conf, clock = config.load([str(self.file(nsx, **base))]), LeapingClock()
        with assemble.daemon(conf, threading.Event()) as made:
            parts = replace(made, clock=clock, sweeper=replace(made.sweeper, clock=clock))
            follower = Timed(clock)
            follower.checks.append(lambda: after(follower.summaries[-1]))
            runner = parts.runner(follower, OpenGate(clock), lambda *_: None)
            runner.run(lambda: len(follower.summaries) >= count or len(follower.failures) > count)
        assert not follower.failures
        return follower


class Timed(Follower):
    """A listener that also remembers when sweeps began, in seconds since the runner started."""

    def __init__(self, clock: LeapingClock) -> None:
        super().__init__()
        self._clock = clock
        self._started = clock.monotonic()
        self.begun: list[float] = []

    def began(self) -> None:
        self.begun.append(self._clock.monotonic() - self._started)

    def gaps(self) -> list[float]:
        """Seconds from one sweep's beginning to the next."""
        return [later - before for before, later in zip(self.begun, self.begun[1:], strict=False)]


def asked(nsx: Simulator, *ends: str) -> int:
    """How many requests NSX has answered whose path, ids as {names}, ends like this."""
    by_path = nsx.requests.summary()["by_path"]
    return sum(sum(answers.values()) for path, answers in by_path.items() if path.endswith(ends))


@contextmanager
def deaf() -> Iterator[str]:
    """A manager that accepts no connection: a full backlog drops the first packet, as a dead machine does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, socket.socket() as first:
        first.connect(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
