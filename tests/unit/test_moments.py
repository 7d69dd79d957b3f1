"""Moments and durations as people write them."""

import pytest

from networking_nsx.cli.moments import duration, moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("1d12h", 129600), ("45s", 45), (" 1H30M ", 5400), ("0m", 0)],
)
def test_durations(text, seconds):
    """Days, hours, minutes and seconds, in this order."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2h 3m", "3m2h", "-2h", "1.5h", "1w", "9999999999s"])
def test_what_is_no_duration(text):
    """It is not guessed."""
    assert duration(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2027-01-31T22:00", 1801432800),
        ("2027-01-31 22:00:00Z", 1801432800),
        ("2027-01-31T23:00+01:00", 1801432800),
        ("2027-01-31", 1801353600),
    ],
)
def test_moments(text, seconds):
    """In UTC unless they say otherwise."""
    assert moment(text) == seconds


@pytest.mark.parametrize("text", ["", "tomorrow", "22:00", "2027-13-01"])
def test_what_is_no_moment(text):
    """It is not guessed."""
    assert moment(text) is None
