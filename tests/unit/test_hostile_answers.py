"""What a hostile or broken manager may send: mostly found by fuzzing. It costs its own answer only."""

import gzip
import json
import logging
import threading
import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import pytest

from networking_nsx.cli.following import LogLines
from networking_nsx.clock import SystemClock
from networking_nsx.errors import CursorExpired, Malformed, NsxError
from networking_nsx.model import Kind, Progress
from networking_nsx.nsx import checks_mh
from networking_nsx.nsx.api import MH, POLICY, refusal
from networking_nsx.nsx.auth import PolicyLogin
from networking_nsx.nsx.checks import Result, clock
from networking_nsx.nsx.codec_policy import Hits, Tags, gateway_state_from, port_status_from, ports_from
from networking_nsx.nsx.http import Answer, Client, HttpSettings
from networking_nsx.nsx.listing_policy import REACH, next_offset
from networking_nsx.nsx.mh import MhLogin
from networking_nsx.nsx.reader_mh import Generation
from networking_nsx.nsx.wire import Reply
from networking_nsx.simulator import Simulator

CLOCK = SystemClock(threading.Event())
LONG = "9" * 5000  # int() refuses so many digits with a ValueError


def reply(body=b"", headers=None, cookies=(), status=400):
    return Reply(status, headers or {}, cookies, body, 0.0)


@pytest.mark.parametrize("code", [LONG, f'"{LONG}"', "-1", "1e400", "true", "[]"])
@pytest.mark.parametrize("api", [MH, POLICY])
def test_any_error_code_leaves_an_error_of_ours(api, code):
    """A number of thousands of digits is none that is known."""
    assert isinstance(refusal(api, "https://a/b", reply(b'{"error_code": %s}' % code.encode())), NsxError)


def test_a_generation_that_is_no_number_is_not_waited_for():
    """Nor repeated to other managers."""
    generation = Generation(CLOCK, 30.0)
    generation.heard({"X-Nvp-Config-Generation": LONG})

    assert generation.wanted() == {}


@pytest.mark.parametrize(("cursor", "offset"), [("0", 0), ("5", 5), ("4", 5), (str(REACH + 1), 5)])
def test_a_search_that_goes_in_circles_or_without_end_is_malformed(cursor, offset):
    """Whoever looked up 25 ports would ask for ever, and hold all that came."""
    with pytest.raises(Malformed, match=f"from {offset} to {cursor}"):
        next_offset(Hits([], cursor, 10**18, 1, 0), offset)


def test_an_offset_is_a_number_that_can_be_one():
    """Its message is short."""
    with pytest.raises(CursorExpired) as caught:
        next_offset(Hits([], LONG, 10**18, 1, 0), 0)

    assert len(str(caught.value)) < 100


def test_a_word_that_nobody_knows_is_short():
    """It goes to logs and tables, and an answer may have 512 MB."""
    port = {"id": "1", "attachment": {"id": "vif"}, "status": {"status": "W" * 10_000}}
    nodes = [{"high_availability_status": "W" * 10_000}] * 1000
    listed = ports_from(json.dumps({"results": [port]}).encode(), 0.0, Tags())
    words = [
        listed.observations[0].word,
        port_status_from(json.dumps(port["status"]).encode()).word,
        gateway_state_from(json.dumps({"tier1_status": {"per_node_status": nodes}}).encode()).word,
    ]

    assert all(word.lstrip('"').startswith("WWW") and len(word) <= 200 for word in words)


def test_words_without_end_are_not_all_told(caplog):
    """An NSX that has another one for each port fills no log and no memory."""
    lines = LogLines(10.0)
    with caplog.at_level(logging.WARNING):
        for number in range(1000):
            lines.progressed(Progress(Kind.PORT, {}, words={f"word {number}": 1}))

    assert len(caplog.messages) == 100


@pytest.mark.parametrize("value", ["s3cret\r\n x", " s3cret", "s3cret\x00", ""])
def test_a_session_that_cannot_be_sent_is_none(value):
    """The HTTP library would repeat it in its error."""
    good = {"X-XSRF-TOKEN": "token"}

    assert PolicyLogin("a", "b").proof(reply(headers=good, cookies=["JSESSIONID=1"])) != {}
    assert PolicyLogin("a", "b").proof(reply(headers=good, cookies=[value])) == {}
    assert PolicyLogin("a", "b").proof(reply(headers={"X-XSRF-TOKEN": value}, cookies=["JSESSIONID=1"])) == {}
    assert MhLogin("a", "b").proof(reply(cookies=[value])) == {}


@pytest.mark.parametrize(
    "date", ["Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 01 Jan 2020 00:00:00 -99999999999999"]
)
def test_a_date_beyond_all_dates_is_none(date):
    """`check` goes on."""
    client = SimpleNamespace(get=lambda _: Answer(b"{}", {"Date": date}, "https://a", 0.0))

    assert clock("/")(SimpleNamespace(client=client, clock=CLOCK)).result is Result.SKIP


class Bomb(Simulator):
    """One whose lists are 400 MB of blanks, in 0.4 MB on the wire."""

    packed = 400 * gzip.compress(b" " * (1 << 20))

    def answer(self, request):
        answer = super().answer(request)
        if request.method != "GET":
            return answer
        return replace(answer, body=self.packed, headers=(*answer.headers, ("Content-Encoding", "gzip")))


def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off():
    """Piece by piece, at the same limit as any other."""
    with (
        Bomb() as nsx,
        Client(
            nsx.urls, MhLogin("admin", "admin"), HttpSettings(answer_limit=4 << 20, retries=0), CLOCK
        ) as client,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(Malformed, match="an answer of more than"):
                client.get("/ws.v1/lswitch")
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert most < 64 << 20


def test_a_controller_whose_port_is_no_port_is_left_out():
    """Of one that can be asked, host and port are told."""
    nodes = [{"roles": [{"listen_addr": f"pssl:127.0.0.1:{port}"}]} for port in (LONG, "x", "1")]
    body = json.dumps({"results": nodes}).encode()
    client = SimpleNamespace(get=lambda *_: Answer(body, {}, "https://a", 0.0))
    health = next(check for check in checks_mh.MANAGER if check.name == "health")
    found = health.ask(SimpleNamespace(client=client, http=SimpleNamespace(connect_timeout=5)))

    assert "1 of 3 controllers take no connections from here: 127.0.0.1:1" in found.detail
