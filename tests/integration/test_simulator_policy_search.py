"""The simulator's search: what it finds, in which pages, how late, and how it ends."""

import pytest
from clocks import Ticker
from policy_http import POLICY_SEARCH, SEARCH, code, logged_in, path_of

from networking_nsx.simulator import Simulator

ANY = "/policy/api/v1/search"
PORTS = "resource_type:LogicalPort"
MARKED = "marked_for_delete:true"


@pytest.fixture
def nsx():
    with Simulator(api="policy", seed=7, threads=4, client_rate_limit=0) as simulator:
        simulator.populate(networks=3, ports=23, routers=4)
        simulator.create("port", count=2, untagged=True)
        yield simulator


@pytest.fixture
def client(nsx):
    with logged_in(nsx.urls[0]) as session:
        yield session


def ids(hits):
    return [hit["id"] for hit in hits]


def truth(nsx, kind="port"):
    return [item.nsx_id for item in nsx.inventory(kind)]


def escaped(text):
    return text.replace("-", r"\-").replace("/", r"\/")


# What is found


def test_the_status_of_all_ports(nsx, client):
    """A hit is the manager's object with the status of its link; search finds nothing that is not there."""
    nsx.set_status("port", "down", fraction=0.5, seed=1)
    hits = {hit["id"]: hit for hit in client.hits(PORTS)}
    expected = {item.nsx_id: item.status.upper() for item in nsx.inventory("port")}
    assert {nsx_id: hit["status"]["status"] for nsx_id, hit in hits.items()} == expected
    assert all(hit["status"]["logical_port_id"] == nsx_id for nsx_id, hit in hits.items())


@pytest.mark.parametrize(
    ("path", "types"),
    [
        (POLICY_SEARCH, {"Segment", "SegmentPort", "Tier1", "LocaleServices"}),
        (SEARCH, {"LogicalSwitch", "LogicalPort", "LogicalRouter"}),
        (ANY, {"Segment", "SegmentPort", "Tier1", "LocaleServices"}),
    ],
)
def test_each_search_has_its_own_types(client, path, types):
    """Those of the Policy API, or those of the manager."""
    assert {hit["resource_type"] for hit in client.hits("_exists_:id", path=path)} == types


def test_all_data_can_be_searched_in_one(client):
    """With `data_source=ALL` the Policy search sees the manager's objects too."""
    hits = client.hits("resource_type:(Tier1 OR LogicalRouter)", path=ANY, data_source="ALL")
    assert {hit["resource_type"] for hit in hits} == {"Tier1", "LogicalRouter"}
    assert code(client.get(ANY, params={"query": "a", "data_source": "SOME"})) == (400, 255)


def test_a_policy_hit_tells_its_realization_and_no_link(nsx, client):
    """A port that is down is realized all the same; a segment that failed is not."""
    nsx.set_status("port", "down")
    nsx.set_status("network", "error")
    query = "resource_type:{} AND marked_for_delete:false"
    words = {
        kind: {
            hit["status"]["consolidated_status"]["consolidated_status"]
            for hit in client.hits(query.format(kind), path=POLICY_SEARCH)
        }
        for kind in ("SegmentPort", "Segment", "Tier1")
    }
    assert words == {"SegmentPort": {"SUCCESS"}, "Segment": {"ERROR"}, "Tier1": {"SUCCESS"}}


def test_only_policy_documents_have_a_mark_of_deletion(client):
    """So it finds no manager's object: a field that no document has gives no hits."""
    assert client.hits(f"{PORTS} AND marked_for_delete:false") == []
    assert client.hits(f"{PORTS} AND no_such_field:*") == []
    assert len(client.hits("resource_type:Segment AND marked_for_delete:false", path=POLICY_SEARCH)) == 3


@pytest.mark.parametrize(
    "query",
    [
        "resource_type:LogicalPort AND attachment.id:{neutron}",
        "resource_type:LogicalPort AND tags.tag:{neutron}",
        "resource_type:LogicalPort AND tags.scope:policyPath AND tags.tag:{path}",
        "resource_type:logicalport AND id:{nsx}",
        "LogicalPort AND {nsx}",
        'attachment.id:"{plain}"',
    ],
)
def test_one_port_is_found_by_what_it_has(nsx, client, query):
    """As clients look for it; terms are case-insensitive."""
    port = next(item for item in nsx.inventory("port") if item.neutron_id)
    path = f"/infra/segments/{port.network_id}/ports/{port.neutron_id}"
    text = query.format(
        neutron=escaped(port.neutron_id),
        nsx=escaped(port.nsx_id.upper()),
        path=escaped(path),
        plain=port.neutron_id,
    )
    assert ids(client.hits(text)) == [port.nsx_id]


def test_the_ports_of_a_switch_and_of_a_segment(nsx, client):
    """By the manager's id, by the path of the parent."""
    segment = nsx.inventory("network")[0]
    mine = [item for item in nsx.inventory("port") if item.parent == segment.nsx_id]
    path = escaped(f"/infra/segments/{segment.neutron_id}")
    policy = client.hits(f"resource_type:SegmentPort AND parent_path:{path}", path=POLICY_SEARCH)
    assert ids(client.hits(f"logical_switch_id:{escaped(segment.nsx_id)}")) == [item.nsx_id for item in mine]
    assert {hit["unique_id"] for hit in policy} == {item.nsx_id for item in mine}


def test_sixteen_prefixes_make_a_whole(nsx, client):
    """Each port is in exactly one partition by its id's first digit."""
    parts = [client.hits(f"{PORTS} AND id:{digit}*") for digit in "0123456789abcdef"]
    assert [nsx_id for part in parts for nsx_id in ids(part)] == truth(nsx)


def test_exceptions_are_found(nsx, client):
    """What is not up, in one query; it is up to date after each change."""
    query = f"{PORTS} AND NOT status.status:UP"
    assert client.hits(query) == []
    gone, *down = nsx.set_status("port", "down", fraction=0.3)
    nsx.delete("port", [gone])
    new = nsx.create("port", count=1, status="unknown")
    found = {hit["attachment"]["id"] for hit in client.hits(query)}
    assert found == {*down, *new}


@pytest.mark.parametrize("query", ["a AND", "(a", 'id:"a', "AND", "", "id:[a TO b]"])
def test_a_bad_query_is_400(client, query):
    """And never no hits."""
    assert client.get(SEARCH, params={"query": query}).status_code == 400


# Pages


def test_the_pages_of_a_search(nsx, client):
    """The cursor is the number of hits so far, as text; on the last page it is that of all."""
    pages = [client.json(SEARCH, query=PORTS, page_size=10, cursor=cursor) for cursor in (0, 10, 20)]
    assert [(page["result_count"], page["cursor"]) for page in pages] == [(25, "10"), (25, "20"), (25, "25")]
    assert ids(client.every_hit(PORTS, 4)) == truth(nsx)


def test_the_order_of_hits(nsx, client):
    """By id unless told otherwise; either way."""
    assert ids(client.hits(PORTS, sort_by="id", sort_ascending="false")) == truth(nsx)[::-1]
    names = [hit["display_name"] for hit in client.hits(PORTS, sort_by="display_name")]
    assert (names, len(set(names)) > 1) == (sorted(names), True)
    ascending = ids(client.every_hit(PORTS, 7, sort_by="display_name"))
    assert sorted(ascending) == truth(nsx)


def test_only_the_asked_for_fields(client):
    """Nested ones as well."""
    (hit,) = client.hits(
        PORTS, page_size=1, included_fields="id,attachment.id,tags.tag,status.status,nothing"
    )
    assert set(hit) == {"id", "attachment", "tags", "status"}
    assert (set(hit["attachment"]), set(hit["tags"][0]), hit["status"]) == ({"id"}, {"tag"}, {"status": "UP"})


@pytest.mark.parametrize("params", [{"page_size": 1001}, {"page_size": "x"}, {"cursor": "x"}])
def test_a_page_that_cannot_be_is_400(client, params):
    """As in lists."""
    assert code(client.get(SEARCH, params={"query": PORTS, **params})) == (400, 255)


def test_a_page_of_none_counts(client):
    """`page_size=0` answers the number alone."""
    assert client.json(SEARCH, query=PORTS, page_size=0) == {
        "results": [], "result_count": 25, "cursor": "0",
    }  # fmt: skip


def test_a_page_can_be_too_large():
    """With a limit the same cursor works for a smaller page."""
    with Simulator(api="policy", search_page_limit=100, threads=2) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(networks=1)
        query = {"query": "resource_type:Segment"}
        assert code(client.get(POLICY_SEARCH, params=query)) == (400, 60576)
        assert len(client.hits(**query, path=POLICY_SEARCH, page_size=100)) == 1


def test_hits_beyond_the_ceiling_are_refused():
    """What is below can be read; going on is an error."""
    with Simulator(api="policy", search_ceiling=10, threads=2) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(networks=1, ports=12)
        pages = [client.json(SEARCH, query=PORTS, page_size=6, cursor=cursor) for cursor in (0, 6)]
        beyond = client.get(SEARCH, params={"query": PORTS, "cursor": "10"})
    assert [len(page["results"]) for page in pages] == [6, 4]
    assert ([page["cursor"] for page in pages], code(beyond)) == (["6", "10"], (400, 60576))


def test_hits_can_end_silently_at_the_ceiling():
    """A client that looks at cursors only sees nothing of it; one that counts does."""
    settings = {"search_ceiling": 10, "search_ceiling_mode": "silent"}
    with Simulator(api="policy", threads=2, **settings) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(networks=1, ports=12)
        hits = client.every_hit(PORTS, 5)
        last = client.json(SEARCH, query=PORTS, page_size=5, cursor=5)
        beyond = client.json(SEARCH, query=PORTS, cursor=12)
    assert (len(hits), last["result_count"], beyond["results"]) == (10, 12, [])


# Aggregate and querypipeline


def test_an_aggregate_joins(nsx, client):
    """A filtered primary, with the number of what is related to it and a part of that."""
    segment = nsx.inventory("network")[0]
    body = {
        "primary": {
            "resource_type": "Segment",
            "filters": [{"field_names": "id,display_name", "value": segment.neutron_id}],
        },
        "related": [
            {
                "resource_type": "SegmentPort",
                "join_condition": "parent_path:path",
                "alias": "ports",
                "size": 2,
            }
        ],
        "data_source": "ALL",
    }
    answer = client.post("/policy/api/v1/search/aggregate?page_size=10&cursor=0", json=body)
    (result,) = answer.json()["results"]
    ports = result["related"][0]
    mine = sum(item.parent == segment.nsx_id for item in nsx.inventory("port"))
    assert result["primary"]["unique_id"] == segment.nsx_id
    assert (ports["alias"], ports["result_count"], len(ports["results"])) == ("ports", mine, 2)


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"primary": 1}'])
def test_a_bad_aggregate_is_400(client, body):
    """Whatever is wrong with it."""
    assert client.post("/policy/api/v1/search/aggregate", data=body).status_code == 400


def test_a_pipeline_of_queries(nsx, client):
    """A query alone, or one about the hits of the one before."""
    first = {"query": "resource_type:Tier1"}
    second = {"query": "resource_type:LocaleServices AND parent_path:{path}"}
    path = "/policy/api/v1/search/querypipeline"
    alone = client.post(path, json={"query_pipeline": [first]}).json()
    chained = client.post(path, json={"query_pipeline": [first, second]}).json()
    assert {hit["unique_id"] for hit in alone["results"]} == set(truth(nsx, "router"))
    assert {hit["resource_type"] for hit in chained["results"]} == {"LocaleServices"}
    assert len(chained["results"]) == 2
    assert client.post(path, json={}).status_code == 400


# The index is late


def test_search_hears_of_a_status_later_than_a_direct_read():
    """Of what changed, of what is gone and of what is new: after the index's delay, and not before."""
    clock = Ticker()
    with (
        Simulator(api="policy", index_delay=60, clock=clock, threads=2) as nsx,
        logged_in(nsx.urls[0]) as client,
    ):
        nsx.populate(networks=1, ports=2)
        down, gone = nsx.inventory("port")
        nsx.set_status("port", "down", [down.neutron_id])
        nsx.delete("port", [gone.neutron_id])
        (new,) = nsx.create("port")
        direct = client.json(f"/api/v1/logical-ports/{down.nsx_id}/status")["status"]
        seen = []
        for _ in range(2):
            clock.wait(30)
            seen.append({hit["attachment"]["id"]: hit["status"]["status"] for hit in client.hits(PORTS)})
    assert direct == "DOWN"
    assert seen == [{down.neutron_id: "UP", gone.neutron_id: "UP"}, {down.neutron_id: "DOWN", new: "UP"}]


def test_the_delays_of_a_status_add_up():
    """No host can report what was not realized yet; a search shows it after the index's delay, too."""
    clock = Ticker()
    delays = {"realization_delay": 1, "runtime_delay": 2, "index_delay": 4}
    with (
        Simulator(api="policy", clock=clock, threads=2, **delays) as nsx,
        logged_in(nsx.urls[0]) as client,
    ):
        nsx.populate(networks=1, ports=1)
        nsx.set_status("port", "down")
        path = path_of(nsx.inventory("port")[0])
        direct, searched = [], []
        for _ in range(7):
            clock.wait(1)
            direct.append(client.json(f"{path}/status")["status"])
            searched.append(client.hits(PORTS)[0]["status"]["status"])
    assert direct == ["UP"] * 2 + ["DOWN"] * 5
    assert searched == ["UP"] * 6 + ["DOWN"]


def test_what_is_deleted_can_be_marked_first():
    """Search shows it with its mark, until it is purged; lists and the manager do not."""
    clock = Ticker()
    with (
        Simulator(api="policy", purge_delay=60, clock=clock, threads=2) as nsx,
        logged_in(nsx.urls[0]) as client,
    ):
        nsx.populate(networks=2)
        gone = nsx.delete("network", [nsx.inventory("network")[0].neutron_id])
        marked = client.hits(MARKED, path=POLICY_SEARCH)
        listed = client.json("/policy/api/v1/infra/segments")["results"]
        switches = client.hits("resource_type:LogicalSwitch")
        clock.wait(60)
        purged = client.hits(MARKED, path=POLICY_SEARCH)
    assert (ids(marked), len(listed), len(switches)) == (gone, 1, 1)
    assert purged == []
