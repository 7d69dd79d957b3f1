"""For tests of `neutron-nsx check`: the command, against a simulator that says what it is told to say."""

import json
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from line import vars_of

from networking_nsx.neutron.populate import populate
from networking_nsx.simulator import Simulator

DEAD = "http://127.0.0.1:9"


class Stamped(Simulator):
    """A simulator whose answers have other headers, or say something else of one path."""

    stamps: tuple[tuple[str, str], ...] = ()
    told: Mapping[str, Any] = {}

    def answer(self, request):
        answer = super().answer(request)
        if answer.status == 200 and request.path in self.told:
            answer = replace(answer, body=json.dumps(self.told[request.path]).encode())
        return replace(answer, headers=tuple(({**dict(answer.headers), **dict(self.stamps)}).items()))


class Checks:
    """The command, against a simulator and a database that has a row for each of its objects."""

    def __init__(self, command, engine, folder) -> None:
        self._command = command
        self._folder = folder
        self.engine = engine
        self.code = 0

    def configuration(self, nsx, **options: str):
        """Write the file; options are those of [nsx], or of another group as group__option."""
        groups = {
            "database": {"connection": self.engine.url.render_as_string(hide_password=False)},
            "nsx": {"managers": ",".join(nsx.urls), "password": "admin", "connect_timeout": "2"},
            "nsx_sync": {"lock_path": str(self._folder), "listen": ""},
        }
        for name, value in options.items():
            group, _, option = name.rpartition("__")
            groups.setdefault(group or "nsx", {})[option] = value
        file = self._folder / "neutron.conf"
        sections = (
            (group, "\n".join(f"{k} = {v}" for k, v in found.items())) for group, found in groups.items()
        )
        file.write_text("".join(f"[{group}]\n{found}\n" for group, found in sections))
        return file

    def __call__(self, nsx, **options: str) -> dict[str, dict[str, str]]:
        """The lines by their names; a manager is named by its number."""
        file = self.configuration(nsx, **options)
        done = self._command("check", "--config-file", str(file), "-f", "json")
        assert "Traceback" not in done.stderr, done.stderr
        self.code = done.returncode
        managers = options.get("managers", ",".join(nsx.urls)).split(",")
        numbers = {manager: str(number) for number, manager in enumerate(managers)}
        lines = json.loads(done.stdout)
        return {" ".join(numbers.get(word, word) for word in line["name"].split()): line for line in lines}


@contextmanager
def simulated(engine, made=Simulator, **settings):
    with made(networks=3, ports=6, routers=1, **settings) as simulator:
        populate(engine, [vars_of(item) for item in simulator.inventory()])
        yield simulator


def results(lines, *names: str) -> dict[str, str]:
    return {name: lines[name]["result"] for name in names or lines}


def wrong(lines) -> list[str]:
    return [name for name, line in lines.items() if line["result"] == "fail"]
