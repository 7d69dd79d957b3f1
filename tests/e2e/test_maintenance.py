"""A maintenance, by the installed command: with a daemon, without one, and over a restart."""

import json
from datetime import UTC, datetime

import pytest
from sites import process
from waiting import wait_for

DOWN = {"kind": "port", "status": "down", "fraction": 0.02, "seed": 3}  # 4 of 200
UP = {"kind": "port", "status": "up", "fraction": 0.02, "seed": 3}


@pytest.fixture
def state(tmp_path):
    """`[nsx_sync] state_path`."""
    made = tmp_path / "state"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def adopted(site, state):
    """All is as on NSX, and long ago; no daemon runs."""
    site.configure(state_path=str(state))
    assert site.once().returncode == 0
    site.age()
    return site


def run(site, *words: str, code: int = 0) -> dict:
    done = site.command(*words, "--config-file", str(site.config), "-f", "json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def refused(site, *words: str) -> str:
    done = site.command(*words, "--config-file", str(site.config))
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    return done.stderr


START = ("maintenance", "start", "--reason", "new switches")


def test_a_daemon_defers_until_it_is_told_to_stop_and_a_restart_knows_of_it(adopted, state, tmp_path):
    """Killed and started again it still defers; after the stop one sweep verifies, then all is written."""
    site = adopted
    site.configure(
        state_path=str(state),
        control_socket=str(tmp_path / "nsx.socket"),
        state_sync_interval="1",
        first_delay="0",
        brake_minimum="100",
    )
    daemon = ("sync", "run", "--config-file", str(site.config))

    def status():
        return run(site, "sync", "status")

    def answers():
        return site.command("sync", "status", "--config-file", str(site.config)).returncode == 0

    with process(*daemon) as running:
        wait_for(answers)
        started = run(site, *START, "--until", "2h")
        site.ask("status", DOWN)
        wait_for(lambda: status()["last_sweep_at"] and status()["last_sweep_counts"]["deferred"] == 4)
        key = run(site, "sync", "key", "port", site.down()[0])
        release = refused(site, "sync", "release")
        running.kill()
        running.wait(30)
    before = site.statuses()
    with process(*daemon) as running:
        wait_for(answers)
        wait_for(lambda: status()["last_sweep_at"] and status()["last_sweep_counts"]["deferred"] == 4)
        told = status()
        stopped = run(site, "maintenance", "stop")
        wait_for(lambda: status()["maintenance"] == "none")
        wait_for(lambda: site.statuses() == {"ACTIVE": 196, "DOWN": 4})
        running.terminate()
        _, log = running.communicate(timeout=60)

    assert (started["by"], started["write_at_hand"]) == ("the daemon", False)
    assert started["maintenance_lasts"] == "over restarts"
    assert (key["verdict"], key["nsx"]) == ("deferred", "down")
    assert "maintenance holds; end it first" in release
    assert before == {"ACTIVE": 200}
    assert (told["maintenance"], told["maintenance_reason"]) == ("holding", "new switches")
    assert told["maintenance_until"] == started["maintenance_until"]
    assert stopped["maintenance"] == "verifying"
    assert not (state / "maintenance.json").exists()
    order = [
        log.index(each)
        for each in ("nothing gets worse before this sweep", "verified after the", "4 written")
    ]
    assert order == sorted(order)


def test_without_a_daemon_it_is_noted_and_one_off_sweeps_heed_it(adopted, state):
    """Exit code 4 while it defers; after the stop they verify first, and write."""
    site = adopted
    started = run(site, *START, "--until", "90m")
    site.ask("status", DOWN)
    held = json.loads(site.once().stdout), site.statuses()
    rehearsed = run(site, "sync", "once", "--dry-run", code=4)
    release = refused(site, "sync", "once", "--release", "port")
    stopped = run(site, "maintenance", "stop")
    partial = run(site, "sync", "once", "--kind", "port", code=4)
    done = run(site, "sync", "once")

    assert "no daemon runs" in started["by"]
    minutes = datetime.fromisoformat(started["maintenance_until"]) - datetime.now(UTC)
    assert 80 * 60 < minutes.total_seconds() <= 90 * 60
    assert (held[0]["deferred"], held[0]["written"], held[1]) == (4, 0, {"ACTIVE": 200})
    assert {change["verdict"] for change in rehearsed["changes"]} == {"deferred"}
    assert "end it first" in release
    assert stopped["maintenance"] == "verifying"
    assert partial["written"] == 0  # sweeps of one kind verify nothing
    assert (done["sweeps"], done["written"]) == (2, 4)
    assert site.statuses() == {"ACTIVE": 196, "DOWN": 4}
    assert not (state / "maintenance.json").exists()


def test_what_improves_goes_on(adopted):
    """Also by one-off sweeps."""
    site = adopted
    site.ask("status", DOWN)
    assert site.once().returncode == 0
    site.age()
    run(site, *START, "--until", "2h")
    site.ask("status", UP)

    assert run(site, "sync", "once")["written"] == 4
    assert site.statuses() == {"ACTIVE": 200}


def test_a_note_that_cannot_be_read_keeps_everything_from_writing(adopted, state):
    """The daemon and one-off commands alike; what only reads goes on."""
    site, note = adopted, state / "maintenance.json"
    port = site.ports()[0]
    note.write_text("{")

    for words in (("sync", "run"), ("sync", "once"), ("sync", "key", "port", port), ("maintenance", "stop")):
        assert f"{note} cannot be read" in refused(site, *words)
    assert run(site, "show", "port", port)["status"] == "ACTIVE"
    assert note.read_text() == "{"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--until", "8d", "--reason", "x"), "7 days"),
        (("--until", "2020-01-01T00:00", "--reason", "x"), "past"),
        (("--until", "tea time", "--reason", "x"), "give a duration as 2h"),
        (("--until", "2h", "--reason", ""), "a reason is needed"),
    ],
)
def test_what_cannot_be_is_refused(site, words, says):
    """By name, with what to do."""
    assert says in refused(site, "maintenance", "start", *words)


def test_it_needs_somebody_to_take_it(site):
    """Neither a daemon nor a folder: nobody would know of it."""
    assert "state_path it cannot be noted" in refused(site, *START, "--until", "2h")


def test_a_daemon_that_takes_no_commands_is_not_passed_over(adopted):
    """It would not read the note before its next start."""
    from networking_nsx import config  # noqa: PLC0415 - as the command does, where a test needs it
    from networking_nsx.assemble import only_one  # noqa: PLC0415

    with only_one(config.settings(config.load([str(adopted.config)]))):
        said = refused(adopted, *START, "--until", "2h")

    assert "control_socket is not set" in said
    assert "synchronizes this NSX already" in said
