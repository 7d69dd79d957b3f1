"""The control interface, `/_sim`: plain JSON for whoever plays NSX's part in a test or a demonstration.

It is never subject to faults, delays, limits or a login, and its requests are not counted.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from networking_nsx.simulator.accounts import Accounts
from networking_nsx.simulator.exchange import Answer, Request, error, json_answer
from networking_nsx.simulator.faults import Faults
from networking_nsx.simulator.inventory import Choice, Inventory, Refused
from networking_nsx.simulator.population import KINDS, Item, Plan
from networking_nsx.simulator.readings import Readings
from networking_nsx.simulator.requestlog import RequestLog
from networking_nsx.simulator.standing import Standing

ROOT = "/_sim"

Body = Mapping[str, Any]

_STRINGS = (str,)
_LISTS = (list, tuple)
_TYPES: dict[str, tuple[type, ...]] = {
    "kind": _STRINGS,
    "status": _STRINGS,
    "message": _STRINGS,
    "network_id": _STRINGS,
    "ids": _LISTS,
    "network_ids": _LISTS,
    "port_ids": _LISTS,
    "router_ids": _LISTS,
    "fraction": (int, float),
    "untagged": (bool,),
}  # the others are whole numbers


class Control:
    """Operations on one simulated NSX, as JSON bodies name them."""

    def __init__(
        self,
        inventory: Inventory,
        faults: Faults,
        log: RequestLog,
        seed: int,
        accounts: Accounts,
        readings: Readings,
        standing: Standing,
    ) -> None:
        self._inventory = inventory
        self._faults = faults
        self._log = log
        self._seed = seed
        self._accounts = accounts
        self._readings = readings
        self._standing = standing
        self._operations: dict[str, Callable[[Body], Body]] = {
            "populate": self._populate,
            "status": self._status,
            "delete": self._delete,
            "create": self._create,
        }
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/inventory"): self._get_inventory,
            ("GET", "/requests"): self._get_requests,
            ("POST", "/requests/reset"): self._reset_requests,
            ("GET", "/faults"): lambda _request: json_answer(200, faults.summary()),
            ("DELETE", "/faults"): self._clear_faults,
            ("POST", "/faults"): self._post_faults,
            ("GET", "/reads"): self._get_reads,
            ("POST", "/reads/reset"): self._reset_reads,
        }

    def answer(self, request: Request) -> Answer:
        """Do what a request below `/_sim` asks; 400 says what is wrong with it."""
        path = request.path.removeprefix(ROOT)
        route = self._routes.get((request.method, path))
        try:
            if route:
                return route(request)
            if request.method == "POST" and path[1:] in self._operations:
                return json_answer(200, self.perform(path[1:], _object(_json(request))))
        except Refused as refused:
            return error(400, str(refused))
        return error(404, f"There is no {request.method} {request.path}")

    def perform(self, operation: str, body: Body) -> Body:
        """Do one of populate, status, delete and create."""
        if operation not in self._operations:
            raise Refused(f"unknown operation {operation!r}: it must be one of {', '.join(self._operations)}")
        return self._operations[operation](body)

    def truth(self, kind: str | None = None) -> list[Item]:
        """What NSX has at this moment; nothing while its inventory is lost."""
        if kind is not None:
            _check_kind(kind)
        self._standing.settle()
        return [] if self._faults.on("inventory-lost") else self._inventory.items(kind)

    def _get_inventory(self, request: Request) -> Answer:
        lines = [json.dumps(_line(item)) + "\n" for item in self.truth(request.value("kind"))]
        return Answer(200, "".join(lines).encode(), (("Content-Type", "application/x-ndjson"),))

    def _post_faults(self, request: Request) -> Answer:
        asked = _json(request)
        if not isinstance(asked, list):
            raise Refused("a list of faults is needed")
        rules = self._faults.extend([_object(one) for one in asked])
        return json_answer(200, [rule.summary() for rule in rules])

    def _clear_faults(self, _request: Request) -> Answer:
        self._faults.clear()
        return json_answer(200, {})

    def _get_requests(self, _request: Request) -> Answer:
        return json_answer(200, {**self._log.summary(), **self._accounts.summary()})

    def _get_reads(self, request: Request) -> Answer:
        kind = request.value("kind") or "port"
        _check_kind(kind)
        with self._inventory.lock:
            return json_answer(200, self._readings.summary(kind))

    def _reset_reads(self, _request: Request) -> Answer:
        with self._inventory.lock:
            self._readings.reset()
        return json_answer(200, {})

    def _reset_requests(self, _request: Request) -> Answer:
        self._log.reset()
        self._accounts.reset()
        return json_answer(200, {})

    def _populate(self, body: Body) -> Body:
        _check(body, (field.name for field in fields(Plan)))
        self._inventory.populate(Plan(**{"seed": self._seed, **body}))
        kinds = [item.kind for item in self._inventory.items()]
        return {f"{kind}s": kinds.count(kind) for kind in KINDS}

    def _status(self, body: Body) -> Body:
        _check(body, ("kind", "status", "ids", "fraction", "seed", "message"), needed=("kind", "status"))
        unknown = self._unknown(body)
        message = body.get("message", "")
        ids, changed = self._inventory.set_status(self._choice(body), body["status"], message)
        return {"changed": changed, "ids": ids, "unknown": unknown}

    def _delete(self, body: Body) -> Body:
        _check(body, ("kind", "ids", "fraction", "seed"), needed=("kind",))
        unknown = self._unknown(body)
        return {"ids": self._inventory.delete(self._choice(body)), "unknown": unknown}

    def _create(self, body: Body) -> Body:
        _check(body, ("kind", "ids", "count", "network_id", "status", "untagged"), needed=("kind",))
        rest = {key: value for key, value in body.items() if key != "kind"}
        return {"ids": self._inventory.create(body["kind"], **rest)}

    def _choice(self, body: Body) -> Choice:
        if ("ids" in body) == ("fraction" in body):
            raise Refused("either ids or a fraction is needed")
        fraction, seed = body.get("fraction", 1.0), body.get("seed", self._seed)
        return Choice(body["kind"], body.get("ids"), fraction, seed)

    def _unknown(self, body: Body) -> list[str]:
        return self._inventory.unknown(body["kind"], body.get("ids", ()))


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise Refused(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")


def _line(item: Item) -> Body:
    return {
        "kind": item.kind,
        "nsx_id": item.nsx_id,
        "neutron_id": item.neutron_id,
        "network_id": item.network_id,
        "status": item.status,
    }


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError as wrong:
        raise Refused(f"the body is no JSON: {wrong}") from wrong


def _object(content: Any) -> Body:
    if not isinstance(content, dict):
        raise Refused(f"a JSON object is needed, not {content!r}")
    return content


def _check(body: Body, known: Iterable[str], needed: Iterable[str] = ()) -> None:
    names = tuple(known)
    for key in needed:
        if key not in body:
            raise Refused(f"{key} is missing")
    for key, value in body.items():
        if key not in names:
            raise Refused(f"unknown key {key!r}: it must be one of {', '.join(names)}")
        if not _fits(value, _TYPES.get(key, (int,))):
            raise Refused(f"{key} cannot be {value!r}")


def _fits(value: Any, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in types  # which Python takes for a whole number
    if isinstance(value, list):
        return list in types and all(isinstance(one, str) for one in value)
    return isinstance(value, types)
