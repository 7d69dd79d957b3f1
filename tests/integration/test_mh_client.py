"""Requests to NSX's managers, over real HTTP against simulated ones."""

import gc
import io
import logging
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import urllib3
from clocks import LaterClock

from networking_nsx.clock import SystemClock
from networking_nsx.errors import (
    ConfigurationError,
    Malformed,
    NotFound,
    NsxError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.mh import MhLogin
from networking_nsx.simulator import Simulator

CLOCK = SystemClock(threading.Event())
ADMIN = MhLogin("admin", "admin")
SWITCHES = "GET /ws.v1/lswitch"
LOGIN = "POST /ws.v1/login"


@pytest.fixture
def nsx():
    with Simulator(nodes=2, networks=3) as simulator:
        yield simulator


@contextmanager
def client_of(nsx, login=ADMIN, clock=CLOCK, nodes=None, **settings):
    with Client(nodes or nsx.urls, login, HttpSettings(**settings), clock) as client:
        yield client


def get(client):
    return client.get("/ws.v1/lswitch", [("fields", "uuid")])


def answers(nsx, pattern=SWITCHES):
    return nsx.requests.summary()["by_path"].get(pattern, {})


@pytest.mark.parametrize("fault", ["http-500", "http-404", "truncate", "reset"])
def test_an_error_goes_with_its_last_reference(nsx, fault):
    """It keeps what it was raised in, pages among that, which must not wait for the collector of cycles."""
    nsx.faults.add(fault, match="/ws.v1/lswitch", count=None)
    logging.disable()  # pytest keeps what is logged
    gc.disable()
    try:
        with client_of(nsx, retries=1) as client:
            try:
                get(client)
            except NsxError as error:
                raised = weakref.ref(error)
        assert raised() is None
    finally:
        gc.enable()
        logging.disable(logging.NOTSET)


def test_an_answer_tells_where_it_came_from_and_when_it_was_asked_for(nsx):
    """The start of the request is the latest moment that its answer surely describes."""
    before = time.time()
    nsx.faults.add("slow", seconds=0.2)
    with client_of(nsx) as client:
        answer = get(client)

    assert answer.node == nsx.urls[0]
    assert before <= answer.started_at < time.time() - 0.1
    assert answer.headers["x-nvp-config-generation"].isdigit()


def test_one_login_serves_many_requests(nsx):
    """The session is kept, and every request of one client goes to the same manager."""
    with client_of(nsx) as client:
        nodes = {get(client).node for _ in range(5)}

    assert len(nodes) == 1
    assert nsx.requests.summary()["logins"] == 1


def test_a_dead_manager_is_left_for_the_next(nsx):
    """Fail-over within the request; the one that worked is asked first from then on."""
    nsx.faults.add("node-down", node=0)
    with client_of(nsx) as client:
        assert get(client).node == nsx.urls[1]
        nsx.requests.reset()
        assert get(client).node == nsx.urls[1]

    assert nsx.requests.summary()["total"] == 1


@pytest.mark.parametrize(
    "fault", ["http-500", "http-502", "http-504", "reset", "truncate", "empty-body", "timeout"]
)
def test_a_failed_read_is_repeated_on_the_next_manager(nsx, fault):
    """Reading twice does no harm."""
    rule = nsx.faults.add(fault)
    with client_of(nsx, answer_timeout=2.0) as client:
        assert get(client).node == nsx.urls[1]

    assert rule.fired == 1


@pytest.mark.parametrize("fault", ["http-500", "http-502", "http-504", "reset", "truncate", "empty-body"])
def test_what_fails_three_times_is_unavailable(nsx, fault):
    """Attempts are retries + 1; the error names the manager."""
    rule = nsx.faults.add(fault, count=None)
    with client_of(nsx, nodes=nsx.urls[:1]) as client, pytest.raises(Unavailable, match=nsx.urls[0]):
        get(client)

    assert rule.fired == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [("http-400", Rejected), ("http-404", NotFound), ("http-409", Rejected), ("http-410", Rejected)],
)
def test_a_refused_request_is_not_repeated(nsx, fault, error):
    """NSX has understood; its own words are told, but not endlessly."""
    rule = nsx.faults.add(fault, count=None, message="no way" + "!" * 500)
    with client_of(nsx) as client, pytest.raises(error, match=r"no way!") as told:
        get(client)

    assert rule.fired == 1
    assert len(str(told.value)) < 300


@pytest.mark.parametrize("fault", ["session-dropped", "http-401", "http-403"])
def test_a_lost_session_is_opened_again_once(nsx, fault):
    """One new login, one repetition, and nobody notices."""
    with client_of(nsx) as client:
        get(client)
        nsx.faults.add(fault)
        get(client)

    assert nsx.requests.summary()["logins"] == 2


@pytest.mark.parametrize("fault", ["http-401", "http-403"])
def test_a_session_that_is_refused_again_is_unauthorized(nsx, fault):
    """No third attempt, on no manager; the error names user and manager."""
    rule = nsx.faults.add(fault, count=None)
    with client_of(nsx) as client, pytest.raises(Unauthorized, match=rf"{nsx.urls[0]}.*user \(admin\)"):
        get(client)

    assert rule.fired == 2


def test_threads_share_one_new_session(nsx):
    """Eight requests whose session is lost open one together."""
    with client_of(nsx) as client, ThreadPoolExecutor(8) as threads:
        get(client)
        nsx.sessions[0].drop()
        list(threads.map(lambda _: get(client), range(8)))

    assert nsx.requests.summary()["logins"] == 2


def test_a_wrong_password_never_locks_the_account(nsx, caplog):
    """Two attempts, then one after five minutes, one after ten more; the password is told to nobody."""
    caplog.set_level(logging.DEBUG)
    clock = LaterClock()
    attempts = []
    with client_of(nsx, MhLogin("admin", "s3cret"), clock) as client:
        for ahead in (0, 0, 0, 0, 299, 301, 301, 900, 902, 902):
            clock.ahead = ahead
            with pytest.raises(Unauthorized, match=r"user \(admin\) and password") as told:
                get(client)
            assert "s3cret" not in str(told.value) + repr(client)
            attempts.append(answers(nsx, LOGIN)["401"])

    assert attempts == [1, 2, 2, 2, 2, 3, 3, 3, 4, 4]
    assert "s3cret" not in caplog.text
    assert "s3cret" not in repr(MhLogin("admin", "s3cret"))


def test_a_manager_that_alone_refuses_the_login_is_left_for_one_that_has_accepted_it(nsx):
    """Tried once, told once; its turn comes again."""
    with client_of(nsx) as client:
        nsx.faults.add("http-500", node=0)
        assert get(client).node == nsx.urls[1]
        nsx.faults.add("http-500", node=1)
        refused = nsx.faults.add("http-401", node=0, match="/ws.v1/login", count=None)
        nsx.sessions[0].drop()
        with pytest.raises(Unauthorized):
            get(client)
        assert {get(client).node for _ in range(3)} == {nsx.urls[1]}

    assert refused.fired == 1


def test_a_manager_that_refuses_the_first_login_is_not_asked_for_a_second_one(nsx):
    """Another one accepts it."""
    refused = nsx.faults.add("http-401", node=0, match="/ws.v1/login", count=None)
    with client_of(nsx) as client:
        with pytest.raises(Unauthorized):
            get(client)
        assert {get(client).node for _ in range(3)} == {nsx.urls[1]}

    assert refused.fired == 1


def test_a_login_without_a_session_is_refused(nsx):
    """200 without a cookie is no success, and nothing is asked without a session."""

    class Forgetful(MhLogin):
        def proof(self, _reply):
            return {}

    with client_of(nsx, Forgetful("admin", "admin")) as client, pytest.raises(Unauthorized):
        get(client)

    assert answers(nsx) == {}


def test_a_manager_that_cannot_log_anybody_in_is_left(nsx):
    """Trouble at the login is the manager's, not the password's."""
    nsx.faults.add("http-500", match="/ws.v1/login", node=0, count=None)
    with client_of(nsx) as client:
        assert get(client).node == nsx.urls[1]


def test_a_server_that_is_no_manager_is_told_from_a_wrong_password(nsx):
    """No login there: another API, or another machine."""
    nsx.faults.add("http-404", match="/ws.v1/login")
    with client_of(nsx) as client, pytest.raises(Rejected, match=r"check .nsx. api and managers"):
        get(client)


def test_a_busy_manager_gets_a_pause(nsx):
    """503: half a second and half the budget for it, and the next manager is asked."""
    nsx.faults.add("http-503")
    with client_of(nsx, request_rate=10) as client:
        start = time.monotonic()
        assert get(client).node == nsx.urls[1]
        assert "5 of 10/s" in repr(client)

    assert time.monotonic() - start >= 0.5


def test_a_throttled_request_waits_as_it_is_told(nsx):
    """429: the same manager is asked again after Retry-After."""
    nsx.faults.add("http-429", retry_after=1)
    with client_of(nsx, request_rate=10) as client:
        start = time.monotonic()
        assert get(client).node == nsx.urls[0]
        assert "5 of 10/s" in repr(client)

    assert time.monotonic() - start >= 1


def test_a_request_that_is_throttled_for_too_long_says_for_how_long(nsx):
    """The caller can do something else meanwhile."""
    nsx.faults.add("http-429", retry_after=60)
    with client_of(nsx, total_timeout=5.0) as client, pytest.raises(Throttled) as told:
        get(client)

    assert told.value.retry_after == 60


def test_while_every_circuit_is_open_a_request_fails_at_once(nsx):
    """Nobody waits for an NSX that is known to be down; the error says what was wrong with it."""
    down = nsx.faults.add("node-down")
    clock = LaterClock()
    with client_of(nsx, clock=clock, retries=5) as client:
        with pytest.raises(Unavailable):
            get(client)
        asked = down.fired
        with pytest.raises(Unavailable, match=r"no manager is asked for now.*reset.*reset"):
            get(client)
        assert down.fired == asked
        nsx.faults.clear()
        clock.ahead = 1.0
        get(client)  # the probe

    assert asked == 6


def test_a_dribbling_answer_is_cut_off_at_the_deadline(nsx):
    """A byte now and then keeps every socket timeout quiet, but not the deadline."""
    nsx.faults.add("slow", seconds=0, bytes_per_second=5, count=None)
    start = time.monotonic()
    with client_of(nsx, total_timeout=0.6) as client, pytest.raises(Unavailable, match=r"within 0\.6 s"):
        get(client)

    assert 0.6 <= time.monotonic() - start < 10  # of the hundred that it would take


def test_an_answer_that_stops_half_way_ends_at_the_deadline(nsx):
    """The wait for the next byte is never longer than what is left of the whole request."""
    nsx.faults.add("slow", seconds=0, bytes_per_second=0.05, count=None)
    start = time.monotonic()
    with client_of(nsx, total_timeout=0.5) as client, pytest.raises(Unavailable):
        get(client)

    assert time.monotonic() - start < 10  # of the twenty until the next byte


def test_all_attempts_together_end_at_the_deadline(nsx):
    """Two attempts of 5 s do not fit into 0.8 s."""
    nsx.faults.add("timeout", count=None)
    start = time.monotonic()
    with client_of(nsx, answer_timeout=5.0, total_timeout=0.8) as client, pytest.raises(Unavailable):
        get(client)

    assert time.monotonic() - start < 5


def test_no_other_attempt_follows_when_a_stop_is_asked(nsx):
    """A request that is under way is waited for, and no manager is asked in its place."""
    stop = threading.Event()
    nsx.faults.add("timeout", match="/ws.v1/lswitch", count=None)
    threading.Timer(0.2, stop.set).start()
    with (
        client_of(nsx, clock=SystemClock(stop), answer_timeout=0.5, retries=5) as client,
        pytest.raises(Unavailable, match="asked to stop"),
    ):
        get(client)

    assert sum(answers(nsx).values()) <= 1


def test_a_slow_answer_in_time_is_an_answer(nsx):
    """Longer than the timeout in all, but never silent for so long."""
    nsx.faults.add("slow", seconds=0, bytes_per_second=350)
    with client_of(nsx, answer_timeout=1.0) as client:
        start = time.monotonic()
        assert get(client).node == nsx.urls[0]

    assert time.monotonic() - start > 1.0


def test_a_manager_that_accepts_no_connection_costs_the_connect_timeout(nsx):
    """A full backlog drops the first packet, as a dead machine does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, socket.socket() as first:
        first.connect(deaf.getsockname())
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        start = time.monotonic()
        with client_of(nsx, nodes=[url, *nsx.urls], connect_timeout=0.3) as client:
            assert get(client).node == nsx.urls[0]

    assert 0.3 <= time.monotonic() - start < 4  # where 5 are the default


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://127.0.0.1:1", "refused"),
        ("10.0.0.1", "No scheme"),
        ("http://nowhere.invalid", "not known|resolution"),
    ],
)
def test_a_wrong_url_is_told_with_its_cause(nsx, url, cause):
    """The error names the manager, and what the machine says of it."""
    with (
        client_of(nsx, nodes=[url], retries=0) as client,
        pytest.raises(Unavailable, match=f"{url}: .*({cause})"),
    ):
        get(client)


def test_an_answer_without_end_is_cut_off(nsx):
    """Memory is worth more than a page of half a gigabyte."""
    with client_of(nsx, answer_limit=200) as client, pytest.raises(Malformed, match="more than 200 bytes"):
        get(client)


def test_a_redirect_on_the_same_manager_is_followed(nsx):
    """301 or 307 with a path."""
    nsx.faults.add("redirect", status=301)
    with client_of(nsx) as client:
        assert get(client).node == nsx.urls[0]


def test_a_redirect_to_another_manager_logs_in_there(nsx):
    """A session is valid on its manager only; the new one is asked first from then on."""
    nsx.faults.add("redirect", to_node=1, node=0)
    with client_of(nsx) as client:
        assert [get(client).node, get(client).node] == [nsx.urls[1], nsx.urls[1]]

    assert nsx.requests.summary()["logins"] == 2


def test_redirects_without_end_are_given_up(nsx):
    """Two are followed."""
    rule = nsx.faults.add("redirect", count=None)
    with client_of(nsx, retries=0) as client, pytest.raises(Unavailable, match="more than 2 redirects"):
        get(client)

    assert rule.fired == 3


def test_a_redirect_to_an_unknown_machine_needs_tls(nsx):
    """The password goes to nobody who cannot prove to be NSX."""
    with Simulator() as stranger:
        nsx.urls.append(stranger.urls[0])
        nsx.faults.add("redirect", to_node=2, count=None)
        with (
            client_of(nsx, nodes=nsx.urls[:1]) as client,
            pytest.raises(Unavailable, match=r"not in .nsx. managers"),
        ):
            get(client)

    assert stranger.requests.summary()["total"] == 0


@pytest.mark.parametrize("target", ["ftp://127.0.0.1", "http://127.0.0.1:port", "http://[::1"])
def test_a_redirect_to_nowhere_is_a_failure(nsx, target):
    """Whatever Location says, the request ends with an error of ours."""
    nsx.urls.append(target)
    nsx.faults.add("redirect", to_node=2, count=None)
    with (
        client_of(nsx, nodes=nsx.urls[:1]) as client,
        pytest.raises(Unavailable, match="redirect to nowhere"),
    ):
        get(client)


def test_tls_is_verified_with_the_given_authority():
    """A manager whose certificate the CA file vouches for is trusted."""
    with Simulator(tls=True) as nsx, client_of(nsx, ca_file=nsx.ca_file) as client:
        assert get(client).node.startswith("https://")


def test_an_unknown_certificate_is_not_accepted():
    """The error names the options; no password was sent, and nothing is tried again for now."""
    with Simulator(tls=True) as nsx:
        with client_of(nsx) as client:
            with pytest.raises(Rejected, match=rf"{nsx.urls[0]}: its certificate.*ca_file.*insecure"):
                get(client)
            with pytest.raises(Unavailable, match="its certificate"):
                get(client)
        assert nsx.requests.summary()["total"] == 0


def test_one_bad_certificate_does_not_stop_the_others():
    """A manager that cannot be trusted is left like one that is dead."""
    with (
        Simulator(tls=True) as strange,
        Simulator(tls=True) as nsx,
        client_of(nsx, nodes=[*strange.urls, *nsx.urls], ca_file=nsx.ca_file) as client,
    ):
        assert get(client).node == nsx.urls[0]


def test_insecure_accepts_any_certificate_and_says_so_once(caplog):
    """One warning at the start, none per request (warnings are errors here)."""
    with Simulator(tls=True) as nsx, client_of(nsx, insecure=True) as client:
        get(client)
        get(client)

    assert caplog.text.count("insecure") == 1


@pytest.mark.parametrize(
    ("managers", "told"),
    [
        (["http://127.0.0.1:80", "http://[::1]:80", "http://localhost:80", "https://10.0.0.1:443"], ""),
        (
            ["http://10.0.0.1:80", "https://10.0.0.2:443", "http://nsx:80"],
            "http://10.0.0.1:80, http://nsx:80",
        ),
    ],
)
def test_a_password_in_the_clear_is_warned_of_once(caplog, managers, told):
    """At the start, naming the managers; what stays on this machine is nobody's business."""
    with Client(managers, ADMIN, HttpSettings(), CLOCK):
        pass

    assert [record.getMessage().partition(" is not")[0] for record in caplog.records] == (
        [f"[nsx] managers: {told}"] if told else []
    )


def test_a_missing_ca_file_is_a_mistake_in_the_configuration():
    """The error names the option and the file."""
    with (
        Simulator(tls=True) as nsx,
        client_of(nsx, ca_file="/no/such.pem") as client,
        pytest.raises(ConfigurationError, match=r"ca_file = /no/such\.pem"),
    ):
        get(client)


def test_a_redirect_never_leads_away_from_tls(nsx):
    """Not even to a manager that is configured so."""
    with Simulator(tls=True) as safe:
        safe.urls.append(nsx.urls[0])
        safe.faults.add("redirect", to_node=1, count=None)
        with (
            client_of(safe, nodes=safe.urls, ca_file=safe.ca_file, retries=0) as client,
            pytest.raises(Unavailable, match="not encrypted"),
        ):
            get(client)

    assert nsx.requests.summary()["total"] == 0


def test_a_redirect_to_a_machine_that_proves_itself_is_followed(tmp_path):
    """Old managers point to new ones during an upgrade."""
    with Simulator(tls=True) as old, Simulator(tls=True) as new:
        authorities = tmp_path / "ca.pem"
        authorities.write_bytes(b"".join(Path(each.ca_file).read_bytes() for each in (old, new)))
        url, known = new.urls[0], [*old.urls]
        old.urls.append(url)
        old.faults.add("redirect", to_node=1)
        with client_of(old, nodes=known, ca_file=str(authorities)) as client:
            assert get(client).node == url


def test_proxies_of_the_environment_are_not_used(nsx, monkeypatch):
    """It must not matter who starts the process."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with client_of(nsx) as client:
        assert get(client).node == nsx.urls[0]


def test_the_budget_is_kept_by_all_threads_and_counts_everything(nsx):
    """Logins, retries and refused requests are within the rate, as NSX counts them; most of it is used."""
    for after in (5, 35, 65):
        nsx.faults.add("http-401", after=after)
    nsx.faults.add("redirect", after=20, count=5)
    with client_of(nsx, nodes=nsx.urls[:1], request_rate=30) as client, ThreadPoolExecutor(6) as threads:

        def used():
            """The share of the budget; a machine that is held up uses less."""
            before, start = nsx.requests.summary()["total"], time.monotonic()
            list(threads.map(lambda _: get(client), range(90)))
            return (nsx.requests.summary()["total"] - before) / (30 * (time.monotonic() - start))

        assert any(used() >= 0.7 for _ in range(4))

    assert max(nsx.requests.summary()["max_per_second"].values()) <= 30


def test_a_request_that_must_wait_ends_when_the_process_does(nsx, caplog):
    """Asked to stop, nothing more is sent: neither the budget nor the stop is broken."""
    stop = threading.Event()
    stop.set()
    with (
        client_of(nsx, clock=SystemClock(stop), request_rate=1, nodes=nsx.urls[:1]) as client,
        pytest.raises(Unavailable, match="asked to stop"),
    ):
        get(client)

    assert nsx.requests.summary()["total"] == 1
    assert not caplog.text  # no manager is to blame


def test_a_budget_that_is_used_up_says_for_how_long(nsx):
    """There is no use in waiting for a turn that comes after the deadline."""
    with (
        client_of(nsx, request_rate=1, total_timeout=1.0) as client,
        pytest.raises(Throttled, match="budget") as told,
    ):
        get(client)  # the login has taken this second's request

    assert 0 < told.value.retry_after <= 1.1


class Script(requests.adapters.BaseAdapter):
    """Answers from a list instead of a network."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        super().__init__()
        self.answers = list(answers)

    def send(self, request, **_how):
        status, headers, body = self.answers.pop(0)
        raw = urllib3.HTTPResponse(io.BytesIO(body), headers, status, preload_content=False)
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self):
        """Nothing is open."""


def test_an_adapter_replaces_the_network():
    """The seam for whoever simulates an NSX without sockets."""
    script = Script((200, {"Set-Cookie": "a=b; Path=/"}, b""), (200, {"X-Who": "me"}, b"{}"))
    with Client(["http://nsx"], ADMIN, HttpSettings(), CLOCK, script) as client:
        answer = get(client)

    assert (answer.body, answer.headers["x-who"], answer.node) == (b"{}", "me", "http://nsx")


def test_what_nsx_says_is_told_on_one_line():
    """A log has a line per event, whatever a server puts into its answers."""
    script = Script((200, {"Set-Cookie": "a=b"}, b""), (400, {}, b"\x1b[2Jno\r\n  way\xff"))
    with (
        Client(["http://nsx"], ADMIN, HttpSettings(), CLOCK, script) as client,
        pytest.raises(Rejected) as told,
    ):
        get(client)

    assert str(told.value) == "http://nsx/ws.v1/lswitch: 400 [2Jno way\ufffd"
