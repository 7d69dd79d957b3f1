"""Two threads that write to one Neutron, as the two runners of the daemon do."""

import threading
from contextlib import suppress

import pytest
import sqlalchemy as sa
from cloud import Cloud, Ear, HandClock, change, port_key
from waiting import wait_for

from networking_nsx.clock import SystemClock
from networking_nsx.errors import StoreError
from networking_nsx.model import Status, Verdict
from networking_nsx.neutron.events import PLUGGED, UNPLUGGED
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore
from networking_nsx.sync.damping import Damped

SERVER = "7a0b0ee8-1c2b-4d8c-a1a8-0d3a58a8e9f1"


class SlowEar(Ear):
    """Hears the first events only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.hearing, self.ready = threading.Event(), threading.Event()

    def notify(self, events) -> None:
        if not self.hearing.is_set():
            self.hearing.set()
            self.ready.wait(40)
        super().notify(events)


def test_events_leave_in_the_order_of_the_commits(neutron_database):
    """The later status is the last that Nova hears, whichever thread wrote it."""
    ear, clock = SlowEar(), SystemClock(threading.Event())
    key = port_key(Cloud(neutron_database).port(device_id=SERVER))
    store = Damped(NeutronStore(neutron_database, Scope(), ear, clock), clock, threading.Lock())
    verdicts = []

    def write(status):
        (row,) = store.rows([key])
        verdicts.append(store.write([change(row, status)])[0].verdict)

    first = threading.Thread(target=write, args=(Status.ACTIVE,))
    second = threading.Thread(target=write, args=(Status.DOWN,))
    first.start()
    wait_for(ear.hearing.is_set)
    second.start()
    second.join(0.2)  # it could overtake now
    ear.ready.set()
    first.join(40)
    second.join(40)

    assert verdicts == [Verdict.WRITTEN] * 2
    assert [event.name for event in ear.events] == [PLUGGED, UNPLUGGED]


class Interrupted(Ear):
    """Counts how often it is told; something happens in another thread while it hears the first events."""

    told = 0
    meanwhile = None

    def notify(self, events) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        self.told += 1
        super().notify(events)


def test_a_doubt_that_comes_while_another_one_is_made_up_for_stays(sqlite):
    """A write whose commit was not answered: Nova is told at the next use, whatever happened in between."""
    ear, cloud = Interrupted(), Cloud(sqlite)
    store = NeutronStore(sqlite, Scope(), ear, HandClock())
    rows = store.rows([port_key(cloud.port(device_id=SERVER)), port_key(cloud.port(device_id=SERVER))])

    def fails(_connection):
        raise sa.exc.OperationalError("COMMIT", {}, Exception("the answer was lost"))

    def write(row):
        sa.event.listen(sqlite, "commit", fails)
        with suppress(StoreError):
            store.write([change(row, Status.ACTIVE)])
        sa.event.remove(sqlite, "commit", fails)

    write(rows[0])
    ear.meanwhile = lambda: write(rows[1])
    store.rows([rows[0].key])
    before = ear.told
    store.rows([rows[0].key])

    assert (before, ear.told) == (1, 2)


def test_a_doubt_that_cannot_be_made_up_for_stays(sqlite):
    """The database is away at that moment, too."""
    ear, cloud = Interrupted(), Cloud(sqlite)
    store = NeutronStore(sqlite, Scope(), ear, HandClock())
    (row,) = store.rows([port_key(cloud.port(device_id=SERVER))])

    def fails(_connection):
        raise sa.exc.OperationalError("COMMIT", {}, Exception("away"))

    sa.event.listen(sqlite, "commit", fails)
    for attempt in (lambda: store.write([change(row, Status.ACTIVE)]), lambda: store.rows([row.key])):
        with pytest.raises(StoreError):
            attempt()
    sa.event.remove(sqlite, "commit", fails)
    store.rows([row.key])

    assert ear.told == 1
