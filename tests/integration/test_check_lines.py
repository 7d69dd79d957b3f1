"""Each line of `neutron-nsx check`, of both APIs, shows what it is for: something is broken, and it says so.

`BREAKS` has for each line what breaks it. A line that cannot fail warns: `WARNS` has these.
"""

import json
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from checking import DEAD, Checks, Stamped, simulated
from desks import answering

from networking_nsx.cli.check import NSX
from networking_nsx.cli.checks_here import HERE
from networking_nsx.lease import lease
from networking_nsx.serve.protocol import Command, Request

LINES = {
    (api, name)
    for api, tables in NSX.items()
    for name in ["configuration", *(check.name for table in (*tables, HERE) for check in table)]
}
# What they find is no reason not to start; where NSX answers them with an error, they fail as all do.
WARNS = {"version", "fields", "freshness", "listing", "rows", "staleness"}


class Case:
    """The command for one API, a simulator that says what it is told to say, and a folder."""

    def __init__(self, api: str, command, engine, nsx: Stamped, folder: Path) -> None:
        self.api, self.nsx, self.folder = api, nsx, folder
        self._checks = Checks(command, engine, folder)
        self.engine = engine

    def lines(self, **options: str) -> dict[str, dict[str, str]]:
        found = self._checks(self.nsx, **{"api": self.api, **options})
        return {name.removesuffix(" 0"): line for name, line in found.items()}

    def fails(self, path: str, **parameters: object) -> dict[str, dict[str, str]]:
        """NSX answers with an error there."""
        self.nsx.faults.add("http-500", match=path, count=None, **parameters)
        return self.lines()


Break = Callable[[Case], dict[str, dict[str, str]]]
BREAKS: dict[tuple[str, str], Break] = {}


def breaks(name: str, *apis: str) -> Callable[[Break], Break]:
    def note(how: Break) -> Break:
        BREAKS.update(dict.fromkeys(((api, name) for api in apis or NSX), how))
        return how

    return note


@breaks("configuration")
def _a_mode_that_is_none(case):
    return case.lines(nsx_sync__mode="guess")


@breaks("reachable")
def _nobody_listens(case):
    return case.lines(managers=DEAD)


@breaks("certificate")
def _no_tls(case):
    return case.lines(managers=case.nsx.urls[0].replace("http:", "https:"))


@breaks("login")
def _another_password(case):
    return case.lines(password="wrong")


@breaks("clock")
def _a_clock_that_is_not_answered_for(case):
    """What is off by some seconds is in test_check.py; the login asks the same of NSX-MH before."""
    path, before = {"mh": ("/ws.v1/lswitch", 1), "policy": ("/api/v1/node/version", 0)}[case.api]
    case.nsx.faults.add("http-500", match=path, after=before, count=1)
    return case.lines()


@breaks("version", "mh")
def _a_version_that_nobody_knows(case):
    case.nsx.stamps = (("Server", "NVP/9.1"),)
    return case.lines()


@breaks("version", "policy")
def _an_old_version(case):
    case.nsx.told = {"/api/v1/node/version": {"product_version": "2.5.1"}}
    return case.lines()


@breaks("rights", "mh")
@breaks("rights", "policy")
def _an_account_that_may_not_read(case):
    path = {"mh": "/ws.v1/lrouter", "policy": "/policy/api/v1/infra/segments"}[case.api]
    case.nsx.faults.add("http-403", match=path, count=None, **({"code": 289} if case.api == "policy" else {}))
    return case.lines()


@breaks("health", "mh")
def _a_cluster_that_does_not_answer(case):
    return case.fails("/ws.v1/control-cluster")


@breaks("health", "policy")
def _a_cluster_that_does_not_work(case):
    case.nsx.told = {"/api/v1/cluster/status": {"mgmt_cluster_status": {"status": "UNSTABLE"}}}
    return case.lines()


@breaks("limits", "policy")
def _limits_that_are_none(case):
    case.nsx.told = {"/api/v1/cluster/api-service": {"client_api_rate_limit": "many"}}
    return case.lines()


@breaks("search", "policy")
def _an_index_that_is_being_built(case):
    case.nsx.faults.add("index-rebuilding", match="/api/v1/search", count=None)
    return case.lines()


@breaks("parts", "policy")
def _parts_that_are_more_than_the_whole(case):
    hit = {"id": "a", "status": {"status": "UP"}}
    case.nsx.told = {"/api/v1/search/query": {"results": [hit], "result_count": 50_000}}
    return case.lines()


@breaks("fields", "policy")
def _fields_that_lose_the_status(case):
    case.nsx.lost = "included_fields"
    return case.lines()


@breaks("freshness", "policy")
def _a_port_that_cannot_be_read(case):
    port = min(case.nsx.inventory("port"), key=lambda item: item.nsx_id)
    return case.fails(f"/policy/api/v1/infra/segments/{port.network_id}/ports/{port.neutron_id}/status")


@breaks("listing")
def _the_wrong_nsx(case):
    case.nsx.populate()
    return case.lines()


@breaks("database")
def _no_database(case):
    return case.lines(database__connection="mysql+pymysql://u@127.0.0.1:9/neutron")


@breaks("rows")
def _rows_of_others(case):
    return case.lines(nsx_sync__drivers="other", nsx_sync__kinds="port")


@breaks("writes")
def _a_table_that_is_only_written(case):
    with case.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE provisioningblocks RENAME COLUMN entity TO thing")
    return case.lines()


@breaks("lease")
def _no_folder_for_the_lease(case):
    return case.lines(nsx_sync__lock_path=str(case.folder / "none"))


@breaks("state_path")
def _a_maintenance_that_cannot_be_read(case):
    (case.folder / "maintenance.json").write_text("{")
    return case.lines(nsx_sync__state_path=str(case.folder))


@breaks("audit_log")
def _no_folder_for_the_audit_log(case):
    return case.lines(nsx_sync__audit_log=str(case.folder / "none" / "audit.jsonl"))


@breaks("control_socket")
def _a_file_where_the_socket_should_be(case):
    (case.folder / "nsx.socket").touch()
    return case.lines(nsx_sync__control_socket=str(case.folder / "nsx.socket"))


@breaks("listen")
def _somebody_elses_port(case):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        return case.lines(nsx_sync__listen=f"127.0.0.1:{other.getsockname()[1]}")


@breaks("staleness")
def _a_daemon_whose_sweeps_take_hours(case):
    with answering(case.folder / "nsx.socket", bound=9000.0):
        return case.lines(nsx_sync__control_socket=str(case.folder / "nsx.socket"))


@pytest.fixture
def case(request, command, sqlite, tmp_path):
    with simulated(sqlite, Forgetting, api=request.param) as nsx:
        yield Case(request.param, command, sqlite, nsx, tmp_path)


class Forgetting(Stamped):
    """One that says nothing of how a port is where a parameter asks for parts of it."""

    lost = "\0"

    def answer(self, request):
        answer = super().answer(request)
        if self.lost not in request.raw_query:
            return answer
        told = json.loads(answer.body)
        for hit in told["results"]:
            hit.pop("status", None)
        return replace(answer, body=json.dumps(told).encode())


@pytest.mark.parametrize(("case", "name"), sorted(LINES), indirect=["case"])
def test_a_line_tells_what_it_is_for(case, name):
    """It is well before, and not when that is broken; it says what to do."""
    before = case.lines()[name]
    line = BREAKS[case.api, name](case)[name]
    broken = ("warn",) if name in WARNS else ("fail",)

    assert before["result"] in ("ok", "skip") or name == "certificate"
    assert line["result"] in (*broken, "fail")
    assert line["detail"]
    assert line["advice"]


def test_every_line_has_something_that_breaks_it():
    """Whoever adds a line adds that."""
    assert BREAKS.keys() == LINES


def test_files_and_a_daemon_that_serve(request, command, sqlite, tmp_path):
    """Each line says so."""
    (tmp_path / "state").mkdir(mode=0o700)
    with simulated(sqlite, Forgetting, api="mh") as nsx, answering(tmp_path / "nsx.socket"):
        lines = Case("mh", command, sqlite, nsx, tmp_path).lines(
            nsx_sync__state_path=str(tmp_path / "state"),
            nsx_sync__audit_log=str(tmp_path / "audit.jsonl"),
            nsx_sync__control_socket=str(tmp_path / "nsx.socket"),
            nsx_sync__listen="127.0.0.1:0",
        )

    names = ("state_path", "audit_log", "control_socket", "listen", "staleness")
    assert {name: lines[name]["result"] for name in names} == dict.fromkeys(names, "ok")
    assert "process 7 takes commands" in lines["control_socket"]["detail"]
    assert not (tmp_path / "audit.jsonl").exists()  # a check makes nothing


def test_what_a_running_daemon_has_is_not_taken_for_somebody_elses(command, sqlite, tmp_path):
    """Its port is taken, and the lease as well. That it takes no commands is worth a word, or is paused."""
    path = tmp_path / "nsx.socket"
    with (
        simulated(sqlite, Forgetting, api="mh") as nsx,
        closing(socket.create_server(("127.0.0.1", 0))) as own,
        lease(nsx.urls, str(tmp_path)),
    ):
        case = Case("mh", command, sqlite, nsx, tmp_path)
        options = {
            "nsx_sync__listen": f"127.0.0.1:{own.getsockname()[1]}",
            "nsx_sync__control_socket": str(path),
        }
        deaf = case.lines(**options)
        with answering(path) as desk:
            desk.carry_out(Request(Command.PAUSE))
            paused = case.lines(**options)

    assert (deaf["listen"]["result"], deaf["control_socket"]["result"]) == ("ok", "warn")
    assert (paused["control_socket"]["result"], paused["staleness"]["result"]) == ("ok", "warn")
    assert "sync resume" in paused["staleness"]["advice"]


@pytest.mark.parametrize("case", ["mh"], indirect=True)
def test_a_maintenance_is_worth_a_word(case):
    """Somebody may have forgotten it."""
    kept = {
        "version": 1,
        "since": "2027-01-01T00:00:00Z",
        "until": "2027-01-02T00:00:00Z",
        "reason": "new switches",
    }
    (case.folder / "maintenance.json").write_text(json.dumps(kept))
    line = case.lines(nsx_sync__state_path=str(case.folder))["state_path"]

    assert line["result"] == "warn"
    assert "until 2027-01-02T00:00:00+00:00: new switches" in line["detail"]


@pytest.mark.parametrize("case", ["mh"], indirect=True)
def test_a_folder_that_others_can_change_is_worth_a_word(case):
    """They could forge what the daemon keeps there, or answer in its place."""
    open_ = case.folder / "open"
    open_.mkdir()
    open_.chmod(0o777)
    lines = case.lines(nsx_sync__state_path=str(open_), nsx_sync__control_socket=str(open_ / "nsx.socket"))

    assert (lines["state_path"]["result"], lines["control_socket"]["result"]) == ("warn", "warn")
    assert f"chmod go-w {open_}" in lines["state_path"]["advice"]


@pytest.mark.parametrize("address", ["nowhere.invalid:80", "203.0.113.7:80", "nsx..example.com:80"])
@pytest.mark.parametrize("case", ["mh"], indirect=True)
def test_an_address_that_is_not_of_this_machine(case, address):
    """Nobody could listen there."""
    assert case.lines(nsx_sync__listen=address)["listen"]["result"] == "fail"
