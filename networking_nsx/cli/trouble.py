"""The demo's trouble: what happens to a simulated NSX while it is being swept."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import requests

from networking_nsx.cli.populate import TIMEOUT, inventory
from networking_nsx.errors import Unavailable

# A fault each, so that every cycle meets all of them: (name, matching requests let through first).
_FAULTS = (("http-500", 0), ("http-503", 1), ("truncate", 1), ("reset", 2), ("invalid-json", 2))
_MATCHES = {"mh": "/ws.v1/l", "policy": "/policy/api/v1/infra"}


class Trouble:
    """Makes trouble through the control interface, and counts what it really did."""

    def __init__(
        self, api: str, simulator: str, add_rows: Callable[[Iterable[Mapping[str, Any]]], object]
    ) -> None:
        """`add_rows` gives Neutron a row for each object that has none, as the plug-in would."""
        self._match = _MATCHES[api]
        self._simulator = simulator
        self._add_rows = add_rows
        self._session = requests.Session()
        self._counts: Counter[str] = Counter(flipped=0, deleted=0, added=0)

    def counts(self) -> dict[str, int]:
        return dict(self._counts) | {"failed requests": self._fired}

    def take_down(self, port_id: str) -> None:
        """One port, to be followed by whoever looks on."""
        self._ask("POST", "status", {"kind": "port", "status": "down", "ids": [port_id]})

    def between_pages(self, cycle: int) -> Iterator[None]:
        """One piece of trouble at each `next`: each time that a page was settled."""
        self._fail()
        self._flip(cycle)
        yield
        self._vanish(cycle)
        yield
        self._appear()
        yield

    def end(self) -> None:
        """No more faults; count those that fired."""
        self._fired = sum(fault["fired"] for fault in self._ask("GET", "faults"))
        self._ask("DELETE", "faults")

    def _flip(self, cycle: int) -> None:
        for kind, fraction in (("port", 0.02), ("network", 0.05), ("router", 0.25)):
            for status, seed in (("down", cycle), ("up", cycle - 1)):
                choice = {"kind": kind, "status": status, "fraction": fraction, "seed": seed}
                self._counts["flipped"] += self._ask("POST", "status", choice)["changed"]

    def _vanish(self, cycle: int) -> None:
        for kind, fraction in (("port", 0.005), ("network", 0.025)):
            gone = self._ask("POST", "delete", {"kind": kind, "fraction": fraction, "seed": 100 + cycle})
            self._counts["deleted"] += len(gone["ids"])  # a network takes its ports with it

    def _appear(self) -> None:
        for kind, count, status in (("network", 1, "up"), ("port", 10, "up"), ("port", 5, "down")):
            new = self._ask("POST", "create", {"kind": kind, "count": count, "status": status})
            self._counts["added"] += len(new["ids"])
        self._add_rows(inventory(self._simulator))

    def _fail(self) -> None:
        self._ask(
            "POST",
            "faults",
            [{"fault": name, "match": self._match, "after": after, "count": 1} for name, after in _FAULTS],
        )

    def _ask(self, method: str, what: str, body: Any = None) -> Any:
        try:
            answer = self._session.request(
                method, f"{self._simulator}/_sim/{what}", json=body, timeout=TIMEOUT
            )
            answer.raise_for_status()
            return answer.json() if answer.content else None
        except (requests.RequestException, ValueError) as error:
            raise Unavailable(f"the simulator's control interface failed: {error}") from error
