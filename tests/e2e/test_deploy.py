"""The daemon as deploy/ runs it: under systemd's words, with logrotate's and NSX's hands on its files."""

import json
import re
import signal
import subprocess
import time

import pytest
from deployed import LOGROTATE
from notified import systemd
from servers import needed
from sites import process
from waiting import wait_for

HANGS_AFTER = 3  # seconds, with these options
OPTIONS = {
    "state_sync_interval": "1",
    "first_delay": "0",
    "brake_percent": "100",
    "nsx__connect_timeout": "0.1",
    "nsx__retries": "0",
}


@pytest.fixture
def there(tmp_path):
    with systemd(str(tmp_path / "notify")) as made:
        yield made


def run(site, there):
    words = {"NOTIFY_SOCKET": there.address, "WATCHDOG_USEC": "1000000"}
    return process("sync", "run", "--config-file", str(site.config), environment=words)


def test_systemd_hears_of_a_daemon_that_works_and_not_of_one_that_hangs(site, there):
    """A manager takes a request and never answers; SIGABRT, as a watchdog sends it, tells where that was."""
    site.configure(**OPTIONS)
    with run(site, there) as daemon:
        began = there.heard(60)
        wait_for(lambda: site.statuses() == {"ACTIVE": 200})
        alive = [there.heard() for _ in range(20)]
        site.ask("faults", [{"fault": "timeout", "match": "/ws.v1/", "count": 1}])
        wait_for(lambda: not there.heard(0.5), 30)
        daemon.send_signal(signal.SIGABRT)
        _, told = daemon.communicate(timeout=20)
        site.forget_faults()

    assert (began, {*alive}) == ("READY=1", {"WATCHDOG=1"})
    assert daemon.returncode == -signal.SIGABRT
    assert re.search(r'File ".*networking_nsx/nsx/wire\.py", line \d+ in send', told)


def test_a_daemon_that_only_cannot_reach_nsx_is_heard_of_until_it_stops(site, there):
    """For longer than a hang takes to be one; then SIGTERM."""
    site.configure(**OPTIONS)
    site.ask("faults", [{"fault": "http-503", "match": "/ws.v1/"}])
    with run(site, there) as daemon:
        heard = [there.heard(60)]
        ends = time.monotonic() + 2 * HANGS_AFTER
        while time.monotonic() < ends:
            heard.append(there.heard(1))
        daemon.send_signal(signal.SIGTERM)
        wait_for(lambda: there.heard() == "STOPPING=1")
        daemon.communicate(timeout=20)

    assert (heard[0], {*heard[1:]}, daemon.returncode) == ("READY=1", {"WATCHDOG=1"}, 0)


@pytest.fixture
def rotate(tmp_path):
    """Have logrotate do what deploy/ tells it, at once, in the folder of this test."""
    logrotate = needed("logrotate")
    text = LOGROTATE.read_text().replace("/var/log/neutron-nsx", str(tmp_path / "log"))
    rules = tmp_path / "logrotate.conf"
    rules.write_text(re.sub(r"^ *su .*\n", "", text, flags=re.MULTILINE))  # no such user here
    rules.chmod(0o600)

    def force() -> None:
        state = tmp_path / "logrotate.state"
        subprocess.run([logrotate, "--force", "--state", state, rules], check=True, capture_output=True)

    return force


def test_logs_that_are_rotated_under_the_daemon_lose_no_line(site, tmp_path, rotate):
    """The log and the audit log: every write stands in one file or the other, new lines in the new files."""
    (folder := tmp_path / "log").mkdir(mode=0o700)
    log, audit = folder / "neutron-nsx.log", folder / "audit.json"
    site.configure(**OPTIONS, audit_log=str(audit), DEFAULT__log_file=str(log))
    with process("sync", "run", "--config-file", str(site.config)):
        wait_for(lambda: audit.exists() and len(audit.read_text().splitlines()) == 200)
        rotate()
        down = site.ask("status", {"kind": "port", "status": "down", "fraction": 0.1, "seed": 1})["ids"]
        wait_for(lambda: audit.exists() and len(audit.read_text().splitlines()) == len(down))
        wait_for(lambda: log.exists() and "sweep done" in log.read_text())

    before, after = (folder / "audit.json.1").read_text(), audit.read_text()
    assert len(before.splitlines()) == 200
    assert {json.loads(line)["id"] for line in after.splitlines()} == {*down}
    assert "synchronizing with" in (folder / "neutron-nsx.log.1").read_text()
