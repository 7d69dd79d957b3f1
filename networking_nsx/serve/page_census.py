"""The ports that are DOWN, counted for whoever looks at the status page: now and then, for all at once."""

import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from networking_nsx.errors import StoreError
from networking_nsx.model import Row
from networking_nsx.neutron.census import By, Group
from networking_nsx.ports import Clock

PATIENCE = 0.1  # seconds for which a reader waits for a count
SHARE = 0.001  # of the time that may go into counting: 100,000 ports every minute or two
_LOOKUPS = 2  # at a time: a database that hangs keeps no more threads of the server


class Counting(Protocol):
    """Neutron's rows; `neutron.census.Census`."""

    def down_ports(self, by: By) -> Sequence[Group]: ...

    def rows(self, row_id: str) -> Sequence[Row]: ...


class Counted(NamedTuple):
    """The ports that were DOWN at one moment."""

    at: float = 0.0  # seconds since the epoch; 0 when nothing has been counted yet
    down: Mapping[By, Sequence[Group]] = {}
    error: str = ""  # why the last count failed


class Counter:
    """Counts in a thread of its own when somebody looks and the last count is old. Threads may share it.

    Nobody waits long: who comes while the database takes its time sees the count before.
    """

    def __init__(self, rows: Counting, clock: Clock, every: float) -> None:
        self._rows = rows
        self._clock = clock
        self._every = every
        self._lock = threading.Lock()
        self._lookups = threading.BoundedSemaphore(_LOOKUPS)
        self._thread: threading.Thread | None = None
        self._due = clock.monotonic()
        self._counted = Counted()

    def counted(self) -> Counted:
        """The last count; a new one begins when it is old."""
        with self._lock:
            begins = self._clock.monotonic() >= self._due and not (self._thread and self._thread.is_alive())
            if begins:
                self._thread = threading.Thread(target=self._count, name="census", daemon=True)
                self._thread.start()
            thread = self._thread
        if thread and (begins or not self._counted.at):
            thread.join(PATIENCE)
        return self._counted

    def rows(self, row_id: str) -> Sequence[Row]:
        """The rows with this id. Raises StoreError, also when the database keeps others waiting."""
        if not self._lookups.acquire(blocking=False):
            raise StoreError("Neutron's database has not answered others yet: try again")
        try:
            return self._rows.rows(row_id)
        finally:
            self._lookups.release()

    def _count(self) -> None:
        began = self._clock.monotonic()
        try:
            down = {by: self._rows.down_ports(by) for by in (By.HOST, By.SEGMENT)}
            self._counted = Counted(self._clock.now(), down)
        except StoreError as error:
            self._counted = self._counted._replace(error=str(error))
        finally:
            took = self._clock.monotonic() - began
            self._due = began + max(self._every, took / SHARE)
