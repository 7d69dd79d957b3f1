"""Waiting for what happens elsewhere, instead of for a while."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from networking_nsx.simulator import Simulator
from networking_nsx.simulator.faults import Rule

_WAITING = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"


def wait_for(condition: Callable[[], object], seconds: float = 100.0, pause: float = 0.05) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(pause)


def wait_for_a_waiting_lock(connection: sa.Connection) -> None:
    """Until a transaction of this MariaDB waits for another one's lock."""
    # The server renews this table only for who has not asked for 0.1 s.
    wait_for(lambda: connection.scalar(sa.text(_WAITING)), pause=0.15)


@contextmanager
def held(nsx: Simulator, match: str, **parameters: object) -> Iterator[Rule]:
    """One matching request, or `count`, gets no answer before the block ends; it has come when `fired`."""
    gate = threading.Event()
    rule = nsx.before(match, 0, lambda: gate.wait(60), **parameters)
    try:
        yield rule
    finally:
        gate.set()
