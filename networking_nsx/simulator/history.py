"""What objects were at earlier moments, for those who hear of changes late: hosts and the search index.

Promises: a populate is no change, everybody knows of it at once; the past is kept for `_KEPT` seconds.
Use it under the inventory's lock.
"""

import time
from collections import deque
from typing import NamedTuple

from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.population import Item
from networking_nsx.simulator.settings import Clock

_KEPT = 900.0  # seconds


class Change(NamedTuple):
    """What an object became, or None if it went, and when (monotonic seconds)."""

    made: float
    item: Item | None


class History:
    """The changes of each object since the last populate."""

    def __init__(self, inventory: Inventory, clock: Clock) -> None:
        self._inventory = inventory
        self._clock = clock
        self._began = clock()
        self._calendar = time.time() - self._began  # read once, so that a moment has the same date for ever
        self._changes: dict[str, list[Change]] = {}  # the first is what was before all others
        self._order: deque[tuple[float, str]] = deque()
        inventory.watch(self._changed)

    def changed(self) -> list[str]:
        """The NSX ids of the objects that have a past."""
        return list(self._changes)

    def changes(self, nsx_id: str) -> list[Change]:
        """The changes of an object, its first state included."""
        return self._changes.get(nsx_id, [])

    def at(self, nsx_id: str, moment: float) -> Item | None:
        """The object as it was then."""
        changes = self._changes.get(nsx_id)
        if changes is None:
            return self._inventory.get(nsx_id)
        return next((change.item for change in reversed(changes) if change.made <= moment), changes[0].item)

    def status(self, nsx_id: str, moment: float) -> str | None:
        """What its status was then; None: it was not there."""
        item = self.at(nsx_id, moment)
        return item.status if item else None

    def stamp(self, nsx_id: str, moment: float) -> int:
        """When the object became what it was at that moment, in milliseconds of the calendar."""
        changes = self._changes.get(nsx_id, ())
        made = next((change.made for change in reversed(changes) if change.made <= moment), self._began)
        return round((self._calendar + max(made, self._began)) * 1000)

    def date(self) -> int:
        """Now, in milliseconds of the calendar."""
        return round((self._calendar + self._clock()) * 1000)

    def _changed(self, before: Item | None, after: Item | None) -> None:
        if self._inventory.populating:
            self._changes.clear()
            self._order.clear()
            return
        nsx_id = (after or before or _NOTHING).nsx_id
        now = self._clock()
        self._changes.setdefault(nsx_id, [Change(float("-inf"), before)]).append(Change(now, after))
        self._order.append((now, nsx_id))
        while self._order[0][0] < now - _KEPT:
            self._forget(self._order.popleft()[1])

    def _forget(self, nsx_id: str) -> None:
        """Let what an object became first be what was before all its other changes."""
        changes = self._changes[nsx_id]
        del changes[0]
        changes[0] = Change(float("-inf"), changes[0].item)
        if len(changes) == 1:
            del self._changes[nsx_id]


_NOTHING = Item("", "", None, "", 0, "")
