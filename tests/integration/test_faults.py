"""Every fault that the simulator knows, at every request of a sweep, once and for longer.

Always the same three questions: did it strike; is each status meanwhile what it was or what is true; and does
a later sweep bring the whole truth?
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from line import Follower, Line, Table, differing

from networking_nsx.errors import NsxError
from networking_nsx.nsx.http import HttpSettings
from networking_nsx.simulator import Simulator
from networking_nsx.simulator.fault_table import CHOICES
from networking_nsx.simulator.fault_table import FAULTS as SIMULATED

HEALS = "the sweep that it strikes ends with the truth"
FAILS = "the sweep that it strikes fails, and the next one ends with the truth"
LATER = "the sweep that it strikes ends; what it hid keeps its status until the next one"

PATIENT = HttpSettings()
IMPATIENT = HttpSettings(answer_timeout=0.3, retries=0)
IN_A_HURRY = HttpSettings(total_timeout=0.5, retries=0)


@dataclass(frozen=True, slots=True)
class Case:
    """A fault with its parameters, and what it costs."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    first: str = HEALS  # struck at the first page of a kind
    later: str = HEALS  # at a page that a cursor asks for
    login: str | None = None  # at a login; None: it cannot be struck there
    lasting: bool = True  # for as long as it lasts, no sweep succeeds
    at: Sequence[int] = range(8)  # the requests that it can strike
    http: HttpSettings = PATIENT
    heavy: bool = False  # too much work to strike at each request; see test_faults_objects.py


def _spoilt(variant: str, **rest: Any) -> Case:
    return Case({"variant": variant}, first=LATER, later=LATER, lasting=False, **rest)


PAGE = 10
PAGES = {"network": 2, "router": 2, "port": 4}  # of a sweep
FIRST = (0, 2, 4)  # the requests that ask for the first page of a kind
SOME = (0, 3, 6)
LOGIN = -1

# A cursor that is refused begins its kind again in the same sweep; a first page that is refused is no page.
_REFUSED = Case(first=FAILS, later=HEALS, login=FAILS)
_REPEATED = Case(login=HEALS)

FAULTS: Mapping[str, Sequence[Case]] = {
    "http-400": [_REFUSED],
    "http-401": [Case(login=FAILS)],  # a new login, once
    "http-403": [Case(login=FAILS)],
    "http-404": [_REFUSED],
    "http-409": [_REFUSED],
    "http-410": [_REFUSED],
    "http-429": [_REPEATED, Case({"retry_after": 7}, login=HEALS)],
    "http-500": [_REPEATED],
    "http-502": [_REPEATED],
    "http-503": [_REPEATED, Case({"retry_after": 7}, login=HEALS)],
    "http-504": [_REPEATED],
    "timeout": [Case(login=HEALS, http=IMPATIENT)],
    "slow": [
        Case({"seconds": 0.02}, login=HEALS, lasting=False),
        Case({"seconds": 20.0}, login=HEALS, http=IMPATIENT),
        Case({"seconds": 0.0, "bytes_per_second": 100_000}, login=HEALS, lasting=False),  # a dribble
        Case({"seconds": 0.0, "bytes_per_second": 100}, http=IN_A_HURRY),
    ],
    "reset": [_REPEATED],
    "truncate": [Case({"declare": "full"}, login=HEALS), Case({"declare": "short"}, login=HEALS)],
    "invalid-json": [_REPEATED],
    "empty-body": [_REPEATED],
    "redirect": [Case(login=HEALS), Case({"status": 301}, login=HEALS)],
    "cursor-expired": [Case(at=(1, 3, 5, 6, 7))],
    "skip-object": [Case(first=LATER, later=LATER, lasting=False)],
    "repeat-object": [Case(lasting=False)],
    "wrong-total": [Case({"by": by}, lasting=False, at=FIRST) for by in (3, -3)],
    "empty-page-with-cursor": [Case()],
    "malformed-object": [
        *(_spoilt(variant) for variant in CHOICES["variant"] if variant != "huge"),
        _spoilt("huge", heavy=True),
    ],
    "node-down": [_REPEATED],
    "session-dropped": [Case()],
    "inventory-lost": [Case(first=LATER, later=LATER, lasting=False)],
    "inventory-restored": [Case(first=LATER, later=LATER, lasting=False)],
    "act": [
        Case(
            {"action": {"status": {"kind": "port", "status": "down", "fraction": 0.1}}},
            LATER,
            LATER,
            lasting=False,
        )
    ],
}

# Elsewhere: what several faults together do, and faults that are not NSX's.
ALSO = {
    "objects that come and go between two pages": "test_faults_growth.py",
    "objects that a listing hides, spoils or repeats, sweep after sweep": "test_faults_objects.py",
    "managers that fail one by one": "test_faults_nodes.py",
    "inventories lost and restored, racks down": "test_brake_scenarios.py",
    "deadlocks and locks in Neutron's database": "test_faults_database.py",
}

CASES = [
    pytest.param(
        name,
        case,
        id="-".join([name, *(f"{key}={value}" for key, value in case.parameters.items() if key != "action")]),
    )
    for name, cases in FAULTS.items()
    for case in cases
    if not case.heavy
]


@pytest.fixture
def sim():
    with Simulator(networks=12, routers=11, ports=35) as simulator:
        yield simulator


@pytest.fixture
def line(request, sqlite, sim) -> Iterator[Line]:
    """Some objects of each kind are down, one port's status is unknown, and Neutron knows it all."""
    case = request.node.callspec.params["case"]
    with Line(sqlite, sim, page=PAGE, http=case.http) as line:
        sim.set_status("router", "down", fraction=0.1)
        sim.set_status("port", "unknown", _ids(sim, "port")[-1:])
        line.sweep(2)
        yield line


def _ids(sim: Simulator, kind: str) -> list[str]:
    return [item.neutron_id for item in sim.inventory(kind)]


def _requests(case: Case) -> list[int]:
    return [*([LOGIN] if case.login else []), *case.at]


def _disturb(line: Line, number: int) -> Table:
    """Other networks and ports are down than before, on each page some; answers what Neutron has.

    A network that comes up again costs direct looks, so all are up at first: what is struck are pages.
    """
    line.sim.set_status("network", "up", _ids(line.sim, "network"))
    line.sweep()
    line.clock.sleep(700)  # for the brake, what came before is over
    before = line.statuses()
    for kind, step in (("network", 6), ("port", 7)):
        ids = _ids(line.sim, kind)
        chosen = [row_id for place, row_id in enumerate(ids[:34]) if place % step == number % step]
        up = [row_id for row_id in ids[:34] if row_id not in chosen]
        line.sim.set_status(kind, "down", chosen)
        if kind == "port":
            line.sim.set_status(kind, "up", up)
    return before


def _arm(line: Line, name: str, case: Case, request: int, count: int | None) -> Any:
    if request == LOGIN:
        line.restart()
        return line.sim.faults.add(name, match="/ws.v1/login", count=count, **case.parameters)
    return line.sim.faults.add(name, after=request, count=count, **case.parameters)


def _strays(found: Table, *allowed: Table) -> Table:
    """Statuses that never were true."""
    return {key: status for key, status in found.items() if status not in {table[key] for table in allowed}}


def test_the_world_has_several_pages_of_each_kind(sqlite, sim):
    """Else the requests that are struck below would not be those of a whole sweep."""
    with Line(sqlite, sim, page=PAGE) as line:
        line.sweep()

    assert sim.requests.summary()["by_path"] == {
        "POST /ws.v1/login": {"200": 1},
        "GET /ws.v1/lswitch": {"200": PAGES["network"]},
        "GET /ws.v1/lrouter": {"200": PAGES["router"]},
        "GET /ws.v1/lswitch/*/lport": {"200": PAGES["port"]},
    }


def test_every_documented_fault_is_tried_here():
    """The page on the simulator, the simulator and the table above name the same faults of NSX-MH."""
    documented = _documented()

    assert documented == set(FAULTS)
    assert {name for name, behaviour in SIMULATED.items() if "mh" in behaviour.apis} == set(FAULTS)


def test_every_way_to_spoil_an_object_is_tried():
    """A new variant of malformed-object has to be judged here."""
    tried = [case.parameters["variant"] for case in FAULTS["malformed-object"]]

    assert sorted(tried) == sorted(CHOICES["variant"])


def test_what_is_tried_elsewhere_is_there():
    """The table of the other files names files that exist."""
    assert [name for name in ALSO.values() if not Path(__file__).with_name(name).exists()] == []


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_fault_that_strikes_once(line, name, case):
    """At any request: it costs a retry, a page or the sweep, never a status; the next sweep is whole."""
    for request in _requests(case):
        before = _disturb(line, request)
        truth = line.truth(before)
        rule = _arm(line, name, case, request, 1)
        outcome = case.login if request == LOGIN else case.first if request in FIRST else case.later
        if outcome == FAILS:
            with pytest.raises(NsxError):
                line.sweep()
        else:
            line.sweep()
        struck, after = rule.fired, line.statuses()
        line.sim.faults.clear()
        line.sweep()

        assert struck == 1, request
        assert _strays(after, before, truth, line.truth(before)) == {}, request
        assert outcome != HEALS or differing(after, truth) == {}, request
        assert differing(line.statuses(), line.truth(before)) == {}, request


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_fault_that_lasts(line, name, case):
    """From any request on, through all retries: the runner backs off and goes on, and ends with the truth."""
    costly = not case.lasting or case.http != PATIENT
    for request in _requests(case):
        if costly and request not in (LOGIN, *SOME, *case.at[-1:]):
            continue
        before = _disturb(line, request)
        rule = _arm(line, name, case, request, None)
        truths = [before, line.truth(before)]
        follower = Follower()
        healthy: list[int] = []  # how many sweeps had ended when the fault was over

        def check(follower=follower, before=before, truths=truths, healthy=healthy):
            truths.append(line.truth(before))
            assert _strays(line.statuses(), *truths) == {}
            if not healthy and (len(follower.failures) >= 5 or len(follower.summaries) >= 3):
                line.sim.faults.clear()
                healthy.append(len(follower.summaries))

        follower.checks.append(check)
        line.run(follower, lambda f=follower, h=healthy: bool(h) and len(f.summaries) >= h[0] + 1)

        # A login is not tried again and again, lest the account be locked; and its answer's body is not read.
        assert rule.fired >= (1 if request == LOGIN else 3), request
        assert request == LOGIN or bool(follower.failures) == case.lasting, (request, follower.failures)
        assert differing(line.statuses(), line.truth(before)) == {}, request


def _documented() -> set[str]:
    """The faults that docs/reference/simulator.md documents for NSX-MH: its table's first column."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "simulator.md"
    names: set[str] = set()
    columns: list[str] = []
    for text in page.read_text().splitlines():
        cells = [cell.strip() for cell in text.strip().strip("|").split("|")] if text.startswith("|") else []
        if not cells:
            columns = []
        elif not columns:
            columns = [cell.lower() for cell in cells]
        elif columns[0].startswith("fault") and _applies_to_mh(dict(zip(columns, cells, strict=False))):
            names |= {
                f"http{name}" if name.startswith("-") else name
                for name in re.findall(r"`([a-z0-9-]+)`", cells[0])
            }
    return names


def _applies_to_mh(row: Mapping[str, str]) -> bool:
    apis = row.get("api", row.get("apis", "all")).lower()
    return "mh" in apis or "all" in apis or "both" in apis
