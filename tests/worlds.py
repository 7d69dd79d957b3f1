"""A small world in memory for the heart's tests: rows, NSX objects, a clock that only sleeping moves."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from random import Random

from networking_nsx.errors import CursorExpired, NsxError
from networking_nsx.model import (
    Change,
    Facts,
    Health,
    Key,
    Kind,
    Observation,
    Outcome,
    Page,
    Progress,
    Row,
    Sought,
    Verdict,
)
from networking_nsx.ports import Clock
from networking_nsx.sync.brake import Brake, BrakeSettings
from networking_nsx.sync.canary import Canary, CanarySettings
from networking_nsx.sync.ledger import Ledger, LedgerSettings
from networking_nsx.sync.maintenance import Forgetful, Window
from networking_nsx.sync.runner import Summary
from networking_nsx.sync.sweep import Sweeper

OURS = Facts(in_scope=True, expects_twin=True, admin_up=True, may_activate=True)
START = 1_000_000.0


class World:
    """Neutron and NSX side by side. It is the Source, the Store and the Clock."""

    page_maximum = 5000
    index = None

    def __init__(self, **objects: int) -> None:
        """World(network=2, port=6, router=1): rows ACTIVE, objects up, all of them old."""
        self.time = START
        self.waits: list[float] = []
        self.neutron: dict[Key, Row] = {}
        self.nsx: dict[Kind, dict[str, tuple[str, Health]]] = {
            kind: {} for kind in Kind
        }  # path -> id, health
        self.writes: list[Change] = []
        self.requests: list[tuple[Kind, str | None, int]] = []
        self.looks: list[Key] = []
        self.page_errors: dict[int, Exception] = {}  # by number of the page request
        self.look_errors: list[NsxError] = []  # for the next looks
        self.poisoned: dict[Key, NsxError] = {}  # for every look at one row
        self.before_look: list[object] = []  # callables, each called once, when NSX has been asked
        self.before_write: list[object] = []  # the same, when rows are about to be written
        for kind, n in objects.items():
            for i in range(n):
                self.add(Kind(kind), f"{kind}-{i:05}")

    def add(
        self, kind: Kind, name: str, status: str = "ACTIVE", health: Health | None = Health.UP, **row
    ) -> Key:
        defaults = {"parent_id": "", "revision": 1, "changed_at": START - 3600, "facts": OURS}
        self.neutron[Key(kind, name)] = Row(kind, name, status=status, **(defaults | row))
        if health:
            self.nsx[kind][f"/{kind}/{name}"] = (name, health)
        return Key(kind, name)

    def flip(self, kind: Kind, health: Health, count: int | None = None) -> None:
        for path in list(self.nsx[kind])[:count]:
            self.nsx[kind][path] = (self.nsx[kind][path][0], health)

    def vanish(self, kind: Kind, count: int | None = None) -> None:
        for path in list(self.nsx[kind])[:count]:
            del self.nsx[kind][path]

    def statuses(self, kind: Kind) -> dict[str, int]:
        found = [row.status for row in self.neutron.values() if row.kind is kind]
        return {status: found.count(status) for status in sorted(set(found))}

    # Clock
    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds

    # Source
    def page(self, kind: Kind, cursor: str | None, length: int) -> Page:
        number = len(self.requests)
        self.requests.append((kind, cursor, length))
        if number in self.page_errors:
            raise self.page_errors.pop(number)
        paths = sorted(path for path in self.nsx[kind] if cursor is None or path > cursor)
        some = paths[:length]
        more = some[-1] if len(paths) > length else None
        observed, as_of = self.observed(kind, some), self.time
        if self.index and kind is self.index.kind:
            observed, as_of = self.index.told(observed), self.time - self.index.lag
        return Page(kind, observed, more, len(paths) if cursor is None else None, as_of)

    def look(self, sought: Sequence[Sought]) -> Iterator[list[Observation] | NsxError]:
        while self.before_look:
            self.before_look.pop(0)()
        for one in sought:
            self.looks.append(one.key)
            kind, name = one.key
            error = self.look_errors.pop(0) if self.look_errors else self.poisoned.get(one.key)
            paths = [path for path, (owner, _) in self.nsx[kind].items() if owner == name]
            if kind is Kind.PORT and one.path in paths:  # it is where it was: nobody asks for another one,
                own = f"/{kind}/{name}"  # but where our naming has it
                paths = [path for path in paths if path in (one.path, own)]
            absent = Observation(kind, name, Health.ABSENT, self.time, one.path, "404")
            yield error or self.observed(kind, paths) or [absent]

    def hide(self, path: str) -> None:
        """Listings leave out the object there, from now on."""
        page = self.page
        self.page = lambda *asked: (found := page(*asked))._replace(
            observations=[seen for seen in found.observations if seen.path != path]
        )

    def relook(self, **changed: object) -> None:
        """Direct reads say something else than the listing."""
        look = self.look
        self.look = lambda sought: (
            [seen._replace(**changed) for seen in answer] if isinstance(answer, list) else answer
            for answer in look(sought)
        )

    def observed(self, kind: Kind, paths: list[str]) -> list[Observation]:
        found = ((path, *self.nsx[kind][path]) for path in paths)
        return [
            Observation(kind, name, health, self.time, path, health.value) for path, name, health in found
        ]

    # Store
    def recorded(self, kind: Kind) -> Iterator[Row]:
        return iter([row for row in self.neutron.values() if row.kind is kind])

    def rows(self, keys: Sequence[Key]) -> list[Row]:
        return [self.neutron[key] for key in keys if key in self.neutron]

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        while self.before_write:
            self.before_write.pop(0)()
        return [self._write(change) for change in changes]

    def _write(self, change: Change) -> Outcome:
        row = self.neutron.get(change.row.key)
        if row is None:
            return Outcome(change, Verdict.GONE, None)
        if (row.status, row.revision) != (change.row.status, change.row.revision):
            return Outcome(change, Verdict.REFUSED, row)
        row = row._replace(status=change.status, revision=row.revision + 1, changed_at=self.time)
        self.neutron[row.key] = row
        self.writes.append(change)
        return Outcome(change, Verdict.WRITTEN, row)


class FakeIndex:
    """What a search index says of a world's ports: as NSX has them, but for what it drops or has old."""

    kind = Kind.PORT

    def __init__(self, world: World, lag: float = 0.0) -> None:
        self.world = world
        self.lag = lag
        self.dropped: set[str] = set()
        self.stale: dict[str, Health] = {}
        self.error: NsxError | None = None
        self.asked: list[int] = []
        world.index = self

    def told(self, observed: list[Observation]) -> list[Observation]:
        if self.error:
            raise self.error
        return [
            seen._replace(health=self.stale.get(seen.id, seen.health), as_of=self.world.time - self.lag)
            for seen in observed
            if seen.id not in self.dropped
        ]

    def find(self, ids: Sequence[str]) -> list[Observation]:
        self.asked.append(len(ids))
        wanted = set(ids)
        paths = [path for path, (owner, _) in self.world.nsx[self.kind].items() if owner in wanted]
        return self.told(self.world.observed(self.kind, paths))


@dataclass
class Heart:
    """A sweeper over a world, with everything that it remembers between sweeps."""

    world: World
    brake_settings: BrakeSettings = field(default_factory=BrakeSettings)
    ledger_settings: LedgerSettings = field(default_factory=LedgerSettings)
    canary_settings: CanarySettings = field(default_factory=CanarySettings)
    direct_seconds: float = float("inf")
    looks: int = 200
    kinds: tuple[Kind, ...] = tuple(Kind)
    steps: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The process starts anew: nothing is remembered."""
        self.brake = Brake(self.brake_settings, Random(1))
        self.ledger = Ledger(self.ledger_settings)
        self.canary = Canary(self.canary_settings, Random(1))
        self.sweeper = Sweeper(
            self.world,
            self.ledger,
            self.world,
            self.brake,
            self.canary,
            self.world,
            kinds=self.kinds,
            looks=self.looks,
            direct_seconds=self.direct_seconds,
        )

    def sweep(self, times: int = 1, *, length: int = 500, seconds: float = 10.0) -> Summary:
        """Sweep that often, `seconds` apart; the last sweep's summary."""
        for _ in range(times):
            summary = Summary()
            for step in self.sweeper.sweep(lambda: length):
                self.steps.append(step)
                summary.add(step)
            self.world.time += seconds
        return summary


def no_window(clock: Clock) -> Window:
    """No maintenance is at hand, and one that begins ends with the process."""
    return Window(clock, nullcontext(), Forgetful(), lambda *_: None)


def expired() -> CursorExpired:
    return CursorExpired("unknown cursor")


def pairs(items):
    return itertools.pairwise(items)
