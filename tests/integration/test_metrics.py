"""Every metric is made to change by what it tells of: real runners, client and store, an NSX, a Nova."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from line import LeapingClock, vars_of
from nova import FakeNova
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from servers import needed
from waiting import held, wait_for

from networking_nsx import config, metrics
from networking_nsx.assemble import Parts, daemon
from networking_nsx.errors import NsxError
from networking_nsx.evidence.entry import By, Entry
from networking_nsx.evidence.journal import journal
from networking_nsx.evidence.writer import LIMIT
from networking_nsx.meters import Answers, Settling, Sweeping
from networking_nsx.metrics import FAMILIES, Metrics
from networking_nsx.model import Key, Kind
from networking_nsx.neutron import database
from networking_nsx.neutron.populate import populate
from networking_nsx.series import Family, Type
from networking_nsx.serve.board import Board
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.gauges import expose, expose_evidence, expose_health
from networking_nsx.serve.health import Loop
from networking_nsx.serve.protocol import Command, Request
from networking_nsx.serve.views import Health
from networking_nsx.simulator import Simulator
from networking_nsx.sync.runner import Several, SeveralSettling

SIZES = {"networks": 4, "ports": 24, "routers": 2}
LISTED = {"mh": "/ws.v1/lswitch/*/lport", "policy": "/api/v1/search/query"}


class Impatient:
    """A gate that keeps nobody waiting but for an operator."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def wait(self, _seconds: float) -> bool:
        return self._desk.wait(0)

    def enter(self) -> None:
        self._desk.enter()


class Site:
    """What the daemon is made of, one step at a time: nothing happens by itself but what Nova is told."""

    def __init__(self, folder: Path, template: Path, api: str, **options: str) -> None:
        self.api = api
        self.nsx = Simulator(api=api, nodes=2, threads=8, **SIZES)
        self.nova = FakeNova()
        self.clock = LeapingClock()
        self.metrics = Metrics(CollectorRegistry())
        self.audit_log = folder / "audit.log"
        self._database = f"sqlite:///{folder / 'neutron.sqlite'}"
        shutil.copyfile(template, folder / "neutron.sqlite")
        self._config = folder / "neutron.conf"
        self._options = options

    @contextmanager
    def standing(self) -> Iterator["Site"]:
        """Before the first sweep."""
        with ExitStack() as opened:
            opened.enter_context(self.nsx)
            self.nova.start()
            opened.callback(self.nova.stop)
            series, stop = self.metrics.series, threading.Event()
            self.journal = opened.enter_context(journal("", str(self.audit_log)))
            told = [Answers(series, self.clock), self.journal.nova]
            parts = opened.enter_context(daemon(self._configured(), stop, told, self.metrics))
            board, schedule = Board(self.clock, parts.sweeper.canary), parts.schedule()
            self.desk = Desk({}, board, parts.brake, parts.clock, schedule, parts.window, self.journal)
            self.source, self.window = parts.source, parts.window
            health = Health(self.clock, lambda: self._loops(parts), lambda: True, patience=60)
            expose(self.metrics, parts, board, self.desk)
            expose_health(self.metrics, self.desk, health)
            expose_evidence(self.metrics, self.journal)
            sweeping = Several(
                board, parts.window, Sweeping(series, self.clock), self.journal.sweeps("sweep")
            )
            self._sweeping = parts.runner(sweeping, Impatient(self.desk), self.desk.hint)
            settling = SeveralSettling(self.desk.tally, Settling(series), self.journal.settling())
            self._settling = parts.settle_runner(schedule, settling, Impatient(self.desk))
            yield self

    def _loops(self, parts: Parts) -> list[Loop]:
        return [Loop(name, since, parts.pulses[name].at) for name, since in self.desk.busy().items()]

    def sweep(self, times: int = 1) -> None:
        """Whatever becomes of it."""
        for _ in range(times):
            ended = self.value(metrics.SWEEPS)
            self._sweeping.run(lambda ended=ended: self.value(metrics.SWEEPS) > ended)

    def look_at(self, port_id: str) -> None:
        """Settle this port, once."""
        self.desk.hint(Key(Kind.PORT, port_id), 0.0)
        answers = iter([False, False])
        self._settling.run(lambda: next(answers, True))

    def command(self, name: str, *kinds: Kind) -> None:
        self.desk.carry_out(Request(Command(name), kinds))

    def value(self, family: Family, **labels: str) -> float:
        """The sum of what is told with these labels; of a histogram, how often something was observed."""
        name = f"{family.name}_count" if family.type is Type.HISTOGRAM else family.name
        return sum(
            sample.value
            for told in self.metrics.registry.collect()
            for sample in told.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def ports(self) -> list[str]:
        return [item.neutron_id for item in self.nsx.inventory("port")]

    def _configured(self):
        """Neutron has a row for each object of NSX."""
        engine = database.engine(self._database)
        populate(engine, map(vars_of, self.nsx.inventory()))
        engine.dispose()
        groups = {
            "DEFAULT": {"notify_nova_on_port_status_changes": "true"},
            "database": {"connection": self._database},
            "nova": {"auth_type": "none", "endpoint": self.nova.url},
            "nsx": {"api": self.api, "managers": ",".join(self.nsx.urls), "password": "admin"},
            "nsx_sync": {
                "first_delay": "0",
                "min_sync_req_delay": "0",
                "min_chunk_size": "10",
                "missing_grace": "0",
                "canary_apart": "0",
                "listen": "",
            },
        }
        for name, value in self._options.items():
            group, _, option = name.rpartition("__")
            groups[group or "nsx_sync"][option] = value
        lines = (
            f"[{name}]\n" + "".join(f"{option} = {value}\n" for option, value in group.items())
            for name, group in groups.items()
        )
        self._config.write_text("".join(lines))
        return config.load([str(self._config)])


Act = Callable[[Site], AbstractContextManager[object]]


def nothing(_site: Site) -> AbstractContextManager[object]:
    """It changes by sweeping."""
    return nullcontext()


def does(what: Callable[[Site], object]) -> Act:
    """Something happens before the sweep."""

    @contextmanager
    def act(site: Site) -> Iterator[None]:
        what(site)
        yield

    return act


def fault(name: str, **parameters: object) -> Act:
    """NSX misbehaves where it lists ports."""
    return does(lambda site: site.nsx.faults.add(name, match=LISTED[site.api], **parameters))


def says(kind: str, status: str, number: int = 1) -> Act:
    """NSX says this of so many objects."""

    def say(site: Site) -> None:
        site.nsx.set_status(kind, status, [item.neutron_id for item in site.nsx.inventory(kind)[:number]])

    return does(say)


def creates(**how: object) -> Act:
    """NSX has more ports."""
    return does(lambda site: site.nsx.create("port", **how))


@does
def hidden(site: Site) -> None:
    """Listings leave a port out that direct looks find."""
    site.nsx.faults.add("skip-object", ids=[site.nsx.inventory("port")[0].nsx_id], count=None)


@does
def doubled(site: Site) -> None:
    site.nsx.create("router", ids=[site.nsx.inventory("router")[0].neutron_id])


@does
def deleted(site: Site) -> None:
    """Absence takes two sweeps, of which this is one."""
    site.nsx.delete("port", site.ports()[:1])
    site.sweep()


@does
def asked_for(site: Site) -> None:
    """Somebody asks for a port."""
    site.look_at(site.ports()[0])


@does
def asked_for_unknown(site: Site) -> None:
    """It waits for NSX to say something."""
    site.nsx.set_status("port", "unknown", site.ports()[:1])
    site.look_at(site.ports()[0])


@does
def lost(site: Site) -> None:
    """NSX is empty, as far as it says."""
    site.nsx.faults.add("inventory-lost")


@does
def released(site: Site) -> None:
    """An operator lets what the brake holds go on."""
    site.nsx.faults.add("inventory-lost")
    site.sweep()
    site.command("release", Kind.PORT)
    site.desk.enter()


@does
def interrupted(site: Site) -> None:
    """Paused in the midst of a sweep, and resumed."""

    def interrupt() -> None:
        site.command("pause")
        site.command("resume")

    site.nsx.before(LISTED[site.api], 0, interrupt)


@contextmanager
def unanswered(site: Site) -> Iterator[None]:
    """NSX takes its time over a request."""
    sweep = threading.Thread(target=site.sweep)
    with held(site.nsx, LISTED[site.api]) as rule:
        sweep.start()
        wait_for(lambda: rule.fired)
        yield
    sweep.join()


@does
def rested(site: Site) -> None:
    """The requests of the last second count no more; then a sweep."""
    wait_for(lambda: (site.value(metrics.USED), site.value(metrics.LEFT)) == (0, 2 * 100))
    site.sweep()


@does
def dead(site: Site) -> None:
    """No manager answers, again and again: each is left alone for longer and longer."""
    site.nsx.faults.add("node-down")
    while site.value(metrics.CIRCUIT) < len(site.nsx.urls):
        site.sweep()


@does
def aged(site: Site) -> None:
    site.clock.sleep(100)


@does
def hostless(site: Site) -> None:
    """Nova does not take the event of a port: its instance has no host yet."""
    port = site.ports()[0]
    site.nova.codes[port] = 422
    site.nsx.set_status("port", "down", [port])


@contextmanager
def hanging(site: Site) -> Iterator[None]:
    """And it takes too much time."""
    with unanswered(site):
        site.clock.sleep(1000)
        yield


@does
def unwritable(site: Site) -> None:
    """A folder is where the audit log should be, and there is something to write."""
    site.audit_log.rename(site.audit_log.with_name("moved"))
    site.audit_log.mkdir()
    site.nsx.set_status("port", "down", site.ports()[:1])


@does
def flooded(site: Site) -> None:
    """More comes at once than may wait."""
    site.journal.note(By("sweep"), others=(Entry(0.0, "daemon"),) * (LIMIT + 1))


def rises(before: float, now: float) -> bool:
    return now > before


def falls(before: float, now: float) -> bool:
    return now < before


def becomes(number: float) -> Callable[[float, float], bool]:
    return lambda before, now: before != now == number


@dataclass(frozen=True)
class Case:
    """What happens, how many sweeps follow, and what is seen of it."""

    family: Family
    act: Act = nothing
    labels: dict[str, str] = field(default_factory=dict)
    changes: Callable[[float, float], bool] = rises
    sweeps: int = 1
    api: str = "mh"
    options: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.family.name, *self.labels.values(), self.api])


PORT = {"kind": "port"}
BY_SWEEP, BY_SETTLING = {"runner": "sweep"}, {"runner": "settle"}
REFUSED = fault("http-400")
CASES = [
    Case(metrics.SWEEPS, nothing, {"result": "completed"}),
    Case(metrics.SWEEPS, REFUSED, {"result": "failed"}),
    Case(metrics.SWEEPS, interrupted, {"result": "given_up"}),
    Case(metrics.SWEEP_DURATION),
    Case(metrics.LAST_SWEEP),
    Case(metrics.BOUND, aged, {}, lambda before, now: now > before + 100, sweeps=0),
    Case(metrics.OLDEST, aged, {}, lambda before, now: now > before + 100, sweeps=0),
    Case(metrics.PAGES, nothing, PORT),
    Case(metrics.RESTARTS, fault("cursor-expired", after=1), PORT),
    Case(metrics.RESOURCES, says("port", "down", 2), PORT | {"status": "DOWN"}, becomes(2)),
    Case(metrics.OBJECTS, creates(count=2), PORT),
    Case(metrics.MISSING, hidden, PORT, becomes(1)),
    Case(metrics.DUPLICATES, doubled, {"kind": "router"}, becomes(1)),
    Case(metrics.UNSETTLED, says("router", "down"), {"kind": "router"}, becomes(1)),
    Case(metrics.ORPHANS, creates(count=2), PORT, becomes(2)),
    Case(metrics.FOREIGN, fault("malformed-object", variant="no-tags"), PORT, becomes(1)),
    Case(metrics.MALFORMED, fault("malformed-object", variant="wrong-type"), PORT, becomes(1)),
    Case(metrics.UNKNOWN, says("port", "unknown", 2), PORT, becomes(2)),
    Case(metrics.WORDS, says("port", "unknown", 2), PORT, becomes(1)),
    Case(metrics.LOOKS, says("router", "down"), {"kind": "router"} | BY_SWEEP),
    Case(metrics.LOOKS, asked_for, PORT | BY_SETTLING, sweeps=0),
    Case(metrics.ABSENT, deleted, PORT),
    Case(metrics.CHANGES, says("port", "down"), PORT | {"from": "ACTIVE", "to": "DOWN"}),
    Case(metrics.OUTCOMES, says("port", "down"), PORT | BY_SWEEP | {"verdict": "written"}),
    Case(metrics.WRITE_LATENCY, says("port", "down"), BY_SWEEP),
    Case(metrics.HELD, lost, PORT, becomes(SIZES["ports"])),
    Case(metrics.RELEASED, released, PORT, becomes(1), sweeps=0),
    Case(metrics.SETTLE_WAITING, asked_for_unknown, {}, becomes(1), sweeps=0),
    Case(metrics.SETTLED, asked_for, {"result": "settled"}, sweeps=0),
    Case(metrics.SETTLED, asked_for_unknown, {"result": "again"}, sweeps=0),
    Case(metrics.ERRORS, REFUSED, BY_SWEEP | {"class": "Rejected"}),
    Case(metrics.BACKOFF, REFUSED, BY_SWEEP),
    Case(metrics.FAILURES, REFUSED, BY_SWEEP),
    Case(metrics.REQUESTS, nothing, {"request": "list", "code": "200"}),
    Case(metrics.REQUESTS, REFUSED, {"request": "list", "code": "400"}),
    Case(metrics.REQUESTS, fault("reset"), {"request": "list", "code": "none"}),
    Case(metrics.REQUESTS, nothing, {"request": "search"}, api="policy"),
    Case(metrics.REQUEST_DURATION),
    Case(metrics.IN_FLIGHT, unanswered, {}, becomes(1), sweeps=0),
    Case(metrics.BUDGET_WAIT, options={"nsx__request_rate": "5"}),
    Case(metrics.ALLOWED, fault("http-429"), {}, falls),
    Case(metrics.USED, rested, {}, lambda _, now: now > 0, sweeps=0),
    Case(metrics.LEFT, rested, {}, lambda _, now: now < 2 * 100, sweeps=0),
    Case(metrics.CIRCUIT, dead, {}, becomes(2), sweeps=0),
    Case(metrics.CIRCUIT_FAILURES, dead, sweeps=0),
    Case(metrics.BELIEVED, fault("index-rebuilding"), {}, becomes(0), api="policy"),
    Case(metrics.COMPARED, api="policy"),
    Case(metrics.DISAGREED, fault("index-drop", fraction=0.3), sweeps=2, api="policy"),
    Case(metrics.PART, creates(count=5), api="policy"),
    Case(metrics.DATABASE_DURATION, nothing, {"operation": "read"}),
    Case(metrics.DATABASE_DURATION, says("port", "down"), {"operation": "write"}),
    Case(metrics.NOVA_EVENTS, says("port", "down"), {"result": "acknowledged"}),
    Case(metrics.NOVA_WAITING, hostless, {}, becomes(1)),
    Case(metrics.NOVA_LATENCY, says("port", "down")),
    Case(metrics.PAUSED, does(lambda site: site.command("pause")), {}, becomes(1), sweeps=0),
    Case(metrics.MAINTENANCE, does(lambda site: site.window.start(2e9, "cables")), {}, becomes(1), sweeps=0),
    Case(metrics.HANGING, hanging, BY_SWEEP, becomes(1), sweeps=0),
    Case(metrics.EVIDENCE_FAILING, unwritable, {}, becomes(1)),
    Case(metrics.EVIDENCE_WAITING, unwritable),
    Case(metrics.EVIDENCE_LOST, flooded, sweeps=0),
]


@pytest.fixture
def site(tmp_path, sqlite_template):
    """A way to have one, with these options."""
    return lambda api="mh", **options: Site(tmp_path, sqlite_template, api, **options).standing()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_metric_changes_with_the_world(site, case):
    """What happens shows in it, and before it happened it was otherwise."""
    with site(case.api, **case.options) as here:
        here.sweep(2)
        wait_for(lambda: here.value(metrics.NOVA_WAITING) == 0)
        before = here.value(case.family, **case.labels)
        with case.act(here):
            here.sweep(case.sweeps)
            wait_for(lambda: case.changes(before, here.value(case.family, **case.labels)), seconds=20)


SET = {  # families that follow the configuration alone: options, and what is told with them and without
    metrics.INTERVAL: ({"state_sync_interval": "7"}, (7, 10)),
    metrics.REPORT: ({"mode": "report"}, (1, 0)),
    metrics.BUDGET: ({"nsx__request_rate": "50"}, (2 * 50, 2 * 100)),
}
OTHERWISE = {metrics.BUILD, metrics.CEILING, metrics.BARRED}  # tests of their own follow


@pytest.mark.parametrize("family", SET, ids=lambda family: family.name)
def test_a_metric_follows_its_option(site, family):
    """It is told before anything has happened."""
    options, expected = SET[family]
    with site(**options) as here:
        changed = here.value(family)
    with site() as here:
        unchanged = here.value(family)

    assert (changed, unchanged) == expected


def test_the_api_decides_what_runs_and_whether_there_is_a_ceiling(site):
    """NSX-MH has no search."""
    with site("mh") as here:
        mh = (here.value(metrics.BUILD, api="mh"), here.value(metrics.CEILING))
    with site("policy") as here:
        policy = (here.value(metrics.BUILD, api="policy"), here.value(metrics.CEILING))

    assert (mh, policy) == ((1, 0), (1, 50_000))


def test_an_account_that_is_refused_is_barred(site):
    """By each manager: none lets it in."""
    with site(nsx__password="wrong") as here:
        before = here.value(metrics.BARRED)
        for _ in range(3):
            with pytest.raises(NsxError):
                here.source.page(Kind.PORT, None, 10)

        assert (before, here.value(metrics.BARRED)) == (0, 2)


def test_every_metric_is_in_one_of_these_tables():
    """A family that nothing is seen to change is not told."""
    assert {case.family for case in CASES} | SET.keys() | OTHERWISE == set(FAMILIES)


def test_prometheus_can_read_all_of_it(site):
    """Every family, by the name that is declared."""
    with site() as here:
        text = generate_latest(here.metrics.registry).decode()
    names = {family.name for family in text_string_to_metric_families(text)}

    assert {family.name.removesuffix("_total") for family in FAMILIES} <= names
    assert "process_cpu_seconds" in names


def test_promtool_finds_nothing_wrong_with_the_names(site):
    """By Prometheus's conventions for names, units and help."""
    with site("policy") as here:
        here.sweep()
        text = generate_latest(here.metrics.registry)
    checked = subprocess.run(
        [needed("promtool"), "check", "metrics"], input=text, capture_output=True, check=False
    )

    assert (checked.returncode, checked.stderr.decode()) == (0, "")
