"""When a row that sweeps do not see is worth being looked for."""

from networking_nsx.model import Facts, Kind, Row
from networking_nsx.sync.misses import Misses, MissingSettings

TWIN = Facts(in_scope=True, expects_twin=True, admin_up=True, may_activate=True)
ROW = Row(Kind.PORT, "port", "network", "ACTIVE", 1, 0.0, TWIN)


def suspects(misses, *times: float):
    """How many rows are looked for at the end of a sweep as of then, one after the other."""
    return [len(misses.lost([ROW], as_of).suspects) for as_of in times]


def test_a_row_is_looked_for_when_two_sweeps_have_missed_it():
    assert suspects(Misses(MissingSettings()), 1000.0, 1010.0) == [0, 1]


def test_the_sweeps_must_be_so_far_apart():
    """A search index may be late."""
    assert suspects(Misses(MissingSettings(apart=15.0)), 1000.0, 1010.0, 1020.0) == [0, 0, 1]


def test_a_clock_that_is_set_back_only_begins_the_count_anew():
    """The row does not wait until the clock is where it was."""
    assert suspects(Misses(MissingSettings(apart=15.0)), 9000.0, 1000.0, 1010.0, 1020.0) == [0, 0, 0, 1]
