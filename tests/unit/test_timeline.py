"""`neutron-nsx timeline`: its arguments, and what NSX says as text that commands no terminal."""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from evidences import written

from networking_nsx.cli.timeline import moment
from networking_nsx.evidence.book import Book

EVIL = "\x1b[2J\nFORGED\u202e\x9b1m"


@pytest.mark.parametrize(
    ("text", "ago"), [("0s", 0), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d12h", 129_600)]
)
def test_a_duration_is_how_long_ago(text, ago):
    """In seconds, minutes, hours, days, or several of these, as in `maintenance start`."""
    assert abs(time.time() - ago - moment(text)) < 5


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-15T08:00", datetime(2026, 1, 15, 8, tzinfo=UTC)),
        ("2026-01-15T08:00+02:00", datetime(2026, 1, 15, 6, tzinfo=UTC)),
        ("2026-01-15", datetime(2026, 1, 15, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_utc(text, at):
    """As everything that is printed."""
    assert moment(text) == at.timestamp()


@pytest.mark.parametrize(
    "text", ["", "h", "2w", "-2h", "2 h", "1e9s", "tomorrow", "9999-12-31T23:59:59-24:00"]
)
def test_what_is_neither_is_refused(text):
    """It says what would do."""
    with pytest.raises(
        argparse.ArgumentTypeError, match="neither a time, as 2027-01-15T08:00, nor how long ago"
    ):
        moment(text)


def test_longer_ago_than_there_are_moments_is_from_the_beginning():
    """No year before the first one has to be printed."""
    assert moment("999999999d") == 0.0


def test_a_time_that_is_yet_to_come_is_refused():
    """Somebody has mistaken a zone."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    with pytest.raises(argparse.ArgumentTypeError, match="yet to come"):
        moment(later)


@pytest.mark.parametrize("form", ["table", "csv", "value", "json", "yaml"])
def test_what_nsx_says_is_only_text(tmp_path, command, form):
    """In every format: nothing that a terminal would obey, and no line of its own."""
    book = Book(str(tmp_path))
    book.write([written("port-1", 1)._replace(path=EVIL, word=EVIL, why=EVIL)])
    book.close()
    file = tmp_path / "neutron.conf"
    file.write_text(
        "[DEFAULT]\n[database]\nconnection = sqlite://\n[nsx]\nmanagers = http://127.0.0.1:1\npassword = x\n"
        f"[nsx_sync]\nstate_path = {tmp_path}\n"
    )
    done = command("timeline", "port-1", "--since", "2020-01-01", "--config-file", str(file), "-f", form)

    assert done.returncode == 0, done.stderr
    assert "FORGED" in done.stdout
    assert not any(line.startswith("FORGED") for line in done.stdout.splitlines())
    assert [c for c in done.stdout if not c.isprintable() and c not in "\n\r"] == []
    if form == "json":
        assert json.loads(done.stdout)[0]["word"] == " [2J FORGED  1m"
