"""A run that proves nothing fails, as one does that has found something."""

from collections import Counter

import pytest
from chaos import verdict
from chaos.gauges import Growth
from chaos.judge import Entry, Judged
from chaos.plan import plan
from chaos.run import Outcome

STEADY = Growth(100.0, (1000, 1000), (5, 5), (8, 8))
ACTS = (
    *("nsx flip", "nsx vanish", "nsx appear", "fault", "requests that met a fault"),
    *(f"user {what}" for what in ("create", "bind", "unbind", "rename", "admin", "wreck", "delete", "serve")),
    *("daemon kill", "daemon stop", "database restart", "database kill", "database read-only"),
    *("network cut", "network slow", "complete sweeps"),
)


def written(kind, status, fault="", *, absence=False):
    return Judged(Entry(9.0, "nsx", kind, "a", "OLD", status), fault, 0.5, strict=True, absence=absence)


@pytest.fixture
def outcome():
    """Of a run that held."""
    made = Outcome(plan(1, 0), Counter(dict.fromkeys(ACTS, 2)), growths=[STEADY])
    made.writes = [
        *(written(kind, "ACTIVE") for kind in ("network", "router", "port")),
        *(written("port", "DOWN"), written("port", "ERROR", absence=True)),
    ]
    return made


def test_a_run_that_held_has_no_fault(outcome):
    """It says what it counted."""
    row = dict(zip(verdict.HEAD, verdict.row(outcome, "abc"), strict=True))

    assert list(verdict.faults(outcome)) == []
    assert (row["seed"], row["api"], row["commit"], row["writes"], row["false"]) == (
        "1",
        "policy",
        "abc",
        "5",
        "0",
    )
    assert (row["kills"], row["database"], row["network"], row["oldest"]) == ("2", "6", "4", "0.5 s")
    assert "2 daemon kill" in verdict.line(outcome, "abc")


@pytest.mark.parametrize("act", [act for act in ACTS if not act.startswith("network")])
def test_an_act_that_never_happened_fails_the_run(outcome, act):
    """Each sort of them."""
    del outcome.counts[act]

    assert list(verdict.faults(outcome)) == [f"THIS RUN PROVES NOTHING: 0 {act}"]


@pytest.mark.parametrize(("act", "said"), [("cut", "connections cut"), ("slow", "connections slowed")])
def test_connections_have_to_be_troubled(outcome, act, said):
    """In one way of each sort at least."""
    del outcome.counts[f"network {act}"]
    lacking = list(verdict.faults(outcome))
    outcome.counts[{"cut": "network sever", "slow": "network hold"}[act]] = 1

    assert lacking == [f"THIS RUN PROVES NOTHING: 0 {said}"]
    assert list(verdict.faults(outcome)) == []


@pytest.mark.parametrize(
    ("left_out", "said"),
    [(0, "network"), (1, "router"), (2, "port ACTIVE"), (3, "port DOWN"), (4, "ERROR by absence")],
)
def test_a_sort_of_writes_that_never_happened_fails_the_run(outcome, left_out, said):
    """Judging nothing is not judging well."""
    del outcome.writes[left_out]

    assert list(verdict.faults(outcome)) == [f"THIS RUN PROVES NOTHING: 0 {said}"]


def test_whatever_was_found_is_said(outcome):
    """A line each."""
    outcome.writes.append(written("port", "ACTIVE", "NSX had never said ACTIVE"))
    outcome.differing = {("port", "b"): ("DOWN", "ACTIVE")}
    outcome.late_writes = 3
    outcome.ended = ["daemon-2.log: it ended of itself, code 1: why"]
    outcome.growths = [STEADY._replace(memory=(1000, 1200))]

    assert list(verdict.faults(outcome)) == [
        "FALSE WRITE port a OLD -> ACTIVE at 9.000: NSX had never said ACTIVE",
        "DIFFERENCE port b: Neutron says DOWN, NSX ACTIVE",
        "RESTLESS: 3 writes after all was true",
        "ENDED daemon-2.log: it ended of itself, code 1: why",
        "GROWN after 100 s: memory 1000 -> 1200",
    ]


def test_a_run_without_a_long_life_says_nothing_of_growth(outcome):
    """And fails."""
    outcome.growths = []

    assert list(verdict.faults(outcome)) == [
        "THIS RUN PROVES NOTHING of growth: no life of the daemon was long enough"
    ]
