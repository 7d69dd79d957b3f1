"""The simulation as a test: a run is what its seed says, and whoever breaks a promise is told.

`make simulate` makes more steps, with seeds of its own; `make mutants` shows that the oracle notices defects.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from networking_nsx.model import Kind
from simulation.expected import never
from simulation.history import History
from simulation.neutron import Record
from simulation.oracle import Oracle, Terms, Violation

HERE = Path(__file__).parent.parent
NOW = 10_000.0


def made(*options: str) -> str:
    """What a call of it prints."""
    command = [sys.executable, "-W", "ignore", "-m", "simulation", *options]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONHASHSEED"}
    return subprocess.run(
        command, cwd=HERE, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@pytest.mark.parametrize("api", ["mh", "policy"])
def test_one_seed_decides_everything(api):
    """Two runs of it count the same; and no promise is broken."""
    once = made("--seed", "7", "--api", api, "--steps", "2500")
    again = made("--seed", "7", "--api", api, "--steps", "2500")

    assert once == again
    assert int(re.search(r"(\d+) steps, 1 runs, 0 violations", once)[1]) > 2500
    assert int(re.search(r"(\d+)  judged: promise 6", once)[1]) > 100


def test_another_seed_is_another_course():
    """Else seeds would prove nothing."""
    assert made("--seed", "8", "--api", "mh", "--steps", "500") != made(
        "--seed", "9", "--api", "mh", "--steps", "500"
    )


def test_what_never_happened_is_told():
    """A fault that never fired, a point at which nobody died."""
    happened = Counter(dict.fromkeys(never({}, ["mh"]), 1))
    del happened["fault", "truncate"]

    assert never(happened, ["mh"]) == [("fault", "truncate")]
    assert ("fault", "index-drop") in never(happened, ["mh", "policy"])


@pytest.mark.parametrize("patch", sorted((HERE / "mutants").glob("*.patch")), ids=lambda path: path.stem)
def test_every_mutant_can_be_made(patch):
    """It applies to the program as it is. `make mutants` sees it noticed."""
    subprocess.run(["git", "apply", "--check", str(patch)], cwd=HERE.parent, check=True)


class Court:
    """An oracle, and the history that it is told."""

    def __init__(self, api: str = "mh") -> None:
        self.now = NOW - 5000
        self.history = History(lambda: self.now)
        self.oracle = Oracle(self.history, Terms(api, request_rate=10, interval=10, index_lag=0.0))
        self.record = Record(Kind.PORT, "port", "DOWN", network_id="network")
        self.history.row_changed(Record(Kind.NETWORK, "network"))
        self.history.row_changed(self.record)
        self.oracle.sweep_began("daemon", self.now)

    def has(self, word: str, at: float, nsx_id: str = "object") -> None:
        """From then on NSX has this; "" is nothing."""
        self.now = at
        thing = Thing("port", "port", nsx_id, word)
        spans = self.history.objects.get(("port", "port"), {}).get(nsx_id)
        self.history.object_changed(thing if spans else None, thing if word else None)

    def sweep(self, at: float) -> None:
        self.oracle.sweep_ended("daemon")
        self.oracle.sweep_began("daemon", at)

    def wrote(self, status: str, at: float = NOW) -> None:
        self.now = at
        before, self.record.status = self.record.status, status
        self.oracle.wrote("daemon", self.record, before, at)


class Thing:
    """An object of NSX, as its inventory tells of it."""

    guise = ""

    def __init__(self, kind: str, neutron_id: str, nsx_id: str, status: str) -> None:
        self.kind, self.neutron_id, self.nsx_id, self.status = kind, neutron_id, nsx_id, status


def test_what_nsx_had_may_be_written():
    court = Court()
    court.has("up", NOW - 100)
    court.sweep(NOW - 5)
    court.wrote("ACTIVE")

    assert court.oracle.judged["promise 1, up"] == 1


@pytest.mark.parametrize(
    ("course", "status"),
    [
        pytest.param([("down", NOW - 100)], "ACTIVE", id="never"),
        pytest.param([("up", NOW - 100), ("down", NOW - 6)], "ACTIVE", id="before the sweep"),
        pytest.param([("unknown", NOW - 100)], "DOWN", id="a word that proves nothing"),
        pytest.param([("up", NOW - 100)], "ERROR", id="an object that is there"),
        pytest.param([("up", NOW - 100), ("", NOW - 50)], "ACTIVE", id="an object that is gone"),
    ],
)
def test_what_nsx_did_not_have_may_not_be_written(course, status):
    """Promise 1."""
    court = Court()
    for word, at in course:
        court.has(word, at)
    court.sweep(NOW - 5)

    with pytest.raises(Violation, match="promise 1"):
        court.wrote(status)


def test_the_worst_of_several_objects_decides():
    """Promise 1."""
    court = Court()
    court.has("up", NOW - 100)
    court.has("down", NOW - 100, "another")
    court.sweep(NOW - 50)
    court.sweep(NOW - 5)

    with pytest.raises(Violation, match="promise 1"):
        court.wrote("ACTIVE")


def test_evidence_is_no_older_than_the_row():
    """Promise 2: a user changed it in between."""
    court = Court()
    court.has("up", NOW - 100)
    court.sweep(NOW - 5)
    court.has("down", NOW - 3)
    court.now = NOW - 2
    court.history.row_changed(court.record)

    with pytest.raises(Violation, match="promise 1"):
        court.wrote("ACTIVE")


def test_absence_needs_rest():
    """A row that was changed a minute ago."""
    court = Court()
    court.has("up", NOW - 4000)
    court.has("", NOW - 3000)
    court.now = NOW - 60
    court.record.revision += 1
    court.history.row_changed(court.record)
    court.sweep(NOW - 5)

    with pytest.raises(Violation, match="absent 60 s after a change"):
        court.wrote("ERROR")


def test_a_second_has_only_so_many_requests():
    """Promise 5."""
    court = Court()
    for number in range(10):
        court.oracle.arrived("daemon", 0, "GET", "/", NOW + number / 20)

    with pytest.raises(Violation, match="promise 5"):
        court.oracle.arrived("daemon", 0, "GET", "/", NOW + 0.9)


def test_only_logins_are_posted():
    """Promise 9."""
    with pytest.raises(Violation, match="promise 9"):
        Court().oracle.arrived("daemon", 0, "POST", "/ws.v1/lswitch", NOW)


def test_rows_of_others_are_left_alone():
    """Promise 9."""
    court = Court()
    court.record.driver = "openvswitch"

    with pytest.raises(Violation, match="promise 9"):
        court.wrote("ACTIVE")


def test_what_rests_must_be_true():
    """Promise 6."""
    court = Court()
    court.has("up", NOW - 100)
    court.now = NOW

    with pytest.raises(Violation, match="promise 6"):
        court.oracle.settled(NOW - 50, NOW, absence=False)
