"""Why is this port DOWN? One command, while the daemon runs, after it was killed, and without one."""

import csv
import io
import json
import signal
import sqlite3
from contextlib import closing

import pytest
import requests
from sites import process
from waiting import wait_for

REASON = "The transport node is out of memory\x1b[2J"


@pytest.fixture
def state(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def configured(site, state, tmp_path):
    """It sweeps every second; what it writes is kept."""
    site.configure(
        nsx__api="policy",
        nsx__index_lag="0",
        state_sync_interval="1",
        first_delay="0",
        state_path=str(state),
        audit_log=str(tmp_path / "audit.log"),
        control_socket=str(tmp_path / "nsx.socket"),
    )
    return site


def status_of(site, port):
    with closing(sqlite3.connect(site.file)) as neutron:
        return neutron.execute("select status from ports where id = ?", (port,)).fetchone()[0]


def show(site, port, *words: str):
    done = site.command("show", "port", port, "--config-file", str(site.config), *(words or ("-f", "json")))
    assert done.returncode == 0, done.stderr
    return done.stdout if words else json.loads(done.stdout)


def timeline(site, *words: str):
    done = site.command("timeline", *words, "--config-file", str(site.config), "-f", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def daemon(site):
    return process("sync", "run", "--config-file", str(site.config))


def sweeps(site):
    """Until the daemon has completed a sweep; what `sync status` says then."""

    def status():
        done = site.command("sync", "status", "--config-file", str(site.config), "-f", "json")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    wait_for(lambda: status().get("last_sweep_at"), pause=0.5)
    return status()


def test_why_a_port_is_down_after_the_daemon_was_killed(configured, state, tmp_path):
    """NSX says why; the daemon writes; it is killed and started again; one command explains."""
    site, port = configured, configured.ports()[0]
    with daemon(site) as first:
        wait_for(lambda: status_of(site, port) == "ACTIVE")
        site.ask("status", {"kind": "port", "status": "down", "ids": [port], "message": REASON})
        wait_for(lambda: status_of(site, port) == "DOWN")
        wait_for(lambda: len(show(site, port)["writes"]) == 2)
        first.send_signal(signal.SIGKILL)
        first.wait(60)
    with daemon(site):
        told = sweeps(site)
        shown = show(site, port)
        table = show(site, port, "-f", "table", "--max-width", "300")
        lines = timeline(site, port, "--since", "1h")
    alone = show(site, port)

    assert (told["evidence_error"], told["evidence_lost"]) == ("", {"evidence": 0, "audit log": 0})
    assert (shown["status"], shown["nsx"], shown["host"], shown["admin_up"]) == (
        "DOWN",
        "down",
        "compute-1",
        True,
    )
    assert (shown["blocks"], shown["evidence"]) == ([], "")
    down, up = shown["writes"]
    assert (down["old"], down["new"], down["word"], down["why"]) == (
        "ACTIVE",
        "DOWN",
        "DOWN",
        "NSX says it is down",
    )
    assert (up["old"], up["new"], up["why"]) == ("DOWN", "ACTIVE", "NSX says it is up")
    assert f"/ports/{port}" in down["path"]
    assert down["by"] == "settle" or (down["by"] == "sweep" and down["sweep"] >= 1 and down["sweep_began"])
    assert up["seen_at"] < up["at"] < down["seen_at"] < down["at"]
    assert (
        "RealizedLogicalPort REALIZED: The transport node is out of memory [2J (error 500030)"
        in shown["reasons"]
    )
    assert shown["next_look"].startswith(("by the next sweep", "in "))
    assert "ACTIVE -> DOWN: NSX says it is down" in table
    assert "\x1b" not in table
    assert (alone["writes"], alone["reasons"]) == (shown["writes"], shown["reasons"])
    assert alone["next_look"].startswith("by the next sweep, once a daemon runs")
    assert [(one["what"], one["new"]) for one in lines if one["id"]][:2] == [
        ("written", "ACTIVE"),
        ("written", "DOWN"),
    ]
    assert [one["why"].partition(":")[0] for one in lines if one["what"] == "daemon"] == [
        "started",
        "started",
    ]
    assert [one["at"] for one in lines] == sorted(one["at"] for one in lines)
    audited = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [(one["old"], one["new"]) for one in audited if one["id"] == port] == [
        ("DOWN", "ACTIVE"),
        ("ACTIVE", "DOWN"),
    ]


def test_what_commands_write_without_a_daemon_is_kept_as_well(configured, state):
    """`sync once` and `sync key` say so themselves."""
    site, port = configured, configured.ports()[0]
    site.once()
    site.ask("status", {"kind": "port", "status": "down", "ids": [port]})
    site.command("sync", "key", "port", port, "--config-file", str(site.config), "-f", "json")

    assert [one["by"] for one in show(site, port)["writes"]] == ["sync key", "sync once"]


def test_a_timeline_of_a_host_is_of_the_ports_that_are_there(configured):
    """In every format, by time, since then only."""
    site = configured
    ports = site.ports()[:3]
    with closing(sqlite3.connect(site.file)) as neutron, neutron:
        for table in ("ml2_port_binding_levels", "ml2_port_bindings"):
            neutron.executemany(
                f"update {table} set host = 'compute-2' where port_id = ?", [(p,) for p in ports]
            )
    site.once()
    on_host = timeline(site, "--host", "compute-2", "--since", "2h")
    as_csv = site.command(
        "timeline", "--host", "compute-2", "--since", "2h", "--config-file", str(site.config), "-f", "csv"
    )
    later = timeline(site, "--host", "compute-2", "--since", "0s")

    assert {one["id"] for one in on_host if one["id"]} == set(ports)
    assert len(list(csv.DictReader(io.StringIO(as_csv.stdout)))) == len(on_host)
    assert later == []


def test_what_was_written_is_shown_while_nsx_does_not_answer(configured):
    """And then the command fails, as before."""
    site, port = configured, configured.ports()[0]
    site.once()
    site.config.write_text(site.config.read_text().replace(site.control, "http://127.0.0.1:9"))
    done = site.command("show", "port", port, "--config-file", str(site.config), "-f", "json")
    shown = json.loads(done.stdout)

    assert (done.returncode, shown["status"], shown["nsx"], len(shown["writes"])) == (1, "ACTIVE", None, 1)
    assert shown["verdict"].startswith("NSX could not be asked: ")
    assert "127.0.0.1:9" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--host", "nowhere"), 1, "Neutron has no port that is bound to host nowhere"),
        ((), 2, "one of the arguments id --host is required"),
        (("x", "--host", "y"), 2, "not allowed with argument"),
        (
            ("x", "--since", "yesterday"),
            2,
            "'yesterday' is neither a time, as 2027-01-15T08:00, nor how long ago",
        ),
        (("x", "--since", "2999-01-01"), 2, "2999-01-01 is yet to come"),
    ],
)
def test_a_timeline_that_cannot_be_told_says_why(configured, words, code, told):
    """And which argument is wrong."""
    done = configured.command("timeline", *words, "--config-file", str(configured.config))

    assert done.returncode == code
    assert told in done.stderr


def test_without_a_folder_for_it_show_says_what_to_set(site):
    """All else is shown as before; a timeline there is none."""
    port = site.ports()[0]
    done = site.command("timeline", port, "--config-file", str(site.config))

    assert "[nsx_sync] state_path is not set" in show(site, port)["evidence"]
    assert (done.returncode, "[nsx_sync] state_path is not set" in done.stderr) == (1, True)


def test_only_show_asks_nsx_for_its_reason(configured):
    """And only of an object that is not up."""
    site, port = configured, configured.ports()[0]

    def asked():
        by_path = requests.get(f"{site.control}/_sim/requests", timeout=60).json()["by_path"]
        return [path for path in by_path if "alarms" in path or "realized-entities" in path]

    site.ask("requests/reset", {})
    site.once()
    show(site, port)
    before = asked()
    site.ask("status", {"kind": "port", "status": "down", "ids": [port], "message": REASON})
    show(site, port)

    assert before == []
    assert len(asked()) == 2
