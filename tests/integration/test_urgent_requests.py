"""Urgent requests beside those of a sweep: one client's two views of the same managers."""

import threading

import pytest
from cloud import HandClock
from waiting import wait_for

from networking_nsx import assemble
from networking_nsx.clock import SystemClock
from networking_nsx.config import load
from networking_nsx.errors import Unavailable
from networking_nsx.model import Health, Key, Kind, Sought
from networking_nsx.nsx.deadline import Deadline
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.mh import MhLogin
from networking_nsx.nsx.tls import Tls, TlsFiles
from networking_nsx.nsx.wire import Wire
from networking_nsx.simulator import Simulator

LOGIN = MhLogin("admin", "admin")
TLS = Tls(TlsFiles("", "", ""), insecure=False)


@pytest.fixture
def nsx():
    with Simulator(nodes=1, networks=3) as simulator:
        yield simulator


def get(client):
    return client.get("/ws.v1/lswitch", [("fields", "uuid")])


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
    slots = Wire("http://nsx", HttpSettings(concurrency=2, urgent_share=0.1), clock, None, TLS).slots
    with slots.one("nsx", Deadline(clock, 60.0)):
        with pytest.raises(Unavailable, match="before this one"), slots.one("nsx", Deadline(clock, 0.1)):
            pytest.fail("there is no room")
        with slots.one("nsx", Deadline(clock, 0.1, urgent=True)):
            assert slots.taken == 2


def test_the_other_requests_in_flight_are_taken_in_turns():
    """However many rows the settle runner looks at, the sweep goes on."""
    clock = SystemClock(threading.Event())
    slots = Wire("http://nsx", HttpSettings(concurrency=2, urgent_share=0.1), clock, None, TLS).slots
    let_in: list[str] = []

    def one(name: str, end: threading.Event) -> None:
        with slots.one("nsx", Deadline(clock, 60.0, urgent=name.startswith("urgent"))):
            let_in.append(name)
            end.wait(60)

    ends = {name: threading.Event() for name in ("1", "urgent 1", "urgent 2", "urgent 3", "2", "3")}
    for count, (name, end) in enumerate(ends.items(), 1):
        threading.Thread(target=one, args=(name, end), daemon=True).start()
        wait_for(lambda count=count: repr(slots) == f"Slots({min(count, 2)} taken, {max(count - 2, 0)} wait)")
    for name, count in (("1", 3), ("2", 4), ("urgent 2", 5), ("3", 6)):
        ends[name].set()
        wait_for(lambda count=count: len(let_in) == count)
    ends["urgent 1"].set()
    ends["urgent 3"].set()

    assert let_in == ["1", "urgent 1", "2", "urgent 2", "3", "urgent 3"]


def test_where_only_one_request_may_be_in_flight_none_is_kept(nsx):
    """Nothing would ever be asked."""
    clock, settings = SystemClock(threading.Event()), HttpSettings(concurrency=1, urgent_share=0.1)
    with Client(nsx.urls, LOGIN, settings, clock) as client:
        get(client)
        get(client.urgent())

    assert nsx.requests.summary()["total"] == 3


def test_sweeps_and_single_rows_stay_with_the_same_manager():
    """One that was left because it failed may be behind when it is back."""
    clock = SystemClock(threading.Event())
    with Simulator(nodes=2, networks=1) as nsx, Client(nsx.urls, LOGIN, HttpSettings(), clock) as client:
        urgent = client.urgent()
        nsx.faults.add("node-down", node=0)
        asked = [get(client).node]
        nsx.faults.clear()
        asked += [get(urgent).node]
        nsx.faults.add("node-down", node=1)
        asked += [get(urgent).node]
        nsx.faults.clear()
        asked += [get(client).node]

    assert asked == [nsx.urls[1], nsx.urls[1], nsx.urls[0], nsx.urls[0]]


class Attentive(Simulator):
    """Remembers the configuration that each read has asked for."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.wanted: list[str | None] = []

    def answer(self, request):
        if request.method == "GET":
            self.wanted.append(request.headers.get("x-nvp-wait-for-config-generation"))
        return super().answer(request)


def test_what_a_sweep_has_heard_a_look_at_a_single_row_waits_for(sqlite, tmp_path):
    """And the reverse: no manager that is behind is believed by either."""
    file = tmp_path / "neutron.conf"
    with Attentive(networks=1, ports=1) as sim:
        file.write_text(
            "[DEFAULT]\nnotify_nova_on_port_status_changes = false\n"
            f"[database]\nconnection = {sqlite.url}\n[nsx]\nmanagers = {sim.urls[0]}\npassword = admin\n"
        )
        port = sim.inventory("port")[0]
        row = Sought(Key(Kind.PORT, port.neutron_id), parent_id=port.network_id)
        with assemble.daemon(load([str(file)]), threading.Event()) as parts:
            parts.source.page(Kind.PORT, None, 10)
            sim.wanted.clear()
            seen = next(iter(parts.urgent.look([row])))
            by_the_look = set(sim.wanted)
            sim.set_status("port", "down")
            list(parts.urgent.look([row]))
            sim.wanted.clear()
            parts.source.page(Kind.PORT, None, 10)

    assert [one.health for one in seen] == [Health.UP]
    assert len(by_the_look) == 1
    assert None not in by_the_look
    assert int(sim.wanted[0]) > int(by_the_look.pop())
