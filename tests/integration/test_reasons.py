"""NSX's own reason for an object that is not up, over real HTTP against a simulated NSX."""

import threading
from contextlib import contextmanager

import pytest

from networking_nsx.clock import SystemClock
from networking_nsx.model import Health, Key, Kind, Observation, Sought
from networking_nsx.nsx.api import POLICY
from networking_nsx.nsx.auth import PolicyLogin
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.listing_policy import PolicySettings
from networking_nsx.nsx.mh import MhLogin, MhSource
from networking_nsx.nsx.policy import PolicySource
from networking_nsx.nsx.reader_mh import Generation
from networking_nsx.simulator import Simulator

CLOCK = SystemClock(threading.Event())


@contextmanager
def policy():
    http = HttpSettings(request_rate=1000)
    with (
        Simulator(api="policy", client_rate_limit=0, networks=2, ports=4, routers=2) as nsx,
        Client(nsx.urls, PolicyLogin("admin", "admin"), http, CLOCK, api=POLICY) as client,
    ):
        yield nsx, PolicySource(client, CLOCK, PolicySettings())


@contextmanager
def mh():
    with (
        Simulator(networks=2, ports=4, routers=2) as nsx,
        Client(nsx.urls, MhLogin("admin", "admin"), HttpSettings(), CLOCK) as client,
    ):
        yield nsx, MhSource(client, CLOCK, Generation(CLOCK, 30.0))


def seen(nsx, source, kind):
    """The first object of a kind, looked at directly."""
    item = nsx.inventory(kind)[0]
    (answer,) = source.look([Sought(Key(Kind(kind), item.neutron_id), item.network_id or "")])
    return answer[0]


def broken(nsx, kind, status, message):
    nsx.set_status(kind, status, [nsx.inventory(kind)[0].neutron_id], message=message)


class TestPolicy:
    @pytest.mark.parametrize(
        ("kind", "status", "entity"),
        [
            ("port", "down", "RealizedLogicalPort REALIZED"),
            ("port", "error", "RealizedLogicalPort ERROR"),
            ("network", "error", "RealizedLogicalSwitch ERROR"),
            ("router", "error", "RealizedLogicalRouter ERROR"),
        ],
    )
    def test_errors_failures_and_alarms_are_told(self, kind, status, entity):
        """Of the realization, of the state where there is one, and what is open."""
        with policy() as (nsx, source):
            broken(nsx, kind, status, "no room on the host")
            told = source.reasons(seen(nsx, source, kind))

        state = ["state: no room on the host (error 500030)"] * (kind != "port")
        assert told == [
            f"{entity}: no room on the host (error 500030)",
            *state,
            "alarm realization_error (HIGH): no room on the host",
        ]

    def test_an_object_without_trouble_has_no_reason(self):
        """Nothing is made up."""
        with policy() as (nsx, source):
            assert source.reasons(seen(nsx, source, "port")) == []

    def test_what_cannot_be_asked_keeps_nothing_else_from_being_told(self):
        """It says so in its place."""
        with policy() as (nsx, source):
            broken(nsx, "network", "error", "no room")
            found = seen(nsx, source, "network")
            nsx.faults.extend([{"fault": "http-404", "match": "/api/v1/alarms"}])
            told = source.reasons(found)

        assert told[:2] == [
            "RealizedLogicalSwitch ERROR: no room (error 500030)",
            "state: no room (error 500030)",
        ]
        assert told[2].startswith("not told: ")

    def test_a_path_that_is_none_is_not_asked_for(self):
        """NSX chooses its paths: nobody is sent elsewhere by one."""
        with policy() as (nsx, source):
            before = nsx.requests.summary()["total"]
            for path in ("/api/v1/logical-ports/x", "/infra/../x", "", "/infra/segments/a/b/c"):
                assert source.reasons(Observation(Kind.PORT, "p", Health.DOWN, 1.0, path, "DOWN")) == []
            assert nsx.requests.summary()["total"] == before


class TestMh:
    def test_a_port_that_is_down_shows_its_flags(self):
        """Where the chain breaks: NSX-MH has no words for it."""
        with mh() as (nsx, source):
            broken(nsx, "port", "down", "")
            told = source.reasons(seen(nsx, source, "port"))

        assert told == ["admin_status_enabled: True", "fabric_status_up: False", "link_status_up: True"]

    def test_a_switch_shows_how_many_of_its_ports_are_up(self):
        """As its status counts them."""
        with mh() as (nsx, source):
            broken(nsx, "network", "down", "")
            told = source.reasons(seen(nsx, source, "network"))

        assert "fabric_status: False" in told
        assert "lport_fabric_up_count: 2" in told

    def test_a_switch_that_is_gone_is_told(self):
        """It may go between the look and the question."""
        with mh() as (nsx, source):
            found = seen(nsx, source, "network")
            told = source.reasons(found._replace(path=found.path[:-4] + "0000"))

        assert told[0].startswith("not told: ")
        assert source.reasons(found._replace(path="/ws.v1/login")) == []
