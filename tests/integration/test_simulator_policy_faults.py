"""The simulator's faults on the Policy API: each fires, and does what its page says."""

import json
from pathlib import Path

import pytest
import requests
from clocks import Ticker
from policy_http import CREATE, POLICY, POLICY_SEARCH, SEARCH, Client, code, logged_in
from waiting import wait_for

from networking_nsx.simulator import Refused, Simulator
from networking_nsx.simulator.fault_table import CODES, FAULTS
from networking_nsx.simulator.malformed import VARIANTS

ASKED = "/api/v1/node/version"
SEGMENTS = f"{POLICY}/segments"
PORTS = "resource_type:LogicalPort"


@pytest.fixture
def nsx():
    with Simulator(api="policy", nodes=2, seed=7, threads=4, client_rate_limit=0) as simulator:
        simulator.populate(networks=3, ports=20, routers=2)
        yield simulator


@pytest.fixture
def client(nsx):
    with logged_in(nsx.urls[0]) as session:
        yield session


def ids(hits):
    return [hit["id"] for hit in hits]


def statuses(client):
    return {hit["id"]: hit["status"]["status"] for hit in client.hits(PORTS)}


def scopes(shape):
    return {tag["scope"]: tag["tag"] for tag in shape.get("tags", [])}


# Those that all APIs have


@pytest.mark.parametrize("status", CODES)
def test_every_code_has_a_body_of_nsx(nsx, client, status):
    """It has NSX's own code; those of the proxy have no `httpStatus`."""
    rule = nsx.faults.add(f"http-{status}")
    answer = client.get(SEGMENTS)
    assert answer.status_code == status
    assert {"module_name", "error_message", "error_code"} <= set(answer.json())
    assert ("httpStatus" in answer.json()) == (status not in (401, 403, 429, 502, 503, 504))
    assert (rule.fired, client.get(SEGMENTS).status_code) == (1, 200)


def test_a_code_of_nsx_can_be_chosen(nsx, client):
    """As the outer one, or as that of a related error only."""
    nsx.faults.add("http-500", code=607, message="Transaction aborted", retry_after=3)
    outer = client.get(SEGMENTS)
    nsx.faults.add("http-400", related=60576)
    inner = client.get(SEGMENTS).json()
    assert (outer.json()["error_code"], outer.json()["error_message"]) == (607, "Transaction aborted")
    assert outer.headers["Retry-After"] == "3"
    assert (inner["error_code"], inner["related_errors"][0]["error_code"]) == (255, 60576)


def test_429_has_the_words_of_the_limit(nsx, client):
    """With its code as text."""
    nsx.faults.add("http-429")
    assert client.get(SEGMENTS).json() == {
        "module_name": "common-services",
        "error_message": "Client 'admin' exceeded request rate of 100 per second",
        "error_code": "102",
    }


@pytest.mark.parametrize("fault", ["reset", "node-down"])
def test_a_connection_can_be_reset(nsx, client, fault):
    """Instead of an answer."""
    rule = nsx.faults.add(fault, count=1)
    with pytest.raises(requests.ConnectionError):
        client.get(SEGMENTS)
    assert rule.fired == 1


def test_a_node_can_be_down(nsx, client):
    """Logins included; the other one goes on."""
    nsx.faults.add("node-down", node=0)
    with pytest.raises(requests.ConnectionError):
        Client(nsx.urls[0]).login()
    assert Client(nsx.urls[1]).login().status_code == 200


@pytest.mark.parametrize(("fault", "body"), [("empty-body", b""), ("invalid-json", None)])
def test_a_body_can_be_wrong(nsx, client, fault, body):
    """With a status as usual."""
    nsx.faults.add(fault)
    answer = client.get(SEGMENTS)
    assert answer.status_code == 200
    assert body is None or answer.content == body
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_body_can_end_early(nsx, client):
    """At its half."""
    nsx.faults.add("truncate", declare="short")
    with pytest.raises(requests.JSONDecodeError):
        client.get(SEGMENTS).json()


@pytest.mark.parametrize(("fault", "parameters"), [("slow", {"seconds": 3}), ("timeout", {})])
def test_an_answer_can_be_late(nsx, client, fault, parameters):
    """Or never come."""
    rule = nsx.faults.add(fault, **parameters)
    with pytest.raises(requests.Timeout):
        client.get(SEGMENTS, timeout=0.3)
    wait_for(lambda: rule.fired == 1)


def test_a_client_can_be_sent_elsewhere(nsx, client):
    """To another node, with path and query."""
    nsx.faults.add("redirect", to_node=1)
    answer = client.get(SEGMENTS, params={"page_size": 1}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (
        307,
        f"{nsx.urls[1]}{SEGMENTS}?page_size=1",
    )


def test_a_list_cursor_can_expire(nsx, client):
    """It is answered with 400, once it is sent."""
    rule = nsx.faults.add("cursor-expired")
    cursor = client.json(SEGMENTS, page_size=1)["cursor"]
    assert code(client.get(SEGMENTS, params={"page_size": 1, "cursor": cursor})) == (400, 255)
    assert rule.fired == 1


@pytest.mark.parametrize(
    ("path", "params"),
    [(SEGMENTS, {}), (f"{SEGMENTS}/state", {}), (SEARCH, {"query": "resource_type:LogicalSwitch"})],
)
def test_an_object_can_be_missing_from_a_page(nsx, client, path, params):
    """The number of all is as if it was there; in lists, in those without pages, and in search."""
    nsx.faults.add("skip-object", index=1)
    page = client.json(path, **params)
    assert (len(page["results"]), page["result_count"]) == (2, 3)


def test_an_object_can_come_twice(nsx, client):
    """The last of a page again as the first of the next."""
    nsx.faults.add("repeat-object", count=2)
    cursor = client.json(SEGMENTS, page_size=1)["cursor"]
    first, again = (client.json(SEARCH, query=PORTS, page_size=2, cursor=at) for at in (0, 2))
    assert ids(again["results"])[0] == ids(first["results"])[-1]
    assert len(client.json(SEGMENTS, page_size=1, cursor=cursor)["results"]) == 2


def test_a_total_can_be_wrong(nsx, client):
    """In lists and in search."""
    nsx.faults.add("wrong-total", by=5, count=2)
    assert client.json(SEGMENTS)["result_count"] == 8
    assert client.json(SEARCH, query=PORTS)["result_count"] == 25


def test_a_page_can_be_empty_and_lead_to_itself(nsx, client):
    """In lists and in search."""
    nsx.faults.add("empty-page-with-cursor", count=2)
    listed = client.json(SEGMENTS, page_size=2)
    found = client.json(SEARCH, query=PORTS, page_size=2, cursor=4)
    assert (listed["results"], found["results"], found["cursor"]) == ([], [], "4")
    assert len(client.json(SEGMENTS, page_size=2, cursor=listed["cursor"])["results"]) == 2


SPOILT = {
    "no-tags": lambda hit: "tags" not in hit,
    "no-relation": lambda hit: "status" not in hit,
    "tag-without-value": lambda hit: any("tag" not in tag for tag in hit["tags"]),
    "unknown-word": lambda hit: hit["status"]["status"] == "SYNCING",
    "duplicate-tags": lambda hit: [tag["scope"] for tag in hit["tags"]].count("os-neutron-port-id") == 2,
    "wrong-type": lambda hit: (hit["tags"], hit["status"]["status"]) == ("quantum", ["up"]),
    "null-flag": lambda hit: hit["status"]["status"] is None,
    "huge": lambda hit: len(hit.get("description", "")) == 10_000_000,
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_object_can_be_malformed(nsx, client, variant):
    """Each variant spoils one hit, and only that."""
    nsx.faults.add("malformed-object", variant=variant, index=2)
    spoilt = [SPOILT[variant](hit) for hit in client.hits(PORTS, page_size=4)]
    assert spoilt == [False, False, True, False]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("{segments}/{network}/state", ("state",)),
        ("/api/v1/logical-ports/{port}/status", ("status",)),
        ("{tiers}/{router}/state", ("tier1_state", "state")),
    ],
)
def test_a_status_can_be_a_word_that_nobody_knows(nsx, client, path, word):
    """In single reads as well."""
    nsx.faults.add("malformed-object", variant="unknown-word")
    told = client.json(
        path.format(
            segments=SEGMENTS,
            tiers=f"{POLICY}/tier-1s",
            network=nsx.inventory("network")[0].neutron_id,
            router=nsx.inventory("router")[0].neutron_id,
            port=nsx.inventory("port")[0].nsx_id,
        )
    )
    for key in word:
        told = told[key]
    assert told == "SYNCING"


def test_sessions_can_be_dropped(nsx, client):
    """The node forgets them; a new login helps."""
    nsx.faults.add("session-dropped")
    assert code(client.get(SEGMENTS)) == (403, 98)
    client.login()
    assert client.get(SEGMENTS).status_code == 200


def test_the_inventory_can_be_lost(nsx, client):
    """Lists, reads and search answer as if NSX were empty."""
    segment = nsx.inventory("network")[0].neutron_id
    nsx.faults.add("inventory-lost")
    assert client.json(SEGMENTS)["results"] == []
    assert client.json(f"{SEGMENTS}/state")["results"] == []
    assert client.json("/api/v1/logical-ports/status")["total_ports"] == 0
    assert client.hits(PORTS) == []
    assert code(client.get(f"{SEGMENTS}/{segment}")) == (404, 600)


def test_the_inventory_can_be_restored(nsx, client):
    """What was deleted since the populate is back, in search too."""
    nsx.delete("port")
    assert client.hits(PORTS) == []
    nsx.faults.add("inventory-restored", match=SEARCH)
    assert len(client.hits(PORTS)) == 20


def test_an_operation_can_be_done_in_the_midst(nsx, client):
    """A search whose second page comes after a deletion misses as many hits."""
    first = truth = ids(client.hits(PORTS))
    nsx.faults.add(
        "act", match=SEARCH, query="cursor=10", action={"delete": {"kind": "port", "ids": truth[:2]}}
    )
    walked = ids(client.every_hit(PORTS, 10))
    assert (len(walked), set(first) - set(walked)) == (18, set(truth[10:12]))


# Those of the search


def test_search_can_lag(nsx, client):
    """It shows what was so many seconds ago, of a share of the objects, until it is cleared."""
    rule = nsx.faults.add("index-lag", seconds=60, fraction=0.5, seed=3)
    (new,) = nsx.create("port")
    down = nsx.set_status("port", "down")
    seen = statuses(client)
    late = [nsx_id for nsx_id, status in seen.items() if status == "UP"]
    direct = client.json(f"/api/v1/logical-ports/{late[0]}/status")["status"]
    assert (0 < len(late) < len(down), direct, rule.fired) == (True, "DOWN", 1)
    nsx.faults.clear()
    assert set(statuses(client).values()) == {"DOWN"}
    assert len(statuses(client)) == 21
    assert new in down


def test_search_can_lag_behind_what_it_has_shown(nsx, client):
    """A change that was seen is taken back, a deleted object is back, a new one is not there yet."""
    down, gone = nsx.inventory("port")[:2]
    nsx.set_status("port", "down", [down.nsx_id])
    nsx.delete("port", [gone.nsx_id])
    nsx.create("port")
    before = {item.nsx_id: "UP" for item in nsx.inventory("port") if item.number < 20} | {gone.nsx_id: "UP"}
    assert statuses(client)[down.nsx_id] == "DOWN"
    nsx.faults.add("index-lag", seconds=60)
    assert statuses(client) == before


def test_a_lag_ends_by_itself():
    """An object is as it was so long ago, and not longer."""
    clock = Ticker()
    with (
        Simulator(api="policy", clock=clock, networks=1, ports=3, threads=2) as nsx,
        logged_in(nsx.urls[0]) as client,
    ):
        nsx.faults.add("index-lag", seconds=60)
        nsx.set_status("port", "down")
        seen = []
        for _ in range(2):
            clock.wait(30)
            seen.append(set(statuses(client).values()))
    assert seen == [{"UP"}, {"DOWN"}]


def test_search_can_lack_objects(nsx, client):
    """The same ones each time, and their number says nothing of it; direct reads know them."""
    rule = nsx.faults.add("index-drop", fraction=0.3, seed=5)
    page, again = client.json(SEARCH, query=PORTS), client.json(SEARCH, query=PORTS)
    lacking = {item.nsx_id for item in nsx.inventory("port")} - set(ids(page["results"]))
    assert (0 < len(lacking) < 20, page == again) == (True, True)
    assert (page["result_count"], rule.fired) == (20 - len(lacking), 2)
    assert client.get(f"/api/v1/logical-ports/{lacking.pop()}").status_code == 200
    nsx.faults.clear()
    assert len(client.hits(PORTS)) == 20


@pytest.mark.parametrize(
    ("fault", "number"),
    [("index-rebuilding", 60508), ("search-timeout", 60514), ("index-out-of-sync", 60515)],
)
def test_search_can_refuse(nsx, client, fault, number):
    """Every search does; nothing else does."""
    rule = nsx.faults.add(fault, count=3)
    assert client.get(SEGMENTS).status_code == 200
    for path in (SEARCH, POLICY_SEARCH, "/policy/api/v1/search"):
        assert code(client.get(path, params={"query": PORTS})) == (400, number)
    assert (rule.fired, len(client.hits(PORTS))) == (3, 20)


# Those of the cluster and its accounts


def test_the_vip_can_move(nsx):
    """From then on it leads to another node, which does not know the sessions of the first."""
    with logged_in(nsx.vip) as client:
        assert client.get(ASKED).status_code == 200
        rule = nsx.faults.add("vip-moved", to_node=1)
        assert code(client.get(ASKED)) == (403, 98)
        client.login()
        assert (client.json("/api/v1/node")["hostname"], rule.fired) == ("manager-1", 1)
        nsx.faults.clear()
        assert client.json("/api/v1/node")["hostname"] == "manager-1"


def test_the_password_can_change(nsx, client):
    """Sessions end, and only the new one is right, until that is cleared."""
    rule = nsx.faults.add("password-changed", password="new")
    assert code(client.get(ASKED)) == (403, 98)
    assert code(client.login()) == (403, 403)
    assert client.login(j_password="new").status_code == 200
    assert (client.get(ASKED).status_code, rule.fired) == (200, 4)
    nsx.faults.clear()
    assert code(client.get(ASKED)) == (403, 98)
    assert client.login().status_code == 200


def test_the_licence_can_expire(nsx, client):
    """Everything but a login answers so."""
    rule = nsx.faults.add("licence-expired")
    assert code(client.get(SEGMENTS)) == (403, 505)
    assert (client.login().status_code, code(client.get(SEGMENTS)), rule.fired) == (200, (403, 505), 2)


# Those of objects


@pytest.mark.parametrize("variant", ["removed", "other-id", "other-deployment"])
def test_tags_can_be_tampered_with(nsx, client, variant):
    """In lists, reads and search; what is not tampered with stays, and all heals when it is cleared."""
    port, other = nsx.inventory("port")[:2]
    path = f"{SEGMENTS}/{port.network_id}/ports"
    before = scopes(client.json(f"{path}/{port.neutron_id}"))
    rule = nsx.faults.add("tag-tampered", ids=[port.neutron_id], variant=variant)
    read = scopes(client.json(f"{path}/{port.neutron_id}"))
    listed = {one["unique_id"]: scopes(one) for one in client.json(path)["results"]}[port.nsx_id]
    manager = scopes(client.json(f"/api/v1/logical-ports/{port.nsx_id}"))
    hits = {hit["id"]: scopes(hit) for hit in client.hits(PORTS)}
    policy_hits = {hit["id"]: scopes(hit) for hit in client.hits("*:*", path=POLICY_SEARCH)}
    expected = {
        "removed": {},
        "other-id": {**before, "os-neutron-port-id": read.get("os-neutron-port-id")},
        "other-deployment": {**before, "os-deployment-id": "somebody-else"},
    }[variant]
    assert (read, read != before) == (expected, True)
    assert listed == policy_hits[port.neutron_id] == read
    assert hits[port.nsx_id] == manager == {**read, "policyPath": manager["policyPath"]}
    assert hits[other.nsx_id]["os-neutron-port-id"] == other.neutron_id
    assert rule.fired == 5
    nsx.faults.clear()
    assert scopes(client.json(f"{path}/{port.neutron_id}")) == before
    assert len(client.hits(f"{PORTS} AND tags.scope:os\\-neutron\\-port\\-id")) == 20


def test_a_tampered_tag_is_not_found_by_its_old_value(nsx, client):
    """Search knows the tags that an object has now."""
    port = nsx.inventory("port")[0]
    query = f'tags.tag:"{port.neutron_id}"'
    assert ids(client.hits(query)) == [port.nsx_id]
    nsx.faults.add("tag-tampered", ids=[port.nsx_id], variant="other-id")
    assert client.hits(query) == []


def test_a_fraction_of_the_tags(nsx, client):
    """The same ones for the same seed."""
    nsx.faults.add("tag-tampered", fraction=0.5, seed=1)
    tampered = [hit["id"] for hit in client.hits(PORTS) if set(scopes(hit)) == {"policyPath"}]
    assert 0 < len(tampered) < 20


def test_a_port_can_have_a_duplicate(nsx, client):
    """A second object with the same attachment, which is down; it goes when the fault is cleared."""
    port = nsx.inventory("port")[0]
    rule = nsx.faults.add("duplicate-port", ids=[port.neutron_id])
    hits = client.hits(f'{PORTS} AND attachment.id:"{port.neutron_id}"')
    policy = client.hits(
        f'resource_type:SegmentPort AND attachment.id:"{port.neutron_id}"', path=POLICY_SEARCH
    )
    assert {hit["id"]: hit["status"]["status"] for hit in hits} == {
        port.nsx_id: "UP",
        next(hit["id"] for hit in hits if hit["id"] != port.nsx_id): "DOWN",
    }
    assert {hit["unique_id"] for hit in policy} == set(ids(hits))
    assert (len(nsx.inventory("port")), rule.fired) == (21, 2)
    nsx.faults.clear()
    assert (len(nsx.inventory("port")), ids(client.hits(PORTS))) == (
        20,
        [item.nsx_id for item in nsx.inventory("port")],
    )


def test_what_is_populated_later_is_affected_too(nsx, client):
    """As long as the fault stands."""
    nsx.faults.add("duplicate-port", fraction=1)
    assert len(client.hits(PORTS)) == 40
    nsx.populate(networks=1, ports=5)
    assert len(client.hits(PORTS)) == 10


def test_faults_of_policy_leave_mh_alone():
    """They neither fire nor count there."""
    with Simulator(api="both", threads=2) as nsx:
        rule = nsx.faults.add("licence-expired")
        login = {"username": "admin", "password": "admin"}
        answer = requests.post(nsx.urls[0] + "/ws.v1/login", data=login, timeout=10)
        cookies = {"nvp_sessionid": answer.cookies["nvp_sessionid"]}
        listed = requests.get(nsx.urls[0] + "/ws.v1/lswitch", cookies=cookies, timeout=10)
    assert (listed.status_code, rule.seen) == (200, 0)


def test_a_login_is_affected_if_it_is_meant(nsx):
    """By a fault whose `match` names it, and by no other."""
    nsx.faults.add("http-503", match="/")
    assert Client(nsx.urls[0]).login().status_code == 200
    nsx.faults.clear()
    nsx.faults.add("http-503", match=CREATE)
    assert Client(nsx.urls[0]).login().status_code == 503


@pytest.mark.parametrize(
    "asked",
    [
        {"fault": "tag-tampered", "variant": "huge"},
        {"fault": "index-drop", "fraction": 2},
    ],
)
def test_a_fault_that_cannot_be_is_refused(nsx, asked):
    """And nothing is armed."""
    with pytest.raises(Refused):
        nsx.faults.add(**asked)
    assert nsx.faults.summary() == []


def test_every_policy_fault_is_tested():
    """Every fault is armed by its name in this file."""
    text = Path(__file__).read_text()
    armed = {f"http-{number}" for number in CODES} | {name for name in FAULTS if json.dumps(name) in text}
    assert armed == set(FAULTS)
