"""Requests to NSX Policy's managers, over real HTTP against simulated ones."""

import io
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager

import pytest
from clocks import LaterClock
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from waiting import held, wait_for

from networking_nsx.clock import SystemClock
from networking_nsx.errors import (
    ConfigurationError,
    IndexUnavailable,
    NsxError,
    PageTooLarge,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from networking_nsx.nsx.api import POLICY, Busy
from networking_nsx.nsx.auth import Basic, Certificate, PolicyLogin, Token
from networking_nsx.nsx.deadline import Deadline
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.node import Unhealthy
from networking_nsx.nsx.wire import Slots
from networking_nsx.simulator import Simulator

CLOCK = SystemClock(threading.Event())
ADMIN = PolicyLogin("admin", "admin")
SEGMENTS = "/policy/api/v1/infra/segments"
SEARCH = "/policy/api/v1/search/query"
LOGIN = "/api/session/create"
HEALTH = "/api/v1/reverse-proxy/node/health"
MOST = 0.8  # of the budget, which is used while there is work


@pytest.fixture
def nsx():
    with Simulator(api="policy", nodes=3, networks=3) as simulator:
        yield simulator


@contextmanager
def client_of(nsx, authentication=ADMIN, clock=CLOCK, nodes=None, adapter=None, **settings):
    http = HttpSettings(**settings)
    with Client(nodes or nsx.urls, authentication, http, clock, adapter, api=POLICY) as client:
        yield client


def get(client):
    return client.get(SEGMENTS)


def tried(client):
    """The node that answered, or the error."""
    try:
        return get(client).node
    except NsxError as error:
        return type(error)


def crowd(client, requests, threads=8):
    """What so many requests met, sent by threads at once."""
    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(lambda _: tried(client), range(requests)))


def answers(nsx, path=SEGMENTS, method="GET"):
    return nsx.requests.summary()["by_path"].get(f"{method} {path}", {})


def refusals(nsx):
    return nsx.accounts.summary()["refused_logins"]


# Who asks


def test_one_session_for_each_manager_serves_many_requests(nsx):
    """Its cookie and its token go with every request."""
    with client_of(nsx) as client:
        nodes = Counter(get(client).node for _ in range(9))

    assert nodes == dict.fromkeys(nsx.urls, 3)
    assert answers(nsx, LOGIN, "POST") == {"200": 3}
    assert answers(nsx) == {"200": 9}


def test_user_and_password_may_go_with_every_request(nsx):
    """Then there is no session."""
    with client_of(nsx, Basic("admin", "admin")) as client:
        get(client)

    assert nsx.requests.summary()["logins"] == 0


def test_a_certificate_is_shown_by_tls_and_nothing_else(tmp_path):
    """No login, and no other account."""
    file = str(tmp_path / "client.pem")
    with Simulator(api="policy", tls=True, client_cert_file=file) as nsx:
        with client_of(nsx, Certificate(file), ca_file=nsx.ca_file, client_cert_file=file) as client:
            get(client)
        with client_of(nsx, Certificate(file), ca_file=nsx.ca_file) as client, pytest.raises(Unauthorized):
            get(client)
        accounts = nsx.requests.summary()["max_per_second"].keys()

    assert answers(nsx)["200"] == 1
    assert nsx.requests.summary()["logins"] == 0
    assert not any(account.startswith("admin") for account in accounts)


def test_a_certificate_that_is_gone_is_a_mistake_in_the_configuration():
    """The error names option and file."""
    with (
        Simulator(api="policy", tls=True) as nsx,
        client_of(nsx, Certificate("/no.pem"), ca_file=nsx.ca_file, client_cert_file="/no.pem") as client,
        pytest.raises(ConfigurationError, match=r"client_cert_file = /no\.pem"),
    ):
        get(client)


def test_a_token_is_read_anew_when_it_is_no_longer_accepted(tmp_path):
    """Whoever renews it writes the file; nobody restarts anything."""
    file = tmp_path / "token"
    file.write_text("old\n")
    token = Token(str(file))
    token.headers()
    file.write_text("new\n")
    with Simulator(api="policy", token="new") as nsx:
        with client_of(nsx, token) as client:
            assert crowd(client, 32, threads=16) == {nsx.urls[0]: 32}
        file.unlink()
        with (
            client_of(nsx, Token(str(file))) as client,
            pytest.raises(ConfigurationError, match="token_file"),
        ):
            get(client)

    assert answers(nsx)["200"] == 32


def test_a_token_that_is_refused_is_not_tried_for_ever(tmp_path):
    """Twice, then after 1 s, 2 s, ... 64 s; what the file says by then is what is shown."""
    file = tmp_path / "token"
    file.write_text("old")
    clock = LaterClock()
    with Simulator(api="policy", token="new") as nsx, client_of(nsx, Token(str(file)), clock) as client:
        assert crowd(client, 16) == {Unauthorized: 16}
        assert 2 <= nsx.requests.summary()["total"] <= 3  # a third if all that took more than a second
        file.write_text("new")
        clock.ahead = 10
        get(client)


def test_nobody_is_told_a_secret(tmp_path):
    """Neither in logs nor in errors."""
    (tmp_path / "token").write_text("s3cret")
    token = Token(str(tmp_path / "token"))
    token.headers()

    assert "s3cret" not in repr([PolicyLogin("me", "s3cret"), Basic("me", "s3cret"), token])


def test_a_session_opened_with_201_is_one(nsx):
    """Some versions say so."""

    class Created(HTTPAdapter):
        def send(self, request, **how):
            response = super().send(request, **how)
            if request.path_url == LOGIN:
                response.status_code = 201
            return response

    with client_of(nsx, adapter=Created()) as client:
        get(client)


def test_a_login_without_a_token_is_refused(nsx):
    """The cookie alone is worth nothing."""

    class Forgetful(HTTPAdapter):
        def send(self, request, **how):
            response = super().send(request, **how)
            response.headers.pop("X-XSRF-TOKEN", None)
            return response

    with client_of(nsx, adapter=Forgetful()) as client, pytest.raises(Unauthorized, match="login"):
        get(client)

    assert answers(nsx) == {}


# What is not accepted


@pytest.mark.parametrize(
    ("fault", "code"), [("http-401", None), ("http-403", 98), ("http-403", 403), ("http-500", 99)]
)
def test_a_lost_session_is_opened_again_once(nsx, fault, code):
    """One new login, one repetition, and nobody notices."""
    with client_of(nsx, nodes=nsx.urls[:1]) as client:
        get(client)
        nsx.faults.add(fault, code=code, match="/policy")
        get(client)

    assert nsx.requests.summary()["logins"] == 2


def test_threads_share_one_new_session(nsx):
    """Eight requests whose session is lost open one together."""
    with client_of(nsx, nodes=nsx.urls[:1]) as client:
        get(client)
        nsx.accounts.drop(0)
        assert crowd(client, 16).keys() == {nsx.urls[0]}

    assert nsx.requests.summary()["logins"] == 2


def test_a_session_survives_a_move_of_the_virtual_ip(nsx):
    """The other manager does not know it: a new one is opened there."""
    with client_of(nsx, nodes=[nsx.vip]) as client:
        get(client)
        nsx.faults.add("vip-moved", match="/policy")
        get(client)

    assert nsx.requests.summary()["logins"] == 2


@pytest.mark.parametrize(
    ("fault", "parameters", "error", "told"),
    [
        ("http-403", {"code": 7}, Unauthorized, "check the rights"),
        ("licence-expired", {}, Rejected, "no valid licence"),
    ],
)
def test_what_no_login_can_cure_causes_none(nsx, fault, parameters, error, told):
    """A missing right or licence is told at once, however many ask."""
    with client_of(nsx) as client:
        crowd(client, 6)
        nsx.faults.add(fault, count=None, match="/policy", **parameters)
        with pytest.raises(error, match=told):
            get(client)
        assert crowd(client, 16).keys() == {error}

    assert nsx.requests.summary()["logins"] == 3


def test_sessions_that_are_refused_when_new_are_not_opened_for_ever(nsx):
    """After two new ones the manager is left alone for minutes."""
    clock = LaterClock()
    logins = []
    with client_of(nsx, clock=clock, nodes=nsx.urls[:1]) as client:
        get(client)
        nsx.faults.add("http-403", code=98, count=None)
        for ahead in (0, 0, 0, 0, 299, 301, 302):
            clock.ahead = ahead
            with pytest.raises(Unauthorized):
                get(client)
            logins.append(nsx.requests.summary()["logins"])
        nsx.faults.clear()
        clock.ahead = 1000
        get(client)

    assert logins == [2, 3, 3, 3, 3, 4, 4]


def test_a_new_session_that_is_lost_is_one_refusal_however_many_meet_it(nsx):
    """The next request opens another one."""
    with client_of(nsx, nodes=nsx.urls[:1], retries=0) as client, ThreadPoolExecutor(16) as threads:
        get(client)
        with ExitStack() as release:
            old = release.enter_context(held(nsx, SEGMENTS, count=16))
            sent = [threads.submit(tried, client) for _ in range(16)]
            wait_for(lambda: old.fired == 16)
            nsx.accounts.drop(0)
            with held(nsx, SEGMENTS, count=16) as new:
                release.close()
                wait_for(lambda: new.fired == 16)
                nsx.accounts.drop(0)
        assert {one.result() for one in sent} == {Unauthorized}
        get(client)

    assert nsx.requests.summary()["logins"] == 3


@pytest.mark.parametrize("wrong", [PolicyLogin("admin", "s3cret"), Basic("admin", "s3cret")])
def test_a_wrong_password_is_tried_twice_by_all_threads_together(nsx, wrong, caplog):
    """On all managers; then there is a line that says so, and minutes without another attempt."""
    with client_of(nsx, wrong) as client:
        assert crowd(client, 48, threads=16) == {Unauthorized: 48}
        with pytest.raises(Unauthorized, match=r"check .nsx. user \(admin\) and password"):
            get(client)

    assert refusals(nsx) == 2
    assert caplog.text.count("NSX refuses [nsx] user (admin) and password") == 1
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("right", [ADMIN, Basic("admin", "admin")])
def test_a_password_that_changes_while_threads_work_does_not_lock_the_account(nsx, right):
    """What is under way is counted as refused before it is."""
    rule = nsx.before(SEGMENTS, 40, lambda: nsx.accounts.become("changed"))
    with client_of(nsx, right) as client:
        met = crowd(client, 120, threads=16)

    assert rule.fired == 1
    assert met[Unauthorized] >= 1
    assert 1 <= refusals(nsx) <= 2
    assert nsx.accounts.summary()["locked"] == []


def test_a_password_that_becomes_right_again_is_found_out(nsx):
    """After five minutes one request tries it, and all go on."""
    clock = LaterClock()
    with client_of(nsx, Basic("admin", "admin"), clock) as client:
        nsx.accounts.become("changed")
        assert crowd(client, 8) == {Unauthorized: 8}
        nsx.accounts.become("admin")
        assert crowd(client, 8) == {Unauthorized: 8}
        clock.ahead = 301
        assert Unauthorized not in {tried(client) for _ in range(6)}


@pytest.mark.parametrize("who", [ADMIN, Basic("admin", "admin")])
def test_a_manager_that_alone_accepts_nobody_is_left_to_itself(nsx, who):
    """Its refusals are few, and the others are asked from then on."""
    rule = nsx.faults.add("http-403", code=403, node=1, match="/policy", count=None)
    with client_of(nsx, who) as client:
        met = Counter(tried(client) for _ in range(60))
        refused = rule.fired

    assert met.keys() == {nsx.urls[0], nsx.urls[2], Unauthorized}
    assert met[Unauthorized] == 2
    assert refused <= 4


def test_a_manager_that_refuses_the_login_is_tried_rarely_and_bars_no_other(nsx):
    """The others accept it, and lose their sessions each minute."""
    clock = LaterClock()
    rule = nsx.faults.add("http-403", code=403, node=1, match=LOGIN, count=None)
    met = Counter()
    with client_of(nsx, clock=clock) as client:
        for minute in range(15):
            clock.ahead = 60 * minute
            nsx.accounts.drop(0)
            nsx.accounts.drop(2)
            met.update(tried(client) for _ in range(6))

    assert rule.fired == met[Unauthorized] == 3
    assert met.keys() == {nsx.urls[0], nsx.urls[2], Unauthorized}


def test_when_two_managers_have_refused_the_login_the_third_is_asked_first(nsx):
    """The password may have changed, so all wait for five minutes; but it is there that it may be good."""
    clock = LaterClock()
    with client_of(nsx, clock=clock) as client:
        crowd(client, 6)
        for node in (0, 1):
            nsx.faults.add("http-403", code=403, node=node, match=LOGIN, count=None)
            nsx.accounts.drop(node)
        crowd(client, 6, threads=1)
        nsx.accounts.drop(2)
        assert {tried(client) for _ in range(6)} == {Unauthorized}
        clock.ahead = 301
        assert tried(client) == nsx.urls[2]


def test_managers_that_swallow_logins_do_not_hold_up_the_one_that_does_not(nsx):
    """All are answered there, whomever they have asked at first."""
    start = time.monotonic()
    with (
        client_of(nsx) as client,
        ThreadPoolExecutor(16) as threads,
        held(nsx, LOGIN, node=0, count=None) as first,
        held(nsx, LOGIN, node=1, count=None) as second,
    ):
        sent = [threads.submit(tried, client) for _ in range(16)]
        wait_for(lambda: sum(one.done() for one in sent) == 14)  # all but who waits for a login of its own
        met = Counter(one.result() for one in sent if one.done())
        assert first.fired == second.fired == 1

    assert met == {nsx.urls[2]: 14}
    assert time.monotonic() - start < 40  # where a login may take 75


def test_another_server_is_told_from_a_wrong_password(nsx):
    """No login there: another API, or another machine."""
    nsx.faults.add("http-404", match=LOGIN)
    with client_of(nsx) as client, pytest.raises(Rejected, match=r"check .nsx. api and managers"):
        get(client)


# Three managers


def test_a_manager_that_is_down_is_left_out(nsx):
    """Three of its requests fail before, and each of them is answered by another manager."""
    down = nsx.faults.add("node-down", node=1)
    with client_of(nsx) as client:
        assert crowd(client, 40).keys() == {nsx.urls[0], nsx.urls[2]}

    assert 3 <= down.fired <= 10


@pytest.mark.parametrize("code", [98, 607, 610, 7])
def test_a_failed_read_is_repeated_on_another_manager(nsx, code):
    """Reading twice does no harm."""
    with client_of(nsx) as client:
        get(client)
        rule = nsx.faults.add("http-500", code=code, node=1, match="/policy")
        assert get(client).node != nsx.urls[1]

    assert rule.fired == 1


def test_a_failed_read_is_not_repeated_on_the_same_manager_while_there_are_others(nsx):
    """Not even if it is the one with the least to do."""
    with (
        client_of(nsx) as client,
        ThreadPoolExecutor(3) as threads,
        held(nsx, SEGMENTS, node=0) as first,
        held(nsx, SEGMENTS, node=2) as last,
    ):
        sent = []
        while not (first.fired and last.fired):
            sent.append(threads.submit(get, client))
            wait(sent[-1:], timeout=0.2)
        wait_for(lambda: sum(not one.done() for one in sent) == 2)
        rule = nsx.faults.add("http-500", node=1, match="/policy", count=None)
        get(client)

    assert rule.fired == 1


def test_a_slow_manager_is_asked_less(nsx):
    """Threads do not gather where it takes long."""
    with client_of(nsx) as client:
        crowd(client, 6)
        nsx.faults.add("slow", seconds=2.0, node=0, count=None, match="/policy")
        met = crowd(client, 60)

    assert met[nsx.urls[0]] < 10


def test_a_busy_manager_is_left_for_another_and_asked_less(nsx):
    """503: half the budget for it."""
    with client_of(nsx, request_rate=10) as client:
        nsx.faults.add("http-503", node=0, match="/policy")
        assert get(client).node != nsx.urls[0]
        assert repr(client).count("5 of 10/s") == 1


def test_a_manager_that_wants_an_hour_of_rest_keeps_nobody_from_the_others(nsx):
    """429: its `Retry-After` is its own; whoever asked goes to another manager at once."""
    clock = LaterClock()
    with client_of(nsx, clock=clock) as client:
        crowd(client, 3)
        rule = nsx.faults.add("http-429", node=0, match="/policy", count=None, retry_after=3600)
        began = time.monotonic()
        met = [tried(client) for _ in range(9)]

    assert set(met) == {nsx.urls[1], nsx.urls[2]}
    assert rule.fired > 0
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("other", ["http-500", "http-503"])
def test_a_manager_that_wants_rest_gets_it_though_the_others_fail(nsx, other):
    """What another one answers in between does not shorten it."""
    rested = nsx.faults.add("http-429", node=0, match="/policy", count=None, retry_after=30)
    nsx.faults.add(other, node=1, match="/policy", count=None)
    with client_of(nsx, nodes=nsx.urls[:2], retries=5) as client:
        began = time.monotonic()
        met = tried(client)

    assert met in (Unavailable, Busy)
    assert rested.fired <= 1
    assert time.monotonic() - began < 20


def test_when_all_managers_want_rest_the_shortest_is_told(nsx):
    """Whoever asked may come back when one of them can be asked again."""
    for node, after in enumerate((900, 600, 3600)):
        nsx.faults.add("http-429", node=node, match="/policy", count=None, retry_after=after)
    with client_of(nsx) as client, pytest.raises(Throttled) as told:
        get(client)

    assert told.value.retry_after == 600


def test_a_search_that_cannot_be_answered_is_the_callers_business(nsx):
    """Neither repeated nor the manager's fault: another would say the same."""
    rule = nsx.faults.add("index-rebuilding")
    with client_of(nsx) as client:
        for _ in range(4):
            with pytest.raises(IndexUnavailable, match="60508"):
                client.get(SEARCH, [("query", "resource_type:Segment")])
        assert rule.fired == 4
        assert len({get(client).node for _ in range(3)}) == 3


def test_a_page_that_is_too_large_is_no_reason_to_ask_less(nsx):
    """Although it is told with 503."""
    nsx.faults.add("http-503", code=60576, match="/policy")
    with client_of(nsx, request_rate=10) as client:
        with pytest.raises(PageTooLarge):
            get(client)
        assert repr(client).count("10 of 10/s") == 3


def test_no_manager_has_more_requests_at_a_time_than_allowed():
    """NSX would answer 503 to them."""
    with Simulator(api="policy", client_concurrency_limit=3) as nsx:
        nsx.faults.add("slow", seconds=0.05, count=None, match="/policy")
        with client_of(nsx, concurrency=3) as client:
            assert crowd(client, 48, threads=16) == {nsx.urls[0]: 48}

    assert answers(nsx) == {"200": 48}


def test_whoever_waits_for_room_ends_at_the_deadline():
    """The requests before may take for ever."""
    slots = Slots(1)
    start = time.monotonic()
    with (
        slots.one("nsx", Deadline(CLOCK, 60.0)),
        pytest.raises(Unavailable, match="the requests before this one"),
        slots.one("nsx", Deadline(CLOCK, 0.1)),
    ):
        pytest.fail("there is no room")

    assert 0.1 <= time.monotonic() - start < 30


def test_whoever_waits_too_long_for_others_of_ours_blames_no_manager(nsx):
    """With a password in each request there are two at a time; the manager is not to blame for the others."""
    with client_of(nsx, Basic("admin", "admin"), nodes=nsx.urls[:1], retries=0, total_timeout=3.0) as client:
        get(client)
        with held(nsx, SEGMENTS, count=2):
            crowd(client, 8)
        assert tried(client) == nsx.urls[0]


class Mislaid:
    """A credential whose file is away at times."""

    name, locks, away = "a file", False, False

    def headers(self):
        if self.away:
            raise ConfigurationError(self.name)
        return Basic("admin", "admin").headers()

    def renewed(self, _headers):
        return False


def test_a_probe_that_could_not_be_sent_makes_room_for_another(nsx):
    """A file of ours is missing: that says nothing about the manager."""
    clock, who = LaterClock(), Mislaid()
    nsx.faults.add("http-500", match=SEGMENTS, count=3)
    with client_of(nsx, who, clock, nodes=nsx.urls[:1], retries=0) as client:
        assert {tried(client) for _ in range(4)} == {Unavailable}
        clock.ahead, who.away = 2, True
        with pytest.raises(ConfigurationError):
            get(client)
        who.away = False

        assert tried(client) == nsx.urls[0]


# Their health


class Doctor(HTTPAdapter):
    """Answers for the managers how they are; all else goes over the network."""

    def __init__(self, *sick: str) -> None:
        super().__init__(pool_maxsize=20)
        self.sick = set(sick)
        self.consulted = 0

    def send(self, request, **how):
        if any(request.url == f"{base}{HEALTH}" for base in self.sick):
            self.consulted += 1
            body = HTTPResponse(io.BytesIO(b'{"healthy": false}'), status=200, preload_content=False)
            return self.build_response(request, body)
        return super().send(request, **how)


def test_a_manager_is_asked_how_it_is_at_first_and_each_half_minute(nsx):
    """By one request, and not while nobody wants anything."""
    clock = LaterClock()
    with client_of(nsx, clock=clock, nodes=nsx.urls[:1]) as client:
        asked = []
        for ahead in (0, 25, 35, 55, 70):  # as much real time as is left until a half minute may pass between
            clock.ahead = ahead
            crowd(client, 16)
            asked.append(answers(nsx, HEALTH)["200"])

    assert asked == [1, 1, 2, 2, 3]


def test_the_others_go_on_while_one_asks(nsx):
    """A slow answer to that question holds up nobody else."""
    clock = LaterClock()
    with client_of(nsx, clock=clock, nodes=nsx.urls[:1]) as client:
        get(client)
        clock.ahead = 31
        with ThreadPoolExecutor(1) as threads, held(nsx, HEALTH) as rule:
            slow = threads.submit(get, client)
            wait_for(lambda: rule.fired)
            assert crowd(client, 16) == {nsx.urls[0]: 16}
            assert not slow.done()


def test_a_manager_that_is_not_healthy_is_left_out_until_it_is(nsx):
    """Whatever else it answers."""
    clock = LaterClock()
    doctor = Doctor(nsx.urls[0])
    with client_of(nsx, clock=clock, adapter=doctor) as client:
        assert crowd(client, 6, threads=1).keys() == {nsx.urls[1], nsx.urls[2]}
        assert crowd(client, 32).keys() == {nsx.urls[1], nsx.urls[2]}
        clock.ahead = 5
        assert crowd(client, 32).keys() == {nsx.urls[1], nsx.urls[2]}
        doctor.sick.clear()
        clock.ahead = 20
        assert nsx.urls[0] in crowd(client, 32)


def test_what_an_unhealthy_manager_still_answers_does_not_bring_it_back(nsx):
    """It was asked before; its own word weighs more."""
    clock = LaterClock()
    doctor = Doctor()
    with (
        client_of(nsx, clock=clock, adapter=doctor, nodes=nsx.urls[:1], retries=0) as client,
        ThreadPoolExecutor(1) as threads,
    ):
        with held(nsx, SEGMENTS) as rule:
            early = threads.submit(tried, client)
            wait_for(lambda: rule.fired)
            clock.ahead = 31
            doctor.sick.add(nsx.urls[0])
            assert tried(client) is Unhealthy
        assert early.result() == nsx.urls[0]
        clock.ahead = 20  # before the circuit's pause has ended, however long all this took
        assert tried(client) is Unavailable

    assert doctor.consulted == 1


def test_while_no_manager_is_healthy_a_request_says_so(nsx):
    """And asks none of them again for now."""
    with client_of(nsx, adapter=Doctor(*nsx.urls)) as client:
        for _ in range(2):
            with pytest.raises(Unavailable, match="not healthy"):
                get(client)

    assert answers(nsx) == {}


@pytest.mark.parametrize(("fault", "code"), [("http-404", 600), ("http-403", 7), ("http-400", 7)])
def test_a_version_without_that_page_is_not_asked_again(nsx, fault, code):
    """Nor one that does not show it to this account."""
    clock = LaterClock()
    rule = nsx.faults.add(fault, code=code, count=None, match=HEALTH)
    with client_of(nsx, clock=clock) as client:
        for ahead in (0, 31, 62):
            clock.ahead = ahead
            assert len(crowd(client, 12)) == 3

    assert rule.fired == 3


@pytest.mark.parametrize(("fault", "code"), [("http-403", {"code": 7}), ("licence-expired", {})])
def test_a_manager_that_may_not_say_how_it_is_is_asked_again_later(nsx, fault, code):
    """Rights and licences come back."""
    clock = LaterClock()
    doctor = Doctor()
    rule = nsx.faults.add(fault, count=1, match=HEALTH, **code)
    with client_of(nsx, clock=clock, adapter=doctor, nodes=nsx.urls[:1], retries=0) as client:
        assert [tried(client), rule.fired] == [nsx.urls[0], 1]
        doctor.sick.add(nsx.urls[0])
        clock.ahead = 900
        assert tried(client) is Unhealthy


@pytest.mark.parametrize("fault", ["http-500", "reset", "http-503", "timeout"])
def test_a_manager_that_cannot_say_how_it_is_is_left(nsx, fault):
    """Another one answers."""
    nsx.faults.add(fault, node=0, count=None, match=HEALTH)
    with client_of(nsx, answer_timeout=1.0) as client:
        assert {get(client).node for _ in range(6)} == {nsx.urls[1], nsx.urls[2]}


@pytest.mark.parametrize("fault", ["invalid-json", "empty-body"])
def test_an_answer_that_says_nothing_about_health_is_no_no(nsx, fault):
    """Only a clear one is."""
    nsx.faults.add(fault, count=None, match=HEALTH)
    with client_of(nsx) as client:
        assert len({get(client).node for _ in range(3)}) == 3


# The budget


def used(client, requests, rate):
    """By node, what answered threads that always have more to ask, and the share of the rate that they used.

    The best of four times: a machine that is held up uses less.
    """
    for _ in range(4):
        start = time.monotonic()
        met = crowd(client, requests)
        share = requests / (rate * (time.monotonic() - start))
        if share >= MOST:
            break
    return met, share


@pytest.mark.parametrize("who", [ADMIN, Basic("admin", "admin")])
def test_a_hundred_a_second_are_never_exceeded_and_mostly_used(nsx, who):
    """By eight threads that always have more to ask; NSX itself complains of nothing."""
    with client_of(nsx, who, nodes=nsx.urls[:1]) as client:
        met, share = used(client, 400, 100)

    assert met == {nsx.urls[0]: 400}
    assert max(nsx.requests.summary()["max_per_second"].values()) <= 100
    assert share >= MOST


def test_three_managers_give_three_budgets(nsx):
    """Each is asked as often as it allows."""
    with client_of(nsx, request_rate=30) as client:
        met, share = used(client, 450, 90)

    assert met.total() == 450
    assert max(nsx.requests.summary()["max_per_second"].values()) <= 30
    assert share >= MOST
    assert min(met[url] for url in nsx.urls) > 100


def test_the_budget_counts_logins_questions_and_refusals(nsx):
    """Whatever is sent arrives, and NSX counts it."""
    for after in (40, 120, 200):
        nsx.faults.add("session-dropped", after=after, match="/policy")
    clock = LaterClock()
    with client_of(nsx, clock=clock, nodes=nsx.urls[:1], request_rate=50) as client:
        for ahead in (0, 31, 62):
            time.sleep(1.1)  # what the clock leaps over does not refill NSX's second
            clock.ahead = ahead
            crowd(client, 100, threads=16)

    summary = nsx.requests.summary()
    assert summary["logins"] >= 3
    assert answers(nsx, HEALTH)["200"] == 3
    assert max(summary["max_per_second"].values()) <= 50


def test_a_storm_of_429_is_met_with_half_the_rate(nsx):
    """Each burst halves it, and it is never exceeded meanwhile, retries included."""
    with client_of(nsx, nodes=nsx.urls[:1], retries=5, request_rate=40) as client:
        nsx.faults.add("http-429", after=30, count=10, match="/policy")
        assert crowd(client, 60, threads=16) == {nsx.urls[0]: 60}
        most = nsx.requests.summary()["max_per_second"]["admin@0"]
        time.sleep(1.1)
        nsx.requests.reset()
        crowd(client, 30, threads=16)

    assert most <= 40
    assert 10 <= nsx.requests.summary()["max_per_second"]["admin@0"] <= 25


@pytest.mark.parametrize("who", [PolicyLogin("admin", "wrong"), Basic("admin", "wrong")])
@pytest.mark.parametrize("limit", ["answer_timeout", "total_timeout"])
@pytest.mark.parametrize("fault", [{"fault": "slow", "seconds": 1.0}, {"fault": "truncate"}])
def test_a_refusal_whose_answer_is_lost_may_lock_the_account_too(who, fault, limit):
    """So there are four at most in a quarter of an hour."""
    match = LOGIN if isinstance(who, PolicyLogin) else "/"
    clock = LaterClock()
    with (
        Simulator(api="policy", client_rate_limit=0) as nsx,
        client_of(nsx, who, clock, retries=0, **{limit: 0.3}) as client,
    ):
        rule = nsx.faults.add(
            fault["fault"], match=match, count=None, **{k: v for k, v in fault.items() if k != "fault"}
        )
        for minute in range(12):
            clock.ahead = 70.0 * minute
            tried(client)

        assert 1 <= rule.fired <= 4
        assert nsx.accounts.summary()["locked"] == []
