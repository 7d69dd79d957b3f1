"""The four lanes of trouble: what each act of the plan does to faults, network, database and daemon.

Whatever holds the synchronizer up is written down as an interval, for the judge and for the log.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chaos.daemon import Daemon
from chaos.mariadb import MariaDb
from chaos.nsx import Nsx
from chaos.proxy import Proxy

_SLOW = 0.15  # seconds that each piece waits where a connection is slowed
_MORE = 4.0  # seconds that trouble lasts on while nobody has met it
# Faults that may keep a listing from showing an object that is there.
_HIDING = frozenset(
    {
        *("inventory-lost", "skip-object", "malformed-object"),
        *("index-drop", "index-lag", "index-rebuilding", "index-out-of-sync", "tag-tampered"),
    }
)
_STARTING = 20.0  # seconds for the daemon to open connections: it may have been killed, on a busy machine
_NETWORK: Mapping[str, Callable[[Proxy], object]] = {
    "cut": Proxy.cut,
    "sever": Proxy.sever,
    "hold": Proxy.hold,
    "slow": lambda proxy: proxy.slow(_SLOW),
}


@dataclass(slots=True)
class Hindered:
    """When the synchronizer was held up, and by what."""

    intervals: list[tuple[float, float, str]] = field(default_factory=list)

    @contextmanager
    def by(self, what: str) -> Iterator[None]:
        begins = time.time()
        try:
            yield
        finally:
            self.intervals.append((begins, time.time(), what))

    def hiding(self) -> list[tuple[float, float]]:
        """When listings may have been without objects that were there."""
        return [(begin, end) for begin, end, what in self.intervals if what in _HIDING]

    def with_aftermath(self) -> list[tuple[float, float]]:
        """The intervals, each prolonged by the back-off that it may have caused.

        A back-off doubles, from one second: the wait that is left over when the trouble ends is at most as
        long as the trouble was, and a second more; the request that follows takes its time, too.
        """
        return [(begin, end + (end - begin) + 2.0) for begin, end, _ in self.intervals]


class Trouble:
    """Makes trouble and ends it. Each method is called by the thread of its lane only."""

    def __init__(
        self,
        nsx: Nsx,
        edges: Mapping[str, list[Proxy]],
        database: MariaDb,
        daemon: Daemon,
        hindered: Hindered,
        sleep: Callable[[float], bool],
    ) -> None:
        self._nsx = nsx
        self._edges = edges
        self._database = database
        self._daemon = daemon
        self._hindered = hindered
        self._sleep = sleep  # ends early when the run does, and says so

    def faults(self, _what: str, details: Mapping[str, Any]) -> int:
        """Answer how many requests were affected."""
        with self._hindered.by(details["fault"]["fault"]):
            self._nsx.ask("faults", [details["fault"]])
            fired = self._for(details["seconds"], self._fired)
            self._nsx.ask("faults", method="DELETE")
        return fired

    def network(self, what: str, details: Mapping[str, Any]) -> int:
        """Answer how many connections were reset, and how many pieces had to wait."""
        edge = self._edges[details["edge"]]
        self._until(lambda: sum(proxy.connections for proxy in edge), _STARTING)
        before = sum(proxy.met for proxy in edge)

        def met() -> int:
            return sum(proxy.met for proxy in edge) - before

        with self._hindered.by(f"{what} {details['edge']}"):
            for proxy in edge:
                _NETWORK[what](proxy)
            if what != "cut":
                self._for(details["seconds"], met)
            for proxy in edge:
                proxy.release()
        return met()

    def database(self, what: str, details: Mapping[str, Any]) -> int:
        """Answer how many milliseconds it took."""
        begins = time.monotonic()
        with self._hindered.by(f"database {what}"):
            if what == "read-only":
                self._read_only("ON")
                self._sleep(details["seconds"])
                self._read_only("OFF")
            else:
                self._database.end(signal.SIGKILL if what == "kill" else signal.SIGTERM)
                if what == "kill":
                    self._sleep(details["seconds"])
                self._database.start()
        return round(1000 * (time.monotonic() - begins))

    def daemon(self, what: str, details: Mapping[str, Any]) -> int:
        """Answer for how many milliseconds it had lived, or was stopped; 0 if it was not synchronizing."""
        self._until(self._daemon.synchronizes, _STARTING)
        if what == "kill":
            return round(1000 * self._daemon.kill())
        with self._hindered.by("daemon stop"):
            return round(1000 * self._daemon.stop(details["seconds"]))

    def end(self) -> None:
        """Nothing of it is left."""
        self._nsx.ask("faults", method="DELETE")
        for proxy in (proxy for edge in self._edges.values() for proxy in edge):
            proxy.release()
        self._read_only("OFF")

    def _for(self, seconds: float, effect: Callable[[], int]) -> int:
        """Wait so long, and some more while there is no effect."""
        self._sleep(seconds)
        return self._until(effect, _MORE)

    def _until(self, effect: Callable[[], int], seconds: float) -> int:
        ends = time.monotonic() + seconds
        while not (found := effect()) and time.monotonic() < ends and not self._sleep(0.2):
            pass
        return found

    def _fired(self) -> int:
        return sum(fault["fired"] for fault in self._nsx.ask("faults", method="GET"))

    def _read_only(self, switch: str) -> None:
        with self._database.admin() as cursor:
            cursor.execute(f"SET GLOBAL read_only = {switch}")
