"""What made the original slow, heavy or fragile does not happen here, where no other test shows it.

Each test names the defect by its number in docs/explanation/seed-parity.md.
"""

import io
import json
import pickle
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import sqlalchemy as sa
import urllib3
from cloud import Cloud, Ear, HandClock, change, port_key
from line import Follower, Line, settled
from worlds import Heart, World

from networking_nsx import assemble
from networking_nsx.clock import SystemClock
from networking_nsx.config import load
from networking_nsx.model import Health, Kind, Status
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.writing import BATCH
from networking_nsx.nsx.codec_mh import page_from
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.mh import MhLogin, MhSource
from networking_nsx.nsx.reader_mh import Generation
from networking_nsx.simulator import Simulator

CLOCK = SystemClock(threading.Event())


@pytest.mark.parametrize("ports", [5, 750, 1200])
def test_every_sweep_reads_everything_whatever_the_number_of_objects(sqlite, ports):
    """Defect 24: unless the chunks divided them exactly, NSX was never asked again after the first cycle."""
    with Simulator(networks=1, ports=ports, routers=1) as sim, Line(sqlite, sim) as line:
        follower = Follower()
        line.run(follower, lambda: len(follower.summaries) >= 4)

    assert [summary.counts["observed"] for summary in follower.summaries] == [ports + 2] * 4


def statements(engine: sa.Engine, act: Callable[[], object]) -> list[tuple[str, int]]:
    """What the database is asked meanwhile, each with the number of its parameters."""
    asked: list[tuple[str, int]] = []

    def note(*told: Any) -> None:
        asked.append((told[2], len(told[3])))

    sa.event.listen(engine, "before_cursor_execute", note)
    act()
    sa.event.remove(engine, "before_cursor_execute", note)
    return asked


def test_many_ports_take_no_more_statements_than_few(sqlite):
    """Defect 37: without an external network, each port asked the database whether there is one."""
    with Simulator(networks=2, ports=4) as sim, settled(sqlite, sim) as line:
        few = statements(line.engine, line.sweep)
        sim.create("port", count=60)
        line.add_rows()
        line.clock.sleep(700)
        line.sweep()
        many = statements(line.engine, line.sweep)

    assert len(many) == len(few) > 0


def test_no_statement_names_more_rows_than_a_batch(sqlite):
    """Defect 38: one statement named all rows of a chunk, thousands of them."""
    cloud = Cloud(sqlite)
    network_id = cloud.network()
    ids = [f"p{i}" for i in range(2 * BATCH + 1)]
    cloud.populate({"kind": "port", "neutron_id": port_id, "network_id": network_id} for port_id in ids)
    store = cloud.store(Scope(), Ear(), HandClock())

    def read_and_write():
        rows = store.rows([port_key(port_id) for port_id in ids])
        store.write([change(row, Status.ACTIVE) for row in rows])

    longest = max(parameters for _, parameters in statements(sqlite, read_and_write))
    assert BATCH <= longest < BATCH + 20


@pytest.mark.parametrize("kind", Kind)
def test_a_punctual_read_leaves_the_next_sweep_nothing_to_do(sqlite, kind):
    """Defect 40: the object of a direct read looked different from the listed one, hence changed."""
    with Simulator(networks=2, ports=4, routers=1) as sim, settled(sqlite, sim) as line:
        quiet, before = statements(line.engine, line.sweep), line.rows()
        line.synchronize(kind, sim.inventory(kind)[0].neutron_id)
        after = statements(line.engine, line.sweep)

        assert after == quiet
        assert line.rows() == before


def test_nothing_is_kept_of_an_object_but_what_is_read():
    """Defect 41: each object was kept whole, and once more as it was before."""
    port = {
        "uuid": "p1",
        "display_name": "a name",
        "tags": [{"scope": "q_port_id", "tag": "n1"}, {"scope": "os_tid", "tag": "a tenant"}],
        "_relations": {"LogicalPortStatus": {"fabric_status_up": True, "lswitch": {"uuid": "a switch"}}},
    }
    kept = pickle.dumps(page_from(Kind.PORT, json.dumps({"results": [port]}).encode(), 5.0))

    assert b"n1" in kept
    assert [word for word in (b"a name", b"a tenant", b"a switch") if word in kept] == []


def test_what_is_remembered_does_not_grow_with_the_sweeps():
    """Defect 41: nothing that was once seen was ever forgotten."""
    world = World(network=3, router=2, port=50)
    heart = Heart(world)
    sizes = []
    for sweep in range(12):
        world.vanish(Kind.PORT, 1)
        world.neutron.pop(next(key for key in world.neutron if key.kind is Kind.PORT))
        world.add(Kind.PORT, f"new-{sweep:05}")
        heart.sweep()
        sizes.append(len(pickle.dumps((heart.ledger, heart.brake))))

    assert sizes[-1] <= sizes[1]


def test_nothing_is_remembered_of_rows_that_were_deleted_while_in_doubt():
    """Networks that failed: users delete them after one look, or once they are ERROR."""
    world = World(network=3)
    heart = Heart(world)
    sizes = []
    for sweep in range(12):
        key = world.add(Kind.NETWORK, f"new-{sweep:05}", health=Health.FAILED)
        heart.sweep(1 + sweep % 3)
        del world.neutron[key], world.nsx[Kind.NETWORK][f"/network/{key.id}"]
        heart.sweep()
        sizes.append(len(pickle.dumps((heart.ledger, heart.brake))))

    assert sizes[-1] <= sizes[1]


def test_a_sweep_that_finds_nothing_names_no_object_in_the_log(sqlite, caplog):
    """Defect 41: a line for each object and cycle, also when nothing had changed."""
    with Simulator(networks=2, ports=40, routers=1) as sim, settled(sqlite, sim) as line:
        caplog.clear()
        caplog.set_level("DEBUG")
        line.sweep()

        told = {item.neutron_id for item in sim.inventory()} | {item.nsx_id for item in sim.inventory()}
        assert [name for name in told if name in caplog.text] == []


@pytest.mark.parametrize("opened", [assemble.reader, assemble.writer])
def test_what_is_assembled_has_not_begun(sqlite, tmp_path, opened):
    """Defect 44: the loop began in a constructor, before the process forked."""
    file = tmp_path / "neutron.conf"
    with Simulator(networks=1) as sim:
        managers = ",".join(sim.urls)
        file.write_text(
            "[DEFAULT]\nnotify_nova_on_port_status_changes = false\n"
            f"[database]\nconnection = {sqlite.url}\n[nsx]\nmanagers = {managers}\npassword = admin\n"
        )
        before = set(threading.enumerate())
        with opened(load([str(file)]), threading.Event()) as parts:
            assert parts.settings.managers == tuple(sim.urls)
            assert set(threading.enumerate()) <= before
        assert sim.requests.summary()["total"] == 0


def open_transactions(line: Line) -> list[int]:
    """How many are open now, in a list of one."""
    count = [0]

    def begun(_connection):
        count[0] += 1

    def ended(_connection):
        count[0] -= 1

    for name, listener in (("begin", begun), ("commit", ended), ("rollback", ended)):
        sa.event.listen(line.engine, name, listener)
    return count


def test_no_transaction_is_open_while_nsx_is_asked(sqlite):
    """Defect 45: a show asked NSX inside the transaction that had read the row: locks, and deadlocks."""
    with Simulator(networks=3, ports=12, routers=2) as sim, settled(sqlite, sim) as line:
        count, met = open_transactions(line), []
        sim.before("/ws.v1/", 0, lambda: met.append(count[0]), count=None)
        port, router = sim.inventory("port")[0], sim.inventory("router")[0]
        sim.set_status("port", "down", [port.neutron_id])
        line.synchronize("port", port.neutron_id)
        punctual = len(met)
        sim.set_status("network", "down")
        sim.delete("router", [router.neutron_id])
        line.sweep(3)
        found = line.statuses()

    assert found["port", port.neutron_id] == "DOWN"
    assert found["router", router.neutron_id] == "ERROR"
    assert len(met) > punctual > 0
    assert set(met) == {0}


class Script(requests.adapters.BaseAdapter):
    """Answers from a list instead of a network, and keeps what it was asked."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[requests.PreparedRequest] = []

    def send(self, request, **_how):
        self.asked.append(request)
        status, headers, body = self.answers.pop(0)
        raw = urllib3.HTTPResponse(io.BytesIO(body), headers, status, preload_content=False)
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self):
        """Nothing is open."""


def scripted(nodes: list[str], *answers: tuple[int, dict[str, str], bytes]) -> tuple[Script, Client]:
    script = Script(*answers)
    return script, Client(nodes, MhLogin("admin", "admin"), HttpSettings(retries=0), CLOCK, script)


def session(cookie: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Set-Cookie": f"{cookie}; Path=/"}, b""


def test_a_redirect_without_a_port_leads_to_the_manager_at_the_default_one():
    """Defect 51: its connections belonged to nobody, and it might be asked without a session."""
    nodes = ["https://nsx-a:443", "https://nsx-b:443"]
    moved = (307, {"Location": "https://nsx-b/ws.v1/lswitch"}, b"")
    answer = (200, {}, b"{}")
    script, client = scripted(nodes, session("a=1"), moved, session("b=2"), answer, answer)
    with client:
        assert [client.get("/ws.v1/lswitch").node for _ in range(2)] == [nodes[1]] * 2

    told = [(urlsplit(one.url).hostname, one.method, one.headers.get("Cookie")) for one in script.asked]
    assert told == [
        ("nsx-a", "POST", None),
        ("nsx-a", "GET", "a=1"),
        ("nsx-b", "POST", None),
        ("nsx-b", "GET", "b=2"),
        ("nsx-b", "GET", "b=2"),
    ]


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_headers_are_found_however_they_are_spelled(spell):
    """Defect 52: Python 3 keeps their case, and the version of NSX was not found any more."""
    login = (200, {spell("Set-Cookie"): "a=1"}, b"")
    page = (200, {spell("X-Nvp-Config-Generation"): "7"}, b'{"results": []}')
    script, client = scripted(["http://localhost"], login, page, page)
    with client:
        source = MhSource(client, CLOCK, Generation(CLOCK))
        source.page(Kind.PORT, None, 10)
        source.page(Kind.PORT, None, 10)

    assert script.asked[-1].headers["Cookie"] == "a=1"
    assert script.asked[-1].headers["X-Nvp-Wait-For-Config-Generation"] == "7"


def test_what_is_asked_for_is_encoded():
    """Defect 54: values went into the URL as they were."""
    wanted = [("fields", "uuid,tags"), ("tag", "a&b=c d/+#%?\u00fc"), ("tag_scope", "q port")]
    script, client = scripted(["http://localhost"], session("a=1"), (200, {}, b"{}"))
    with client:
        client.get("/ws.v1/lswitch", wanted)

    url = urlsplit(script.asked[-1].url)
    assert url.path == "/ws.v1/lswitch"
    assert parse_qsl(url.query, strict_parsing=True) == wanted
    assert url.fragment == ""
