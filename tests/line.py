"""The whole line for tests: a simulated NSX over real HTTP, Neutron's tables in SQLite, and all between.

Only time is not real: who sleeps moves the clock on and goes on at once, so that back-offs cost nothing.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from cloud import Ear
from sqlalchemy.engine import Engine

from networking_nsx.model import Key, Kind, Progress
from networking_nsx.neutron.populate import populate
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore
from networking_nsx.nsx.api import MH, POLICY
from networking_nsx.nsx.auth import PolicyLogin
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.listing_policy import PolicySettings
from networking_nsx.nsx.mh import MhLogin, MhSource
from networking_nsx.nsx.policy import PolicySource
from networking_nsx.nsx.reader_mh import Generation
from networking_nsx.nsx.reader_policy import Reader
from networking_nsx.simulator import Item, Simulator
from networking_nsx.sync import punctual
from networking_nsx.sync.brake import Brake, BrakeSettings
from networking_nsx.sync.canary import Canary, CanarySettings
from networking_nsx.sync.ledger import Ledger, LedgerSettings
from networking_nsx.sync.pacing import Backoff, Pacer, PacingSettings
from networking_nsx.sync.runner import Runner, Summary
from networking_nsx.sync.sweep import Sweeper

if TYPE_CHECKING:
    from networking_nsx.ports import Source

Table = dict[tuple[str, str], str]  # (kind, Neutron id) -> status

INTERVAL = 10  # seconds from one sweep to the next
_PATIENCE = 2000  # steps of a runner, after which it is not going to end


class LeapingClock:
    """The machine's time, and what was slept away on top of it."""

    def __init__(self) -> None:
        self.leapt = 0.0

    def now(self) -> float:
        return time.time() + self.leapt

    def monotonic(self) -> float:
        return time.monotonic() + self.leapt

    def sleep(self, seconds: float) -> None:
        self.leapt += seconds


@dataclass
class Follower:
    """A listener that remembers; `checks` are called whenever a sweep ended or a step failed."""

    checks: list[Callable[[], object]] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def began(self) -> None: ...

    def progressed(self, progress: Progress) -> None: ...

    def swept(self, summary: Summary) -> None:
        self.summaries.append(summary)
        self._check()

    def failed(self, error: Exception, _wait: float) -> None:
        self.failures.append(error)
        self._check()

    def _check(self) -> None:
        for check in self.checks:
            check()


class Line:
    """`with Line(engine, sim) as line:` and Neutron has a row for each object of the simulator."""

    def __init__(
        self,
        engine: Engine,
        sim: Simulator,
        *,
        page: int = 5000,
        scope: Scope = Scope(),  # noqa: B008 - a frozen value
        http: HttpSettings = HttpSettings(),  # noqa: B008
        policy: PolicySettings = PolicySettings(),  # noqa: B008
        looks: int = 200,
        vip: bool = False,
    ) -> None:
        self.engine = engine
        self.sim = sim
        self.page = page
        self.looks = looks
        self.clock = LeapingClock()
        self.ear = Ear()
        self._http = http
        self._policy = policy
        self._managers = [sim.vip] if vip else sim.urls
        self._store = NeutronStore(engine, scope, self.ear, self.clock)
        self._client: Client | None = None

    def __enter__(self) -> Self:
        self.add_rows()
        self.restart()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def restart(self) -> None:
        """The process starts anew: nothing is remembered, nobody is logged in."""
        self._close()
        login, api = (MhLogin, MH) if self.sim.settings.api == "mh" else (PolicyLogin, POLICY)
        self._client = Client(self._managers, login("admin", "admin"), self._http, self.clock, api=api)
        self.brake = Brake(BrakeSettings(), random.Random(1))
        if api is MH:
            self.source: Source = MhSource(self._client, self.clock, Generation(self.clock))
        else:
            self.source = PolicySource(self._client, self.clock, self._policy)
        source, ledger = self.source, Ledger(LedgerSettings())
        self.canary = Canary(CanarySettings(), random.Random(1))
        self.sweeper = Sweeper(
            source, ledger, self._store, self.brake, self.canary, self.clock, looks=self.looks
        )

    def add_rows(self, items: Iterable[Item] | None = None) -> None:
        """Rows, an hour old, for what the simulator has, or for these objects of it."""
        items = self.sim.inventory() if items is None else items
        populate(self.engine, [vars_of(item) for item in items])

    def sweep(self, times: int = 1, *, every: float = INTERVAL) -> Summary:
        """Complete sweeps; the summary of the last one. Raises what ends a sweep."""
        for _ in range(times):
            summary, backoff = Summary(), Backoff()
            for progress in self.sweeper.sweep(lambda: self.page):
                summary.add(progress)
                if progress.failure:
                    self.clock.sleep(backoff.failed())
            self.clock.sleep(every)
        return summary

    def reader(self) -> Reader:
        """What direct looks at NSX Policy are made with."""
        assert self._client
        return Reader(self._client)

    def synchronize(self, kind: str, row_id: str) -> None:
        """What `sync key` does."""
        punctual.synchronize(Key(Kind(kind), row_id), self.source, self._store, self.clock)

    def run(self, follower: Follower, done: Callable[[], bool]) -> None:
        """Let the runner sweep as the daemon does, until it is done."""
        pacing = PacingSettings(interval=INTERVAL, page_maximum=self.page)
        steps = iter(range(_PATIENCE))

        def stopping() -> bool:
            assert next(steps, None) is not None, f"no end: {follower.failures[-3:]}"
            return done()

        Runner(self.sweeper, Pacer(pacing, random.Random(1)), self.clock, follower).run(stopping)

    def statuses(self, kind: str | None = None) -> Table:
        """What Neutron's tables say, by plain SQL."""
        return {key: status for key, (status, *_) in self.rows(kind).items()}

    def rows(self, kind: str | None = None) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Status, revision and date of the last change of each row, by plain SQL."""
        kinds = [kind] if kind else [str(each) for each in Kind]
        with self.engine.connect() as connection:
            return {
                (each, row_id): tuple(rest)
                for each in kinds
                for row_id, *rest in connection.exec_driver_sql(
                    f"SELECT r.id, r.status, a.revision_number, a.updated_at FROM {each}s r"
                    " JOIN standardattributes a ON a.id = r.standard_attr_id"
                )
            }

    def execute(self, sql: str, **parameters: Any) -> None:
        """One transaction of somebody else's."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(sql), parameters)

    def truth(self, before: Mapping[tuple[str, str], str]) -> Table:
        """The statuses that these rows ought to have, from what NSX has at this moment."""
        return {**before, **truth(self.sim.inventory(), before, self.sim.settings.api)}

    def _close(self) -> None:
        if self._client:
            self._client.close()


@contextmanager
def settled(engine: Engine, sim: Simulator, **how: Any) -> Iterator[Line]:
    """A line that has swept long ago: Neutron knows what NSX has."""
    with Line(engine, sim, **how) as line:
        line.sweep()
        line.clock.sleep(700)
        yield line


_MEANING = {  # (api, kind, NSX's word) -> status, where it is not the same for all
    ("policy", "network", "down"): "ERROR",  # a segment is realized, or it has failed
    ("policy", "network", "error"): "ERROR",
    ("policy", "port", "error"): "DOWN",
    ("policy", "router", "error"): "ERROR",
}


def truth(items: Iterable[Item], before: Mapping[tuple[str, str], str], api: str = "mh") -> Table:
    """The rules of design section 5, written a second time: for rows that have objects on NSX."""
    words: dict[tuple[str, str], set[str]] = {}
    for item in items:
        if item.neutron_id and (item.kind, item.neutron_id) in before:
            words.setdefault((item.kind, item.neutron_id), set()).add(item.status)
    table = {}
    for (kind, row_id), said in words.items():
        meant = [_MEANING[api, kind, word] for word in said if (api, kind, word) in _MEANING]
        if meant:
            table[kind, row_id] = meant[0]
        elif "down" in said:
            table[kind, row_id] = "ERROR" if kind == "router" else "DOWN"
        elif said == {"up"}:
            table[kind, row_id] = "ACTIVE"
        else:  # a word that proves nothing
            table[kind, row_id] = before[kind, row_id]
    return table


def differing(found: Table, expected: Table) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """What is found and what is expected, where they differ: {} in the good case, short in the bad one."""
    keys = sorted(found.keys() | expected.keys())
    return {key: (found.get(key), expected.get(key)) for key in keys if found.get(key) != expected.get(key)}


def vars_of(item: Item) -> dict[str, Any]:
    """One line of `/_sim/inventory`."""
    return {name: getattr(item, name) for name in ("kind", "nsx_id", "neutron_id", "network_id", "status")}
