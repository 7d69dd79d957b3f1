"""NSX-MH as a Source, over real HTTP against a simulated one."""

import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from networking_nsx.clock import SystemClock
from networking_nsx.errors import (
    CursorExpired,
    Malformed,
    NotFound,
    NsxError,
    Rejected,
    Unauthorized,
    Unavailable,
)
from networking_nsx.model import Health, Key, Kind, Sought
from networking_nsx.nsx.http import Answer, Client, HttpSettings
from networking_nsx.nsx.look_mh import Look
from networking_nsx.nsx.mh import MhLogin, MhSource
from networking_nsx.nsx.reader_mh import Generation
from networking_nsx.simulator import Simulator

CLOCK = SystemClock(threading.Event())
NOBODY = "00000000-0000-4000-8000-0000000000ff"
LIST = "/ws.v1/lswitch/*/lport"


@contextmanager
def source_of(nsx, generation_timeout=30.0, **settings):
    with Client(nsx.urls, MhLogin("admin", "admin"), HttpSettings(**settings), CLOCK) as client:
        yield MhSource(client, CLOCK, Generation(CLOCK, generation_timeout))


@pytest.fixture
def nsx():
    with Simulator(networks=3, ports=12, routers=2) as simulator:
        yield simulator


@pytest.fixture
def source(nsx):
    with source_of(nsx) as source:
        yield source


def pages(source, kind, length):
    """A whole listing."""
    read = [source.page(kind, None, length)]
    while read[-1].cursor:
        read.append(source.page(kind, read[-1].cursor, length))
    return read


def first(nsx, kind):
    return nsx.inventory(kind)[0]


def path_of(item):
    if item.kind == "port":
        return f"/ws.v1/lswitch/{item.parent}/lport/{item.nsx_id}"
    return f"/ws.v1/{'lswitch' if item.kind == 'network' else 'lrouter'}/{item.nsx_id}"


def sought(item, path=""):
    return Sought(Key(Kind(item.kind), item.neutron_id), item.network_id or "", path)


def found(source, row):
    """What a look at one row observes. Raises its error."""
    (answer,) = source.look([row])
    if isinstance(answer, NsxError):
        raise answer
    return answer


def the_one(source, row):
    (observation,) = found(source, row)
    return observation


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("length", [1, 2, 5000, 9999])
def test_a_listing_is_read_whole_in_any_page_length(nsx, source, kind, length):
    """Every object of ours, once, with its path; more than NSX's maximum is never asked for."""
    nsx.create(kind, untagged=True)
    read = pages(source, kind, length)

    seen = Counter((each.id, each.path) for page in read for each in page.observations)
    ours = [item for item in nsx.inventory(kind) if item.neutron_id]
    assert seen == Counter((item.neutron_id, path_of(item)) for item in ours)
    assert [page.total for page in read] == [len(ours)] + [None] * (len(read) - 1)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("status", "health", "word"),
    [
        ("up", Health.UP, "true"),
        ("down", Health.DOWN, "false"),
        ("unknown", Health.UNKNOWN, "missing"),
        ("in_progress", Health.UNKNOWN, '"in_progress"'),
        ("error", Health.UNKNOWN, '"error"'),
    ],
)
def test_every_status_has_its_health(nsx, source, kind, status, health, word):
    """The fabric's status; words that NSX-MH has not prove nothing."""
    nsx.set_status(kind, status)

    assert {(each.health, each.word) for each in source.page(kind, None, 50).observations} == {(health, word)}


def test_a_page_describes_the_moment_at_which_it_was_asked_for(nsx, source):
    """What happens while NSX answers may be missing in it."""
    nsx.faults.add("slow", seconds=0.2)
    before = time.time()
    page = source.page(Kind.PORT, None, 5)

    assert before <= page.as_of < time.time() - 0.1
    assert page.observations[0].as_of == page.as_of


@pytest.mark.parametrize("status", [404, 400, 410])
def test_a_cursor_that_nsx_no_longer_knows_has_expired(status):
    """Versions answer differently; the listing has to be begun again."""
    with Simulator(ports=4, networks=1, unknown_cursor=status) as nsx, source_of(nsx) as source:
        cursor = source.page(Kind.PORT, None, 2).cursor
        nsx.faults.add("cursor-expired")

        with pytest.raises(CursorExpired):
            source.page(Kind.PORT, cursor, 2)


def test_a_session_that_is_refused_is_no_expired_cursor(nsx, source):
    """Beginning again would not help."""
    cursor = source.page(Kind.PORT, None, 2).cursor
    nsx.faults.add("http-403", count=2)

    with pytest.raises(Unauthorized):
        source.page(Kind.PORT, cursor, 2)


def test_a_first_page_that_does_not_exist_tells_a_wrong_manager(nsx, source):
    """404 without a cursor: this is not the API that was configured."""
    nsx.faults.add("http-404")

    with pytest.raises(Rejected, match=r"Check .nsx. api and managers"):
        source.page(Kind.PORT, None, 2)


def test_a_cursor_is_sent_back_as_it_came(nsx, source):
    """Whatever characters it has."""
    rule = nsx.faults.add("http-410", query="_page_cursor=a%26b%3Dc%20d%2F%2B%C3%BC%25")

    with pytest.raises(CursorExpired):
        source.page(Kind.PORT, "a&b=c d/+ü%", 2)
    assert rule.fired == 1


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("no-tags", (11, 0, 1)),
        ("tag-without-value", (11, 0, 1)),
        ("duplicate-tags", (11, 1, 0)),
        ("wrong-type", (11, 1, 0)),
        ("no-relation", (12, 0, 0)),
        ("unknown-word", (12, 0, 0)),
        ("null-flag", (12, 0, 0)),
        ("huge", (12, 0, 0)),
    ],
)
def test_a_malformed_object_costs_only_itself(nsx, source, variant, expected):
    """Observed, malformed, foreign: the others are read, and nothing is up or down that does not say so."""
    nsx.faults.add("malformed-object", variant=variant)
    page = source.page(Kind.PORT, None, 50)

    assert (len(page.observations), page.malformed, page.foreign) == expected
    assert {each.health for each in page.observations[1:]} == {Health.UP}


@pytest.mark.parametrize("fault", [{"fault": "invalid-json"}, {"fault": "truncate", "declare": "short"}])
def test_an_answer_that_cannot_be_read_is_malformed(nsx, source, fault):
    """No half page is made of it."""
    nsx.faults.extend([fault])

    with pytest.raises(Malformed):
        source.page(Kind.PORT, None, 50)


def test_an_empty_page_may_have_a_cursor(nsx, source):
    """The listing goes on behind it."""
    nsx.faults.add("empty-page-with-cursor", after=1)

    assert sum(len(page.observations) for page in pages(source, Kind.PORT, 5)) == 12


def test_another_manager_is_asked_to_have_caught_up():
    """What one manager told is never followed by an older state from another one."""
    with Simulator(nodes=2, node_lag=(0.0, 0.6), networks=1, ports=2) as nsx, source_of(nsx) as source:
        changed = time.monotonic()
        nsx.set_status("port", "down")
        source.page(Kind.PORT, None, 5)
        nsx.faults.add("node-down", node=0)
        source.page(Kind.PORT, None, 5)

    assert 0.6 <= time.monotonic() - changed < 10


def test_nobody_waits_long_for_a_configuration_that_never_comes():
    """After a restore of NSX: one request times out, the next one does not ask for it any more."""
    lags = {"node_lag": (0.0, 99.0), "generation_wait": 10.0}
    with (
        Simulator(nodes=2, networks=1, ports=2, **lags) as nsx,
        source_of(nsx, answer_timeout=1.0, retries=1) as source,
    ):
        nsx.set_status("port", "down")
        source.page(Kind.PORT, None, 5)
        nsx.faults.add("node-down", node=0)
        with pytest.raises(Unavailable):
            source.page(Kind.PORT, None, 5)

        assert len(source.page(Kind.PORT, None, 5).observations) == 2


class Hand:
    """A clock moved by hand."""

    time = 0.0

    def monotonic(self):
        return self.time


def told(number):
    return {"X-Nvp-Config-Generation": str(number)}


def test_the_newest_generation_is_asked_for_while_it_is_fresh():
    """An older number does not replace it, nor does what is no number; the same one keeps it fresh."""
    clock = Hand()
    generation = Generation(clock, 30.0)
    assert generation.wanted() == {}

    for number in (7, 9, 8, "x", ""):
        generation.heard(told(number))
    clock.time = 29.0
    generation.heard(told(9))
    clock.time = 58.0

    assert generation.wanted() == {"X-Nvp-Wait-For-Config-Generation": "9"}


def test_a_lower_generation_counts_when_the_higher_is_old():
    """NSX was restored: its numbers begin again."""
    clock = Hand()
    generation = Generation(clock, 30.0)
    generation.heard(told(900))
    clock.time = 30.0
    assert generation.wanted() == {}

    generation.heard(told(3))

    assert generation.wanted() == {"X-Nvp-Wait-For-Config-Generation": "3"}


def test_a_generation_that_was_heard_since_is_not_forgotten():
    """Whoever had no answer in time is not alone: another request was answered meanwhile."""
    clock = Hand()
    generation = Generation(clock, 30.0)
    generation.heard(told(7))
    generation.forget(since=-1.0)
    assert generation.wanted() == {"X-Nvp-Wait-For-Config-Generation": "7"}

    generation.forget(since=0.0)

    assert generation.wanted() == {}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("known", [True, False])
def test_a_look_finds_an_object_by_path_or_tag(nsx, source, kind, known):
    """With its status, its path and the moment of the read."""
    item = first(nsx, kind)
    nsx.set_status(kind, "down", [item.neutron_id])
    before = time.time()
    seen = the_one(source, sought(item, path_of(item) if known else ""))

    assert (seen.key, seen.health, seen.path) == (Key(kind, item.neutron_id), Health.DOWN, path_of(item))
    assert before <= seen.as_of <= time.time()


def test_a_port_on_its_path_costs_one_request(nsx, source):
    """Nothing more is asked about what was found."""
    item = first(nsx, "port")
    nsx.requests.reset()
    the_one(source, sought(item, path_of(item)))

    assert nsx.requests.summary()["total"] - nsx.requests.summary()["logins"] == 1


def test_a_port_that_moved_is_found_by_its_tag(nsx, source):
    """404 on the old path proves nothing."""
    item = first(nsx, "port")
    nsx.delete("port", [item.neutron_id])
    nsx.create("port", ids=[item.neutron_id])
    seen = the_one(source, sought(item, path_of(item)))

    assert seen.health is Health.UP
    assert seen.path != path_of(item)


@pytest.mark.parametrize("known", [True, False])
def test_every_switch_of_a_network_is_seen(nsx, source, known):
    """A network with chained switches is judged on all of them, whichever was known."""
    nsx.populate(networks=2, switches_per_network=2)
    item = first(nsx, "network")
    switches = {path_of(each) for each in nsx.inventory("network") if each.neutron_id == item.neutron_id}
    seen = found(source, sought(item, path_of(item) if known else ""))

    assert len(seen) == 2
    assert {each.path for each in seen} == switches


def test_a_network_with_a_switch_that_cannot_be_read_is_not_up(nsx, source):
    """The other one might be down: what is missing in a search is told beside what was found."""
    nsx.populate(networks=1, switches_per_network=2)
    nsx.faults.add("malformed-object", variant="wrong-type")
    seen = found(source, sought(first(nsx, "network")))

    assert sorted(each.health.value for each in seen) == ["unknown", "up"]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("network", "404; no tag; not in the list of 2 networks"),
        ("router", "404; no tag; not in the list of 1 routers"),
        ("port", "404; no tag; not in the list of 1 switches"),
    ],
)
def test_what_three_sources_do_not_know_is_absent(nsx, source, kind, word):
    """The path, the tag and a list read to its end; as of the first of these requests."""
    item = first(nsx, kind)
    nsx.delete(kind, [item.neutron_id])
    nsx.faults.add("slow", seconds=0.2)
    before = time.time()
    seen = the_one(source, sought(item, path_of(item)))

    assert (seen.health, seen.path, seen.word) == (Health.ABSENT, path_of(item), word)
    assert before <= seen.as_of < time.time() - 0.1


def test_a_port_whose_network_is_gone_is_sought_by_its_attachment(nsx, source):
    """Without a switch to read, any port with the VIF would count."""
    seen = the_one(source, Sought(Key(Kind.PORT, NOBODY), NOBODY))

    assert (seen.health, seen.word) == (Health.ABSENT, "no path known; no tag; not in the attachments")


def test_a_port_on_a_switch_that_lost_its_tag_is_not_absent(nsx, source):
    """Port and switch are untagged, another switch of the network is not: the attachment finds the port."""
    item, other = first(nsx, "port"), nsx.inventory("network")[-1]
    nsx.faults.extend(
        [
            {"fault": "skip-object", "query": f"tag={item.neutron_id}"},
            {"fault": "wrong-total", "query": f"tag={item.neutron_id}", "by": -1},
        ]
    )
    seen = the_one(source, sought(item)._replace(parent_id=other.neutron_id))

    assert (seen.health, seen.path) == (Health.UNKNOWN, path_of(item))


def test_a_port_that_was_never_seen_is_sought_on_switches_and_by_attachment(nsx, source):
    """After a restart no path is known: both lists have to lack the port."""
    network = first(nsx, "network")
    seen = the_one(source, Sought(Key(Kind.PORT, NOBODY), network.neutron_id))

    word = "no path known; no tag; not in the list of 1 switches and the attachments"
    assert (seen.health, seen.word) == (Health.ABSENT, word)


@pytest.mark.parametrize("kind", Kind)
def test_an_object_that_lost_its_tag_is_not_absent(nsx, source, kind):
    """It is there, on the known path; whose it is nobody can tell."""
    (nsx_id,) = nsx.create(kind, untagged=True)
    (item,) = (each for each in nsx.inventory(kind) if each.nsx_id == nsx_id)
    seen = the_one(source, Sought(Key(kind, NOBODY), item.network_id or "", path_of(item)))

    assert (seen.health, seen.word) == (Health.UNKNOWN, "tag lost")


@pytest.mark.parametrize("parent", [True, False])
@pytest.mark.parametrize("kind", Kind)
def test_an_object_that_only_a_list_knows_is_not_absent(nsx, source, kind, parent):
    """The search by tag misses it: the sources do not agree, so nothing is proven."""
    item = first(nsx, kind)
    nsx.faults.extend(
        [
            {"fault": "skip-object", "query": f"tag={item.neutron_id}"},
            {"fault": "wrong-total", "query": f"tag={item.neutron_id}", "by": -1},
        ]
    )
    seen = the_one(source, sought(item)._replace(parent_id=item.network_id or "" if parent else ""))

    assert (seen.health, seen.path) == (Health.UNKNOWN, path_of(item))


@pytest.mark.parametrize("query", ["tag=", "LogicalPortAttachment"])
@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"fault": "wrong-total", "by": 1}, "a list shorter than announced"),
        ({"fault": "malformed-object", "variant": "wrong-type"}, "1 unreadable in a list"),
    ],
)
def test_a_list_with_a_gap_proves_no_absence(nsx, source, query, fault, word):
    """Fewer objects than announced, or one that cannot be read: the row's object could be that one."""
    item, *_ = nsx.inventory("port")
    nsx.delete("port", [item.neutron_id])
    nsx.faults.extend([{**fault, "query": query, "count": None}])
    seen = the_one(source, sought(item))

    assert (seen.health, seen.word) == (Health.UNKNOWN, word)


def test_a_port_is_gone_with_its_switch(nsx, source):
    """The list that held it does not exist any more."""
    item = first(nsx, "port")
    nsx.delete("port")
    nsx.delete("network", [item.network_id])

    assert the_one(source, sought(item, path_of(item))).health is Health.ABSENT


@pytest.mark.parametrize("query", ["tag=", "fields=uuid,tags&"])
def test_a_search_that_is_not_there_proves_no_absence(nsx, source, query):
    """404 for an object says that there is none; 404 for a listing says nothing."""
    nsx.faults.add("http-404", query=query)

    with pytest.raises(NotFound):
        the_one(source, Sought(Key(Kind.NETWORK, NOBODY)))


@pytest.mark.parametrize(("count", "word"), [(1, "unreadable"), (None, "unreadable")])
def test_an_unreadable_object_is_not_absent(nsx, source, count, word):
    """Something is there, on the path or in the search."""
    nsx.delete("port")
    nsx.create("port", ids=[] if count else [NOBODY], untagged=False)
    nsx.create("port", untagged=True)
    item = nsx.inventory("port")[-1 if count else 0]
    nsx.faults.add("malformed-object", variant="wrong-type", count=count)
    row = Sought(Key(Kind.PORT, NOBODY), item.network_id, path_of(item))

    assert the_one(source, row).word == word


def test_a_strange_path_is_not_asked_for(nsx, source):
    """What is no object's path was not reported by this NSX."""
    item = first(nsx, "port")
    for path in (
        "/etc/passwd",
        "/ws.v1/../x",
        path_of(item) + "?x",
        "//evil/ws.v1/lswitch/a",
        "/ws.v1/lswitch/*/lport/a",
    ):
        assert the_one(source, sought(item, path)).health is Health.UP

    assert set(nsx.requests.summary()["by_path"]) == {"POST /ws.v1/login", f"GET {LIST}"}


@pytest.mark.parametrize(
    ("kind", "pattern", "reads"),
    [
        ("port", "GET /ws.v1/lswitch/{parent}/lport", 1),
        ("network", "GET /ws.v1/lswitch", 5),
        ("router", "GET /ws.v1/lrouter", 3),
    ],
)
def test_a_list_is_read_once_for_all_rows_of_a_look(nsx, source, kind, pattern, reads):
    """Two or four rows: a search by tag for each, and one list."""
    items = [item for item in nsx.inventory(kind) if item.network_id == first(nsx, kind).network_id][:2]
    nsx.delete(kind, [item.neutron_id for item in items])
    nsx.requests.reset()
    rows = [sought(item) for item in items]
    rows += [Sought(Key(Kind(kind), f"{NOBODY[:-1]}{i}"), rows[0].parent_id) for i in range(2)] * (
        kind == "network"
    )

    assert {each.health for answer in source.look(rows) for each in answer} == {Health.ABSENT}
    assert nsx.requests.summary()["by_path"][pattern]["200"] == reads


def test_a_listing_in_circles_proves_nothing(nsx, source):
    """A list without an end raises instead of reading for ever."""
    nsx.faults.add("empty-page-with-cursor", count=None)

    with pytest.raises(Malformed, match="circles"):
        the_one(source, Sought(Key(Kind.PORT, NOBODY), NOBODY))


class Endless:
    """A reader whose every page is empty and has a cursor that was never seen."""

    def __init__(self) -> None:
        self.pages = 0

    def page(self, _path, _params, _cursor, _length):
        self.pages += 1
        body = f'{{"results": [], "page_cursor": "{self.pages}"}}'.encode()
        return Answer(body, {}, "", CLOCK.now())


def test_a_listing_of_nothing_but_empty_pages_ends():
    """Ever new cursors behind ever empty pages: a look raises instead of reading for ever."""
    reader = Endless()

    with pytest.raises(Malformed, match="empty pages"):
        Look(reader, CLOCK).at(Sought(Key(Kind.ROUTER, NOBODY)))
    assert reader.pages == 101


def test_an_error_costs_its_row_alone(nsx, source):
    """The rows before and behind it have their answers."""
    items = nsx.inventory("port")[:3]
    nsx.faults.add("http-409", after=1)
    rows = [sought(item, path_of(item)) for item in items]

    before, failed, behind = source.look(rows)

    assert [each.id for each in before + behind] == [items[0].neutron_id, items[2].neutron_id]
    assert isinstance(failed, NsxError)
