"""One run: everything is started, the lanes play the plan, all trouble ends, and what happened is judged."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from chaos import journal, mariadb
from chaos.acts import MINUTE, Act
from chaos.daemon import Daemon
from chaos.gauges import Growth, growth
from chaos.judge import Judged, Key, Law, Listings, judge
from chaos.mariadb import MariaDb
from chaos.nsx import Nsx, simulator
from chaos.plan import Plan
from chaos.proxy import Proxy
from chaos.rows import Rows
from chaos.trouble import Hindered, Trouble

INTERVAL, GRACE, INDEX_LAG = 4, 4, 3  # seconds: the daemon's options
_CALM = 10.0  # seconds at the end of the acts without trouble
LAWS = {
    # NSX-MH: absence needs two complete listings, which begin a chunk's delay apart at the least. What comes
    # from NSX Policy's index is as old as its lag, and two listings are that much apart.
    "mh": Law("mh", staleness=INTERVAL, proof=1.0, grace=GRACE),
    "policy": Law("policy", staleness=INTERVAL + INDEX_LAG, proof=INDEX_LAG, grace=GRACE, lag=INDEX_LAG),
}
# Seconds until everything is true when the trouble has ended: the longest time for which managers that failed
# are left alone, the longest back-off of a sweep that just misses its end, a start, the proof of absence
# (which begins anew), and as many sweeps as clear an index of suspicion.
BOUND = 64 + 64 + 20 + GRACE + INDEX_LAG + 6 * INTERVAL

_CONFIGURATION = """[DEFAULT]
notify_nova_on_port_status_changes = false
debug = true
[database]
connection = {connection}
[nsx]
api = {api}
managers = {managers}
password = admin
index_lag = {lag}
connect_timeout = 2
http_timeout = 3
request_timeout = 8
[nsx_sync]
state_sync_interval = {interval}
min_sync_req_delay = 1
min_chunk_size = 100
first_delay = 0
missing_grace = {grace}
canary_sample = 100
canary_apart = 3
lock_path = {folder}
listen =
"""


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    plan: Plan
    counts: Counter[str] = field(default_factory=Counter)  # acts that had an effect, by lane and name
    writes: list[Judged] = field(default_factory=list)
    differing: Mapping[Key, tuple[str, str]] = field(default_factory=dict)
    settled: float = 0.0  # seconds until all was true
    late_writes: int = 0  # of a world in which all was true already
    growths: list[Growth] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)  # daemons that ended of themselves


def run(plan: Plan, folder: Path, template: Path, say: Callable[[str], object]) -> Outcome:
    """Play the plan on a copy of the template's database; `folder` gets configuration, logs and records."""
    outcome = Outcome(plan)
    with ExitStack() as opened:
        place = mariadb.place("run")
        opened.callback(mariadb.forget, place)
        mariadb.copy(template, place)
        database = opened.enter_context(MariaDb(place))
        ready = opened.enter_context(simulator(plan))
        nsx = Nsx(ready["control"], plan)
        _populate(database, ready["control"], plan)
        ports = {
            "nsx": [int(url.rsplit(":", 1)[1]) for url in ready["managers"]],
            "database": [database.port],
        }
        edges = {
            edge: [opened.enter_context(Proxy(port)) for port in several] for edge, several in ports.items()
        }
        daemon = Daemon(_configured(plan.api, edges, database, folder), folder)
        stage = _Stage(outcome, folder, nsx, Rows(database.port), daemon)
        stage.trouble = Trouble(nsx, edges, database, daemon, stage.hindered, stage.pause)
        opened.callback(stage.close)
        stage.play(say)
        with database.admin() as cursor:
            entries = journal.read(cursor)
        intervals = [*stage.hindered.with_aftermath(), *daemon.late]
        listings = Listings(daemon.sweeps(), stage.hindered.hiding())
        outcome.counts["complete sweeps"] = len(listings.sweeps)
        outcome.writes = judge(entries, nsx.changes, intervals, LAWS[plan.api], listings)
        since, until = stage.restful
        outcome.late_writes = sum(since < one.write.at < until for one in outcome.writes)
        stage.record(entries)
    return outcome


class _Stage:
    """Where one run is played."""

    trouble: Trouble

    def __init__(self, outcome: Outcome, folder: Path, nsx: Nsx, rows: Rows, daemon: Daemon) -> None:
        self._outcome = outcome
        self._folder = folder
        self._nsx = nsx
        self._rows = rows
        self._daemon = daemon
        self.hindered = Hindered()
        self._over = threading.Event()  # the acts are over
        self._closed = threading.Event()  # everything is: what a lane has started dies with its thread
        self._errors: list[BaseException] = []
        self._keeper = threading.Thread(target=daemon.keep, daemon=True)
        self.restful = (0.0, 0.0)  # when nothing was to be written
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the daemon, and let the lanes end, and with them what they have started."""
        self._over.set()
        if self._keeper.ident:
            self._daemon.end(self._keeper)
        self._closed.set()

    def pause(self, seconds: float) -> bool:
        """Wait; answer whether the acts are over."""
        return self._over.wait(seconds)

    def play(self, say: Callable[[str], object]) -> None:
        """Trouble, and then the end of it."""
        plan = self._outcome.plan
        _dump(self._folder / "plan.jsonl", (act._asdict() for act in plan.acts))
        with (self._folder / "acts.jsonl").open("w") as log:
            self._keeper.start()
            self._daemon.await_loop()
            for lane in self._lanes(log):
                lane.start()
            self._watch(plan.minutes * MINUTE, say)
            say(f"a calm end, after {sum(self._outcome.counts.values())} acts")
            time.sleep(_CALM)
            self._over.set()
            if not all(done.wait(180) for done in self._done.values()):
                raise RuntimeError("a lane does not end")
        if self._errors:
            raise self._errors[0]
        self.trouble.end()
        say("all trouble has ended")
        self._check_history()
        self._settle()
        self._rest()
        self._epilogue()
        self._daemon.end(self._keeper)
        lives = self._daemon.lives
        self._outcome.growths = [found for life in lives if (found := growth(life.samples))]
        self._outcome.ended = [life.fault for life in lives if life.fault]
        self._outcome.counts["daemon lives"] = len(lives)

    def record(self, entries: Sequence[Any]) -> None:
        """What is needed to understand a verdict, beside the logs."""
        _dump(self._folder / "journal.jsonl", (entry._asdict() for entry in entries))
        lives = enumerate(self._daemon.lives, 1)
        samples = ({"life": number, **one._asdict()} for number, life in lives for one in life.samples)
        _dump(self._folder / "gauges.jsonl", samples)
        _dump(self._folder / "nsx.jsonl", (change._asdict() for change in self._nsx.changes))
        _dump(
            self._folder / "hindered.jsonl",
            ({"began": b, "ended": e, "by": w} for b, e, w in self.hindered.intervals),
        )
        _dump(
            self._folder / "judged.jsonl",
            ({**one._asdict(), "write": one.write._asdict()} for one in self._outcome.writes),
        )

    def _lanes(self, log: Any) -> list[threading.Thread]:
        performers: dict[str, Callable[[str, Mapping[str, Any]], int]] = {
            "nsx": self._nsx.act,
            "user": self._rows.act,
            **{name: getattr(self.trouble, name) for name in ("faults", "network", "database", "daemon")},
        }
        begins = time.monotonic()
        self._done = {lane: threading.Event() for lane in performers}
        return [
            threading.Thread(target=self._lane, args=(lane, perform, begins, log), daemon=True)
            for lane, perform in performers.items()
        ]

    def _lane(
        self, lane: str, perform: Callable[[str, Mapping[str, Any]], int], begins: float, log: Any
    ) -> None:
        try:
            for act in self._outcome.plan.acts:
                if act.lane != lane:
                    continue
                if self._over.wait(max(0.0, begins + act.at - time.monotonic())):
                    break
                self._perform(act, perform, log)
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for the lanes
            self._errors.append(error)
        finally:
            self._done[lane].set()
            self._closed.wait()

    def _perform(self, act: Act, perform: Callable[[str, Mapping[str, Any]], int], log: Any) -> None:
        began, error, effect = time.time(), "", 0
        try:
            effect = perform(act.what, act.details)
        except pymysql.Error as refused:  # there is no database now
            error = str(refused)
        line = {"began": began, "ended": time.time(), **act._asdict(), "effect": effect, "error": error}
        name = "fault" if act.lane == "faults" else f"{act.lane} {act.what}"
        with self._lock:
            log.write(json.dumps(line) + "\n")
            self._outcome.counts[name if not error else "refused by the database"] += bool(effect or error)
            if act.lane == "faults":
                self._outcome.counts["requests that met a fault"] += effect

    def _watch(self, seconds: float, say: Callable[[str], object]) -> None:
        """Wait for the plan's end, and for trouble that is late, as on a busy machine."""
        ends, latest = time.monotonic() + seconds, time.monotonic() + 3 * seconds + 60
        while (now := time.monotonic()) < ends or (self._troubled() and now < latest):
            if self._errors:
                return
            late = ", late" if now > ends else ""
            say(f"{sum(self._outcome.counts.values())} acts{late}")
            time.sleep(min(30.0, max(1.0, ends - now)))

    def _troubled(self) -> bool:
        return any(not done.is_set() for lane, done in self._done.items() if lane not in ("nsx", "user"))

    def _check_history(self) -> None:
        told = {key: sorted(words) for key, words in self._nsx.words.items() if words}
        if told != {key: sorted(words) for key, words in self._nsx.inventory().items()}:
            raise RuntimeError("the history of NSX is not what the simulator has: mend tests/chaos/nsx.py")

    def _settle(self) -> None:
        """Wait until everything is true, as long as is promised."""
        outcome, begins = self._outcome, time.monotonic()
        while True:
            outcome.differing = self._rows.differing(outcome.plan.api, self._nsx.inventory())
            outcome.settled = max(outcome.settled, time.monotonic() - begins)
            if not outcome.differing or outcome.settled > BOUND:
                return
            time.sleep(0.5)

    def _rest(self) -> None:
        begins = time.time()
        time.sleep(2 * INTERVAL)
        self.restful = (begins, time.time())

    def _epilogue(self) -> None:
        """Without any trouble NSX changes twice more: so some writes are judged in calm in every run."""
        for word in ("down", "up"):
            if self._outcome.differing:
                return
            self._nsx.act("flip", {"kind": "port", "ids": self._outcome.plan.ports[-30:], "status": word})
            self._settle()


def _populate(database: MariaDb, control: str, plan: Plan) -> None:
    """Give Neutron a row for each object, and watch them from now on."""
    database.populate(control)
    with database.admin() as cursor:
        journal.install(cursor)
    Rows(database.port).set_apart(plan.foreign, plan.external)


def _configured(api: str, edges: Mapping[str, list[Proxy]], database: MariaDb, folder: Path) -> Path:
    file = folder / "neutron.conf"
    managers = ",".join(f"http://127.0.0.1:{proxy.port}" for proxy in edges["nsx"])
    connection = database.url(journal.WRITER, edges["database"][0].port)
    file.write_text(
        _CONFIGURATION.format(
            connection=connection,
            api=api,
            managers=managers,
            lag=INDEX_LAG,
            interval=INTERVAL,
            grace=GRACE,
            folder=folder,
        )
    )
    return file


def _dump(file: Path, lines: Any) -> None:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
