"""The status page of a daemon in any state, over real HTTP; Neutron's rows are in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cloud import START, HandClock

from networking_nsx.config import Address
from networking_nsx.errors import StoreError
from networking_nsx.model import (
    Change,
    Facts,
    Health,
    Key,
    Kind,
    Observation,
    Outcome,
    Progress,
    Row,
    Status,
    Verdict,
)
from networking_nsx.neutron.census import By, Group
from networking_nsx.serve.health import Hang
from networking_nsx.serve.page import Page, Watched
from networking_nsx.serve.page_census import Counter
from networking_nsx.serve.page_history import Changes, Minutes
from networking_nsx.serve.web import web
from networking_nsx.sync.runner import Summary

FACTS = Facts(in_scope=True, expects_twin=True, admin_up=True, may_activate=True)
PORT = "5f0c8a1e-2f62-4f3a-9d47-0c1d9b7f6a11"
NETWORK = "a3b1c8de-1d52-4c0e-8f7f-5b8f1b8b7c55"
# Closes what it may stand in, begins what a browser would run, fetch or obey; turns the direction of text.
EVIL = (
    "</title></style>'\"><script>document.title='taken'</script>"
    "<img src=x onerror=alert(1)>&amp;{{7*7}}\u202e"
)

QUIET: Mapping[str, Any] = {
    "version": "0.1.0",
    "process": 4711,
    "started_at": START - 90000,
    "api": "policy",
    "managers": ("https://nsx-1.example", "https://nsx-2.example", "https://nsx-3.example"),
    "mode": "write",
    "state": "running",
    "paused_since": None,
    "sweep_since": START - 4,
    "sweep_kind": "port",
    "sweep_done": 41250,
    "sweep_total": 100000,
    "last_sweep_at": START - 4,
    "last_sweep_seconds": 9.7,
    "last_sweep_counts": {"observed": 102200, "written": 3},
    "bound": 19.7,
    "failures": 0,
    "next_attempt_at": None,
    "last_error": "",
    "held": {"network": 0, "router": 0, "port": 0},
    "rows": {
        "network": {"ACTIVE": 2000},
        "router": {"ACTIVE": 198, "ERROR": 2},
        "port": {"ACTIVE": 99570, "DOWN": 430, "BUILD": 7},
    },
    "index": "believed",
    "index_reason": "",
    "maintenance": "none",
    "maintenance_until": None,
    "maintenance_reason": "",
    "settle_waiting": 2,
    "settle_counts": {},
    "settle_failures": 0,
    "settle_error": "",
}
EMPTY = {
    "started_at": START - 2,
    **dict.fromkeys(("sweep_since", "sweep_kind", "sweep_done", "sweep_total")),
    **dict.fromkeys(("last_sweep_at", "last_sweep_seconds", "last_sweep_counts", "bound")),
    "rows": {"network": {}, "router": {}, "port": {}},
    "index": "none",
}
FROZEN = {
    "state": "paused",
    "paused_since": START - 600,
    "held": {"network": 0, "router": 2, "port": 412},
    "index": "not believed",
    "index_reason": "3 of 150 ports differ",
    **dict.fromkeys(("sweep_since", "sweep_kind", "sweep_done", "sweep_total")),
}
FAILING = {
    "failures": 4,
    "last_error": "https://nsx-1.example: connection refused",
    "next_attempt_at": START + 8,
    "settle_failures": 1,
    "settle_error": "Neutron's database stays locked",
    "bound": 1234.0,
}


@dataclass
class Rows:
    """What Neutron has; the double of a census."""

    down: Sequence[Group] = ()
    found: Sequence[Row] = ()
    error: str = ""
    counts: int = 0

    def down_ports(self, by: By) -> Sequence[Group]:
        self.counts += by is By.HOST
        self._fail()
        return [group for group in self.down if bool(group.name) == (by is By.SEGMENT)]

    def rows(self, row_id: str) -> Sequence[Row]:
        self._fail()
        return [row for row in self.found if row.id == row_id]

    def _fail(self) -> None:
        if self.error:
            raise StoreError(self.error)


def usual() -> Rows:
    """Most ports that are DOWN are on one host."""
    hosts = [Group("esx-17", "", {"DOWN": 412}), *(Group(f"esx-{i}", "", {"DOWN": 1}) for i in range(18))]
    segments = [Group(f"{NETWORK[:-2]}{i:02}", f"tenant-{i:02}", {"DOWN": 40 - i}) for i in range(15)]
    return Rows([*hosts, *segments], [port()])


def port(row_id: str = PORT, network_id: str = NETWORK, status: str = "DOWN") -> Row:
    return Row(Kind.PORT, row_id, network_id, status, 7, START - 60, FACTS)


def written(key: Key, status: Status, word: str, path: str) -> Progress:
    """A step of a sweep that wrote one status."""
    old = "DOWN" if status is Status.ACTIVE else "ACTIVE"
    row = Row(*key, NETWORK, old, 1, START - 99, FACTS)
    change = Change(row, status, Observation(*key, Health.DOWN, START - 1, path, word))
    return Progress(key.kind, {"observed": 1000}, outcomes=(Outcome(change, Verdict.WRITTEN, row),))


@contextmanager
def shown(
    told: Mapping[str, Any] = {},
    rows: Rows | None = None,
    hangs: Sequence[Hang] = (),
    steps: Sequence[Progress] = (),
) -> Iterator[str]:
    """The URL of the page, until the end of the block."""
    clock = HandClock(START - 1800)
    minutes, changes = Minutes(clock), Changes(clock)
    for step in steps:
        minutes.progressed(step)
        changes.listener("sweep").progressed(step)
        minutes.swept(Summary())
        clock.time += 1800 / len(steps)
    clock.time = START
    counter = Counter(rows or usual(), clock, 10.0)
    watched = Watched(lambda: {**QUIET, **told}, lambda: hangs, minutes, changes, counter, 10.0, clock)
    with web(Address("127.0.0.1", 0), Page(watched).views()) as url:
        yield url


def busy() -> list[Progress]:
    """Half an hour's steps."""
    statuses = (Status.DOWN, Status.ACTIVE, Status.ERROR)
    path = "/infra/segments/web/ports/{}"
    return [
        written(Key(Kind.PORT, PORT[:-2] + f"{i:02}"), statuses[i * i % 3], "DOWN", path.format(PORT))
        for i in range(40)
    ]
