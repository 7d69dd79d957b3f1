"""The simulator's Policy and Manager APIs: objects, lists in pages, and what the statuses are called."""

import time

import pytest
import requests
from clocks import Ticker
from policy_http import POLICY, code, logged_in, path_of

from networking_nsx.simulator import Simulator
from networking_nsx.simulator.population import STATUSES

PORTS = "/api/v1/logical-ports"


@pytest.fixture
def nsx():
    limits = {"client_rate_limit": 0}
    with Simulator(api="policy", seed=7, threads=4, **limits) as simulator:
        simulator.populate(networks=3, ports=11, routers=4)
        yield simulator


@pytest.fixture
def client(nsx):
    with logged_in(nsx.urls[0]) as session:
        yield session


def first(nsx, kind):
    return next(item for item in nsx.inventory(kind) if item.neutron_id)


def tags(shape):
    return {tag["scope"]: tag["tag"] for tag in shape.get("tags", [])}


def walk(client, path, **params):
    """The results of all pages of a list, and what each page said of their number."""
    results, counts, cursor = [], [], {}
    while cursor is not None:
        page = client.json(path, **params, **cursor)
        results += page["results"]
        counts.append(page.get("result_count"))
        cursor = {"cursor": page["cursor"]} if "cursor" in page else None
    return results, counts


# Objects


@pytest.mark.parametrize(
    ("kind", "folder", "manager", "scope"),
    [
        ("network", "segments", "logical-switches", "os-neutron-net-id"),
        ("router", "tier-1s", "logical-routers", "os-neutron-router-id"),
    ],
)
def test_an_object_of_each_api(nsx, client, kind, folder, manager, scope):
    """Its Policy id is the Neutron id, its unique id is that of the manager's object; tags know both."""
    item = first(nsx, kind)
    shape = client.json(f"{POLICY}/{folder}/{item.neutron_id}")
    realized = client.json(f"/api/v1/{manager}/{shape['unique_id']}")
    assert (shape["path"], shape["realization_id"]) == (f"/infra/{folder}/{item.neutron_id}", item.nsx_id)
    assert tags(shape)[scope] == item.neutron_id
    assert tags(shape)["os-deployment-id"] == "sim"
    assert tags(shape)["os-project-id"] == item.tenant
    assert tags(realized) == {**tags(shape), "policyPath": shape["path"]}
    assert "status" not in shape


def test_a_port_of_each_api(nsx, client):
    """It is below its segment, and attached by the Neutron id."""
    port = first(nsx, "port")
    shape = client.json(path_of(port))
    realized = client.json(f"{PORTS}/{shape['unique_id']}")
    segment = client.json(f"{POLICY}/segments/{port.network_id}")
    assert shape["parent_path"] == segment["path"]
    assert shape["attachment"]["id"] == port.neutron_id
    assert realized["attachment"] == {"attachment_type": "VIF", "id": port.neutron_id}
    assert realized["logical_switch_id"] == segment["unique_id"]
    assert tags(realized)["policyPath"] == shape["path"]


def test_what_is_not_ours_has_no_tags(nsx, client):
    """Neither tags nor an id of Neutron's; its Policy id is its NSX id."""
    nsx.create("port", count=1, untagged=True)
    port = next(item for item in nsx.inventory("port") if item.neutron_id is None)
    shape = client.json(f"{POLICY}/segments/{port.network_id}/ports/{port.nsx_id}")
    realized = client.json(f"{PORTS}/{port.nsx_id}")
    ids = {item.neutron_id for item in nsx.inventory()}
    assert ("tags" in shape, "tags" in realized) == (False, False)
    assert shape["attachment"]["id"] not in ids


def test_a_further_object_of_a_neutron_id_has_an_id_of_its_own(nsx, client):
    """The first keeps the Neutron id for its Policy id, also when the other is made or the first goes."""
    router = first(nsx, "router")
    nsx.create("router", ids=[router.neutron_id])
    twin = next(item for item in nsx.inventory("router") if item.twin)
    tiers = f"{POLICY}/tier-1s"
    further = f"{tiers}/{twin.neutron_id}_{twin.nsx_id[:8]}"
    assert client.json(f"{tiers}/{router.neutron_id}")["unique_id"] == router.nsx_id
    assert tags(client.json(further))["os-neutron-router-id"] == router.neutron_id
    nsx.delete("router", [router.nsx_id])
    assert client.get(f"{tiers}/{router.neutron_id}").status_code == 404
    assert client.json(further)["unique_id"] == twin.nsx_id


def test_no_deployment_tag_if_there_is_no_deployment():
    """As objects of a driver that writes none."""
    with Simulator(api="policy", deployment_id="", threads=2) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(networks=1)
        shape = client.json(f"{POLICY}/segments")["results"][0]
    assert set(tags(shape)) == {"os-neutron-net-id", "os-project-id", "os-neutron-revision"}


@pytest.mark.parametrize(
    "path",
    [
        f"{POLICY}/segments/nobody",
        f"{POLICY}/segments/nobody/ports",
        f"{POLICY}/tier-1s/nobody/state",
        f"{PORTS}/nobody/status",
    ],
)
def test_what_is_not_there_is_404(client, path):
    """With NSX's own code and the path in its words."""
    answer = client.get(path)
    assert code(answer) == (404, 600)
    assert answer.json()["httpStatus"] == "NOT_FOUND"
    assert "Object identifiers are case sensitive" in answer.json()["error_message"]


def test_a_port_is_found_below_its_own_segment_only(nsx, client):
    """Below another one it is not there."""
    port = first(nsx, "port")
    other = next(item for item in nsx.inventory("network") if item.neutron_id != port.network_id)
    answer = client.get(f"{POLICY}/segments/{other.neutron_id}/ports/{port.neutron_id}")
    assert answer.status_code == 404


# Lists


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{POLICY}/segments", "network"),
        (f"{POLICY}/tier-1s", "router"),
        ("/api/v1/logical-switches", "network"),
        (PORTS, "port"),
        ("/api/v1/logical-routers", "router"),
    ],
)
def test_a_list_comes_in_pages(nsx, client, path, kind):
    """Everything once; the number of all on the first page only; no cursor on the last."""
    results, counts = walk(client, path, page_size=2)
    items = nsx.inventory(kind)
    assert [one.get("unique_id", one["id"]) for one in results] == [item.nsx_id for item in items]
    assert counts == [len(items), *[None] * ((len(items) - 1) // 2)]


def test_the_ports_of_a_segment(nsx, client):
    """Theirs and no others, whatever is asked for at a time."""
    segment = first(nsx, "network")
    mine = [item.nsx_id for item in nsx.inventory("port") if item.parent == segment.nsx_id]
    results, _ = walk(client, f"{POLICY}/segments/{segment.neutron_id}/ports", page_size=1)
    assert [one["unique_id"] for one in results] == mine


@pytest.mark.parametrize("params", [{"page_size": 1001}, {"page_size": "all"}, {"cursor": "guess"}])
def test_a_parameter_that_cannot_be_is_400(client, params):
    """A page of more than 1,000, and a cursor that nobody gave out."""
    assert code(client.get(f"{POLICY}/segments", params=params)) == (400, 255)


def test_a_page_of_none_counts(client):
    """`page_size=0` answers the number alone."""
    assert client.json(PORTS, page_size=0) == {"results": [], "result_count": 11}


def test_a_cursor_belongs_to_its_list(client):
    """That of the segments is none of the ports'."""
    cursor = client.json(f"{POLICY}/segments", page_size=1)["cursor"]
    assert code(client.get(PORTS, params={"cursor": cursor})) == (400, 255)


# Statuses

LINKS = {"up": "UP", "down": "DOWN", "unknown": "UNKNOWN", "in_progress": "UNKNOWN", "error": "DOWN"}
STATES = {
    "up": "success",
    "down": "failed",
    "unknown": "unknown",
    "in_progress": "in_progress",
    "error": "error",
}
REALIZATIONS = {
    "up": "SUCCESS",
    "down": "ERROR",
    "unknown": "UNKNOWN",
    "in_progress": "IN_PROGRESS",
    "error": "ERROR",
}
NODES = {
    "up": ["ACTIVE", "STANDBY"],
    "down": ["DOWN", "DOWN"],
    "unknown": ["UNKNOWN", "UNKNOWN"],
    "in_progress": ["SYNC", "SYNC"],
}


@pytest.mark.parametrize("status", STATUSES)
def test_the_words_of_a_port(nsx, client, status):
    """Both APIs say the same of its link, with a date."""
    port = first(nsx, "port")
    nsx.set_status("port", status, [port.neutron_id])
    told = client.json(path_of(port) + "/status")
    assert (told["logical_port_id"], told["status"]) == (port.nsx_id, LINKS[status])
    assert told["last_update_timestamp"] > 1_700_000_000_000
    assert client.json(f"{PORTS}/{port.nsx_id}/status") == told


@pytest.mark.parametrize("status", STATUSES)
def test_the_words_of_a_segment(nsx, client, status):
    """In its own state, in the list of all states, in the manager's, and in its realization."""
    segment = first(nsx, "network")
    nsx.set_status("network", status, [segment.neutron_id])
    own = client.json(f"{POLICY}/segments/{segment.neutron_id}/state")
    every = client.json(f"{POLICY}/segments/state")["results"]
    filtered = client.json(f"{POLICY}/segments/state", configuration_state=STATES[status])["results"]
    manager = client.json("/api/v1/logical-switches/state")["results"]
    realized = client.json(f"{POLICY}/realized-state/status", intent_path=own["segment_path"])
    assert own["state"] == STATES[status]
    assert own in every
    assert own in filtered
    assert {one["state"] for one in filtered} == {STATES[status]}
    assert {one["logical_switch_id"]: one["state"] for one in manager}[segment.nsx_id] == STATES[status]
    assert realized["consolidated_status"]["consolidated_status"] == REALIZATIONS[status]


@pytest.mark.parametrize("status", STATUSES)
def test_the_words_of_a_distributed_router(nsx, client, status):
    """Without an edge cluster it has a state and no nodes."""
    router = next(item for item in nsx.inventory("router") if item.number == 0)
    nsx.set_status("router", status, [router.neutron_id])
    told = client.json(f"{POLICY}/tier-1s/{router.neutron_id}/state")
    assert (told["tier1_state"]["state"], "tier1_status" in told) == (STATES[status], False)
    assert client.json(f"{POLICY}/tier-1s/{router.neutron_id}/locale-services")["results"] == []
    assert "per_node_status" not in client.json(f"/api/v1/logical-routers/{router.nsx_id}/status")


@pytest.mark.parametrize("status", NODES)
def test_the_words_of_a_router_with_edges(nsx, client, status):
    """Its configuration has succeeded whatever its nodes do."""
    router = next(item for item in nsx.inventory("router") if item.number == 1)
    nsx.set_status("router", status, [router.neutron_id])
    tier = f"{POLICY}/tier-1s/{router.neutron_id}"
    told = client.json(f"{tier}/state")
    nodes = [node["high_availability_status"] for node in told["tier1_status"]["per_node_status"]]
    manager = client.json(f"/api/v1/logical-routers/{router.nsx_id}/status")
    assert (told["tier1_state"]["state"], nodes) == ("success", NODES[status])
    assert manager == told["tier1_status"]
    assert "edge-clusters" in client.json(f"{tier}/locale-services")["results"][0]["edge_cluster_path"]
    assert set(client.json(f"{tier}/state", type="GATEWAY_STATUS")) == {
        "enforcement_point_path",
        "tier1_status",
    }
    assert "tier1_status" not in client.json(f"{tier}/state", type="GATEWAY_STATE")


def test_a_router_with_edges_can_be_in_error(nsx, client):
    """Then its state says so."""
    router = next(item for item in nsx.inventory("router") if item.number == 1)
    nsx.set_status("router", "error", [router.neutron_id])
    assert client.json(f"{POLICY}/tier-1s/{router.neutron_id}/state")["tier1_state"]["state"] == "error"


@pytest.mark.parametrize(("share", "expected"), [(0, 0), (0.25, 1), (1, 4)])
def test_the_share_of_routers_with_edges(share, expected):
    """It is the settings', and evenly spread."""
    with Simulator(api="policy", edge_routers=share, threads=2) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(routers=4)
        hits = client.hits("resource_type:LocaleServices", path="/policy/api/v1/search/query")
    assert len(hits) == expected


def test_the_counters_of_all_ports(nsx, client):
    """`/logical-ports/status` counts, whatever it is called; it can be narrowed to a switch."""
    port = first(nsx, "port")
    nsx.set_status("port", "down", [port.neutron_id])
    mine = [item for item in nsx.inventory("port") if item.parent == port.parent]
    everything = client.json(f"{PORTS}/status")
    narrowed = client.json(f"{PORTS}/status", logical_switch_id=port.parent)
    assert (everything["total_ports"], everything["up_ports"]) == (11, 10)
    assert (narrowed["total_ports"], narrowed["up_ports"]) == (len(mine), len(mine) - 1)


def test_the_realized_entity_of_a_port(nsx, client):
    """It leads from the intent path to the manager's object."""
    port = first(nsx, "port")
    path = f"/infra/segments/{port.network_id}/ports/{port.neutron_id}"
    (entity,) = client.json(f"{POLICY}/realized-state/realized-entities", intent_path=path)["results"]
    assert entity["entity_type"] == "RealizedLogicalPort"
    assert entity["realization_specific_identifier"] == port.nsx_id
    bad = client.get(f"{POLICY}/realized-state/status", params={"intent_path": "/infra/segments/x/ports/y"})
    assert code(bad) == (400, 500012)


# Delays


def test_a_status_shows_late():
    """Within the delay a direct read shows the old value; that of a port waits for a host as well."""
    delays = {"realization_delay": 0.3, "runtime_delay": 60, "client_rate_limit": 0}
    with Simulator(api="policy", threads=2, **delays) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(networks=1, ports=1)
        port = first(nsx, "port")
        began = time.monotonic()
        nsx.set_status("port", "down")
        nsx.set_status("network", "error")
        while client.json(f"{POLICY}/segments/{port.network_id}/state")["state"] == "success":
            pass
        took = time.monotonic() - began
        link = client.json(path_of(port) + "/status")["status"]
    assert took >= 0.3
    assert link == "UP"


def test_a_new_port_has_no_date_until_a_host_reports_it():
    """Its link is unknown, and nothing is realized yet."""
    with Simulator(api="policy", runtime_delay=60, threads=2) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(networks=1)
        nsx.create("port")
        port = first(nsx, "port")
        path = f"/infra/segments/{port.network_id}/ports/{port.neutron_id}"
        told = client.json(path_of(port) + "/status")
        realized = client.json(f"{POLICY}/realized-state/realized-entities", intent_path=path)
    assert told == {"logical_port_id": port.nsx_id, "status": "UNKNOWN"}
    assert realized["results"] == []


def test_what_a_populate_makes_is_known_at_once():
    """Delays are for changes."""
    delays = {"realization_delay": 60, "runtime_delay": 60, "index_delay": 60}
    with Simulator(api="policy", threads=2, **delays) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(networks=1, ports=2, status="down")
        assert client.json(path_of(first(nsx, "port")) + "/status")["status"] == "DOWN"
        assert [hit["status"]["status"] for hit in client.hits("resource_type:LogicalPort")] == ["DOWN"] * 2


# Direct reads, counted


def test_direct_reads_are_told(nsx, client):
    """How many objects were never read, and for how long one was not; a reset begins anew."""

    def told(kind="port"):
        return requests.get(f"{nsx.control}/_sim/reads", params={"kind": kind}, timeout=10).json()

    assert (told()["unread"], told()["oldest"]) == (11, None)
    for port in nsx.inventory("port")[:2]:
        client.json(f"{PORTS}/{port.nsx_id}/status")
    client.json(path_of(nsx.inventory("port")[2]) + "/status")
    client.json(path_of(nsx.inventory("port")[3]))
    summary = told()
    assert (summary["objects"], summary["unread"]) == (11, 8)
    assert 0 < summary["oldest"] < summary["longest"]
    began = time.monotonic()
    requests.post(f"{nsx.control}/_sim/reads/reset", timeout=10)
    assert told()["longest"] <= time.monotonic() - began
    assert told()["unread"] == 11
    nsx.delete("port")
    assert told() == {"objects": 0, "unread": 0, "oldest": None, "longest": None}
    assert requests.get(f"{nsx.control}/_sim/reads?kind=x", timeout=10).status_code == 400


def test_the_longest_time_without_a_read_is_remembered():
    """It is that of a gap that has ended, too; but not of an object that is gone."""
    clock = Ticker()
    settings = {"api": "policy", "clock": clock, "networks": 1, "ports": 2, "threads": 2}
    with Simulator(**settings) as nsx, logged_in(nsx.urls[0]) as client:

        def told():
            summary = requests.get(f"{nsx.control}/_sim/reads?kind=port", timeout=10).json()
            return summary["oldest"], summary["longest"]

        clock.wait(30)
        for port in nsx.inventory("port"):
            client.json(f"{PORTS}/{port.nsx_id}/status")
            clock.wait(2)
        before = told()
        nsx.delete("port")
        nsx.create("port")
        clock.wait(1)
        assert (before, told()) == ((4, 32), (None, 1))
