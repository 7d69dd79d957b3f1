"""The simulation as a test: a run is what its seed says, and whoever breaks a promise is told.

`make simulate` makes more steps, with seeds of its own; `make mutants` shows that the oracle notices defects.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
import requests

from networking_nsx.model import Kind
from networking_nsx.simulator.exchange import Answer
from simulation.__main__ import pace_of, told
from simulation.asked import Question
from simulation.evidence import Terms, Write
from simulation.expected import never
from simulation.history import History, Violation
from simulation.maintenance import MaintenanceJudge
from simulation.network import Network
from simulation.neutron import Record
from simulation.oracle import Oracle
from simulation.ours import Attempt
from simulation.run import Report
from simulation.trouble import MET

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
    assert int(re.search(r"(\d+) steps, 1 runs, 0 violations", once)[1]) >= 2500
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


class Reply:
    """An answer of NSX, as far as the oracle looks at it."""

    silent = False
    cut = None
    bytes_per_second = None

    def __init__(self, status: int = 200, body: bytes = b"{}") -> None:
        self.status, self.body = status, body


class Thing:
    """An object of NSX, as its inventory tells of it."""

    guise = ""

    def __init__(self, kind: str, neutron_id: str, nsx_id: str, status: str) -> None:
        self.kind, self.neutron_id, self.nsx_id, self.status = kind, neutron_id, nsx_id, status


class Court:
    """An oracle, and the history that it is told; a daemon that sweeps and looks."""

    def __init__(self, api: str = "mh", ports: int = 1) -> None:
        self.now = NOW - 5000
        self.ahead = 0.0  # of the daemon's clock
        self.history = History(lambda: self.now)
        self.oracle = Oracle(self.history, Terms(api, request_rate=10, interval=10, index_lag=0.0))
        self.records = [
            Record(Kind.PORT, f"port-{number}", "DOWN", network_id="network-0") for number in range(ports)
        ]
        self.record = self.records[0]
        self.history.row_changed(Record(Kind.NETWORK, "network-0"))
        for record in self.records:
            self.history.row_changed(record)
        self.oracle.sweep_began("daemon", self.now)
        self.oracle.budget.ended("daemon")  # that it is silent until the test begins is no matter

    def has(self, word: str, at: float, nsx_id: str = "object", row: str = "port-0") -> None:
        """From then on NSX has this; "" is nothing."""
        self.now = at
        thing = Thing("port", row, nsx_id, word)
        spans = self.history.objects.get(("port", row), {}).get(nsx_id)
        self.history.object_changed(thing if spans else None, thing if word else None)

    def sweep(self, at: float, bound: float = 10.0) -> None:
        """A sweep has ended, and another one begins with the ports."""
        self.now = at
        self.oracle.sweep_ended("daemon", bound, at)
        self.oracle.budget.ended("daemon")
        self.oracle.sweep_began("daemon", at)
        self.oracle.pass_began("daemon", "port", at, at + self.ahead)

    def asks(
        self,
        path: str,
        at: float,
        *,
        query: str = "",
        settling: bool = False,
        status: int = 200,
        body: bytes = b"{}",
    ) -> None:
        self.now = at
        question = Question("daemon", settling, 0, "GET", path, query, at, at + self.ahead)
        self.oracle.arrived(question)
        self.oracle.answered(question, Reply(status, body), at)

    def lists(self, at: float) -> None:
        self.asks("/ws.v1/lswitch/*/lport", at, query="tag_scope=quantum")

    def looks(self, at: float, row: str = "port-0", *, settling: bool = False, found: bool = False) -> None:
        query = f"relations=LogicalPortStatus&tag={row}"
        body = b'{"tag": "%s"}' % row.encode() if found else b"{}"
        self.asks("/ws.v1/lswitch/*/lport", at, query=query, settling=settling, body=body)

    def somebody_changes_it(self, at: float) -> None:
        self.now = at
        self.record.revision += 1
        self.record.changed_at = float(int(at))
        self.history.row_changed(self.record)

    def wrote(
        self, status: str, at: float = NOW, record: Record | None = None, *, settled: bool = False
    ) -> None:
        self.now = at
        record = record or self.record
        before, record.status = record.status, status
        dated, record.changed_at = record.changed_at, float(int(at + self.ahead))
        self.oracle.wrote(Write("daemon", settled, record, before, dated, at, at + self.ahead))
        self.history.row_written(record)

    def wants_to_write(self, status: str, at: float = NOW, *, settled: bool = False) -> None:
        """The store refuses it."""
        self.now = at
        self.oracle.asked_to_write(Attempt("daemon", settled, self.record, status, refused=True, at=at))

    def is_gone(self, since: float) -> None:
        """The object was there, and is no more; two sweeps and a look do not find it."""
        self.has("up", NOW - 4000)
        self.has("", since)
        for at in (NOW - 25, NOW - 15):
            self.sweep(at)
            self.lists(at + 1)
        self.looks(NOW - 5)


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
    court.lists(NOW - 49)
    court.sweep(NOW - 5)

    with pytest.raises(Violation, match="promise 1"):
        court.wrote("ACTIVE")


def test_a_port_that_is_blocked_is_not_active():
    """Promise 1: a build would go on before its network is there."""
    court = Court()
    court.has("up", NOW - 100)
    court.record.blocks = {"DHCP"}
    court.sweep(NOW - 5)

    with pytest.raises(Violation, match="DHCP"):
        court.wrote("ACTIVE")


def test_evidence_is_no_older_than_the_row():
    """Promise 2: a user changed it in between."""
    court = Court()
    court.has("up", NOW - 100)
    court.sweep(NOW - 5)
    court.has("down", NOW - 3)
    court.somebody_changes_it(NOW - 2)

    with pytest.raises(Violation, match="promise 1"):
        court.wrote("ACTIVE")


def test_a_block_that_goes_makes_no_evidence_older():
    """Promises 1 and 2: the row has no new revision by that."""
    court = Court()
    court.record.blocks = {"DHCP"}
    court.has("up", NOW - 100)
    court.sweep(NOW - 5)
    court.has("down", NOW - 3)
    court.now = NOW - 2
    court.record.blocks = set()
    court.history.row_freed(court.record)
    court.wrote("ACTIVE")

    assert court.oracle.judged["promise 1, up"] == 1


def test_a_single_look_is_evidence_of_its_own():
    """The sweep at hand has seen it up; the look has not."""
    court = Court()
    court.has("up", NOW - 100)
    court.sweep(NOW - 5)
    court.has("down", NOW - 3)
    court.looks(NOW - 1, settling=True)

    with pytest.raises(Violation, match="promise 1"):
        court.wrote("ACTIVE", settled=True)


def test_a_single_look_is_later_than_the_last_change():
    """Promise 2."""
    court = Court()
    court.has("up", NOW - 100)
    court.looks(NOW - 1, settling=True)
    court.somebody_changes_it(NOW - 0.5)

    with pytest.raises(Violation, match="had changed"):
        court.wrote("ACTIVE", settled=True)


@pytest.mark.parametrize("settling", [True, False])
def test_a_refused_write_is_looked_at_again(settling):
    """Promise 2: by the settle runner or in the same sweep."""
    court = Court()
    court.wants_to_write("ACTIVE")
    court.looks(NOW + 2, settling=settling)
    court.asks("/", NOW + 60)

    assert court.oracle.judged["promise 2, refused"] == 1


def test_a_refused_write_is_looked_at_again_at_once():
    """Promise 2: the next sweep is too late."""
    court = Court()
    court.wants_to_write("ACTIVE")
    court.asks("/", NOW + 9)

    with pytest.raises(Violation, match="promise 2"):
        court.asks("/", NOW + 11)


def test_single_rows_that_were_hinted_at_before_go_first():
    """Promise 2: one that is asked for again and again keeps nobody waiting for ever."""
    court = Court(ports=12)
    court.wants_to_write("ACTIVE")
    for number in range(1, 12):
        court.looks(NOW + number, f"port-{number}", settling=True)
    for number in range(12, 30):
        court.looks(NOW + number, "port-1", settling=True)
    court.asks("/", NOW + 38.5)

    with pytest.raises(Violation, match="26 requests for others"):
        court.asks("/", NOW + 39)


@pytest.mark.parametrize("at", [NOW - 1, NOW + 1], ids=["before", "after"])
def test_where_nsx_fails_a_refused_write_waits(at):
    """Promise 2: nobody can say for how long."""
    court = Court()
    if at < NOW:
        court.asks("/", at, status=500)
    court.wants_to_write("ACTIVE")
    if at > NOW:
        court.asks("/", at, status=500)
    court.asks("/", NOW + 60)

    assert court.oracle.judged["promise 2, refused"] == 0


def test_absence_needs_two_listings_and_a_look():
    """Promise 1."""
    court = Court()
    court.is_gone(NOW - 3000)
    court.wrote("ERROR")

    assert court.oracle.judged["promise 1, absent"] == 1


def test_listings_that_failed_make_none_be_forgotten():
    """Promise 1: many sweeps were given up between the two that have listed all."""
    court = Court()
    court.has("up", NOW - 4000)
    court.has("", NOW - 3000)
    court.sweep(NOW - 200)
    court.lists(NOW - 199)
    for second in range(20):
        court.sweep(NOW - 150 + second)
    court.sweep(NOW - 15)
    court.lists(NOW - 14)
    court.looks(NOW - 5)
    court.wrote("ERROR")

    assert court.oracle.judged["promise 1, absent"] == 1


def test_one_listing_does_not_prove_absence():
    """Promise 1: the first of the two has seen it."""
    court = Court()
    court.is_gone(NOW - 20)

    with pytest.raises(Violation, match="promise 1"):
        court.wrote("ERROR")


def test_absence_needs_a_witness():
    """Promise 1: another port of that kind is found, after this one was not."""
    court = Court(ports=2)
    court.has("up", NOW - 4000, "another", "port-1")
    court.is_gone(NOW - 3000)
    court.looks(NOW - 4, "port-1", found=True)
    court.wrote("ERROR")

    assert court.oracle.judged["promise 1, witnessed"] == 1


@pytest.mark.parametrize(
    ("row", "at", "found"),
    [
        pytest.param("port-1", NOW - 4, False, id="it is not found"),
        pytest.param("port-1", NOW - 6, True, id="it was found before"),
        pytest.param("port-0", NOW - 4, True, id="it is the row itself"),
    ],
)
def test_what_is_no_witness_of_absence(row, at, found):
    """Promise 1."""
    court = Court(ports=2)
    court.has("up", NOW - 4000, "another", "port-1")
    court.is_gone(NOW - 3000)
    court.looks(at, row, found=found)
    court.looks(NOW - 3)

    with pytest.raises(Violation, match="finds any other port"):
        court.wrote("ERROR")


def test_the_first_listing_without_it_may_be_long_ago():
    """Promise 1: while the index is not believed nothing is listed, in many sweeps."""
    court = Court("policy")
    court.has("up", NOW - 4000)
    court.has("", NOW - 3000)
    court.sweep(NOW - 500)
    court.asks("/api/v1/search/query", NOW - 499, query="resource_type:LogicalPort")
    for number in range(20):
        court.sweep(NOW - 400 + 10 * number)
    court.sweep(NOW - 15)
    court.asks("/api/v1/search/query", NOW - 14, query="resource_type:LogicalPort")
    court.asks("/policy/api/v1/infra/segments/network-0/ports/port-0", NOW - 5, status=404)
    court.wrote("ERROR")

    assert court.oracle.judged["promise 1, absent"] == 1


@pytest.mark.parametrize("ahead", [0.0, 30.0])
def test_absence_needs_rest(ahead):
    """A row that was changed a minute ago; a clock that is ahead excuses no more than that."""
    court = Court()
    court.ahead = ahead
    court.somebody_changes_it(NOW - 60)
    court.is_gone(NOW - 3000)

    with pytest.raises(Violation, match="absent 60 s after a change"):
        court.wrote("ERROR")


def test_a_clock_that_is_far_ahead_leaves_nothing_to_judge():
    court = Court()
    court.ahead = 3600.0
    court.somebody_changes_it(NOW - 60)
    court.is_gone(NOW - 3000)
    court.wrote("ERROR")

    assert court.oracle.judged["promise 1, rested"] == 0


def test_error_needs_two_looks_in_two_sweeps():
    """Promise 1."""
    court = Court("policy")
    court.has("down", NOW - 100)
    court.sweep(NOW - 15)

    router = Record(Kind.ROUTER, "router-0")
    court.history.row_changed(router)
    court.history.object_changed(None, Thing("router", "router-0", "gateway-0", "down"))
    court.oracle.pass_began("daemon", "router", NOW - 14, NOW - 14)
    court.asks("/policy/api/v1/infra/tier-1s/router-0/state", NOW - 13)

    with pytest.raises(Violation, match="promise 1"):
        court.wrote("ERROR", record=router)


def test_few_rows_worsen_without_a_sample():
    """Promise 8: the eleventh of twenty, in one pass."""
    court = Court(ports=20)
    for record in court.records:
        record.status = "ACTIVE"
        court.has("down", NOW - 100, f"object-{record.id}", record.id)
    court.sweep(NOW - 5)
    for record in court.records[:10]:
        court.wrote("DOWN", record=record)

    with pytest.raises(Violation, match="promise 8"):
        court.wrote("DOWN", record=court.records[10])


def test_a_sample_lets_them_worsen():
    """Promise 8."""
    court = Court(ports=20)
    for record in court.records:
        record.status = "ACTIVE"
        court.has("down", NOW - 100, f"object-{record.id}", record.id)
    court.sweep(NOW - 5)
    for number, record in enumerate(court.records):
        court.looks(NOW - 4 + number / 8, record.id)
    for record in court.records:
        court.wrote("DOWN", record=record)

    assert court.oracle.judged["promise 8, sampled"] == 10


def test_few_rows_worsen_by_single_looks():
    """Promise 8: ten of a kind, whoever looks."""
    court = Court(ports=11)
    for number, record in enumerate(court.records):
        record.status = "ACTIVE"
        court.has("down", NOW - 100 + number, f"object-{record.id}", record.id)
    for number, record in enumerate(court.records[:10]):
        court.looks(NOW + number, record.id, settling=True)
        court.wrote("DOWN", NOW + number, record, settled=True)
    court.looks(NOW + 11, "port-10", settling=True)

    with pytest.raises(Violation, match="promise 8"):
        court.wrote("DOWN", NOW + 11, court.records[10], settled=True)


def test_a_second_has_only_so_many_requests():
    """Promise 5."""
    court = Court()
    for number in range(10):
        court.asks("/", NOW + number / 20)

    with pytest.raises(Violation, match="promise 5"):
        court.asks("/", NOW + 0.9)


@pytest.mark.parametrize("status", [429, 503])
def test_a_complaint_halves_the_rate(status):
    """Promise 5: at once; what was on its way is forgiven."""
    court = Court()
    court.asks("/", NOW - 0.001, status=status)
    for number in range(7):
        court.asks("/", NOW + number / 20)

    with pytest.raises(Violation, match="promise 5"):
        court.asks("/", NOW + 0.9)


class Somebody:
    """Whose requests these are; nobody waits."""

    def sleep(self, seconds: float) -> None: ...

    def passes(self, point: str) -> None: ...


def test_a_complaint_that_comes_too_late_is_none():
    """Promise 5: the client has given up, and knows nothing of it."""
    heard: list[int] = []
    late = Answer(429, b"{}", delay=30.0)
    network = Network(
        ["https://nsx-0"],
        lambda _: late,
        Somebody(),
        lambda _: lambda answer: heard.append(answer.status),
        Random(0),
    )

    with pytest.raises(requests.ReadTimeout):
        network.send(requests.Request("GET", "https://nsx-0/").prepare(), timeout=(1.0, 10.0))
    assert heard == [0]


def test_the_back_off_ends():
    """Promise 4: who is silent for minutes is as good as dead."""
    court = Court()
    court.oracle.budget.lives("daemon", NOW)

    with pytest.raises(Violation, match="promise 4"):
        court.oracle.budget.silent(NOW + 130)


def test_only_logins_are_posted():
    """Promise 9."""
    question = Question(
        "daemon", settling=False, node=0, method="POST", path="/ws.v1/lswitch", query="", at=NOW, wall=NOW
    )

    with pytest.raises(Violation, match="promise 9"):
        Court().oracle.arrived(question)


def test_rows_of_others_are_left_alone():
    """Promise 9. That there was something to write is counted."""
    court = Court()
    court.record.driver = "openvswitch"
    court.has("up", NOW - 100)
    court.sweep(NOW - 50)
    court.sweep(NOW - 5)

    assert court.oracle.judged["promise 9"] == 2
    with pytest.raises(Violation, match="promise 9"):
        court.wrote("ACTIVE")


def test_rows_of_others_are_not_even_tried():
    """Promise 9: that the store refuses them is for what has changed hands a moment ago."""
    court = Court()
    court.sweep(NOW - 5)
    court.record.driver = "openvswitch"
    court.somebody_changes_it(NOW - 4)
    court.wants_to_write("ACTIVE", NOW - 3)
    court.sweep(NOW - 2)

    with pytest.raises(Violation, match="promise 9"):
        court.wants_to_write("ACTIVE")


def test_rows_of_others_are_not_looked_at_alone():
    """Promise 9: it was another's when the settle runner read it, not when it was read before."""
    court = Court()
    name = ("port", "port-0")
    court.oracle.ours.read("daemon", name, NOW - 5, settling=True)
    court.record.driver = "openvswitch"
    court.somebody_changes_it(NOW - 4)
    court.looks(NOW - 3, settling=True)
    court.oracle.ours.read("daemon", name, NOW - 2, settling=True)

    with pytest.raises(Violation, match="promise 9"):
        court.looks(NOW - 1, settling=True)


def test_what_rests_must_be_true():
    """Promise 6."""
    court = Court()
    court.has("up", NOW - 100)
    court.now = NOW

    with pytest.raises(Violation, match="promise 6"):
        court.oracle.settled(NOW - 50, NOW, absence=False)


@pytest.mark.parametrize(("bound", "holds"), [(20.0, True), (2.0, False)])
def test_the_bound_that_was_told_is_the_measure(bound, holds):
    """Promise 6, amid a run: two sweeps after the last trouble."""
    court = Court()
    court.has("down", NOW - 100)
    court.sweep(NOW - 30)
    court.sweep(NOW - 20, bound)
    court.has("up", NOW - 15)
    court.oracle.sweep_ended("daemon", bound, NOW - 10)

    if holds:
        court.oracle.calm("daemon", NOW - 40, NOW - 10)
        return
    with pytest.raises(Violation, match="promise 6"):
        court.oracle.calm("daemon", NOW - 40, NOW - 10)


@pytest.mark.parametrize("lies", [False, True], ids=["true", "hides objects"])
def test_an_optional_row_is_spared_until_a_listing_may_have_shown_it(lies):
    """Promise 6: a listing that hides objects tells nothing of whether it has one."""
    court = Court("policy")
    court.record.owner = "network:dhcp"
    court.has("up", NOW - 1000)
    if lies:
        court.oracle.evidence.hides(NOW - 100)
    for at in (NOW - 90, NOW - 60, NOW - 30):
        court.sweep(at)
        court.asks("/api/v1/search/query", at + 1, query="resource_type:LogicalPort")
    court.now = NOW
    court.oracle.sweep_ended("daemon", 30.0, NOW)

    if lies:
        assert court.oracle.calm("daemon", NOW - 95, NOW) == 0
        return
    with pytest.raises(Violation, match="promise 6"):
        court.oracle.calm("daemon", NOW - 95, NOW)


def test_a_look_at_a_router_that_is_gone_is_a_sample_of_its_ports():
    """Promise 8: there is no status to be asked for."""
    court = Court("policy", ports=11)
    court.history.row_changed(Record(Kind.ROUTER, "router-0", "ERROR"))
    for record in court.records:
        record.status, record.owner, record.device_id = "ACTIVE", "network:router_gateway", "router-0"
    court.sweep(NOW - 5)
    court.asks("/policy/api/v1/infra/tier-1s/router-0", NOW - 4, status=404)
    for record in court.records:
        court.wrote("DOWN", record=record)

    assert court.oracle.judged["promise 8, sampled"] == 1


@pytest.mark.parametrize(("steps", "met", "pace"), [(12_500, 20, 65.0), (12_500, 0, 1300.0), (2500, 0, 0.0)])
def test_a_run_tells_how_often_nsx_had_a_fault(steps, met, pace):
    """Short ones do not: a storm may be all of it."""
    report = Report(1, "mh", steps, steps=steps, seconds=1300.0, counts=Counter({MET: met}))

    assert pace_of(report) == pace


def test_a_run_without_faults_fails_the_call(capsys):
    """As one in which something never happened does."""
    quiet = Report(1, "mh", 12_500, steps=12_500, seconds=1300.0)

    assert told([quiet], ["mh"]) == 1
    assert "SELDOM" in capsys.readouterr().out


def test_a_replay_asks_for_the_steps_that_were_asked_for():
    """Else it is another run."""
    report = Report(1, "mh", 3000, steps=5408)

    assert report.replay == "make simulate SEED=1 API=mh STEPS=3000"


class TestMaintenance:
    """Nothing gets worse before a complete sweep that began after its end."""

    @pytest.fixture
    def judge(self):
        judged: Counter[str] = Counter()
        judge = MaintenanceJudge(judged)
        judge.began(100.0)
        yield judge
        assert judged["maintenance"] > 0

    def test_what_improves_may_be_written(self, judge):
        """All the time."""
        judge.wrote("a", ("port", "p"), "DOWN", "ACTIVE")

    def test_what_worsens_may_not_during_it(self, judge):
        """Nor when it is over, and nothing has verified."""
        judge.sweep_began("a", 99.0)
        judge.sweep_ended("a")
        with pytest.raises(Violation, match="maintenance"):
            judge.wrote("a", ("port", "p"), "ACTIVE", "DOWN")
        judge.sweep_began("a", 100.0)
        with pytest.raises(Violation, match="maintenance"):
            judge.wrote("a", ("port", "p"), "DOWN", "ERROR")

    def test_after_a_sweep_that_began_since_its_end_all_may_be_written(self, judge):
        """Whose sweep it was does not matter."""
        judge.wrote("b", ("port", "p"), "ERROR", "ACTIVE")
        judge.stopped(50.0)
        judge.sweep_began("a", 51.0)
        judge.sweep_ended("a")
        judge.wrote("b", ("port", "p"), "ACTIVE", "DOWN")

    def test_a_sweep_for_the_one_before_verifies_nothing(self, judge):
        """Another one has begun meanwhile."""
        judge.sweep_began("a", 101.0)
        judge.began(200.0)
        judge.sweep_ended("a")
        with pytest.raises(Violation, match="maintenance"):
            judge.wrote("a", ("port", "p"), "ACTIVE", "DOWN")
