"""NSX Policy as a Source, over real HTTP against a simulated one."""

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from networking_nsx.clock import SystemClock
from networking_nsx.errors import CursorExpired, IndexUnavailable, NsxError, PageTooLarge
from networking_nsx.model import Health, Key, Kind, Sought
from networking_nsx.nsx.api import POLICY
from networking_nsx.nsx.auth import PolicyLogin
from networking_nsx.nsx.codec_policy import Tags
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.listing_policy import PolicySettings
from networking_nsx.nsx.policy import PolicySource
from networking_nsx.simulator import Simulator

CLOCK = SystemClock(threading.Event())
NOBODY = "00000000-0000-4000-8000-0000000000ff"
SEARCH = "/api/v1/search"


@contextmanager
def source_of(nsx, **settings):
    http = HttpSettings(request_rate=1000)
    with Client(nsx.urls, PolicyLogin("admin", "admin"), http, CLOCK, api=POLICY) as client:
        yield PolicySource(client, CLOCK, PolicySettings(**settings))


@pytest.fixture
def nsx():
    with Simulator(api="policy", client_rate_limit=0, networks=3, ports=12, routers=4) as simulator:
        yield simulator


@pytest.fixture
def source(nsx):
    with source_of(nsx) as source:
        yield source


def pages(source, kind, length=1000):
    """A whole listing."""
    read = [source.page(kind, None, length)]
    while read[-1].cursor:
        read.append(source.page(kind, read[-1].cursor, length))
    return read


def observed(source, kind, length=1000):
    return [one for page in pages(source, kind, length) for one in page.observations]


def first(nsx, kind):
    return nsx.inventory(kind)[0]


def sought(item, path=""):
    return Sought(Key(Kind(item.kind), item.neutron_id), item.network_id or "", path)


def met(one):
    """A port that a listing of this sweep has met."""
    return Sought(one.key, "", one.path, met=True)


def look(source, *rows: Sought):
    return list(source.look(rows))


def asked(nsx):
    """Requests by their pattern, whatever came of them."""
    return Counter({path: sum(by.values()) for path, by in nsx.requests.summary()["by_path"].items()})


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("length", [1, 5, 1000])
def test_every_object_is_listed_once(nsx, source, kind, length):
    ids = [one.id for one in observed(source, kind, length)]

    assert sorted(ids) == sorted(item.neutron_id for item in nsx.inventory(kind))


@pytest.mark.parametrize(
    ("kind", "word", "health"),
    [
        (Kind.NETWORK, "up", Health.UP),
        (Kind.NETWORK, "down", Health.FAILED),
        (Kind.NETWORK, "error", Health.FAILED),
        (Kind.NETWORK, "in_progress", Health.UNKNOWN),
        (Kind.NETWORK, "unknown", Health.UNKNOWN),
        (Kind.ROUTER, "up", Health.UP),
        (Kind.ROUTER, "error", Health.FAILED),
        (Kind.ROUTER, "unknown", Health.UNKNOWN),
        (Kind.PORT, "up", Health.UP),
        (Kind.PORT, "down", Health.DOWN),
        (Kind.PORT, "unknown", Health.UNKNOWN),
    ],
)
def test_a_listing_and_a_look_agree(nsx, source, kind, word, health):
    """Of an object that has the same status all over."""
    item = first(nsx, kind)
    nsx.set_status(kind, word, [item.neutron_id])
    listed = next(one for one in observed(source, kind) if one.id == item.neutron_id)
    looked = look(source, sought(item))[0]

    assert listed.health is health
    assert [one.health for one in looked] == [health]


def test_a_gateway_with_edges_is_what_its_edges_say(nsx, source):
    """Its realization is fine; nobody routes."""
    nsx.set_status("router", "down")
    listed = Counter(one.health for one in observed(source, Kind.ROUTER))
    looked = Counter(
        one.health for answer in look(source, *map(sought, nsx.inventory("router"))) for one in answer
    )

    # Those without an edge cluster have nothing but their configuration, which has failed.
    assert listed == looked == Counter({Health.DOWN: 2, Health.FAILED: 2})


def test_gateways_are_read_in_rotation(nsx):
    """Some per sweep, asked longest ago first; what search shows of the others is told at once."""
    nsx.populate(routers=20)
    with source_of(nsx, gateway_reads=3, index_lag=0) as source:
        reads = []
        for _ in range(4):
            before = asked(nsx)
            observed(source, Kind.ROUTER)
            reads.append((asked(nsx) - before)["GET /policy/api/v1/infra/tier-1s/{router}/state"])
        nsx.set_status("router", "down")
        seen = [Counter(one.health for one in observed(source, Kind.ROUTER)) for _ in range(7)]

    assert reads == [3, 3, 3, 3]
    assert [each[Health.FAILED] for each in seen] == [10] * 7
    assert sorted(each[Health.DOWN] for each in seen) == [each[Health.DOWN] for each in seen]
    assert (seen[0][Health.DOWN] <= 3, seen[-1][Health.DOWN]) == (True, 10)


def test_a_gateway_that_cannot_be_read_keeps_no_other_waiting(nsx):
    """Its turn is over when it was asked, whatever came of it."""
    nsx.populate(routers=4)
    with source_of(nsx, gateway_reads=2) as source:
        observed(source, Kind.ROUTER)
        for gateway in nsx.inventory("router")[:2]:
            nsx.faults.add(
                "invalid-json", match=f"/policy/api/v1/infra/tier-1s/{gateway.neutron_id}/state", count=None
            )
        nsx.set_status("router", "error")
        nsx.faults.add("invalid-json", match="/policy/api/v1/search", count=None)
        for _ in range(4):
            seen = {one.id: one.health for one in observed(source, Kind.ROUTER)}

    assert [seen[gateway.neutron_id] for gateway in nsx.inventory("router")[2:]] == [Health.FAILED] * 2


def test_networks_are_read_directly(nsx, source):
    """Their states come in one request, and are of now."""
    before = time.time()
    page = source.page(Kind.NETWORK, None, 1000)

    assert before <= page.as_of <= time.time()
    assert asked(nsx)["GET /policy/api/v1/infra/segments/state"] == 1
    assert not any("search" in path for path in asked(nsx))


def test_what_a_search_says_is_as_of_its_lag_ago(source):
    before = time.time()
    page = source.page(Kind.PORT, None, 1000)

    assert before - 60 <= page.as_of <= time.time() - 60
    assert {one.as_of for one in page.observations} == {page.as_of}


def test_an_nsx_without_the_states_of_all_segments_is_searched(nsx, source):
    """NSX-T before 3.1.2: their realization will do."""
    nsx.set_status("network", "error", [first(nsx, "network").neutron_id])
    fault = nsx.faults.add("http-404", match="/policy/api/v1/infra/segments/state", count=None)
    healths = Counter(one.health for one in observed(source, Kind.NETWORK, 2))

    assert fault.fired == 1
    assert healths == Counter({Health.UP: 2, Health.FAILED: 1})


def test_gateways_are_listed_while_the_index_is_of_no_use(nsx, source):
    """Their list is no index; each is read in its turn."""
    observed(source, Kind.ROUTER)
    nsx.faults.add("index-rebuilding")
    nsx.set_status("router", "error")
    healths = Counter(one.health for one in observed(source, Kind.ROUTER))

    assert healths == Counter({Health.FAILED: 4})


@pytest.mark.parametrize("fault", ["index-rebuilding", "search-timeout", "index-out-of-sync"])
def test_an_index_of_no_use_is_told_from_an_nsx_that_is_down(nsx, source, fault):
    nsx.faults.add(fault)
    with pytest.raises(IndexUnavailable):
        source.page(Kind.PORT, None, 1000)


def test_many_ports_are_searched_in_parts(nsx):
    """No query comes near the ceiling; the parts grow and shrink with the ports."""
    nsx.populate(networks=3, ports=3000)
    sizes = []
    with source_of(nsx, part=400) as source:
        for ports in (3000, 9000, 3000, 100, 100):
            nsx.populate(networks=3, ports=ports)
            before = asked(nsx)
            read = pages(source, Kind.PORT)
            ids = [one.id for page in read for one in page.observations]
            sizes.append((asked(nsx) - before)["GET /api/v1/search/query"])
            assert sorted(ids) == sorted(item.neutron_id for item in nsx.inventory("port"))
            assert all((page.total or 0) <= 400 for page in read)

    assert sizes[0] == 1 + 16 + 1  # too many, the parts, the whole again to compare
    assert sizes[-1] == 1


class CountsOnFirstPages:
    """An NSX that tells `result_count` on the first page of a search only, as its schema has it for lists."""

    def __init__(self, client) -> None:
        self._client = client

    def get(self, path, params=(), headers=None):
        answer = self._client.get(path, params, headers)
        if not any(name == "cursor" for name, _ in params):
            return answer
        body = json.loads(answer.body)
        body.pop("result_count", None)
        return answer._replace(body=json.dumps(body).encode())


@pytest.mark.parametrize("part", [100, 40_000])
def test_a_search_whose_later_pages_have_no_count_is_read_to_its_end(nsx, part):
    """In parts, too; and no network or gateway is left out where these are searched."""
    nsx.populate(networks=120, ports=700, routers=120)
    nsx.faults.add("http-404", match="/policy/api/v1/infra/segments/state", count=None)
    http = HttpSettings(request_rate=1000)
    with Client(nsx.urls, PolicyLogin("admin", "admin"), http, CLOCK, api=POLICY) as client:
        source = PolicySource(CountsOnFirstPages(client), CLOCK, PolicySettings(part=part))
        for kind in Kind:
            ids = [one.id for one in observed(source, kind, 30)]
            assert sorted(ids) == sorted(item.neutron_id for item in nsx.inventory(kind))


def test_ids_that_are_in_no_part_are_noticed(nsx):
    """A search that does not understand the beginnings of ids would lose them in silence."""
    nsx.populate(networks=3, ports=1000)
    with source_of(nsx, part=400) as source:
        rule = nsx.faults.add("wrong-total", match=SEARCH, query="id%3Aa%2A", by=-60, count=None)
        with pytest.raises(IndexUnavailable, match="beginnings of their ids"):
            pages(source, Kind.PORT)

    assert rule.fired


def test_pages_that_are_too_large_are_cut():
    """And tried a little larger in the next pass."""
    with (
        Simulator(api="policy", client_rate_limit=0, networks=3, ports=3000, search_page_limit=280) as nsx,
        source_of(nsx) as source,
    ):
        ids = [one.id for one in observed(source, Kind.PORT)]
        before = asked(nsx)
        sizes = [len(page.observations) for page in pages(source, Kind.PORT)]
        requests = (asked(nsx) - before)["GET /api/v1/search/query"]

    assert len(set(ids)) == len(ids) == 3000
    assert sizes[:2] == [250, 250]  # 1000, 500, 250; in the next pass 500 is refused first
    assert requests == len(sizes) + 1


def test_a_page_that_is_too_large_however_small_is_an_error():
    with (
        Simulator(api="policy", client_rate_limit=0, networks=1, ports=90, search_page_limit=20) as small,
        source_of(small) as source,
        pytest.raises(PageTooLarge),
    ):
        source.page(Kind.PORT, None, 1000)


def test_a_cursor_that_is_not_ours_is_an_expired_one(source):
    for kind in (Kind.PORT, Kind.ROUTER):
        with pytest.raises(CursorExpired):
            source.page(kind, "a:b:c", 10)


def test_a_port_where_it_was_costs_one_request(nsx, source):
    """Its status names the port that it is of."""
    listed = observed(source, Kind.PORT)
    before = asked(nsx)
    answers = look(source, *(met(one) for one in listed))
    cost = asked(nsx) - before

    assert [[one.id for one in answer] for answer in answers] == [[one.id] for one in listed]
    assert cost == {"GET /policy/api/v1/infra/segments/{segment}/ports/{port}/status": 12}


def test_another_port_in_its_place_is_not_it(nsx, source):
    """The path is the same, the port behind it is a new one that names somebody else."""
    one = observed(source, Kind.PORT)[0]
    other = one.path.replace(one.path.partition("#")[2], NOBODY)
    answer = look(source, Sought(one.key, "", other, met=True))[0]

    assert [seen.health for seen in answer] == [Health.UP]
    assert answer[0].path == one.path  # found anew, by all ways


@pytest.mark.parametrize("kind", Kind)
def test_what_is_nowhere_is_absent(nsx, source, kind):
    parent = first(nsx, "network").neutron_id if kind is Kind.PORT else ""
    answer = look(source, Sought(Key(kind, NOBODY), parent))[0]

    assert [one.health for one in answer] == [Health.ABSENT]


@pytest.mark.parametrize("kind", Kind)
def test_what_was_deleted_is_absent(nsx, source, kind):
    item = first(nsx, kind)
    one = next(one for one in observed(source, kind) if one.id == item.neutron_id)
    nsx.delete(kind, [item.neutron_id])
    answer = look(source, sought(item, one.path))[0]

    assert [one.health for one in answer] == [Health.ABSENT]


@pytest.mark.parametrize("variant", ["removed", "other-id", "other-deployment"])
@pytest.mark.parametrize("kind", Kind)
def test_an_object_whose_tags_were_tampered_with_is_never_absent(nsx, kind, variant):
    """It lies where it was, and does not say whose it is; or it is found all the same."""
    item = first(nsx, kind)
    with source_of(nsx, tags=Tags(deployment="sim")) as source:
        rule = nsx.faults.add("tag-tampered", ids=[item.neutron_id], variant=variant)
        healths = {one.health for one in look(source, sought(item))[0]}

    assert rule.fired
    assert healths <= {Health.UP, Health.UNKNOWN}


def test_both_objects_of_a_duplicate_are_found(nsx, source):
    """The one in its own place, and the one that only a search finds."""
    item = first(nsx, "port")
    nsx.faults.add("duplicate-port", ids=[item.neutron_id])
    answer = look(source, sought(item))[0]

    assert sorted(one.health.value for one in answer) == ["down", "up"]


def test_a_look_needs_no_index_for_what_is_in_its_place(nsx, source):
    """Only for what is nowhere else to be found."""
    nsx.faults.add("index-rebuilding")
    found, lost = look(source, sought(first(nsx, "port")), Sought(Key(Kind.PORT, NOBODY), ""))

    assert [one.health for one in found] == [Health.UP]
    assert isinstance(lost, IndexUnavailable)


def test_an_nsx_that_has_no_status_of_intents_is_asked_for_the_managers(nsx, source):
    """NSX-T before 3.2.2."""
    one = observed(source, Kind.PORT)[0]
    item = next(item for item in nsx.inventory("port") if item.neutron_id == one.id)
    path = f"/policy/api/v1/infra/segments/{item.network_id}/ports/{item.neutron_id}/status"
    missing = nsx.faults.add("http-404", match=path, count=None)
    nsx.set_status("port", "down", [item.neutron_id])
    answer = look(source, met(one))[0]

    assert missing.fired == 2
    assert [seen.health for seen in answer] == [Health.DOWN]


def test_looks_are_made_side_by_side(nsx):
    """NSX answers none before it has eight; answers come in the order of the questions all the same."""
    nsx.populate(networks=3, ports=64)
    eight = threading.Barrier(8, timeout=30)
    nsx.before("/policy/api/v1/infra/segments/", 0, eight.wait, count=None)
    with source_of(nsx, readers=8) as source:
        rows = [met(one) for one in observed(source, Kind.PORT)]
        answers = look(source, *rows)

    assert [answer[0].id for answer in answers] == [row.key.id for row in rows]


def test_looks_that_nobody_waits_for_are_not_made(nsx, source):
    """The heart stops asking when NSX is in trouble."""
    nsx.populate(networks=3, ports=200)
    rows = [met(one) for one in observed(source, Kind.PORT)]
    before = asked(nsx)
    answers = source.look(rows)
    next(answers)
    answers.close()

    assert (asked(nsx) - before).total() < 100


def test_an_error_is_the_answer_for_its_own_row(nsx, source):
    rows = [met(one) for one in observed(source, Kind.PORT)]
    bad = rows[3].path.partition("#")[0]
    nsx.faults.add("http-409", match=f"/policy/api/v1{bad}", count=None)
    answers = look(source, *rows)

    assert [number for number, answer in enumerate(answers) if isinstance(answer, NsxError)] == [3]


def test_the_index_is_asked_for_single_ports(nsx, source):
    """Many in one question; those that it has not are left out."""
    ids = [item.neutron_id for item in nsx.inventory("port")]
    nsx.set_status("port", "down", ids[:2])
    found = {one.id: one.health for one in source.index.find([*ids, NOBODY])}

    assert found == {row_id: Health.DOWN if row_id in ids[:2] else Health.UP for row_id in ids}
    assert asked(nsx)["GET /api/v1/search/query"] == 1


def test_every_one_of_120000_ports_is_seen_once():
    """NSX reaches 50,000 hits of a query, and no more; no query comes near."""
    with (
        Simulator(api="policy", client_rate_limit=0, networks=100, ports=120_000) as nsx,
        source_of(nsx) as source,
    ):
        read = pages(source, Kind.PORT)
        ids = [one.id for page in read for one in page.observations]
        requests = asked(nsx)["GET /api/v1/search/query"]

    assert nsx.settings.search_ceiling == 50_000
    assert len(ids) == len(set(ids)) == 120_000
    assert max(page.total for page in read) < 40_000
    assert requests <= 120 + 16 + 2
