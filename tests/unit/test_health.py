"""When a loop hangs, and when the daemon is ready: values in, judgements out."""

import pytest

from networking_nsx.serve.health import Hang, Loop, hangs, patience, unready

LIMIT = 30.0
NOW = 1000.0


@pytest.mark.parametrize(
    ("busy_since", "moved_at", "found"),
    [
        (None, 0.0, []),  # it waits on purpose, however long
        (NOW - 30, 0.0, []),
        (NOW - 31, 0.0, [Hang("sweep", 31.0)]),
        (NOW - 31, NOW - 30, []),  # its requests go on
        (NOW - 90, NOW - 40, [Hang("sweep", 40.0)]),  # and have stopped
        (NOW - 5, NOW - 90, []),  # it has not asked NSX lately
    ],
)
def test_a_loop_hangs_that_neither_waits_nor_moves(busy_since, moved_at, found):
    """For longer than the patience."""
    assert hangs([Loop("sweep", busy_since, moved_at)], NOW, LIMIT) == found


def test_every_loop_is_judged_by_itself():
    """One that works does not hide another one."""
    loops = [Loop("sweep", NOW - 1, 0.0), Loop("settle", NOW - 99, 0.0)]

    assert [hang.name for hang in hangs(loops, NOW, LIMIT)] == ["settle"]


@pytest.mark.parametrize(
    ("interval", "retries", "connect_timeout", "seconds"),
    [
        (10, 2, 5.0, 30.0),
        (1, 2, 5.0, 16.0),  # three managers that do not even refuse
        (0.1, 0, 0.1, 1.1),
    ],
)
def test_the_patience_is_three_intervals_or_what_dead_managers_take(
    interval, retries, connect_timeout, seconds
):
    """An NSX that is down is no hang, however short the interval is."""
    assert patience(interval, retries, connect_timeout) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("found", "swept", "reason"),
    [
        ([], True, ""),
        ([], False, "no sweep has completed since the start"),
        ([Hang("sweep", 31.0)], True, "hangs"),
    ],
)
def test_a_daemon_is_ready_that_has_swept_once_and_does_not_hang(found, swept, reason):
    """Failures make it no less ready."""
    assert unready(found, swept=swept) == reason
