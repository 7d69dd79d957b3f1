"""Each alert is provoked: a daemon and an NSX with one trouble each, and a real Prometheus with the rules.

Several daemons run side by side, as starting one takes seconds. Each is to fire the alerts of its trouble, and
no other.
"""

import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from line import vars_of
from nova import FakeNova
from prometheus import Prometheus
from servers import free_port
from sites import Site, process
from waiting import wait_for

from networking_nsx.neutron import database
from networking_nsx.neutron.populate import populate
from networking_nsx.simulator import Simulator

INTERVAL = 3  # seconds
SIZE = {"networks": 6, "ports": 60, "routers": 2}
AFTERWARDS = 8.0  # seconds in which a second alert for the same cause would fire


@dataclass
class Scene:
    """One daemon, and what can go wrong around it."""

    nsx: Simulator
    site: Site
    nova: FakeNova
    daemon: subprocess.Popen

    def fault(self, fault: str, match: str = "/", **parameters: object) -> None:
        self.nsx.faults.add(fault, match=match, **{"count": None, **parameters})

    def sql(self, statement: str) -> None:
        engine = database.engine(f"sqlite:///{self.site.file}")
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def order(self, *words: str) -> None:
        done = self.site.command(*words, "--config-file", str(self.site.config))
        assert done.returncode == 0, done.stderr


@dataclass
class Trouble:
    """How alerts are provoked; and how what causes them is taken away, where that shows soon enough."""

    provoke: Callable[[Scene], object]
    alerts: set[str]
    mend: Callable[[Scene], object] | None = None
    nsx: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


def already(_: Scene) -> None:
    """Is what the options bring about."""


def no_faults(scene: Scene) -> None:
    scene.nsx.faults.clear()


def refused(scene: Scene) -> None:
    scene.fault("http-401", "/ws.v1/login")
    scene.fault("session-dropped", count=1)


def unreadable_in_maintenance(scene: Scene) -> None:
    pass
    scene.fault("malformed-object", "/ws.v1/lswitch", variant="wrong-type")


OF_THE_PROCESS = {
    "down": Trouble(lambda scene: scene.daemon.kill(), {"NsxSyncDown"}),
    "hung": Trouble(lambda scene: scene.fault("timeout", "/ws.v1/lrouter", seconds=90), {"NsxSyncLoopHung"}),
    "paused": Trouble(
        lambda scene: scene.order("sync", "pause"),
        {"NsxSyncPaused"},
        lambda scene: scene.order("sync", "resume"),
    ),
    "reports": Trouble(
        lambda scene: scene.nsx.set_status("port", "unknown", fraction=0.5),
        {"NsxSyncReportMode", "NsxSyncStatusesUnknown"},
        options={"mode": "report"},
    ),
    "keeps no evidence": Trouble(
        already,
        {"NsxSyncEvidenceFailing", "NsxSyncNovaNotTold"},
        options={
            "audit_log": "/dev/full",
            "DEFAULT__notify_nova_on_port_status_changes": "true",
            "nova__auth_type": "none",
        },
    ),
}
OF_WHAT_IT_NEEDS = {
    "database": Trouble(
        lambda scene: scene.sql("ALTER TABLE routers RENAME TO elsewhere"),
        {"NsxSyncDatabaseFailing"},
        lambda scene: scene.sql("ALTER TABLE elsewhere RENAME TO routers"),
    ),
    "account": Trouble(refused, {"NsxSyncCredentialsRefused"}),
    "all managers": Trouble(lambda scene: scene.fault("node-down"), {"NsxSyncNsxUnavailable"}, no_faults),
    "one manager": Trouble(
        lambda scene: scene.fault("node-down", node=1),
        {"NsxSyncManagerFailing"},
        no_faults,
        nsx={"api": "policy"},
        options={"nsx__retries": "2"},
    ),
    "budget": Trouble(
        already, {"NsxSyncThrottled"}, options={"nsx__request_rate": "1", "state_sync_interval": "1"}
    ),
    "index": Trouble(
        lambda scene: scene.fault("index-drop", fraction=0.15),
        {"NsxSyncIndexNotBelieved"},
        no_faults,
        nsx={"api": "policy"},
        options={"canary_sample": "100", "canary_apart": "0", "canary_clean": "1"},
    ),
}
OF_WHAT_IT_FINDS = {
    "refusals": Trouble(
        lambda scene: scene.fault("http-400", "/ws.v1/lrouter"), {"NsxSyncSweepsFailing"}, no_faults
    ),
    "slow": Trouble(lambda scene: scene.fault("slow", "/ws.v1/l", seconds=4), {"NsxSyncStale"}, no_faults),
    "emptiness": Trouble(lambda scene: scene.fault("inventory-lost"), {"NsxSyncBrakeHolds"}, no_faults),
    "losses": Trouble(
        lambda scene: scene.nsx.delete("port", fraction=1 / 3),
        {"NsxSyncObjectsLost"},
        options={"brake_minimum": "100"},
    ),
    "unreadable": Trouble(unreadable_in_maintenance, {"NsxSyncObjectsUnreadable"}, no_faults),
}


@pytest.fixture(scope="module")
def neutron(tmp_path_factory):
    """A database with a row for each object of a simulator."""
    from networking_nsx.neutron import schema  # noqa: PLC0415

    file = tmp_path_factory.mktemp("populated") / "neutron.sqlite"
    engine = database.engine(f"sqlite:///{file}")
    schema.create(engine)
    with Simulator(**SIZE) as nsx:
        populate(engine, [vars_of(item) for item in nsx.inventory()])
    engine.dispose()
    return file


@contextmanager
def running(name: str, trouble: Trouble, folder: Path, neutron: Path, command, prometheus: Prometheus):
    """A daemon of its own NSX, scraped, which has swept once."""
    folder.mkdir()
    with ExitStack() as opened:
        nsx = opened.enter_context(Simulator(nodes=2, threads=8, **SIZE, **trouble.nsx))
        taken, port = free_port()
        opened.enter_context(taken)
        site = Site(folder, {"control": nsx.control}, neutron, command)
        nova = FakeNova()
        nova.failure = 503
        nova.start()
        opened.callback(nova.stop)
        site.configure(
            **{
                "nsx__api": nsx.settings.api,
                "nsx__managers": ",".join(nsx.urls),
                "nsx__retries": "0",
                "nsx__connect_timeout": "0.5",
                "nova__endpoint": nova.url,
                "state_sync_interval": str(INTERVAL),
                "min_sync_req_delay": "0",
                "first_delay": "0",
                "control_socket": str(folder / "socket"),
                "listen": f"127.0.0.1:{port}",
                **trouble.options,
            }
        )
        log = opened.enter_context((folder / "log").open("w"))
        daemon = opened.enter_context(process("sync", "run", "--config-file", str(site.config), log=log))
        prometheus.scrape(name, f"127.0.0.1:{port}")
        opened.callback(prometheus.forget, name)
        yield Scene(nsx, site, nova, daemon)


@pytest.mark.parametrize("troubles", [OF_THE_PROCESS, OF_WHAT_IT_NEEDS, OF_WHAT_IT_FINDS])
def test_each_cause_fires_its_alert_and_no_other(troubles, tmp_path, neutron, command, prometheus):
    """Among daemons with other troubles; an alert ends when its cause is taken away."""
    expected = {name: trouble.alerts for name, trouble in troubles.items()}
    mended = {name for name, trouble in troubles.items() if trouble.mend}
    seen: dict[str, set[str]] = defaultdict(set)

    def fired() -> Mapping[str, set[str]]:
        for name, alerts in prometheus.alerts().items():
            seen[name] |= alerts
        return seen

    with ExitStack() as opened:
        scenes = {
            name: opened.enter_context(
                running(name, trouble, tmp_path / name.replace(" ", "-"), neutron, command, prometheus)
            )
            for name, trouble in troubles.items()
        }
        wait_for(
            lambda: all(
                prometheus.query(f'nsx_sync_last_sweep_timestamp_seconds{{instance="{name}"}}')
                for name in scenes
            )
        )
        began = time.monotonic()
        for name, scene in scenes.items():
            troubles[name].provoke(scene)
        last = ""

        def cond():
            nonlocal last
            f = dict(fired())
            if repr(f) != last:
                last = repr(f)
                print(round(time.monotonic() - began, 1), f, "pending", prometheus.alerts("pending"))
            return f == expected

        wait_for(cond, pause=0.5, seconds=100)
        ends = time.monotonic() + AFTERWARDS
        while time.monotonic() < ends:
            assert fired() == expected
            time.sleep(0.5)
        print("now", round(time.monotonic() - began, 1), prometheus.alerts())
        for name in mended:
            troubles[name].mend(scenes[name])
        wait_for(lambda: not mended & prometheus.alerts().keys(), pause=0.5)
        print("mended", round(time.monotonic() - began, 1))
