"""A port that flaps, in a real database, and what a real notifier tells Nova of it."""

from contextlib import nullcontext

import pytest
from cloud import Cloud, HandClock, change, port_key
from oslo_config import cfg

from networking_nsx.model import Key, Status, Verdict
from networking_nsx.neutron.events import PLUGGED, UNPLUGGED
from networking_nsx.neutron.nova import NovaNotifier
from networking_nsx.neutron.nova_client import client_from
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore
from networking_nsx.sync.damping import WINDOW, Damped

SERVER = "7a0b0ee8-1c2b-4d8c-a1a8-0d3a58a8e9f1"


class Case:
    """A store whose time passes by hand; Nova hears at once."""

    def __init__(self, engine, conf) -> None:
        self.clock = HandClock()
        self.cloud = Cloud(engine)
        self.notifier = NovaNotifier(client_from(conf), self.clock)
        neutron = NeutronStore(engine, Scope(), self.notifier, self.clock)
        self.store = Damped(neutron, self.clock, nullcontext())
        self.port = port_key(self.cloud.port(device_id=SERVER))

    def brings(self, key: Key, status: Status) -> Verdict | None:
        """What became of it, two seconds later; None where the row is so already."""
        self.clock.time += 2
        (row,) = self.store.rows([key])
        verdict = None if row.status == status else self.store.write([change(row, status)])[0].verdict
        self.notifier.step()
        return verdict


@pytest.fixture
def case(sqlite, tmp_path, nova):
    file = tmp_path / "neutron.conf"
    file.write_text(f"[nova]\nauth_type = none\nendpoint = {nova.url}\n")
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[str(file)], default_config_dirs=[])
    return Case(sqlite, conf)


def test_nova_hears_of_a_flapping_port_four_times_a_minute_and_of_its_last_value(case, nova):
    """What Neutron says in between is what Nova was told last."""
    verdicts = [case.brings(case.port, status) for _ in range(10) for status in (Status.ACTIVE, Status.DOWN)]
    told = [event["name"] for event in nova.taken]
    between = case.cloud.statuses()[case.port.id]
    for _ in range(round(WINDOW / 2)):
        case.brings(case.port, Status.ACTIVE)

    assert verdicts == [Verdict.WRITTEN] * 4 + [Verdict.DELAYED, None] * 8
    assert (told, between) == ([PLUGGED, UNPLUGGED] * 2, "DOWN")
    assert case.cloud.statuses()[case.port.id] == "ACTIVE"
    assert [event["name"] for event in nova.taken] == [PLUGGED, UNPLUGGED] * 2 + [PLUGGED]


def test_a_port_that_was_bound_anew_is_plugged_at_once(case, nova):
    """Its build waits for the event, however often the port has flapped before."""
    for status in (Status.ACTIVE, Status.DOWN) * 4:
        case.brings(case.port, status)
    before = len(nova.taken)
    case.cloud.update("ports", case.port.id, bump=True)

    assert case.brings(case.port, Status.ACTIVE) is Verdict.WRITTEN
    assert len(nova.taken) == before + 1
