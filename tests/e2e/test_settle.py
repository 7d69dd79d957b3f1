"""Single rows beside the sweeps of the installed daemon."""

import json
import signal

import pytest
from sites import process
from waiting import wait_for


@pytest.fixture
def daemon(site, tmp_path):
    """It has swept once; the next sweep is an hour away."""
    site.configure(state_sync_interval="3600", first_delay="0", control_socket=str(tmp_path / "nsx.socket"))
    with process("sync", "run", "--config-file", str(site.config)) as running:
        wait_for(lambda: site.statuses() == {"ACTIVE": 200} and status(site)["last_sweep_at"])
        yield running


def sync(site, *words: str):
    return site.command("sync", *words, "--config-file", str(site.config), "-f", "json")


def status(site) -> dict:
    done = sync(site, "status")
    return json.loads(done.stdout) if done.returncode == 0 else {"last_sweep_at": None}


def take_down(site) -> str:
    (port,) = site.ask("status", {"kind": "port", "status": "down", "ids": site.ports()[:1]})["ids"]
    return port


def test_the_daemon_settles_the_row_that_sync_key_names(site, daemon):
    """It is the daemon that writes, and the command that tells."""
    port = take_down(site)
    done = sync(site, "key", "port", port)
    told = json.loads(done.stdout)
    after = status(site)

    assert (told["status"], told["nsx"], told["verdict"]) == ("DOWN", "down", "written")
    assert site.statuses() == {"ACTIVE": 199, "DOWN": 1}
    assert (after["settle_counts"]["written"], after["settle_waiting"]) == (1, 0)
    daemon.send_signal(signal.SIGTERM)
    _, log = daemon.communicate(timeout=90)
    assert daemon.returncode == 0
    assert f"command key: port {port}" in log
    assert log.count("sweep done") == 1


def test_a_row_that_does_not_exist(site, daemon):
    """As without a daemon."""
    done = sync(site, "key", "port", "nobody")

    assert done.returncode == 1
    assert "Neutron has no port nobody" in done.stderr


def test_a_paused_daemon_keeps_the_row_waiting(site, daemon):
    """Exit 1, with the reason; nothing is written behind its back."""
    sync(site, "pause")
    wait_for(lambda: status(site)["state"] == "paused")
    done = sync(site, "key", "port", take_down(site))
    before = site.statuses()
    sync(site, "resume")
    wait_for(lambda: site.statuses() == {"ACTIVE": 199, "DOWN": 1}, seconds=20)

    assert done.returncode == 1
    assert "the daemon is paused" in done.stderr
    assert before == {"ACTIVE": 200}


def test_without_a_daemon_sync_key_works_by_itself(site, tmp_path):
    """Although a socket is configured."""
    site.once()
    port = take_down(site)
    site.configure(control_socket=str(tmp_path / "nsx.socket"))
    told = json.loads(sync(site, "key", "port", port).stdout)

    assert told["verdict"] in ("written", "agrees")
    assert told["nsx"] == "down"
