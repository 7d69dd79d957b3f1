"""A thread that writes what it is given to one place, at that place's pace.

Promises: `put` costs the same however slow the place is, and never raises; what overflows is counted, and
told where it is missing; an error of the place is logged once, and what was not written is tried again.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from networking_nsx.evidence.entry import LOST, By, Entry, Noted, entries_of

LIMIT = 100_000  # entries that wait, some 100 MB: a first adoption comes at once, a disk may hang
BATCH = 20_000  # entries at least in one turn, where so many wait

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds after an error

_LOG = logging.getLogger(__name__)


class Trouble(Exception):
    """The place could not be written: it may be possible later."""


class Place(Protocol):
    """Where entries are kept. Only one thread uses it."""

    name: str

    def write(self, entries: Sequence[Entry]) -> None:
        """Keep all of these, or raise Trouble; what is given again then may be kept already in part."""
        ...

    def close(self) -> None: ...


def is_moved(path: Path, opened: os.stat_result) -> bool:
    """Whether the path names another file than the one that was opened, or none."""
    try:
        return not os.path.samestat(path.stat(), opened)
    except FileNotFoundError:
        return True


class Writer:
    """The thread of one place, which `start` starts and `close` ends."""

    def __init__(self, place: Place, limit: int = LIMIT) -> None:
        self._place = place
        self._limit = limit
        self._changed = threading.Condition()
        self._waiting: deque[Noted] = deque()
        self._weight = 0  # of what waits, and of what is at hand
        self._closing = False
        self.lost = 0  # entries
        self._untold = 0  # of these, what the place itself does not say
        self.error = ""  # that stands
        self._pause = _FIRST_PAUSE
        self._thread = threading.Thread(target=self._run, name=f"evidence-{place.name}", daemon=True)

    @property
    def name(self) -> str:
        return self._place.name

    def start(self) -> None:
        self._thread.start()

    def put(self, noted: Noted) -> None:
        """Have this written. Never waits for the place."""
        weight = noted.weight
        with self._changed:
            if self._weight + weight > self._limit:
                self._lose(weight)
                return
            self._weight += weight
            self._waiting.append(noted)
            self._changed.notify()

    def close(self, timeout: float) -> None:
        """Write what still waits, for so many seconds at the most, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self._weight:
            _LOG.warning("%d entries are missing in the %s: the process ends", self._weight, self._place.name)

    @property
    def waiting(self) -> int:
        """Entries that are not kept yet."""
        return self._weight

    def _run(self) -> None:
        while batch := self._taken():
            weight = sum(noted.weight for noted in batch)
            kept = self._kept(batch, weight)
            while not kept and not self._closing:
                self._rest()
                kept = self._kept(batch, weight)
            with self._changed:
                self._weight -= weight
                self._lose(0 if kept else weight)
        self._place.close()

    def _taken(self) -> list[Noted]:
        """What waits, as much as makes a batch; nothing when the thread is to end."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            taken: list[Noted] = []
            weight = 0
            while self._waiting and weight < BATCH:
                taken.append(self._waiting.popleft())
                weight += taken[-1].weight
            if self._untold and taken:
                told = f"{self._untold} entries are missing here: more came than could be written"
                taken.append(Noted(By(""), 0.0, others=(Entry(taken[-1].at, LOST, why=told),)))
                self._weight += 1
                self._untold = 0
            return taken

    def _lose(self, weight: int) -> None:
        if weight and not self._untold:
            _LOG.warning("the %s misses entries: `sync status` tells how many", self._place.name)
        self.lost += weight
        self._untold += weight

    def _rest(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _kept(self, batch: Sequence[Noted], weight: int) -> bool:
        """Whether it needs no other attempt."""
        try:
            self._place.write([entry for noted in batch for entry in entries_of(noted)])
        except Trouble as trouble:
            self._in_trouble(str(trouble))
            return False
        # What nobody has thought of costs these entries, not the thread.
        except Exception:  # noqa: BLE001
            _LOG.warning("entries could not be written to the %s", self._place.name, exc_info=True)
            with self._changed:
                self._lose(weight)
            return True
        self._is_well()
        return True

    def _in_trouble(self, error: str) -> None:
        if not self.error:
            _LOG.warning(
                "the %s cannot be written, and is tried again; `sync status` tells of it: %s",
                *(self._place.name, error),
            )
        self.error = error

    def _is_well(self) -> None:
        if self.error:
            _LOG.info("the %s is written again", self._place.name)
        self.error, self._pause = "", _FIRST_PAUSE
