"""Neutron's database in trouble while a sweep writes: the same three questions as of NSX's faults."""

import threading

import sqlalchemy as sa
from cloud import TABLES
from line import Line, differing
from waiting import wait_for_a_waiting_lock

from networking_nsx.simulator import Simulator

PORTS = TABLES["ports"]


def test_a_deadlock_in_mid_sweep_costs_a_retry(mariadb):
    """The server ends our transaction; the sweep writes all the same, and the next has nothing to do."""
    deadlocks = []
    with Simulator(networks=1, ports=6, routers=100) as sim, Line(mariadb, sim) as line:
        sa.event.listen(
            mariadb, "handle_error", lambda error: deadlocks.append(str(error.original_exception))
        )
        before = line.statuses()
        ids = sorted(row_id for kind, row_id in before if kind == "port")
        with mariadb.connect() as watcher, mariadb.connect() as other:
            # The server ends the transaction that did less.
            other.execute(sa.update(TABLES["routers"]).values(name="much"))
            other.execute(sa.update(PORTS).where(PORTS.c.id == ids[-1]).values(name="first"))
            sweep = threading.Thread(target=line.sweep)
            sweep.start()
            wait_for_a_waiting_lock(watcher)
            other.execute(sa.update(PORTS).where(PORTS.c.id == ids[0]).values(name="second"))
            other.commit()
            sweep.join(60)
        after = line.statuses()
        later = line.sweep()
        truth = line.truth(before)

    assert any("Deadlock" in error for error in deadlocks)
    assert differing(after, truth) == {}
    assert later.counts["written"] == 0
