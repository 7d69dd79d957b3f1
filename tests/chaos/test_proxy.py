"""The proxy is a wire until it is told otherwise."""

import socket
import threading
import time
from contextlib import closing

import pytest
from chaos.proxy import Proxy
from waiting import wait_for


@pytest.fixture
def echo():
    """The port of a server that sends back what it is sent."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve():
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_echo, args=(one,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _echo(one):
    with closing(one):
        try:
            while piece := one.recv(1000):
                one.sendall(piece)
        except OSError:
            return


@pytest.fixture
def proxy(echo):
    with Proxy(echo) as made:
        yield made


def connected(proxy):
    one = socket.create_connection(("127.0.0.1", proxy.port), timeout=30)
    return closing(one)


def test_bytes_pass_both_ways(proxy):
    """Each connection its own."""
    with connected(proxy) as one, connected(proxy) as other:
        one.sendall(b"one")
        other.sendall(b"other")

        assert (one.recv(10), other.recv(10)) == (b"one", b"other")


def test_a_cut_resets_what_stands_and_lets_new_ones_come(proxy):
    """In mid-conversation."""
    with connected(proxy) as one, connected(proxy) as later:
        one.sendall(b"one")
        one.recv(10)
        later.sendall(b"x")
        later.recv(10)

        assert proxy.cut() == proxy.met == 2
        with pytest.raises(ConnectionResetError):
            one.recv(10)
    with connected(proxy) as new:
        new.sendall(b"new")
        assert new.recv(10) == b"new"


def test_what_is_severed_stays_so_until_it_is_released(proxy):
    """New connections are reset too."""
    proxy.sever()
    with pytest.raises(ConnectionResetError), connected(proxy) as one:
        one.recv(10)
    proxy.release()
    with connected(proxy) as one:
        one.sendall(b"again")
        assert one.recv(10) == b"again"


def test_what_is_held_comes_when_it_is_released(proxy):
    """No byte before."""
    with connected(proxy) as one:
        one.sendall(b"first")
        assert one.recv(10) == b"first"
        proxy.hold()
        one.sendall(b"held")
        wait_for(lambda: proxy.met)
        one.settimeout(0.2)
        with pytest.raises(TimeoutError):
            one.recv(10)
        proxy.release()
        one.settimeout(30)
        assert one.recv(10) == b"held"
        assert proxy.met == 1


def test_what_is_slowed_waits_piece_by_piece(echo):
    """As long as it was told, both ways."""
    waited = []
    with Proxy(echo, sleep=waited.append) as proxy, connected(proxy) as one:
        proxy.slow(0.7)
        one.sendall(b"slow")

        assert one.recv(10) == b"slow"
        assert (waited, proxy.met) == ([0.7, 0.7], 2)


def test_a_server_that_is_not_there_is_a_reset(echo):
    """Not a connection that stands and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as none:
        port = none.getsockname()[1]
    began = time.monotonic()
    with Proxy(port) as proxy, pytest.raises(ConnectionResetError), connected(proxy) as one:
        one.recv(10)
    assert time.monotonic() - began < 30
