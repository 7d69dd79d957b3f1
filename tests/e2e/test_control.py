"""Commands to a running daemon: `sync run` in a process, the simulator in another, real sockets between."""

import json
import re
import signal
import time

import pytest
import requests
from sites import process
from waiting import wait_for


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nsx.socket"


@pytest.fixture
def daemon(site, path):
    """It sweeps every second, and has swept once."""
    site.configure(state_sync_interval="1", first_delay="0", control_socket=str(path))
    with process("sync", "run", "--config-file", str(site.config)) as running:
        wait_for(lambda: site.statuses() == {"ACTIVE": 200})
        yield running


@pytest.fixture
def sync(site):
    """A command to the daemon, and its answer."""

    def run(*words: str):
        done = site.command("sync", *words, "--config-file", str(site.config), "-f", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def asked(site) -> int:
    return requests.get(f"{site.control}/_sim/requests", timeout=10).json()["total"]


def test_the_status_says_what_the_daemon_is_doing(site, daemon, sync):
    """Every field, with values that are true."""
    wait_for(lambda: sync("status")["last_sweep_at"])
    told = sync("status")

    assert (told["state"], told["api"], told["mode"]) == ("running", "mh", "write")
    assert (told["process"], told["managers"]) == (daemon.pid, [site.control])
    assert told["last_sweep_counts"]["observed"] == 222
    assert 0 < told["bound"] < 60
    assert told["held"] == {"network": 0, "router": 0, "port": 0}
    assert (told["failures"], told["next_attempt_at"]) == (0, None)
    assert told["index"] == "none"
    assert all(re.match(r"20\d\d-.*\+00:00", told[name]) for name in ("started_at", "last_sweep_at"))


def test_a_person_gets_a_table(site, daemon):
    """Without zeros."""
    shown = site.command("sync", "status", "--config-file", str(site.config)).stdout

    assert re.search(r"\| managers +\| http://127", shown)
    assert re.search(r"\| held +\| +\|", shown)


def test_a_pause_leaves_nsx_and_neutron_alone_until_the_resume(site, daemon, sync):
    """Not a request, not a write, while NSX changes; afterwards it is repaired at once."""
    paused = sync("pause")
    wait_for(lambda: sync("status")["state"] == "paused")
    before = asked(site)
    down = site.ask("status", {"kind": "port", "status": "down", "fraction": 0.02, "seed": 3})["changed"]
    time.sleep(3)
    during = (asked(site), site.statuses())
    again = sync("pause")
    resumed = sync("resume")
    wait_for(lambda: site.statuses() == {"ACTIVE": 200 - down, "DOWN": down})

    assert paused["state"] in ("paused", "pausing")
    assert during == (before, {"ACTIVE": 200})
    assert again["paused_since"] == paused["paused_since"]
    assert (resumed["state"], down) == ("running", 4)


def test_a_resume_does_not_wait_for_a_sleep_to_end(site, path, sync):
    """Sweeps are an hour apart."""
    site.configure(state_sync_interval="3600", first_delay="0", control_socket=str(path))
    with process("sync", "run", "--config-file", str(site.config)):
        wait_for(lambda: path.exists() and sync("status")["last_sweep_at"])
        time.sleep(1.1)  # a row written a moment ago is left alone
        site.ask("status", {"kind": "port", "status": "down", "fraction": 0.02, "seed": 3})
        sync("pause")
        sync("resume")
        wait_for(lambda: site.statuses() == {"ACTIVE": 196, "DOWN": 4})


def test_sigterm_ends_a_paused_daemon_and_a_restart_runs(site, daemon, sync, path):
    """A pause survives nothing; the file goes with the process."""
    sync("pause")
    daemon.send_signal(signal.SIGTERM)
    _, log = daemon.communicate(timeout=90)
    gone = not path.exists()
    with process("sync", "run", "--config-file", str(site.config)):
        wait_for(path.exists)
        state = sync("status")["state"]

    assert (daemon.returncode, gone, state) == (0, True, "running")
    assert re.search("INFO .*command pause: no step follows", log)


def test_what_the_brake_holds_is_written_after_a_release(site, daemon, sync):
    """Of this kind; the daemon goes on meanwhile, and its log says how to release."""
    site.ask("delete", {"kind": "port", "fraction": 0.5, "seed": 1})
    wait_for(lambda: sync("status")["held"]["port"] == 100)
    before = site.statuses()
    other = sync("release", "--kind", "network")
    released = sync("release", "--kind", "port")
    wait_for(lambda: site.statuses() == {"ACTIVE": 100, "ERROR": 100})
    wait_for(lambda: sync("status")["held"]["port"] == 0)
    daemon.send_signal(signal.SIGTERM)
    _, log = daemon.communicate(timeout=90)

    assert before == {"ACTIVE": 200}
    assert (other["released"], released["released"]) == ([], ["port"])
    assert "`neutron-nsx sync release --kind port`" in log


def test_trouble_is_told(site, daemon, sync):
    """Failures in a row, the last one, and when the next attempt is made."""
    fault = {"fault": "http-500", "match": "/ws.v1/l", "count": 1000}
    requests.post(f"{site.control}/_sim/faults", json=[fault], timeout=10).raise_for_status()
    wait_for(lambda: sync("status")["failures"] >= 2)
    told = sync("status")
    site.forget_faults()

    assert told["next_attempt_at"]
    assert "500" in told["last_error"]
    wait_for(lambda: sync("status")["failures"] == 0)


def test_a_daemon_that_hangs_is_given_up_after_5_seconds(site, daemon, path):
    """Exit 1, the socket's name, and where to look."""
    daemon.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    done = site.command("sync", "pause", "--config-file", str(site.config))
    took = time.monotonic() - began
    daemon.send_signal(signal.SIGCONT)

    assert done.returncode == 1
    assert 5 <= took < 30
    assert f"no answer from {path} within 5 s" in done.stderr


def test_a_file_left_by_a_kill_is_replaced(site, daemon, path, sync):
    """No daemon listens there, until the next one does."""
    daemon.kill()
    daemon.wait(90)
    left = path.exists()
    nobody = site.command("sync", "status", "--config-file", str(site.config))
    with process("sync", "run", "--config-file", str(site.config)) as second:
        wait_for(lambda: site.command("sync", "status", "--config-file", str(site.config)).returncode == 0)
        told = sync("status")
        pid = second.pid

    assert left
    assert nobody.returncode == 1
    assert f"no daemon listens at {path}" in nobody.stderr
    assert told["process"] == pid


def test_a_second_daemon_does_not_take_the_socket_over(site, daemon, path, tmp_path, sync):
    """It has another NSX, hence another lock, and the same socket by mistake."""
    (tmp_path / "other").mkdir()
    first = site.config.read_text()
    site.configure(
        control_socket=str(path), lock_path=str(tmp_path / "other"), first_delay="0", state_sync_interval="1"
    )
    second = site.command("sync", "run", "--config-file", str(site.config))
    site.config.write_text(first)

    assert second.returncode == 1
    assert f"control_socket: {path} belongs to process {daemon.pid}" in second.stderr
    assert sync("status")["process"] == daemon.pid


@pytest.mark.parametrize("name", ["status", "pause", "resume", "release"])
def test_without_a_socket_every_command_says_so(site, name):
    """Exit 1."""
    done = site.command("sync", name, "--config-file", str(site.config))

    assert done.returncode == 1
    assert "[nsx_sync] control_socket is not set" in done.stderr
