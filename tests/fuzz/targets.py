"""What is fuzzed: whatever comes is read, or refused by an error of ours, soon and in little memory."""

import threading
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from fuzz.configuration import configuration
from fuzz.hostile import LEAVES, bodies, damaged
from networking_nsx.clock import SystemClock
from networking_nsx.errors import NsxError
from networking_nsx.model import Key, Kind, Observation, Sought
from networking_nsx.nsx import checks_mh
from networking_nsx.nsx.api import MH, POLICY, gone, refusal
from networking_nsx.nsx.auth import PolicyLogin
from networking_nsx.nsx.checks import clock as clock_check
from networking_nsx.nsx.checks import no_connection
from networking_nsx.nsx.codec_mh import entries_from, object_from, page_from
from networking_nsx.nsx.codec_policy import (
    Hits,
    State,
    Tags,
    gateway_state_from,
    intent_from,
    intents_from,
    port_status_from,
    ports_from,
    realized_from,
    segment_state_from,
    segment_states_from,
)
from networking_nsx.nsx.http import Answer
from networking_nsx.nsx.listing_policy import REACH, PolicySettings, next_offset
from networking_nsx.nsx.mh import MhLogin, MhSource
from networking_nsx.nsx.policy import PolicySource
from networking_nsx.nsx.reader_mh import Generation
from networking_nsx.nsx.wire import Reply
from networking_nsx.serve.protocol import (
    LONGEST,
    Command,
    Misunderstood,
    Request,
    answer_from,
    line_of,
    request_from,
)
from networking_nsx.serve.protocol import (
    Answer as Told,
)

CLOCK = SystemClock(threading.Event())
TAGS = (Tags(), Tags(deployment="sim"))
KINDS = st.sampled_from(Kind)
WORD = 200  # characters of a word, which are logged
MESSAGE = 4000  # characters of an error
ENOUGH = 120_000  # requests for one answer; NSX's search ends at 50,000 hits


class Endless(Exception):
    """One question leads to requests without end."""


def judged(read: Callable, *arguments: object):
    """What was read, or None where it was refused by an error of ours, whose message is no book."""
    try:
        return read(*arguments)
    except (NsxError, Misunderstood) as error:
        message = str(error)
    assert len(message) < MESSAGE
    return None


def proper(observations: Sequence[Observation]) -> None:
    assert all(one.id and isinstance(one.id, str) and len(one.word) <= WORD for one in observations)


@given(KINDS, bodies("mh"))
def mh(kind, body):
    """Listings, single objects and lists of NSX-MH."""
    for page in (judged(page_from, kind, body, 1.0), judged(object_from, kind, body, 1.0)):
        if page:
            proper(page.observations)
    judged(entries_from, "/ws.v1/lswitch", body)


CURSORS = st.none() | st.integers().map(str) | st.text(max_size=3) | st.just("9" * 5000)
HITS = st.builds(
    Hits, st.just([]), CURSORS, st.none() | st.integers() | st.just(10**18), st.integers(0, 3), st.just(0)
)


@given(KINDS, bodies("policy"), st.sampled_from(TAGS), HITS, st.integers(0, 9) | st.integers(0, 10**6))
def policy(kind, body, tags, some, offset):
    """Hits, intents and states of NSX Policy, and where a search goes on."""
    place = judged(next_offset, some, offset)
    assert place is None or offset < place <= REACH  # else it goes in circles, or never ends
    for read in (ports_from, intents_from_kind(kind), intent_from_kind(kind)):
        hits = judged(read, body, 1.0, tags)
        if hits:
            proper(hits.observations)
    for read in (segment_state_from, gateway_state_from, port_status_from, realized_from):
        state = judged(read, body)
        assert state is None or (isinstance(state, State) and len(state.word) <= WORD)
    states = judged(segment_states_from, body, 1.0)
    assert not states or all(len(state.word) <= WORD for state in states.states.values())


def intents_from_kind(kind):
    return lambda body, as_of, tags: intents_from(kind, body, as_of, tags)


def intent_from_kind(kind):
    return lambda body, as_of, tags: intent_from(kind, body, as_of, tags)


DATES = [
    "Mon, 01 Jan 0001 00:00:00 -0000",
    "Tue, 31 Dec 9999 23:59:59 -2359",
    "Thu, 99 Foo 1e9 25:61:61 +9999",
]
DATES += ["Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 01 Jan 2020 00:00:00 -99999999999999"]
HEADER = (
    st.text(st.characters(max_codepoint=255), max_size=30)
    | st.sampled_from(
        ["", "9" * 5000, "1", "-1", "nan", "²", "a=b\r\n c", " x", "x; Path=/", "1 1 1", "NVP/2.3"]
    )
    | st.sampled_from(DATES)
)
STATUS = st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503, 599]) | st.integers(100, 999)


@given(STATUS, bodies("policy") | bodies("mh"), st.lists(HEADER, min_size=5, max_size=5), LEAVES)
def refusals(status, body, headers, address):
    """Answers that are no success, logins, and what checks read off headers and of controllers."""
    names = ("Retry-After", "X-XSRF-TOKEN", "Date", "X-Nvp-Config-Generation", "Server")
    told = dict(zip(names, headers, strict=True))
    reply = Reply(status, told, headers[:2], body, 1.0)
    for api in (MH, POLICY):
        gone(api, reply)
        error = refusal(api, "https://10.0.0.1/x", reply)
        assert isinstance(error, NsxError)
        assert len(str(error)) < MESSAGE
        assert str(error).isprintable()  # no second line in a log, nothing that a terminal obeys
    for login in (MhLogin("a", "b"), PolicyLogin("a", "b")):
        assert all(value.isprintable() and value == value.strip() for value in login.proof(reply).values())
    generation = Generation(CLOCK, 30.0)
    generation.heard(told)
    generation.wanted()
    client = SimpleNamespace(get=lambda *_: Answer(body, told, "https://10.0.0.1", 1.0))
    manager = SimpleNamespace(client=client, clock=CLOCK, http=SimpleNamespace(connect_timeout=0.01))
    clock_check("/")(manager)
    checks_mh._addresses(  # noqa: SLF001 - around it there are real connections
        SimpleNamespace(listen_addr=f"pssl:{address}:{headers[0]}")
    )
    no_connection((f"\0{address}", 1), 0.01)


class _Manager:
    """A client whose manager answers one body after the other, and the last one for ever."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def get(self, _path, _params=(), _headers=None) -> Answer:
        body = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        if self.asked > ENOUGH:
            raise Endless
        return Answer(body, {}, "https://10.0.0.1", 1.0)


@given(KINDS, st.lists(bodies("policy"), min_size=1, max_size=5))
def search(kind, answered):
    """Pages, looks and searches of NSX Policy, whatever each request is answered with: they end."""
    source = PolicySource(_Manager(answered), CLOCK, PolicySettings(readers=1))
    page = judged(source.page, kind, None, 1000)
    if page and page.cursor is not None:
        judged(source.page, kind, page.cursor, 1000)
    source = PolicySource(_Manager(answered), CLOCK, PolicySettings(readers=1))
    judged(source.index.find, ["a", "b"])
    looked(PolicySource(_Manager(answered), CLOCK, PolicySettings(readers=1)), kind)


@given(KINDS, st.lists(bodies("mh"), min_size=1, max_size=5))
def lists(kind, answered):
    """Pages and looks of NSX-MH likewise."""
    page = judged(MhSource(_Manager(answered), CLOCK, Generation(CLOCK)).page, kind, None, 1000)
    assert page is None or page.cursor is None or page.cursor
    looked(MhSource(_Manager(answered), CLOCK, Generation(CLOCK)), kind)


def looked(source, kind) -> None:
    row = Sought(Key(kind, "a"), parent_id="n")
    for answer in source.look([row, row._replace(path=_PATHS[kind])]):
        if not isinstance(answer, NsxError):
            proper(answer)


_PATHS = {
    Kind.NETWORK: "/ws.v1/lswitch/x",
    Kind.ROUTER: "/infra/tier-1s/x",
    Kind.PORT: "/infra/segments/a/ports/b#c",
}


@st.composite
def lines(draw):
    """A line of the control socket, mostly nearly right."""
    said = draw(
        st.builds(Request, st.sampled_from(Command), st.lists(KINDS).map(tuple), st.integers(0, 2))
        | st.builds(Told, st.dictionaries(st.text(), st.text()), st.text(), st.integers(0, 2))
    )
    return draw(damaged(line_of(said)) | bodies("mh"))[:LONGEST]


@given(lines())
def commands(line):
    """Requests to the daemon and answers of it."""
    judged(request_from, line)
    judged(answer_from, line)


TARGETS: Mapping[str, Callable[[], None]] = {
    "mh": mh,
    "policy": policy,
    "refusals": refusals,
    "search": search,
    "lists": lists,
    "commands": commands,
    "configuration": configuration,
}
