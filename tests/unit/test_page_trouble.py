"""What is wrong, as sentences: what the daemon tells goes in."""

import pytest

from networking_nsx.serve.health import Hang
from networking_nsx.serve.page_text import span
from networking_nsx.serve.page_trouble import Level, Sight, state, troubles

NOW = 1_800_000_000.0
QUIET = {
    "state": "running",
    "paused_since": None,
    "mode": "write",
    "failures": 0,
    "last_error": "",
    "next_attempt_at": None,
    "settle_failures": 0,
    "settle_error": "",
    "held": {"network": 0, "router": 0, "port": 0},
    "index": "believed",
    "index_reason": "",
    "maintenance": "none",
    "bound": 12.0,
    "last_sweep_at": NOW - 5,
}


def sight(hangs=(), **told):
    return Sight({**QUIET, **told}, hangs, 10.0, NOW)


def titles(seen):
    return [(trouble.level, trouble.title) for trouble in troubles(seen)]


def test_a_daemon_that_works_has_no_trouble():
    """It is running."""
    assert troubles(sight()) == []
    assert state(sight(), []) == ("Running", "running")


@pytest.mark.parametrize(
    ("told", "level", "title", "word"),
    [
        ({"failures": 3, "last_error": "no route"}, Level.FAILING, "3 failures in a row", "Failing"),
        (
            {"settle_failures": 1, "settle_error": "locked"},
            Level.FAILING,
            "1 failure in a row where single rows are settled",
            "Failing",
        ),
        ({"held": {"port": 412, "router": 1}}, Level.FROZEN, "The brake holds 412 ports, 1 router", "Frozen"),
        ({"state": "paused", "paused_since": NOW - 60}, Level.FROZEN, "Paused", "Paused"),
        (
            {"maintenance": "holding", "maintenance_until": NOW, "maintenance_reason": "upgrade"},
            Level.FROZEN,
            "Maintenance until 2027-01-15 08:00:00 UTC",
            "Maintenance",
        ),
        (
            {"maintenance": "verifying"},
            Level.FROZEN,
            "Maintenance is over; a whole sweep comes first",
            "Maintenance",
        ),
        ({"index": "not believed"}, Level.FROZEN, "NSX's search index is not believed", "Frozen"),
        ({"bound": 31.0}, Level.NOTE, "A status may be 31 s old", "Running"),
        ({"mode": "report"}, Level.NOTE, "Report only", "Running"),
        ({"last_sweep_at": None, "bound": None}, None, None, "Starting"),
    ],
)
def test_what_is_wrong_is_told(told, level, title, word):
    """With how much it matters, and the whole in a word."""
    seen = sight(**told)

    assert titles(seen) == ([(level, title)] if level else [])
    assert state(seen, troubles(seen))[0] == word


def test_a_loop_that_hangs_is_named():
    """And since when."""
    (trouble,) = troubles(sight([Hang("sweep", 42.0)]))

    assert (trouble.level, trouble.title) == (Level.FAILING, "The sweep loop hangs")
    assert "2027-01-15 07:59:18 UTC" in trouble.text


def test_the_worst_comes_first():
    """Whatever else there is."""
    seen = sight([Hang("settle", 42.0)], mode="report", held={"port": 1}, failures=1)

    assert [level for level, _ in titles(seen)] == [Level.FAILING, Level.FAILING, Level.FROZEN, Level.NOTE]


def test_the_command_that_releases_names_what_is_held():
    """To be copied."""
    (trouble,) = troubles(sight(held={"network": 0, "router": 2, "port": 5}))

    assert trouble.command.startswith("neutron-nsx sync release --kind router --kind port ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (3.14, "3.1 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (7320, "2 h 2 min"),
        (266400, "3 d 2 h"),
    ],
)
def test_a_duration_has_two_units(seconds, text):
    """The largest ones."""
    assert span(seconds) == text
