"""Who sees a change when: hosts report a status late, and the search index hears of it later still.

Promises: without delays everybody sees everything at once; within a delay the old value shows; a lag
that a fault makes takes back what its objects became lately, until it ends. Use it under the
inventory's lock.
"""

import zlib
from collections.abc import Iterator
from dataclasses import replace
from heapq import heappop, heappush
from typing import NamedTuple

from networking_nsx.simulator.documents import document_types
from networking_nsx.simulator.history import History
from networking_nsx.simulator.index import Index
from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.manager_shapes import ManagerShapes
from networking_nsx.simulator.policy_shapes import PolicyShapes
from networking_nsx.simulator.population import Item
from networking_nsx.simulator.settings import SimulatorSettings
from networking_nsx.simulator.words import FIRST

_WAITING = 500_000  # changes that the index has not been asked about


class Lag(NamedTuple):
    """By how much more the index is late, for which share of the objects."""

    seconds: float = 0.0
    fraction: float = 1.0
    seed: int = 0

    def of(self, nsx_id: str) -> float:
        return self.seconds if self.seconds and chosen(nsx_id, self.fraction, self.seed) else 0.0


NONE = Lag()


def chosen(nsx_id: str, fraction: float, seed: int) -> bool:
    """Whether an object is one of a random fraction: the same ones for the same seed."""
    return zlib.crc32(f"{seed}:{nsx_id}".encode()) < fraction * 2**32


class Feed:
    """The history as the readers of statuses and the search index see it."""

    def __init__(
        self,
        settings: SimulatorSettings,
        inventory: Inventory,
        policy: PolicyShapes,
        manager: ManagerShapes,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._history = History(inventory, settings.clock)
        self.index = Index(document_types(policy, manager, self._stamp))
        self._population = -1
        self._lag = NONE
        self._due: list[tuple[float, str]] = []
        inventory.watch(self._changed)

    def status(self, item: Item) -> tuple[str, int | None]:
        """What a direct read says of an object now, and since when; None: nobody has reported it yet."""
        seen = self._settings.clock() - self._delay(item.kind)
        status = self._history.status(item.nsx_id, seen)
        if status is None:
            return FIRST[item.kind], None
        return status, self._history.stamp(item.nsx_id, seen)

    def date(self) -> int:
        """Now, in milliseconds of the calendar."""
        return self._history.date()

    def settle(self, lag: Lag = NONE) -> Index:
        """Bring the index to where it is by now; nobody may look at it without."""
        now = self._settings.clock()
        if self._population != self._inventory.populations:
            self._begin()
        if lag != self._lag:
            self._lag = lag
            self._due.clear()
            for nsx_id in self._history.changed():
                self._refresh(nsx_id, now)
                for change in self._history.changes(nsx_id):
                    self._schedule(nsx_id, change.made, now)
        while self._due and self._due[0][0] <= now:
            self._refresh(heappop(self._due)[1], now)
        return self.index

    def _begin(self) -> None:
        """Know all objects as they were right after the last populate."""
        self._population = self._inventory.populations
        past = self._history
        changed = ((nsx_id, past.changes(nsx_id)[0].item) for nsx_id in past.changed())
        first = {item.nsx_id: item for item in self._inventory.items()} | dict(changed)
        self.index.reset(item for item in first.values() if item is not None)

    def _changed(self, before: Item | None, after: Item | None) -> None:
        if self._inventory.populating:
            self._due.clear()
            return
        item = after or before
        if item:
            now = self._settings.clock()
            self._schedule(item.nsx_id, now, now)
        if len(self._due) > _WAITING:  # nobody has searched for long
            self.settle(self._lag)

    def _schedule(self, nsx_id: str, made: float, now: float) -> None:
        """Look at an object again when a change of it comes to the index, in each of its parts."""
        lag = self._lag.of(nsx_id)
        for delay in set(self._moments()):
            if made + delay + lag >= now:
                heappush(self._due, (made + delay + lag, nsx_id))

    def _moments(self) -> Iterator[float]:
        late = self._settings.index_delay
        yield late  # its existence
        yield late + self._delay("network")
        yield late + self._delay("port")
        yield late + self._settings.purge_delay

    def _refresh(self, nsx_id: str, now: float) -> None:
        before, after = self.index.get(nsx_id), self._indexed(nsx_id, now)
        if before != after:
            self.index.put(before, after)

    def _indexed(self, nsx_id: str, now: float) -> Item | None:
        """What the index has of an object by now."""
        known = now - self._settings.index_delay - self._lag.of(nsx_id)
        item = self._history.at(nsx_id, known) or self._marked(nsx_id, known)
        if item is None:
            return None
        status = self._history.status(nsx_id, known - self._delay(item.kind)) or FIRST[item.kind]
        return item if item.status == status else replace(item, status=status)

    def _marked(self, nsx_id: str, known: float) -> Item | None:
        """A deleted object that is not purged yet."""
        changes = [change for change in self._history.changes(nsx_id) if change.made <= known]
        if not changes or changes[-1].made + self._settings.purge_delay <= known:
            return None
        last = next((change.item for change in reversed(changes) if change.item), None)
        return replace(last, deleted=True) if last else None

    def _delay(self, kind: str) -> float:
        settings = self._settings
        return settings.realization_delay + (settings.runtime_delay if kind == "port" else 0.0)

    def _stamp(self, item: Item) -> int:
        lag = self._settings.index_delay + self._lag.of(item.nsx_id) + self._delay(item.kind)
        return self._history.stamp(item.nsx_id, self._settings.clock() - lag)
