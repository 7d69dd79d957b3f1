"""The last hour and the last changes: bounded, whatever happens."""

import itertools

import pytest
from cloud import START, HandClock, change

from networking_nsx.model import Facts, Kind, Outcome, Progress, Row, Status, Verdict
from networking_nsx.serve.page_history import CHANGES, MINUTES, Changes, Minutes
from networking_nsx.serve.page_plot import HEIGHT, SERIES, figures, plot
from networking_nsx.sync.runner import Summary

FACTS = Facts(in_scope=True, expects_twin=True, admin_up=True, may_activate=True)
WRITTEN_SERIES, OBSERVED_SERIES = SERIES[:2]


@pytest.fixture
def clock():
    return HandClock(START)


def outcome(name="p", status=Status.DOWN, verdict=Verdict.WRITTEN):
    row = Row(Kind.PORT, name, "", "ACTIVE", 1, 0.0, FACTS)
    return Outcome(change(row, status), verdict, row)


def progress(*outcomes: Outcome, observed=0):
    return Progress(Kind.PORT, {"observed": observed}, outcomes=outcomes)


class TestMinutes:
    def test_a_minute_counts_what_was_told_in_it(self, clock):
        """Written by status; what was refused was not written."""
        minutes = Minutes(clock)
        minutes.progressed(progress(outcome(), outcome(), outcome(status=Status.ERROR), observed=7))
        minutes.progressed(progress(outcome(verdict=Verdict.REFUSED), observed=1))
        minutes.swept(Summary())
        minutes.failed(ValueError(), 1.0)

        assert minutes.last()[-1].counts == {"DOWN": 2, "ERROR": 1, "observed": 8, "sweeps": 1, "failures": 1}

    def test_an_hour_is_kept_and_no_more(self, clock):
        """What is older is forgotten, also when nothing has come since."""
        minutes = Minutes(clock)
        for _ in range(3 * MINUTES):
            minutes.swept(Summary())
            clock.time += 60
        last = minutes.last()

        assert len(last) == MINUTES
        assert sum(minute.counts.get("sweeps", 0) for minute in last) == MINUTES - 1  # this one has none yet
        clock.time += 3600
        assert not any(minute.counts for minute in minutes.last())

    def test_a_clock_that_is_set_back_loses_no_count(self, clock):
        """A minute that comes twice has all that was told in it."""
        minutes = Minutes(clock)
        for seconds in (0, 60, 59, 60):  # after a whole minute
            clock.time = START // 60 * 60 + seconds
            minutes.swept(Summary())

        assert [minute.counts.get("sweeps", 0) for minute in minutes.last()[-2:]] == [2, 2]

    def test_minutes_follow_each_other_until_now(self, clock):
        """Those in which nothing happened are there, empty."""
        at = [minute.at for minute in Minutes(clock).last()]

        assert at[-1] <= clock.time < at[-1] + 60
        assert {later - earlier for earlier, later in itertools.pairwise(at)} == {60}


class TestChanges:
    def test_the_newest_comes_first_and_says_who_wrote_it(self, clock):
        """With old and new status and the evidence."""
        changes = Changes(clock)
        changes.listener("sweep").progressed(progress(outcome("a"), outcome("b")))
        clock.time += 1
        changes.listener("settle").progressed(progress(outcome("a", Status.ERROR)))
        newest, *_ = changes.last()

        assert [(each.runner, each.key.id, each.new) for each in changes.last()] == [
            ("settle", "a", "ERROR"),
            ("sweep", "b", "DOWN"),
            ("sweep", "a", "DOWN"),
        ]
        assert (newest.at, newest.old, newest.word) == (clock.time, "ACTIVE", "true")

    def test_only_so_many_are_kept(self, clock):
        """The newest of one step, too."""
        changes = Changes(clock)
        changes.listener("sweep").progressed(progress(*(outcome(str(i)) for i in range(3 * CHANGES))))

        assert [each.key.id for each in changes.last()] == [
            str(i) for i in range(3 * CHANGES - 1, 2 * CHANGES - 1, -1)
        ]

    def test_what_was_not_written_is_no_change(self, clock):
        """Held, refused, withheld."""
        changes = Changes(clock)
        changes.listener("sweep").progressed(
            progress(*(outcome(verdict=verdict) for verdict in Verdict if verdict is not Verdict.WRITTEN))
        )

        assert changes.last() == []

    def test_those_of_one_row_are_found(self, clock):
        """By its id."""
        changes = Changes(clock)
        changes.listener("sweep").progressed(progress(outcome("a"), outcome("b"), outcome("a")))

        assert [each.key.id for each in changes.last("a")] == ["a", "a"]


class TestPlot:
    def test_the_largest_minute_is_as_high_as_there_is_room(self, clock):
        """The others in proportion, and statuses on top of each other."""
        minutes = Minutes(clock)
        minutes.progressed(progress(*[outcome()] * 3, outcome(status=Status.ERROR)))
        clock.time += 60
        minutes.progressed(progress(outcome()))
        drawn = plot(WRITTEN_SERIES, minutes.last())

        assert (drawn.total, drawn.most, drawn.by_name) == (5, 4, {"ACTIVE": 0, "DOWN": 4, "ERROR": 1})
        assert [(bar.name, bar.y, bar.height) for bar in drawn.bars] == [
            ("DOWN", HEIGHT / 4, HEIGHT * 3 / 4),
            ("ERROR", 0, HEIGHT / 4),
            ("DOWN", HEIGHT * 3 / 4, HEIGHT / 4),
        ]

    def test_an_hour_without_anything_has_no_bars(self, clock):
        """And no largest minute."""
        drawn = plot(OBSERVED_SERIES, Minutes(clock).last())

        assert (drawn.bars, drawn.total, drawn.most, drawn.at) == ([], 0, 0, 0.0)

    def test_the_figures_are_those_of_minutes_in_which_something_happened(self, clock):
        """The newest first."""
        minutes = Minutes(clock)
        minutes.swept(Summary())
        clock.time += 300
        minutes.swept(Summary())

        assert len(figures(minutes.last())) == 2
        assert figures(minutes.last())[0].at > figures(minutes.last())[1].at
