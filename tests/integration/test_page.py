"""The status page over HTTP: what comes first, what is told of a resource, whose text it is."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
import requests
from pages import (
    EMPTY,
    EVIL,
    FAILING,
    FROZEN,
    NETWORK,
    PORT,
    QUIET,
    Rows,
    busy,
    port,
    shown,
    usual,
    written,
)
from waiting import wait_for

from networking_nsx.model import Key, Kind, Status
from networking_nsx.neutron.census import Group
from networking_nsx.serve.health import Hang


class _Reader(HTMLParser):
    """What a page says, and of what elements it consists."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.pieces: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.pieces))


def read(url: str, path: str = "/") -> _Reader:
    answer = requests.get(url + path, timeout=10)
    answer.encoding = "utf-8"
    return _Reader(answer.text)


def told(told=(), path="/", **state) -> str:
    """The text of a page in this state."""
    with shown(dict(told), **state) as url:
        read(url, path)  # begins to count
        return read(url, path).text


def test_a_daemon_that_works_says_so():
    """What runs, how far the sweep is, how old a status may be."""
    text = told()

    for part in ("Running", "41,250 of 100,000", "20 s old", "nsx-3.example", "NSX Policy", "1 d 1 h"):
        assert part in text
    assert "What is wrong" not in text


@pytest.mark.parametrize(
    ("state", "first"),
    [
        (FAILING, "4 failures in a row https://nsx-1.example: connection refused"),
        (FROZEN, "The brake holds 2 routers, 412 ports"),
    ],
)
def test_what_is_wrong_comes_before_everything_else(state, first):
    """With what to do about it."""
    text = told(state)

    assert text.index(first) < text.index("This sweep") < text.index("Last changes")


def test_a_loop_that_hangs_is_told():
    """Before all else."""
    assert "The sweep loop hangs" in told(hangs=[Hang("sweep", 90.0)])


def test_before_the_first_sweep_the_page_says_that_there_is_none():
    """And shows no numbers that it does not have."""
    text = told(EMPTY, rows=Rows())

    assert "Starting" in text
    assert "No sweep has completed since the start." in text
    assert "not known yet" in text
    assert "None has been compared with NSX yet." in text
    assert "No status was written since the start." in text


def test_the_host_that_has_most_ports_that_are_down_is_named():
    """In a sentence; no segment has."""
    text = told()

    assert "412 of 430 DOWN ports are on esx-17" in text
    assert "of segment" not in text


def test_the_last_changes_have_their_evidence():
    """Path and word of NSX, when it was seen, and which runner wrote it."""
    path = "/infra/segments/web/ports/1"
    text = told(steps=[written(Key(Kind.PORT, PORT), Status.DOWN, "DOWN_ADMIN", path)])

    for part in (PORT, path, "DOWN_ADMIN", "sweep"):
        assert part in text


def test_a_resource_is_told_as_neutron_has_it():
    """With its own changes only."""
    other = PORT[:-2] + "22"
    steps = [written(Key(Kind.PORT, each), Status.DOWN, "DOWN", f"/ports/{each}") for each in (PORT, other)]
    text = told(path=f"/?id=%20{PORT}%20", steps=steps)

    assert "Port DOWN Last change in Neutron 1 min ago" in text
    assert NETWORK in text
    assert f"/ports/{PORT}" in text
    assert other not in text


def test_a_resource_that_neutron_does_not_have():
    """404, in words."""
    with shown() as url:
        assert requests.get(f"{url}/?id=nobody", timeout=10).status_code == 404
        assert "No network, router or port has this id." in read(url, "/?id=nobody").text


def test_a_database_that_does_not_answer_is_told_and_the_rest_of_the_page_stays():
    """The last count with it."""
    rows = usual()
    rows.error = "Neutron's database stays locked"
    with shown(rows=rows) as url:
        overview, resource = read(url).text, requests.get(f"{url}/?id={PORT}", timeout=10)

    assert "They could not be counted" in overview
    assert "The last hour" in overview
    assert (resource.status_code, "stays locked" in unescape(resource.text)) == (503, True)


def test_many_readers_cost_one_count():
    """Until it is old; the page says when that was."""
    rows = usual()
    with shown(rows=rows) as url:
        texts = {read(url).text for _ in range(20)}

    assert rows.counts == 1
    assert all("Counted 0.0 s ago" in text for text in texts)


@pytest.mark.parametrize("path", ["/", f"/?id={PORT}"])
def test_text_of_others_is_only_text(path):
    """Whatever NSX or Neutron has named: words, paths, hosts, networks, ids, errors."""
    rows = Rows([Group(EVIL, "", {"DOWN": 5}), Group(EVIL, EVIL, {"DOWN": 5})], [port(PORT, EVIL, EVIL)])
    steps = [written(Key(Kind.PORT, PORT), Status.DOWN, EVIL, EVIL)]
    steps += [written(Key(Kind.PORT, EVIL), Status.DOWN, EVIL, EVIL)]
    state = {
        **FAILING,
        "rows": {kind.value: {EVIL: 5} for kind in Kind},
        "last_error": EVIL,
        "version": EVIL,
        "index": "not believed",
        "index_reason": EVIL,
    }
    with shown(state, rows, steps=steps) as url:
        wait_for(lambda: "being counted" not in read(url).text)
        page = read(url, path)

    assert "document.title='taken'" in page.text  # it is there, as text
    assert "\u202e" not in page.text
    assert "{{7*7}}" in page.text
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "img", "iframe", "object"})
    assert not [
        attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)
    ]
    assert [tag for tag, _ in page.elements].count("title") == 1


@pytest.mark.parametrize("query", [f"id={EVIL}", "id=" + "x" * 5000, "id=%00%ff%0a", "id=&id=", "other=1"])
def test_a_hostile_search_is_only_text(query):
    """An answer, and no element of theirs."""
    with shown() as url:
        answer = requests.get(f"{url}/?{query}", timeout=10)

    assert answer.status_code in (200, 404)
    assert "<script" not in answer.text


def test_all_links_of_a_page_lead_somewhere():
    """And to nowhere else."""
    with shown(steps=busy()) as url:
        read(url)
        links = {attributes.get("href") for _, attributes in read(url).elements} - {None}
        codes = {
            link: requests.get(f"{url}/{link}", timeout=10).status_code for link in links if link[0] != "#"
        }

    assert {link for link, code in codes.items() if code not in (200, 404)} == set()
    assert {link for link, code in codes.items() if code == 404 and "id=" not in link} == {
        *("metrics", "healthz", "readyz")  # of the daemon, which is not here
    }


def test_a_page_says_of_a_state_that_it_does_not_know_no_less():
    """Every state that `sync status` tells of has a page."""
    for state in ("running", "pausing", "paused"):
        assert told({"state": state, "paused_since": QUIET["started_at"]})
