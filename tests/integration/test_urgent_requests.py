"""Urgent requests beside those of a sweep: one client's two views of the same managers."""

import threading

import pytest
from cloud import HandClock

from networking_nsx.clock import SystemClock
from networking_nsx.errors import Unavailable
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.mh import MhLogin
from networking_nsx.nsx.wire import Deadline, Wire
from networking_nsx.simulator import Simulator

LOGIN = MhLogin("admin", "admin")


@pytest.fixture
def nsx():
    with Simulator(nodes=1, networks=3) as simulator:
        yield simulator


def get(client):
    client.get("/ws.v1/lswitch", [("fields", "uuid")])


def test_an_urgent_request_does_not_wait_for_the_budget_that_others_have_used_up(nsx):
    """One in ten is kept; it uses the sessions and the circuits of the others. Time stands still here."""
    clock, settings = HandClock(), HttpSettings(request_rate=10, urgent_share=0.1)
    with Client(nsx.urls, LOGIN, settings, clock) as client:
        while not clock.slept:
            get(client)
        clock.slept.clear()
        clock.time -= 1.1  # as if nobody had slept
        get(client.urgent())
        first = list(clock.slept)
        get(client.urgent())

    assert (first, len(clock.slept)) == ([], 1)
    assert nsx.requests.summary()["logins"] == 1


def test_one_of_the_requests_in_flight_is_kept_for_urgent_ones():
    """All the others wait for answers, or for their budget."""
    clock = SystemClock(threading.Event())
    slots = Wire("http://nsx", HttpSettings(concurrency=2, urgent_share=0.1), clock, None).slots
    with slots.one("nsx", Deadline(clock, 60.0)):
        with pytest.raises(Unavailable, match="did not end in time"), slots.one("nsx", Deadline(clock, 0.1)):
            pytest.fail("there is no room")
        with slots.one("nsx", Deadline(clock, 0.1, urgent=True)):
            assert slots.taken == 2


def test_where_only_one_request_may_be_in_flight_none_is_kept(nsx):
    """Nothing would ever be asked."""
    clock, settings = SystemClock(threading.Event()), HttpSettings(concurrency=1, urgent_share=0.1)
    with Client(nsx.urls, LOGIN, settings, clock) as client:
        get(client)
        get(client.urgent())

    assert nsx.requests.summary()["total"] == 3
