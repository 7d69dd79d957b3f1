"""Health of a daemon that runs: real threads, a real NSX that hangs, a real database that is locked."""

import sqlite3
import time
from contextlib import closing

import pytest
from daemons import daemon
from waiting import held, wait_for

from networking_nsx.model import Kind
from networking_nsx.serve.client import ask
from networking_nsx.serve.protocol import Command, Request
from networking_nsx.simulator import Simulator

QUICK = {"nsx__retries": "1", "nsx__connect_timeout": "0.5"}  # 3 s are a hang
LIMIT = 3.0


@pytest.fixture
def nsx():
    with Simulator(nodes=1, networks=2, ports=6, routers=1) as simulator:
        yield simulator


@pytest.fixture
def running(nsx, sqlite, tmp_path):
    with daemon(nsx, sqlite, tmp_path, **QUICK) as made:
        made.wait_until("/readyz", 200)
        yield made


def test_a_daemon_that_sweeps_is_healthy_and_ready(running):
    """In a word."""
    assert (running.get("/healthz").text, running.get("/readyz").text) == ("ok\n", "ok\n")


def test_a_daemon_is_not_ready_before_its_first_sweep(nsx, sqlite, tmp_path):
    """But healthy: it only waits."""
    with daemon(nsx, sqlite, tmp_path, first_delay="3600") as made:
        ready = made.get("/readyz")

        assert (ready.status_code, ready.text) == (503, "no sweep has completed since the start\n")
        assert made.code("/healthz") == 200


def test_a_sweep_that_hangs_in_a_request_is_told_with_its_name_and_since_when(running):
    """Within three intervals; and no longer when the answer has come."""
    with held(running.nsx, "/ws.v1/lswitch") as rule:
        wait_for(lambda: rule.fired)
        healthy_at_first = running.code("/healthz") == 200
        began = time.monotonic()
        told = running.wait_until("/healthz", 503)
        took = time.monotonic() - began
        ready = running.code("/readyz")

    assert healthy_at_first
    assert told.text.startswith("sweep: hangs since 2")
    assert LIMIT - 1 < took < LIMIT + 3  # those are what it means, not how fast it is
    assert ready == 503
    running.wait_until("/healthz", 200)


def test_a_sweep_that_hangs_in_the_database_is_told(running):
    """Another connection holds the lock, and the sweep has something to write."""
    with closing(sqlite3.connect(running.engine.url.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        running.nsx.set_status("port", "down", fraction=0.2)
        told = running.wait_until("/healthz", 503)

    assert told.text.startswith("sweep: hangs since 2")
    running.wait_until("/healthz", 200)


def test_requests_of_the_other_loop_do_not_hide_a_hang(nsx, sqlite, tmp_path):
    """While a sweep hangs, rows are looked at: only a loop's own requests say that it goes on."""
    socket = str(tmp_path / "nsx.socket")
    port = next(item.neutron_id for item in nsx.inventory("port"))
    with daemon(nsx, sqlite, tmp_path, control_socket=socket, **QUICK) as made:
        made.wait_until("/readyz", 200)
        with held(nsx, "/ws.v1/lrouter") as rule:
            wait_for(lambda: rule.fired)
            found = [ask(socket, Request(Command.KEY, (Kind.PORT,), port))["found"]]
            while made.code("/healthz") == 200 and len(found) < 30:
                found.append(ask(socket, Request(Command.KEY, (Kind.PORT,), port))["found"])
                time.sleep(0.5)
            told = made.get("/healthz").text

    assert told.startswith("sweep: ")
    assert "settle" not in told
    assert all(found)


def test_an_nsx_that_is_down_leaves_the_daemon_healthy_and_ready(running):
    """Its sweeps fail; nothing hangs, and what it tells of that must be had."""
    running.nsx.stop()
    codes = _codes(running, 2 * LIMIT)

    assert codes == {("/healthz", 200), ("/readyz", 200)}


def test_an_nsx_that_asks_for_patience_leaves_the_daemon_healthy(running):
    """Its client waits on purpose, whoever waits in it."""
    rule = running.nsx.faults.add("http-429", match="/ws.v1/", count=2, retry_after=60)
    wait_for(lambda: rule.fired)

    assert _codes(running, 2 * LIMIT) == {("/healthz", 200), ("/readyz", 200)}


def _codes(running, seconds):
    """All answers within so many seconds."""
    ends = time.monotonic() + seconds
    found = set()
    while time.monotonic() < ends:
        found |= {(path, running.code(path)) for path in ("/healthz", "/readyz")}
        time.sleep(0.2)
    return found
