"""Every fault of the simulator, as a plain HTTP client meets it."""

import json
import re
import threading
import time
from pathlib import Path

import pytest
import requests
from waiting import wait_for

from networking_nsx.simulator import Simulator
from networking_nsx.simulator.fault_table import CODES, FAULTS
from networking_nsx.simulator.malformed import VARIANTS

LOGIN = {"username": "admin", "password": "admin"}
PORTS = "/ws.v1/lswitch/*/lport"
FORM = {"fields": "uuid,tags", "relations": "LogicalPortStatus"}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "simulator.md"


@pytest.fixture(scope="module")
def running():
    with Simulator(nodes=2, seed=7, threads=6) as simulator:
        yield simulator


@pytest.fixture
def nsx(running):
    """An NSX of one network with ten ports, without faults."""
    running.faults.clear()
    running.populate(networks=1, ports=10)
    yield running
    running.faults.clear()


@pytest.fixture
def client(nsx):
    with requests.Session() as session:
        session.post(f"{nsx.urls[0]}/ws.v1/login", data=LOGIN, timeout=10)
        session.base = nsx.urls[0]
        yield session


def get(session, path=PORTS, timeout=10, **params):
    return session.get(session.base + path, params={**FORM, **params}, timeout=timeout, allow_redirects=False)


def uuids(answer):
    return [thing["uuid"] for thing in answer.json()["results"]]


def second_page(session):
    """Ask for the second of two pages."""
    return get(session, _page_length=5, _page_cursor=get(session, _page_length=5).json()["page_cursor"])


# Which requests are affected


def test_a_fault_affects_one_request_unless_told_otherwise(nsx, client):
    """The next matching request fails, the one after it does not; `fired` counts."""
    rule = nsx.faults.add("http-500")
    assert [get(client).status_code for _ in range(2)] == [500, 200]
    assert rule.fired == 1


def test_after_and_count(nsx, client):
    """`after` matching requests pass, then `count` are affected."""
    nsx.faults.add("http-500", match=PORTS, after=1, count=2)
    get(client, "/ws.v1/lswitch")
    assert [get(client).status_code for _ in range(4)] == [200, 500, 500, 200]


def test_no_count_means_until_cleared(nsx, client):
    """With a count of null a fault stays until it is cleared."""
    nsx.faults.add("http-503", count=None)
    assert {get(client).status_code for _ in range(5)} == {503}
    nsx.faults.clear()
    assert get(client).status_code == 200


def test_the_query_can_be_matched(nsx, client):
    """`query` is a part of the query as it was sent."""
    nsx.faults.add("http-500", query="LogicalSwitchStatus")
    assert get(client, "/ws.v1/lswitch").status_code == 200
    assert get(client, "/ws.v1/lswitch", relations="LogicalSwitchStatus").status_code == 500


def test_a_fault_can_be_one_nodes(nsx, client):
    """`node` restricts a fault to one node; the VIP is node 0."""
    nsx.faults.add("http-500", node=1, count=None)
    answers = [client.get(url + "/ws.v1/lswitch", timeout=10).status_code for url in (*nsx.urls, nsx.vip)]
    assert answers == [200, 500, 200]


@pytest.mark.parametrize(("match", "status"), [(None, 200), ("/ws.v1", 200), ("/ws.v1/login", 500)])
def test_a_login_must_be_matched_explicitly(nsx, match, status):
    """Faults leave logins alone unless `match` names them."""
    nsx.faults.add("http-500", **({"match": match} if match else {}))
    assert requests.post(f"{nsx.urls[0]}/ws.v1/login", data=LOGIN, timeout=10).status_code == status


def test_faults_combine(nsx, client):
    """A request meets every fault that is on; of two that refuse it, the first."""
    slow = nsx.faults.add("slow", seconds=0.1)
    first = nsx.faults.add("http-502")
    second = nsx.faults.add("reset", match=PORTS)
    began = time.monotonic()
    assert get(client).status_code == 502
    assert time.monotonic() - began >= 0.1
    assert (slow.fired, first.fired, second.fired) == (1, 1, 0)


def test_a_count_is_kept_by_many_clients_at_once(nsx):
    """Concurrent requests never use a fault more often than its count."""
    nsx.faults.add("http-500", count=7)
    answers = []

    def ask():
        with requests.Session() as session:
            answers.extend(session.get(nsx.urls[0] + PORTS, timeout=10).status_code for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(500) == 7


# Refusals


@pytest.mark.parametrize("code", CODES)
def test_http_errors(nsx, client, code):
    """`http-*` answers with the status, and a message and Retry-After if asked for."""
    rule = nsx.faults.add(f"http-{code}", message="read-only", retry_after=3)
    answer = get(client)
    assert (answer.status_code, answer.json()["message"]) == (code, "read-only")
    assert answer.headers["Retry-After"] == "3"
    assert rule.fired == 1


def test_http_401_leaves_the_session_alone(nsx, client):
    """The fault refuses one request; the cookie is still good."""
    nsx.faults.add("http-401")
    assert [get(client).status_code for _ in range(2)] == [401, 200]


def test_timeout(nsx, client):
    """The client waits in vain for its own time limit; the thread is free again soon after."""
    rule = nsx.faults.add("timeout", count=None)
    for _ in range(8):  # more than there are threads
        with pytest.raises(requests.ReadTimeout):
            get(client, timeout=0.05)
    wait_for(lambda: rule.fired == 8)
    nsx.faults.clear()
    assert get(client).status_code == 200


def test_timeout_ends(nsx, client):
    """After `seconds` the connection is reset without an answer."""
    nsx.faults.add("timeout", seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        get(client)


@pytest.mark.parametrize("tls", [False, True])
def test_reset(tls):
    """The connection ends without an answer, also below TLS."""
    with Simulator(tls=tls, threads=2) as simulator, requests.Session() as session:
        session.trust_env = False
        session.verify = simulator.ca_file or True
        rule = simulator.faults.add("reset")
        with pytest.raises(requests.ConnectionError, match=r"reset by peer|Connection aborted"):
            session.get(simulator.urls[0] + PORTS, timeout=10)
        assert session.get(simulator.urls[0] + PORTS, timeout=10).status_code == 401
        assert rule.fired == 1


def test_node_down(nsx, client):
    """A node that is down answers nobody, not even a login, until it is cleared; others go on."""
    rule = nsx.faults.add("node-down", node=0)
    for url in (nsx.urls[0], nsx.vip):
        with pytest.raises(requests.ConnectionError):
            client.get(url + PORTS, timeout=10)
        with pytest.raises(requests.ConnectionError):
            requests.post(f"{url}/ws.v1/login", data=LOGIN, timeout=10)
    assert requests.post(f"{nsx.urls[1]}/ws.v1/login", data=LOGIN, timeout=10).status_code == 200
    nsx.faults.clear()
    assert get(client).status_code == 200
    assert rule.fired == 4


@pytest.mark.parametrize("status", [301, 307])
def test_redirect(nsx, client, status):
    """The client is sent to the same path and query, on this node or another."""
    rule = nsx.faults.add("redirect", status=status)
    here = get(client, _page_length=3)
    nsx.faults.add("redirect", status=status, to_node=1)
    there = get(client, _page_length=3)
    target = here.request.path_url
    assert (here.status_code, here.headers["Location"]) == (status, target)
    assert (there.status_code, there.headers["Location"]) == (status, nsx.urls[1] + target)
    assert rule.fired == 1


def test_session_dropped(nsx, client):
    """All sessions of the node that is asked are forgotten, those of other nodes are not."""
    with requests.Session() as other:
        other.post(f"{nsx.urls[1]}/ws.v1/login", data=LOGIN, timeout=10)
        rule = nsx.faults.add("session-dropped")
        assert [get(client).status_code for _ in range(2)] == [401, 401]
        assert other.get(nsx.urls[1] + PORTS, timeout=10).status_code == 200
    assert rule.fired == 1


# Bytes and timing


def test_slow(nsx, client):
    """The answer comes as late as it is told to."""
    rule = nsx.faults.add("slow", seconds=1.2)
    began = time.monotonic()
    assert get(client).status_code == 200
    assert time.monotonic() - began >= 1.2  # where 1 is the default
    assert rule.fired == 1


def test_a_dribble(nsx, client):
    """With `bytes_per_second` the body comes little by little, and comes whole."""
    size = len(get(client).content)
    nsx.faults.add("slow", seconds=0, bytes_per_second=size)
    began = time.monotonic()
    assert len(uuids(get(client, timeout=0.7))) == 10  # no single piece is late
    assert time.monotonic() - began > 0.7


def test_nobody_waits_for_a_dribble(nsx, client):
    """A client that goes away in the middle ends the answer."""
    nsx.faults.add("slow", bytes_per_second=100, seconds=0)
    with client.get(nsx.urls[0] + PORTS, params=FORM, stream=True, timeout=10) as answer:
        next(answer.iter_content(1))
    assert get(client).status_code == 200


@pytest.mark.parametrize("tls", [False, True])
def test_truncate(tls):
    """The body ends at its half, although its whole length was declared."""
    with Simulator(tls=tls, threads=2) as simulator, requests.Session() as session:
        session.trust_env = False
        session.verify = simulator.ca_file or True
        rule = simulator.faults.add("truncate")
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            session.get(simulator.urls[0] + PORTS, timeout=10)
        assert session.get(simulator.urls[0] + PORTS, timeout=10).status_code == 401
        assert rule.fired == 1


def test_truncated_json(nsx, client):
    """With `declare: short` the length fits and only the JSON is cut."""
    rule = nsx.faults.add("truncate", declare="short")
    answer = get(client)
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert rule.fired == 1


@pytest.mark.parametrize("name", ["invalid-json", "empty-body"])
def test_bodies_that_are_no_json(nsx, client, name):
    """Status 200 with a body that cannot be decoded, or with none."""
    rule = nsx.faults.add(name)
    answer = get(client)
    assert answer.status_code == 200
    assert (answer.content == b"") == (name == "empty-body")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert rule.fired == 1


# Pages


def test_cursor_expired(nsx, client):
    """A cursor is answered as unknown; requests without one leave the fault armed."""
    rule = nsx.faults.add("cursor-expired")
    assert get(client).status_code == 200
    assert rule.fired == 0
    assert second_page(client).status_code == 404
    assert rule.fired == 1


def test_skip_object(nsx, client):
    """The object at `index` is left out; the next page goes on as if nothing was wrong."""
    everything = uuids(get(client))
    rule = nsx.faults.add("skip-object", index=2)
    assert uuids(get(client, _page_length=5)) == [*everything[:2], *everything[3:5]]
    assert rule.fired == 1


def test_skip_certain_objects(nsx, client):
    """With `ids` those are left out, wherever they are; a page without them leaves the fault armed."""
    item = nsx.inventory("port")[7]
    rule = nsx.faults.add("skip-object", ids=[item.neutron_id], count=None)
    assert len(uuids(get(client, _page_length=5))) == 5
    assert rule.fired == 0
    assert item.nsx_id not in uuids(second_page(client))
    assert get(client, f"/ws.v1/lswitch/{item.parent}/lport/{item.nsx_id}").status_code == 200


def test_repeat_object(nsx, client):
    """The last object of the page before comes again; a first page leaves the fault armed."""
    everything = uuids(get(client))
    rule = nsx.faults.add("repeat-object")
    assert uuids(second_page(client)) == everything[4:]
    assert rule.fired == 1


def test_wrong_total(nsx, client):
    """`result_count` is wrong by `by`."""
    rule = nsx.faults.add("wrong-total", by=-3)
    assert [get(client).json()["result_count"] for _ in range(2)] == [7, 10]
    assert rule.fired == 1


@pytest.mark.parametrize("cursor", ["keyed", "positional"])
def test_empty_page_with_cursor(cursor):
    """A page comes empty, and its cursor leads to the page that was asked for."""
    chosen = {"cursor": cursor, "networks": 1, "ports": 10, "threads": 2}
    with Simulator(**chosen) as simulator, requests.Session() as session:
        session.base = simulator.urls[0]
        session.post(f"{session.base}/ws.v1/login", data=LOGIN, timeout=10)
        everything = uuids(get(session))
        rule = simulator.faults.add("empty-page-with-cursor", count=2)
        seen, params = [], {}
        for _ in range(4):
            answer = get(session, _page_length=5, **params)
            seen.append(uuids(answer))
            params = {"_page_cursor": answer.json().get("page_cursor")}
    assert seen == [[], [], everything[:5], everything[5:]]
    assert rule.fired == 2


def flag(thing):
    return thing["_relations"]["LogicalPortStatus"]["fabric_status_up"]


def id_tags(thing):
    return [tag for tag in thing["tags"] if tag["scope"] == "q_port_id"]


SPOILED = {
    "no-tags": lambda thing: "tags" not in thing,
    "no-relation": lambda thing: "_relations" not in thing,
    "tag-without-value": lambda thing: "tag" not in id_tags(thing)[0],
    "unknown-word": lambda thing: flag(thing) == "SYNCING",
    "duplicate-tags": lambda thing: len({tag["tag"] for tag in id_tags(thing)}) == 2,
    "wrong-type": lambda thing: (thing["tags"], flag(thing)) == ("quantum", ["up"]),
    "null-flag": lambda thing: flag(thing) is None,
    "huge": lambda thing: len(thing["description"]) == 10_000_000,
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_malformed_object(nsx, client, variant):
    """Each variant spoils one object of a list in its way, and no other."""
    whole = get(client).json()["results"]
    rule = nsx.faults.add("malformed-object", variant=variant, index=3)
    things = get(client).json()["results"]
    assert SPOILED[variant](things[3])
    assert things[:3] + things[4:] == whole[:3] + whole[4:]
    assert rule.fired == 1


def test_malformed_single_reads(nsx, client):
    """A single read is spoiled as well; certain objects can be chosen; a switch has its own flag."""
    port, switch = nsx.inventory("port")[4], nsx.inventory("network")[0]
    rule = nsx.faults.add("malformed-object", variant="unknown-word", ids=[port.neutron_id], count=None)
    path = f"/ws.v1/lswitch/{port.parent}/lport/{port.nsx_id}"
    assert flag(get(client, path).json()) == "SYNCING"
    assert get(client, f"/ws.v1/lswitch/{switch.nsx_id}/status").json()["fabric_status"] is True
    assert rule.fired == 1
    nsx.faults.add("malformed-object", variant="null-flag")
    assert get(client, f"/ws.v1/lswitch/{switch.nsx_id}/status").json()["fabric_status"] is None


def test_what_cannot_be_spoiled_leaves_the_fault_armed(nsx, client):
    """An object without tags cannot lose them."""
    rule = nsx.faults.add("malformed-object", variant="no-tags")
    get(client, fields="uuid")
    assert (rule.seen, rule.fired) == (1, 0)


# The inventory


def test_inventory_lost(nsx, client):
    """NSX answers as if it were empty, and that is the truth as long as it lasts."""
    port = nsx.inventory("port")[0]
    rule = nsx.faults.add("inventory-lost")
    assert nsx.inventory() == []
    assert get(client).json() == {"results": [], "result_count": 0}
    for path in ("", "/status"):
        assert get(client, f"/ws.v1/lswitch/{port.parent}/lport/{port.nsx_id}{path}").status_code == 404
    assert get(client, f"/ws.v1/lswitch/{port.parent}/lport").status_code == 404
    assert rule.fired == 4
    nsx.faults.clear()
    assert len(uuids(get(client))) == len(nsx.inventory("port")) == 10


def test_inventory_lost_for_a_while(nsx, client):
    """With a count the objects are back after so many answers."""
    nsx.faults.add("inventory-lost", after=1, count=2)
    assert [len(uuids(get(client))) for _ in range(4)] == [10, 0, 0, 10]
    assert len(nsx.inventory("port")) == 10


def test_inventory_restored(nsx, client):
    """Objects and statuses are those of the last populate again."""
    before = nsx.inventory()
    nsx.set_status("port", "down", fraction=0.5)
    nsx.delete("port", fraction=0.3)
    nsx.create("port", count=2)
    rule = nsx.faults.add("inventory-restored")
    assert uuids(get(client)) == [item.nsx_id for item in before if item.kind == "port"]
    assert nsx.inventory() == before
    assert rule.fired == 1


def test_act(nsx, client):
    """A control operation happens just before an answer."""
    rule = nsx.faults.add("act", after=1, action={"delete": {"kind": "port", "fraction": 0.5}})
    assert [len(uuids(get(client))) for _ in range(2)] == [10, 5]
    assert rule.fired == 1


def test_a_callback_between_two_pages(nsx, client):
    """Python is called just before request number `after` of those that match is answered."""
    gone = nsx.inventory("port")[9]
    rule = nsx.before(PORTS, 1, lambda: nsx.delete("port", [gone.nsx_id]))
    get(client, "/ws.v1/lswitch")
    assert gone.nsx_id in uuids(get(client))
    assert gone.nsx_id not in uuids(get(client))
    assert rule.fired == 1


def test_a_callback_that_fails_shows(nsx, client, caplog):
    """A mistake in a callback is an answer of 500 that says so."""
    nsx.before(PORTS, 0, lambda: 1 / 0)
    answer = get(client)
    assert (answer.status_code, "ZeroDivisionError" in answer.json()["message"]) == (500, True)


def test_a_stop_ends_what_hangs(client):
    """Answers that are held back do not hold up the end of the server."""
    with Simulator(threads=2) as simulator:
        simulator.faults.add("timeout")

        def hang():
            with pytest.raises(requests.ConnectionError):
                requests.get(simulator.urls[0] + PORTS, timeout=20)

        thread = threading.Thread(target=hang)
        thread.start()
        while not simulator.requests.summary()["total"]:
            time.sleep(0.01)
        began = time.monotonic()
    thread.join()
    assert time.monotonic() - began < 10  # of the twenty that they would wait


# The table


def documented():
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    return {name: cells for name, cells in rows if name in FAULTS or "MH" in cells}


def test_every_fault_is_documented():
    """The reference page has a row per fault, with each parameter and the APIs it applies to."""
    rows = documented()
    assert set(rows) == set(FAULTS)
    for name, behaviour in FAULTS.items():
        apis = rows[name].split("|")[0].strip()
        assert apis == {("mh", "policy"): "MH, Policy", ("policy",): "Policy"}[behaviour.apis]
        assert [key for key in behaviour.parameters if f"`{key}`" not in rows[name]] == []


def test_every_variant_is_documented():
    """The page names every variant of a malformed object."""
    assert [name for name in VARIANTS if f"`{name}`" not in PAGE.read_text()] == []


def test_every_fault_is_tested():
    """Every fault that NSX-MH has is armed by its name in this file."""
    text = Path(__file__).read_text()
    armed = {f"http-{code}" for code in CODES} | {name for name in FAULTS if json.dumps(name) in text}
    assert armed == {name for name, behaviour in FAULTS.items() if "mh" in behaviour.apis}
