"""The installed command on NSX Policy, against a simulator in a process of its own."""

import json

import pytest
from sites import call, process
from waiting import wait_for


@pytest.fixture
def site(site):
    # The simulator's index is never late.
    site.configure(nsx__api="policy", nsx__index_lag="0")
    return site


def test_once_writes_what_nsx_says(site):
    done = call("sync", "once", "--config-file", str(site.config), "-f", "json")
    summary = json.loads(done.stdout)

    assert done.returncode == 0
    assert (summary["observed"], summary["written"], len(summary["changes"])) == (222, 200, 200)
    assert summary["compared"] == 150
    assert site.statuses() == {"ACTIVE": 200}


def test_what_goes_down_and_what_vanishes_is_followed(site):
    """Segments that failed and gateways that nobody runs are ERROR; so are ports that are no more."""
    site.once()
    site.ask("status", {"kind": "port", "status": "down", "fraction": 0.05, "seed": 1})
    site.ask("status", {"kind": "network", "status": "error", "fraction": 0.05, "seed": 1})
    site.ask("status", {"kind": "router", "status": "down", "fraction": 0.5, "seed": 1})
    site.ask("delete", {"kind": "port", "fraction": 0.02, "seed": 2})
    done = site.once()

    assert done.returncode == 0
    ports = site.statuses()
    assert ports["ERROR"] == 4
    assert 9 <= ports["DOWN"] <= 10
    assert site.statuses("networks") == {"ACTIVE": 19, "ERROR": 1}
    assert site.statuses("routers") == {"ACTIVE": 1, "ERROR": 1}


def test_one_port_is_synchronized_and_shown(site):
    port = site.ports()[0]
    key = site.command("sync", "key", "port", port, "--config-file", str(site.config), "-f", "json")
    shown = site.command("show", "port", port, "--config-file", str(site.config), "-f", "json")
    said = json.loads(shown.stdout)

    assert (key.returncode, shown.returncode) == (0, 0)
    assert site.statuses() == {"ACTIVE": 1, "DOWN": 199}
    assert "/infra/segments/" in json.dumps(said)
    assert "UP" in said.values()


def test_the_daemon_reads_directly_while_the_index_lies(site):
    """It says so, goes on writing what is true, and says when it believes the index again."""
    site.configure(
        nsx__api="policy", nsx__index_lag="0", state_sync_interval="2", first_delay="0", canary_apart="1"
    )
    site.once()
    site.ask("faults", [{"fault": "index-drop", "fraction": 0.3}])
    with process("sync", "run", "--config-file", str(site.config)) as daemon:
        log = iter(daemon.stderr.readline, "")
        assert any("port statuses are read directly" in line for line in log)
        site.ask("status", {"kind": "port", "status": "down", "fraction": 0.05, "seed": 3})
        wait_for(lambda: site.statuses() == {"ACTIVE": 190, "DOWN": 10})
        site.forget_faults()
        assert any("is believed again" in line for line in log)


def test_the_demo_ends_well():
    """A smaller one: every row says what NSX says, by plain SQL."""
    done = call("demo", "--api", "policy", "--ports", "300", "--cycles", "1")

    assert "OK: all" in done.stdout
    assert done.returncode == 0
