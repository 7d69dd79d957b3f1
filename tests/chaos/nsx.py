"""NSX's side of a run: who changes it writes down what it was, and when. There is no other author."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from chaos.judge import Change, Key, Words
from chaos.plan import Plan
from sites import COMMAND

_TIMEOUT = 60  # seconds for the control interface to answer


@contextmanager
def simulator(plan: Plan) -> Iterator[dict[str, Any]]:
    """A simulator of two nodes in a process of its own: what it says when it is ready."""
    delays = ["--index-delay", "1.5"] if plan.api == "policy" else []
    command = [COMMAND, "simulator", "--api", plan.api, "--nodes", "2", *delays]
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield json.loads(process.stdout.readline() if process.stdout else "")
        finally:
            process.terminate()
            process.wait(30)


class Nsx:
    """Changes what NSX has, and keeps its history."""

    def __init__(self, control: str, plan: Plan) -> None:
        self._control = control
        self.words: dict[Key, Words] = {}
        self.changes: list[Change] = []
        self._networks: dict[str, str] = {}  # of each port that there ever was: it comes back where it was
        ids = {"network_ids": plan.networks, "router_ids": plan.routers, "port_ids": plan.ports}
        self.ask("populate", {name: list(value) for name, value in ids.items()})
        self.ask("create", {"kind": "network", "ids": list(plan.spare_networks), "status": "up"})
        for kind, several in (
            ("network", [*plan.networks, *plan.spare_networks]),
            ("router", plan.routers),
            ("port", plan.ports),
        ):
            self._note(kind, several, 0.0, 0.0, lambda _: ("up",))
        for item in self._items():
            if item["kind"] == "port":
                self._networks[item["neutron_id"]] = item["network_id"]

    def act(self, what: str, details: Mapping[str, Any]) -> int:
        """Do one act of the plan; answer how many rows' objects it was about."""
        operation = {"appear": "create", "vanish": "delete", "delete": "delete"}.get(what, "status")
        body = dict(details)
        if operation == "create" and details["kind"] == "port":
            (port,) = details["ids"]
            body["network_id"] = self._networks.setdefault(port, details["network_id"])
        begins = time.time()
        self.ask(operation, body)
        word = details.get("status", "")
        becomes = {
            "create": lambda words: (*words, word),
            "delete": lambda _: (),
            "status": lambda words: (word,) * len(words),
        }[operation]
        return self._note(details["kind"], details["ids"], begins, time.time(), becomes)

    def ask(self, what: str, body: Any = None, method: str = "POST") -> Any:
        answer = requests.request(method, f"{self._control}/_sim/{what}", json=body, timeout=_TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def inventory(self) -> dict[Key, Words]:
        """What the simulator itself says that it has."""
        found: dict[Key, Words] = {}
        for item in self._items():
            key = (item["kind"], item["neutron_id"])
            found[key] = (*found.get(key, ()), item["status"])
        return found

    def _items(self) -> list[dict[str, Any]]:
        text = requests.get(f"{self._control}/_sim/inventory", timeout=_TIMEOUT).text
        return [json.loads(line) for line in text.splitlines()]

    def _note(self, kind: str, ids: Sequence[str], begins: float, ended: float, becomes: Any) -> int:
        for one in ids:
            before = self.words.get((kind, one), ())
            words = self.words[kind, one] = becomes(before)
            if words != before:
                self.changes.append(Change(kind, one, begins, ended, words))
        return len(ids)
