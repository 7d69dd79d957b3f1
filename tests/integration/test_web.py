"""The HTTP server of a daemon: clients of every kind, and what it costs the daemon."""

import socket
import threading
import time
from contextlib import ExitStack

import pytest
import requests
from cloud import HandClock
from daemons import daemon
from pages import Rows
from waiting import wait_for
from werkzeug.wrappers import Response

from networking_nsx.config import Address
from networking_nsx.errors import ConfigurationError
from networking_nsx.neutron.census import Group
from networking_nsx.serve.page_census import Counter
from networking_nsx.serve.web import PATIENCE, THREADS, WAITING, web
from networking_nsx.simulator import Simulator

LOOPBACK = Address("127.0.0.1", 0)


def fails(_request):
    raise ZeroDivisionError("the page's fault")


VIEWS = {"/": lambda _request: Response("here"), "/fails": fails}


@pytest.fixture
def url():
    with web(LOOPBACK, VIEWS) as address:
        yield address


def connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), 10)


def get(url, path="/"):
    return requests.get(url + path, timeout=30)


def test_what_is_asked_for_is_shown(url):
    """By GET and HEAD."""
    assert get(url).text == "here"
    assert requests.head(url, timeout=10).headers["Content-Length"] == "4"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_but_reading_is_allowed(url, method):
    """405, which says what is."""
    answer = requests.request(method, url, timeout=10)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_a_path_that_there_is_not(url):
    """404; nobody is sent elsewhere."""
    codes = [
        requests.get(url + path, timeout=10, allow_redirects=False).status_code
        for path in ("/nothing", "//evil.example/", "/fails/more")
    ]

    assert set(codes) <= {400, 404}


def test_a_view_that_fails_costs_only_itself(url, caplog):
    """500 without its reason, which is in the log."""
    answer = get(url, "/fails")

    assert (answer.status_code, "fault" in answer.text) == (500, False)
    assert "the page's fault" in caplog.text
    assert get(url).ok


@pytest.mark.parametrize("path", ["/", "/fails", "/nothing"])
def test_every_answer_says_what_a_browser_may_do_with_it(url, path):
    """Nothing but show it, with the page's own style."""
    headers = get(url, path).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "script" not in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert headers["Cache-Control"] == "no-store"


def test_without_an_address_nobody_is_answered():
    """And no thread runs."""
    with web(None, VIEWS) as url:
        assert url == ""
        assert not [thread for thread in threading.enumerate() if thread.name == "web"]


def test_an_address_that_is_taken_is_named_with_its_option(url):
    """The daemon does not start."""
    taken = Address("127.0.0.1", int(url.rpartition(":")[2]))
    with (
        pytest.raises(
            ConfigurationError, match=r"\[nsx_sync\] listen: 127.0.0.1:\d+: Address already in use"
        ),
        web(taken, VIEWS),
    ):
        pass


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_an_address_of_no_machine_or_another_one_is_named_with_its_option(host):
    """Whatever is wrong with it."""
    said = rf"\[nsx_sync\] listen: {host}:9698: \w+"
    with pytest.raises(ConfigurationError, match=said), web(Address(host, 9698), VIEWS):
        pass


def test_ipv6_is_spelled_with_brackets():
    """In the URL that is told."""
    with web(Address("::1", 0), VIEWS) as url:
        assert url.startswith("http://[::1]:")
        assert get(url).ok


def test_clients_that_say_nothing_keep_nobody_waiting(url):
    """Fewer than may wait, more than there are threads."""
    with ExitStack() as opened:
        for _ in range(2 * THREADS):
            opened.enter_context(connected(url))
        began = time.monotonic()
        assert get(url).ok
        took = time.monotonic() - began

    assert took < PATIENCE / 2


def test_clients_that_say_little_at_a_time_are_cut_off(url):
    """As many as there are threads: others are answered after their patience."""
    ended = threading.Event()

    def trickle(client):
        try:
            while not ended.wait(0.2):
                client.sendall(b"X")
        except OSError:
            pass

    with ExitStack() as opened:
        opened.callback(ended.set)
        for _ in range(THREADS):
            client = opened.enter_context(connected(url))
            client.sendall(b"GET / HTTP/1.1\r\nX: ")
            threading.Thread(target=trickle, args=(client,), daemon=True).start()
        assert requests.get(url, timeout=3 * PATIENCE).ok


def test_clients_that_begin_a_request_and_fall_silent_keep_no_probe_waiting_for_long(url):
    """Five for each thread: whoever asks for the health is answered before a probe gives up."""
    with ExitStack() as opened:
        for _ in range(5 * THREADS):
            opened.enter_context(connected(url)).sendall(b"GET / HTTP/1.1\r\nX: ")
        began = time.monotonic()
        assert get(url).ok
        took = time.monotonic() - began

    assert took < 10.0  # timeoutSeconds of deploy/container/kubernetes.yaml


def test_more_clients_than_may_wait_are_hung_up_on(url):
    """They cost the daemon no file descriptors."""
    with ExitStack() as opened:
        clients = [opened.enter_context(connected(url)) for _ in range(WAITING + 5)]
        clients[-1].settimeout(10)
        assert clients[-1].recv(1) == b""


def test_a_head_without_an_end_is_refused(url):
    """It is not kept in memory."""
    with connected(url) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        line = b"X-Filler: " + b"x" * 4096 + b"\r\n"
        sent = (client.sendall(line) or time.sleep(0.01) for _ in range(100))
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken, whichever comes first
            list(sent)


def test_it_ends_within_a_second_whoever_is_connected():
    """Also a client in the middle of its request."""
    with ExitStack() as opened:
        served = ExitStack()
        url = served.enter_context(web(LOOPBACK, VIEWS))
        clients = [opened.enter_context(connected(url)) for _ in range(4)]
        clients[0].sendall(b"GET / HTTP/1.1\r\n")
        get(url)
        began = time.monotonic()
        served.close()
        took = time.monotonic() - began

    assert took < 1.0 < PATIENCE  # a promise, not a speed
    assert not [thread for thread in threading.enumerate() if thread.name == "web"]


def test_a_count_that_hangs_keeps_no_reader_waiting():
    """They see that there is none yet; when it comes, they see it."""
    come, begun = threading.Event(), []

    class Slow(Rows):
        def down_ports(self, by):
            begun.append(by)
            come.wait(60)
            return super().down_ports(by)

    counter = Counter(Slow([Group("esx-1", "", {"DOWN": 1})]), HandClock(), 10.0)
    first = [counter.counted().at for _ in range(3)]
    come.set()
    wait_for(lambda: counter.counted().at)

    assert first == [0.0] * 3
    assert len(begun) == 2  # by host and by segment: one count


def test_a_page_asks_nsx_nothing(sqlite, tmp_path):
    """No request reaches it, whatever is looked at; the daemon's metrics and health are there too."""
    with Simulator(networks=1, ports=2) as nsx, daemon(nsx, sqlite, tmp_path, first_delay="3600") as running:
        port = nsx.inventory("port")[0].neutron_id
        codes = [running.code(path) for path in ("/", f"/?id={port}", "/metrics", "/healthz", "/page.css")]

        assert codes == [200] * 5
        assert "nsx_sync_" in running.get("/metrics").text
        assert port in running.get(f"/?id={port}").text
        assert nsx.requests.summary()["total"] == 0
