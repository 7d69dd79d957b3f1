"""What Nova is told of, how long, and what its answers do: over real HTTP, to a Nova that plays its part."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from cloud import START, Cloud, Ear, HandClock, change, port_key
from oslo_config import cfg
from waiting import wait_for

from networking_nsx.clock import SystemClock
from networking_nsx.errors import ConfigurationError
from networking_nsx.model import Answer, Status
from networking_nsx.neutron import nova as nova_module
from networking_nsx.neutron.events import PLUGGED, UNPLUGGED, Event, recent
from networking_nsx.neutron.nova import PATIENCE, NovaNotifier, Silence
from networking_nsx.neutron.nova_client import client_from, notifier_from
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore

SERVER = "7a0b0ee8-1c2b-4d8c-a1a8-0d3a58a8e9f1"


def configuration(tmp_path, text):
    file = tmp_path / "neutron.conf"
    file.write_text(textwrap.dedent(text))
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[str(file)], default_config_dirs=[])
    return conf


@pytest.fixture
def conf(tmp_path, nova):
    return configuration(tmp_path, f"[nova]\nauth_type = none\nendpoint = {nova.url}\n")


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def notifier(conf, clock):
    """Give a notifier that takes a step when the test says so."""
    return NovaNotifier(client_from(conf), clock)


@pytest.fixture
def running(conf):
    """Give a notifier with its thread, on real time."""
    notifier = NovaNotifier(client_from(conf), SystemClock(threading.Event()))
    notifier.start()
    yield notifier
    notifier.close(0)


def event(port_id="port-1", name=PLUGGED, committed_at=START, server_id=SERVER):
    return Event(name, server_id, port_id, committed_at)


def now(port_id):
    return event(port_id, committed_at=time.time())


class TestWhatIsAnEvent:
    @pytest.mark.parametrize(
        ("before", "after", "name"),
        [
            ("DOWN", Status.ACTIVE, PLUGGED),
            ("BUILD", Status.ACTIVE, PLUGGED),
            ("ERROR", Status.ACTIVE, PLUGGED),
            ("ACTIVE", Status.DOWN, UNPLUGGED),
            ("ERROR", Status.DOWN, None),
            ("ACTIVE", Status.ERROR, None),
        ],
    )
    def test_nova_hears_of_plugging_and_unplugging(self, sqlite, clock, before, after, name):
        """Any way to ACTIVE is a plug; only ACTIVE to DOWN is an unplug."""
        ear, cloud = Ear(), Cloud(sqlite)
        store = NeutronStore(sqlite, Scope(), ear, clock)
        (row,) = store.rows([port_key(cloud.port(status=before, device_id=SERVER))])

        store.write([change(row, after)])

        assert ear.events == ([Event(name, SERVER, row.id, START)] if name else [])

    @pytest.mark.parametrize(
        "columns",
        [
            {"device_owner": "network:dhcp"},
            {"device_owner": "network:router_interface", "vif_type": "unbound"},
            {"device_id": "dhcp-agent"},
            {"device_id": ""},
        ],
    )
    def test_nova_hears_of_instances_only(self, sqlite, clock, columns):
        """A port of anything else is none of its business."""
        ear, cloud = Ear(), Cloud(sqlite)
        store = NeutronStore(sqlite, Scope(), ear, clock)
        (row,) = store.rows([port_key(cloud.port(**columns))])

        store.write([change(row, Status.ACTIVE)])

        assert ear.events == []


class TestAnswers:
    def test_events_of_a_commit_go_out_in_batches(self, nova, notifier):
        """Each in Nova's own words, none twice, at most 200 in a request."""
        notifier.notify([event(f"port-{number}") for number in range(450)])
        while notifier.step() is not None:
            pass

        assert [len(request) for request in nova.requests] == [200, 200, 50]
        assert nova.requests[0][0] == {
            "name": PLUGGED, "status": "completed", "server_uuid": SERVER, "tag": "port-0", "code": 200,
        }  # fmt: skip

    def test_whoever_asks_hears_what_became_of_each_event(self, conf, nova, clock):
        """Each end of an event is told once: taken, refused, no such instance, or given up in the end."""
        heard = []
        notifier = NovaNotifier(client_from(conf), clock, [lambda *told: heard.append(told)])
        nova.codes = {"hostless": 422, "unknown": 404, "wrong": 400}

        notifier.notify([event(port_id) for port_id in ("fine", "hostless", "unknown", "wrong")])
        while (wait := notifier.step()) is not None:
            clock.time += wait

        assert heard == [
            (Answer.ACKNOWLEDGED, PLUGGED, "fine", START),
            (Answer.GONE, PLUGGED, "unknown", START),
            (Answer.REFUSED, PLUGGED, "wrong", START),
            (Answer.GIVEN_UP, PLUGGED, "hostless", START),
        ]

    def test_each_event_is_acknowledged_alone(self, nova, notifier, clock, caplog):
        """Of a mixed answer only the instance without a host is tried again, after a wait that grows."""
        nova.codes = {"hostless": 422, "unknown": 404, "wrong": 400}
        notifier.notify([event(port_id) for port_id in ("fine", "hostless", "unknown", "wrong")])

        waits = []
        for _ in range(6):
            waits.append(notifier.step())
            clock.time += waits[-1]
        nova.codes = {}
        notifier.step()

        assert waits == [1, 2, 4, 8, 16, 16]
        assert [[told["tag"] for told in request] for request in nova.requests[1:]] == [["hostless"]] * 6
        assert [told["tag"] for told in nova.taken] == ["fine", "hostless"]
        assert "400 to network-vif-plugged of port wrong" in caplog.text

    @pytest.mark.parametrize("failure", [500, 502, 503, 429, 403, 404])
    def test_a_request_that_failed_as_a_whole_is_sent_again(self, nova, notifier, clock, failure):
        """Nova said nothing about any event, so all of them are told again, after a wait that grows."""
        nova.failure = failure
        notifier.notify([event("a"), event("b")])

        waits = []
        for _ in range(3):
            waits.append(notifier.step())
            clock.time += waits[-1]
        nova.failure = None
        notifier.step()

        assert waits == [1, 2, 4]
        assert [told["tag"] for told in nova.taken] == ["a", "b"]

    def test_an_event_that_is_wrong_is_not_sent_again(self, nova, notifier, caplog):
        """400 for a request of one event: asking again will not help, the log tells."""
        nova.failure = 400
        notifier.notify([event()])

        assert notifier.step() is None
        assert len(nova.requests) == 1
        assert "400 to network-vif-plugged of port port-1" in caplog.text

    def test_an_event_that_is_wrong_costs_no_other_event(self, nova, notifier, caplog):
        """400 for many says nothing of each: the request is halved until only the wrong one is refused."""
        nova.poison = {"port-3"}
        notifier.notify([event(f"port-{number}") for number in range(9)])

        assert notifier.step() is None
        assert [told["tag"] for told in nova.taken] == [
            f"port-{number}" for number in range(9) if number != 3
        ]
        assert caplog.text.count("Nova answers 400") == 1
        assert "400 to network-vif-plugged of port port-3" in caplog.text

    def test_an_unreachable_nova_is_asked_again(self, nova, notifier):
        """Nobody listens: the event waits."""
        nova.stop()
        notifier.notify([event()])

        assert notifier.step() == 1

    def test_a_nova_that_has_no_endpoint_is_looked_for_again(self, tmp_path, clock, caplog):
        """The catalog may change: the event waits."""
        notifier = notifier_from(configuration(tmp_path, "[nova]\nauth_type = none\n"), clock)
        notifier.notify([event()])

        assert notifier.step() == 1
        assert "again in 1 s" in caplog.text

    def test_new_events_do_not_hurry_a_nova_that_failed(self, nova, notifier):
        """The wait after a failure is for everything."""
        nova.failure = 503
        notifier.notify([event("a")])
        notifier.step()
        notifier.notify([event("b")])

        assert notifier.step() == 1
        assert len(nova.requests) == 1

    def test_an_event_is_given_up_when_nova_waits_no_longer(self, nova, notifier, clock, caplog):
        """300 s after the commit the instance's build has failed: a warning names the port."""
        nova.codes = {"port-1": 422}
        notifier.notify([event(committed_at=START - 290)])
        notifier.step()
        clock.time += 11

        assert notifier.step() is None
        assert len(nova.requests) == 1
        assert f"vif-plugged of port port-1, instance {SERVER}: it did not take the event" in caplog.text


class TestPending:
    def test_the_latest_event_of_a_port_wins(self, nova, notifier):
        """Unplugged and plugged again before Nova was told: one event."""
        notifier.notify([event("a", UNPLUGGED), event("b"), event("a", PLUGGED)])
        notifier.step()

        assert [(told["tag"], told["name"]) for told in nova.taken] == [("b", PLUGGED), ("a", PLUGGED)]

    def test_an_event_that_comes_while_nova_answers_is_not_lost(self, nova, conf, clock):
        """The answer acknowledges what was sent, not what has taken its place."""
        client = client_from(conf)

        class Late:
            def tell(self, events):
                if events[0].name == UNPLUGGED:
                    notifier.notify([event("a", PLUGGED)])
                return client.tell(events)

        notifier = NovaNotifier(Late(), clock)
        notifier.notify([event("a", UNPLUGGED)])

        assert notifier.step() == 0
        assert notifier.step() is None
        assert [told["name"] for told in nova.taken] == [UNPLUGGED, PLUGGED]

    def test_two_instances_of_a_port_are_two_events(self, nova, notifier):
        """The old instance hears of the unplugging, the new one of the plugging."""
        other = SERVER.replace("7", "8")
        notifier.notify([event("a", UNPLUGGED), event("a", PLUGGED, server_id=other)])
        notifier.step()

        taken = [(told["server_uuid"], told["name"]) for told in nova.taken]
        assert taken == [(SERVER, UNPLUGGED), (other, PLUGGED)]

    def test_memory_is_bounded(self, notifier, monkeypatch, caplog):
        """What waits longest makes room, with a warning."""
        monkeypatch.setattr(nova_module, "LIMIT", 2)

        notifier.notify([event("a"), event("b"), event("c")])

        assert "port a" in caplog.text
        assert "port b" not in caplog.text


class TestThread:
    def test_events_are_sent_at_once(self, nova, running):
        """Nobody has to ask; a burst is a few requests."""
        running.notify([now("a"), now("b")])
        nova.wait_for(1)

        assert [told["tag"] for told in nova.taken] == ["a", "b"]

    def test_a_nova_that_comes_back_hears_everything(self, nova, running):
        """Unavailable for a while, then everything is delivered."""
        nova.failure = 503
        running.notify([now("a")])
        nova.wait_for(1)
        running.notify([now("b")])
        nova.failure = None
        wait_for(lambda: len(nova.taken) == 2)

        assert {told["tag"] for told in nova.taken} == {"a", "b"}

    def test_notify_does_not_wait_for_a_slow_nova(self, nova, running):
        """The store goes on while Nova takes its time."""
        nova.delay = 1.0
        for number in range(100):
            running.notify([now(f"port-{number}")])

        assert nova.requests == []  # none has been answered yet

    def test_closing_sends_what_waits(self, nova, conf):
        """A clean end loses nothing."""
        notifier = NovaNotifier(client_from(conf), SystemClock(threading.Event()))
        nova.delay = 0.2
        notifier.start()
        notifier.notify([now(f"port-{number}") for number in range(300)])

        notifier.close(10)

        assert len(nova.taken) == 300

    def test_closing_does_not_wait_for_ever(self, nova, conf, caplog):
        """Nova is away: the time to end is kept, and the log tells what is left."""
        nova.failure = 503
        notifier = NovaNotifier(client_from(conf), SystemClock(threading.Event()))
        notifier.start()
        notifier.notify([now("a")])
        nova.wait_for(1)
        began = time.monotonic()

        notifier.close(0.2)

        assert time.monotonic() - began < 10
        assert "Nova was not told of 1 ports" in caplog.text


class TestRestart:
    def test_recent_activations_are_told_again(self, sqlite, clock):
        """Ports that became ACTIVE shortly before the start, and those only."""
        cloud = Cloud(sqlite)
        store = NeutronStore(sqlite, Scope(), Ear(), clock)
        old, new, down = cloud.port(), cloud.port(device_id=SERVER), cloud.port(status="ACTIVE")
        others = [cloud.port(device_owner="network:dhcp"), cloud.port(driver="others")]
        for age, port_id, status in (
            (301, old, Status.ACTIVE),
            (299, new, Status.ACTIVE),
            (299, down, Status.DOWN),
            *((299, port_id, Status.ACTIVE) for port_id in others),
        ):
            clock.time = START - age
            store.write([change(row, status) for row in store.rows([port_key(port_id)])])
        clock.time = START

        events = recent(sqlite, Scope(drivers=("nsx",)), PATIENCE, clock)

        assert events == [Event(PLUGGED, SERVER, new, START - 298)]

    def test_a_process_killed_before_it_could_send_is_made_up_for(self, sqlite, nova, running):
        """Kill -9 right after the commit: the next start delivers."""
        port_id = Cloud(sqlite).port(device_id=SERVER)

        killed = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _KILLED, str(sqlite.url), port_id],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        clock = SystemClock(threading.Event())
        running.notify(recent(sqlite, Scope(), PATIENCE, clock))
        nova.wait_for(1)

        assert killed.returncode == -signal.SIGKILL
        assert [(told["tag"], told["server_uuid"]) for told in nova.taken] == [(port_id, SERVER)]


_KILLED = """
import os, signal, sys, threading
from cloud import change, port_key
from networking_nsx.clock import SystemClock
from networking_nsx.model import Answer, Status
from networking_nsx.neutron import database
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore

class Killed:
    def notify(self, events):
        os.kill(os.getpid(), signal.SIGKILL)

url, port_id = sys.argv[1:]
store = NeutronStore(database.engine(url), Scope(), Killed(), SystemClock(threading.Event()))
store.write([change(row, Status.ACTIVE) for row in store.rows([port_key(port_id)])])
"""


class TestConfiguration:
    def test_neutrons_own_section_is_used(self, conf, clock):
        """The same file that Neutron reads; registering twice does no harm."""
        assert isinstance(notifier_from(conf, clock), NovaNotifier)
        assert isinstance(notifier_from(conf, clock), NovaNotifier)

    def test_nova_may_be_left_alone(self, tmp_path, clock):
        """`notify_nova_on_port_status_changes = false` as in Neutron: nothing is ever sent."""
        conf = configuration(tmp_path, "[DEFAULT]\nnotify_nova_on_port_status_changes = false\n")

        notifier = notifier_from(conf, clock)

        assert isinstance(notifier, Silence)
        notifier.start()
        notifier.notify([event()])
        notifier.close(1)

    def test_without_credentials_nobody_is_told(self, tmp_path, clock, caplog):
        """No `[nova]` section: a warning at the start, and everything else works."""
        assert isinstance(notifier_from(configuration(tmp_path, ""), clock), Silence)
        assert "[nova] auth_type is not set" in caplog.text

    @pytest.mark.parametrize(
        "section", ["auth_type = nonsense\n", "auth_type = password\npassword = s3cret\n"]
    )
    def test_credentials_that_cannot_be_used_are_named(self, tmp_path, clock, section):
        """At the start, with the section's name and without the password."""
        conf = configuration(tmp_path, "[nova]\n" + section)

        with pytest.raises(ConfigurationError, match=r"\[nova\]") as error:
            notifier_from(conf, clock)

        assert "s3cret" not in str(error.value)

    def test_a_keystone_that_is_away_keeps_the_event_waiting(self, tmp_path, clock, nova, caplog):
        """Credentials are used when the first event is sent; their failure is Nova's failure."""
        caplog.set_level(logging.DEBUG)
        nova.stop()
        conf = configuration(
            tmp_path,
            f"[nova]\nauth_type = password\nauth_url = {nova.url}/v3\nusername = neutron\npassword = s3cret\n"
            "user_domain_name = Default\nproject_name = service\nproject_domain_name = Default\n",
        )
        notifier = notifier_from(conf, clock)
        notifier.notify([event()])

        assert notifier.step() == 1
        assert "s3cret" not in caplog.text
