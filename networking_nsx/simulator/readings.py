"""When the status of each object was last read directly: the proof that none is left unread for long."""

from dataclasses import dataclass
from typing import Any

from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.population import Item
from networking_nsx.simulator.settings import Clock


@dataclass(slots=True)
class _Reading:
    kind: str
    since: float  # of the last read, or of the object's beginning
    longest: float = 0.0  # seconds without a read, up to `since`
    read: bool = False


class Readings:
    """The direct reads of the objects that are there, since the last reset. Use it under their lock."""

    def __init__(self, inventory: Inventory, clock: Clock) -> None:
        self._clock = clock
        self._readings: dict[str, _Reading] = {}
        inventory.watch(self._changed)

    def note(self, item: Item) -> None:
        """An object's status is being read."""
        reading = self._readings[item.nsx_id]
        now = self._clock()
        reading.longest = max(reading.longest, now - reading.since)
        reading.since = now
        reading.read = True

    def reset(self) -> None:
        now = self._clock()
        self._readings = {nsx_id: _Reading(known.kind, now) for nsx_id, known in self._readings.items()}

    def summary(self, kind: str) -> dict[str, Any]:
        """How many objects of a kind were never read, and for how long one was not; null: no such object."""
        now = self._clock()
        of_kind = [reading for reading in self._readings.values() if reading.kind == kind]
        read = [now - reading.since for reading in of_kind if reading.read]
        return {
            "objects": len(of_kind),
            "unread": len(of_kind) - len(read),
            "oldest": max(read, default=None),
            "longest": max((max(one.longest, now - one.since) for one in of_kind), default=None),
        }

    def _changed(self, before: Item | None, after: Item | None) -> None:
        if after is None and before is not None:
            del self._readings[before.nsx_id]
        elif before is None and after is not None:
            self._readings[after.nsx_id] = _Reading(after.kind, self._clock())
