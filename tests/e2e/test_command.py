"""The installed command against a simulator in a process of its own: exit codes, messages, signals."""

import json
import re
import signal
import sqlite3
import time
from contextlib import closing

import pytest
import requests
from sites import call, process
from waiting import wait_for

from networking_nsx.simulator import Simulator


def test_once_writes_what_nsx_says(site):
    """Exit 0, and a summary that a machine can read."""
    done = call("sync", "once", "--config-file", str(site.config), "-f", "json")
    summary = json.loads(done.stdout)

    assert done.returncode == 0
    assert (summary["observed"], summary["written"], len(summary["changes"])) == (222, 200, 200)
    assert site.statuses() == {"ACTIVE": 200}
    assert len(re.findall("sweep done: 222 observed, 200 written", done.stderr)) == 1


def test_a_dry_run_writes_nothing_and_lists_everything(site):
    """Each change with its evidence."""
    done = site.once("--dry-run")
    summary = json.loads(done.stdout)

    assert done.returncode == 0
    assert (summary["written"], summary["withheld"]) == (0, 200)
    assert summary["changes"][0].keys() == {"kind", "id", "from", "to", "verdict", "path", "word"}
    assert site.statuses() == {"DOWN": 200}


def test_report_mode_writes_nothing(site):
    """`mode = report`: the whole command is an observer."""
    site.configure(mode="report")

    assert json.loads(site.once().stdout)["withheld"] == 200
    assert site.statuses() == {"DOWN": 200}


def test_only_the_kind_asked_for(site):
    """`--kind network` leaves the ports alone."""
    assert json.loads(site.once("--kind", "network").stdout)["observed"] == 20
    assert site.statuses() == {"DOWN": 200}


def test_the_brake_gives_exit_4_and_the_operator_releases(site):
    """Half of the ports vanish: nothing is written until somebody has looked."""
    site.once()
    site.ask("delete", {"kind": "port", "fraction": 0.5, "seed": 1})
    time.sleep(1)
    frozen = site.once()
    before = site.statuses()
    released = site.once("--release", "port")

    assert (frozen.returncode, before) == (4, {"ACTIVE": 200})
    assert "--release" in frozen.stderr
    assert (released.returncode, site.statuses()) == (0, {"ACTIVE": 100, "ERROR": 100})


def test_key_and_show_are_about_one_resource(site, command):
    """`show` writes nothing, `sync key` writes this one; both say what NSX says and where."""
    port = site.ports()[0]
    config = ("--config-file", str(site.config), "-f", "json")
    shown = json.loads(command("show", "port", port, *config).stdout)
    before = site.statuses()
    synchronized = json.loads(command("sync", "key", "port", port, *config).stdout)

    assert (shown["status"], shown["nsx"], shown["verdict"]) == ("DOWN", "up", "should be ACTIVE")
    assert "/lport/" in shown["path"]
    assert before == {"DOWN": 200}
    assert (synchronized["status"], synchronized["verdict"]) == ("ACTIVE", "written")
    assert site.statuses() == {"ACTIVE": 1, "DOWN": 199}


def test_a_resource_that_neutron_does_not_have(site, command):
    """Said so, exit 1."""
    done = command("show", "port", "nobody", "--config-file", str(site.config))

    assert done.returncode == 1
    assert done.stderr.strip() == "neutron-nsx: Neutron has no port nobody"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"nsx__password": "wrong"}, r"\[nsx\] user"),
        ({"nsx__managers": "http://127.0.0.1:9"}, "127.0.0.1:9"),
        ({"nsx__managers": "https://{host}"}, "https://"),
        ({"database__connection": "mysql+pymysql://u:topsecret@127.0.0.1:9/neutron"}, "127.0.0.1:9"),
        ({"database__connection": "sqlite:////{folder}/none.sqlite"}, "none.sqlite does not exist"),
        (
            {"database__connection": "sqlite:////{folder}/neutron.conf"},
            "conf: file is not a database",
        ),
        ({"database__connection": "nonsense"}, r"\[database\] connection"),
        ({"state_sync_interval": "-1"}, r"state_sync_interval .*neutron\.conf"),
        ({"min_sync_req_delay": "11"}, r"min_sync_req_delay .*neutron\.conf.*state_sync_interval"),
        ({"state_sink_interval": "5"}, "did you mean state_sync_interval"),
    ],
)
def test_bad_input_is_one_clear_line(site, options, said):
    """Exit 1, no traceback, no password, and what to look at."""
    host = site.control.removeprefix("http://")
    site.configure(
        **{name: value.format(host=host, folder=site.file.parent) for name, value in options.items()}
    )
    done = site.command("show", "port", site.ports()[0], "--config-file", str(site.config))
    last = done.stderr.strip().splitlines()[-1]

    assert done.returncode == 1
    assert last.startswith("neutron-nsx: ")
    assert re.search(said, last)
    assert "Traceback" not in done.stderr
    assert "topsecret" not in done.stderr


def test_managers_that_do_not_answer_are_for_check(site):
    """The message says which command tells more; nothing is made on the disk."""
    site.configure(nsx__managers="http://127.0.0.1:9", nsx__retries="0")
    done = site.command("sync", "key", "port", site.ports()[0], "--config-file", str(site.config))

    assert done.returncode == 1
    assert re.search("127.0.0.1:9: .*refused.*neutron-nsx check", done.stderr.strip().splitlines()[-1])


def test_a_database_file_that_is_not_there_is_not_made(site):
    """Whoever reads makes none."""
    site.configure(database__connection=f"sqlite:///{site.file.parent}/none.sqlite")
    site.command("check", "--config-file", str(site.config))

    assert not (site.file.parent / "none.sqlite").exists()


def test_a_certificate_that_nobody_vouches_for_is_refused(site, tmp_path):
    """The message names the options; with the CA file all is well."""
    with Simulator(tls=True, ca_file=str(tmp_path / "ca.pem")) as nsx:
        words = ("show", "port", site.ports()[0], "--config-file", str(site.config), "-f", "json")
        site.configure(nsx__managers=nsx.urls[0])
        refused = site.command(*words)
        site.configure(nsx__managers=nsx.urls[0], nsx__ca_file=nsx.ca_file)
        trusted = site.command(*words)

    assert refused.returncode == 1
    assert "ca_file" in refused.stderr
    assert json.loads(trusted.stdout)["nsx"] == "absent"


def test_an_nsx_that_does_not_answer_fails_in_the_end(site):
    """`sync once` asks a page five times, waits longer each time, and gives up; nothing was written."""
    site.configure(nsx__managers="http://127.0.0.1:9")
    done = site.once()

    assert done.returncode == 1
    assert [int(wait) for wait in re.findall(r"again in (\d+) s", done.stderr)] == [1, 2, 4, 8]
    assert site.statuses() == {"DOWN": 200}


def test_wrong_usage_is_exit_2(command):
    """As of every command."""
    assert command("sync", "once").returncode == 2
    assert command("sync", "once", "--config-file", "x", "--kind", "floatingip").returncode == 2
    assert command("nonsense").returncode == 2


def test_the_daemon_sweeps_repairs_and_ends_on_sigterm(site):
    """One line per sweep, a change within an interval, exit 0."""
    site.configure(state_sync_interval="1", first_delay="0")
    with process("sync", "run", "--config-file", str(site.config)) as daemon:
        wait_for(lambda: site.statuses() == {"ACTIVE": 200})
        down = site.ask("status", {"kind": "port", "status": "down", "fraction": 0.02, "seed": 3})["changed"]
        wait_for(lambda: site.statuses() == {"ACTIVE": 200 - down, "DOWN": down})
        daemon.send_signal(signal.SIGTERM)
        _, log = daemon.communicate(timeout=90)

    assert down == 4
    assert daemon.returncode == 0
    assert len(re.findall("sweep done: 222 observed", log)) >= 2
    assert "stopped" in log


def test_sigterm_in_mid_sweep_finishes_the_page(site):
    """Whole pages are written, and nothing else; the next start does the rest."""
    site.once()
    site.configure(state_sync_interval="8", min_chunk_size="50", first_delay="0")
    with process("sync", "run", "--config-file", str(site.config)) as daemon:
        wait_for(lambda: "sweep done" in daemon.stderr.readline())
        with closing(sqlite3.connect(site.file, timeout=10)) as neutron, neutron:
            neutron.execute("update ports set status = 'BUILD'")
        wait_for(lambda: "ACTIVE" in site.statuses())
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=90)
    active = site.statuses()["ACTIVE"]
    site.once()

    assert daemon.returncode == 0
    assert active < 200
    assert site.statuses() == {"ACTIVE": 200}


def test_a_second_runner_of_the_same_nsx_is_refused(site):
    """It names the process that holds the lease; a dry run needs none."""
    site.configure(state_sync_interval="60", first_delay="0")
    with process("sync", "run", "--config-file", str(site.config)) as daemon:
        wait_for(lambda: site.statuses() == {"ACTIVE": 200})
        second = call("sync", "run", "--config-file", str(site.config))
        dry = site.once("--dry-run")
        pid = daemon.pid

    assert second.returncode == 1
    assert f"process {pid} synchronizes this NSX already" in second.stderr
    assert dry.returncode == 0


def test_an_interval_of_zero_disables(site, command):
    """The daemon says so and ends well."""
    site.configure(state_sync_interval="0")
    done = command("sync", "run", "--config-file", str(site.config))

    assert done.returncode == 0
    assert "disabled" in done.stderr
    assert site.statuses() == {"DOWN": 200}


def test_the_simulator_says_where_it_listens_and_ends_on_sigterm(tmp_path):
    """One JSON line, TLS with a CA that clients can trust, exit 0."""
    ca_file = tmp_path / "ca.pem"
    with process(
        "simulator", "--tls", "--ca-file", str(ca_file), "--ports", "3", "--networks", "1"
    ) as running:
        ready = json.loads(running.stdout.readline())
        answer = requests.get(f"{ready['control']}/_sim/inventory", verify=str(ca_file), timeout=10)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=90)

    assert ready.keys() >= {"managers", "vip", "control", "ca_file"}
    assert len(answer.text.splitlines()) == 4
    assert running.returncode == 0


def test_the_simulator_does_not_listen_beyond_loopback(command):
    """Without being told to."""
    done = command("simulator", "--listen", "0.0.0.0:0")

    assert done.returncode == 1
    assert "loopback" in done.stderr


@pytest.mark.parametrize("words", [("--listen", "nonsense"), ("--listen", "127.0.0.1:high")])
def test_a_bad_address_is_refused(words, command):
    """By the option's name."""
    done = command("simulator", *words)

    assert done.returncode == 1
    assert "--listen" in done.stderr


def test_the_demo_proves_itself(tmp_path):
    """One port seen wrong and corrected, all rows compared, exit 0, database and configuration kept."""
    done = call("demo", "--cycles", "1", "--ports", "400", "--directory", str(tmp_path))
    counts = re.search(
        r"(\d+) flipped, (\d+) deleted, (\d+) added, (\d+) failed requests, (\d+) rows compared", done.stdout
    )

    followed = re.findall(r"^port (\S+): NSX says (\w+), Neutron says (\w+)$", done.stdout, re.MULTILINE)

    assert done.returncode == 0, done.stdout + done.stderr
    assert len({port for port, *_ in followed}) == 1
    assert [said for _, *said in followed] == [
        ["up", "DOWN"],
        ["up", "ACTIVE"],
        ["down", "ACTIVE"],
        ["down", "DOWN"],
    ]
    assert all(int(count) > 0 for count in counts.groups())
    assert "OK: all" in done.stdout
    assert {"neutron.sqlite", "neutron.conf"} <= {file.name for file in tmp_path.iterdir()}


def test_a_demo_without_trouble_proves_nothing(tmp_path, command):
    """`--cycles 0` fails and says why."""
    done = command("demo", "--cycles", "0", "--ports", "50", "--directory", str(tmp_path))

    assert done.returncode == 1
    assert "proves nothing: 0 flipped" in done.stdout


def test_the_demo_does_not_overwrite(tmp_path, command):
    """A folder with a database in it is refused."""
    (tmp_path / "neutron.sqlite").write_text("mine")
    done = command("demo", "--directory", str(tmp_path))

    assert done.returncode == 1
    assert (tmp_path / "neutron.sqlite").read_text() == "mine"


def test_the_command_is_installed():
    """Every sub-command of the documentation is listed."""
    done = call("--help")

    for name in ("demo", "populate", "show", "simulator", "sync key", "sync once", "sync run"):
        assert f"  {name} " in done.stdout
