"""Each alert is provoked: a daemon and an NSX with one trouble each, and a real Prometheus with the rules.

Several daemons run side by side, as starting one takes seconds. Each is to fire what its trouble asks for.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus import RULES, Prometheus, alerts_of
from scenes import Scene, Trouble
from waiting import wait_for

from networking_nsx.simulator import Item

PATIENCE = 90.0  # seconds until an alert must have fired
AFTERWARDS = 12.0  # seconds in which a second alert for the same cause would fire


def already(_: Scene) -> None:
    """Is what the options bring about."""


def no_faults(scene: Scene) -> None:
    scene.nsx.faults.clear()


def refused(scene: Scene) -> None:
    scene.fault("http-401", "/ws.v1/login")
    scene.fault("session-dropped", count=1)


def unreadable_in_maintenance(scene: Scene) -> None:
    scene.order("maintenance", "start", "--until", "2h", "--reason", "an upgrade")
    scene.fault("malformed-object", "/ws.v1/lswitch", variant="wrong-type")


def readable_again(scene: Scene) -> None:
    no_faults(scene)
    scene.order("maintenance", "stop")


def alike(port: Item, number: int) -> Item:
    """A port of somebody else's, whose id begins as that of all others like it."""
    nsx_id = f"abc{number:05x}-0000-4000-a000-000000000000"
    return replace(port, nsx_id=nsx_id, neutron_id=None, device_id=nsx_id)


def ids_that_begin_alike(scene: Scene) -> None:
    port = scene.nsx.inventory("port")[0]
    scene.nsx.objects.exchange((), [alike(port, number) for number in range(40_001)])


# By name. What a daemon needs at first is in its options, as some troubles are there from the beginning.
OF_THE_PROCESS = {
    "down": Trouble(lambda scene: scene.daemon.kill(), {"NsxSyncDown"}),
    "hung": Trouble(
        lambda scene: scene.fault("timeout", "/ws.v1/lrouter", seconds=300),
        {"NsxSyncLoopHung"},
        options={"nsx__http_timeout": "300", "nsx__request_timeout": "300"},
    ),
    "paused": Trouble(
        lambda scene: scene.order("sync", "pause"),
        {"NsxSyncPaused"},
        lambda scene: scene.order("sync", "resume"),
    ),
    "reporting": Trouble(
        lambda scene: scene.nsx.set_status("port", "unknown", fraction=0.5),
        {"NsxSyncReportMode", "NsxSyncStatusesUnknown"},
        options={"mode": "report"},
    ),
    "unheard": Trouble(
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
    "budget": Trouble(  # 15 requests a sweep
        already, {"NsxSyncThrottled"}, options={"nsx__request_rate": "1", "min_chunk_size": "5"}
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
    "asked for less": Trouble(lambda scene: scene.fault("http-429"), {"NsxSyncThrottled"}, no_faults),
    "slow": Trouble(lambda scene: scene.fault("slow", "/ws.v1/l", seconds=4), {"NsxSyncStale"}, no_faults),
    "emptiness": Trouble(lambda scene: scene.fault("inventory-lost"), {"NsxSyncBrakeHolds"}, no_faults),
    "losses": Trouble(
        lambda scene: scene.nsx.delete("port", fraction=1 / 3),
        {"NsxSyncObjectsLost"},
        options={"brake_minimum": "100"},
    ),
    "unreadable": Trouble(
        unreadable_in_maintenance, {"NsxSyncObjectsUnreadable", "NsxSyncMaintenanceLong"}, readable_again
    ),
}
OF_SIZE = {
    "ids": Trouble(
        ids_that_begin_alike,
        {"NsxSyncSearchPartLarge"},
        nsx={"api": "policy"},
        options={"state_sync_interval": "8"},
    )
}
GROUPS = (OF_THE_PROCESS, OF_WHAT_IT_NEEDS, OF_WHAT_IT_FINDS, OF_SIZE)


class Watch:
    """All that has fired so far, by daemon."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self.fired: dict[str, set[str]] = defaultdict(set)

    def look(self, expected: Mapping[str, set[str]], seconds: float, *, enough: bool) -> None:
        """For so long; or until something unexpected fires, or all that is expected, if that is enough."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            firing = self._prometheus.alerts()
            for name in expected:
                self.fired[name] |= firing.get(name, set())
            if any(self.fired[name] - alerts for name, alerts in expected.items()):
                return
            if enough and self.fired == expected:
                return
            time.sleep(0.5)


@pytest.mark.parametrize(
    "troubles",
    [
        pytest.param(OF_THE_PROCESS, id="process"),
        pytest.param(OF_WHAT_IT_NEEDS, id="needs"),
        pytest.param(OF_WHAT_IT_FINDS, id="finds"),
        pytest.param(OF_SIZE, id="size", marks=pytest.mark.long),
    ],
)
def test_each_cause_fires_its_alert_and_no_other(troubles, stage, prometheus):
    """Among daemons with other troubles; an alert ends when its cause is taken away."""
    expected = {name: trouble.alerts for name, trouble in troubles.items()}
    watch = Watch(prometheus)
    with stage.playing(troubles) as scenes:
        for name, scene in scenes.items():
            troubles[name].cause(scene)
        watch.look(expected, PATIENCE, enough=True)
        watch.look(expected, AFTERWARDS, enough=False)
        mended = {name for name, trouble in troubles.items() if trouble.mend}
        for name in mended:
            troubles[name].mend(scenes[name])

        assert watch.fired == expected
        wait_for(lambda: not mended & prometheus.alerts().keys(), pause=0.5)


def test_every_alert_is_provoked():
    """By one of the troubles above."""
    provoked = {alert for troubles in GROUPS for trouble in troubles.values() for alert in trouble.alerts}

    assert provoked == set(alerts_of(RULES.read_text()))
