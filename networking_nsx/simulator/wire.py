"""HTTP on real sockets: cheroot reads requests and keeps connections, this writes the answers.

Writing itself makes it possible to end a body in its middle, to let it dribble, or to reset the
connection; no answer that a fault holds back outlives the server or the client that waits for it.
"""

import logging
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from cheroot.server import HTTPServer
from cheroot.ssl.builtin import BuiltinSSLAdapter

from networking_nsx.simulator.exchange import Answer, Request, error

Responder = Callable[[Request], Answer]

_LOG = logging.getLogger(__name__)
_TICK = 0.02  # seconds within which a held answer notices that nobody waits for it
_IDLE = 120  # seconds until an unused connection is closed
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: close() sends RST


class _Server(HTTPServer):
    """cheroot's server: many connections, quiet, quick to stop."""

    timeout = _IDLE
    keep_alive_conn_limit = None  # type: ignore[assignment]  # no limit, says its documentation
    request_queue_size = 128
    expiration_interval = _TICK  # also how long a stop may take
    shutdown_timeout = 1

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: Any) -> socket.socket:
        """Bind, or close what could not be bound: cheroot forgets it."""
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Log what cheroot has to say, most of it about clients that went away, for debugging only."""
        _LOG.debug("%s (level %s)", msg, level, exc_info=traceback)


class Listener:
    """One port, served by threads of this process from `open` to `close`."""

    def __init__(self, address: tuple[str, int], node: int, respond: Responder, threads: int) -> None:
        self._node = node
        self._respond = respond
        self._stopping = threading.Event()
        self._server = _Server(address, self._exchange, minthreads=threads)
        self._thread = threading.Thread(target=self._server.serve, name=f"node-{node}", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.bind_addr[1])

    def open(self, certificate: str | None, authority: str | None = None) -> None:
        """Listen; with TLS if there is a file of key and certificate.

        Clients may then show a certificate of this authority.
        """
        if certificate:
            self._server.ssl_adapter = BuiltinSSLAdapter(certificate, certificate)
            self._server.ssl_adapter.context.verify_mode = ssl.CERT_OPTIONAL
            self._server.ssl_adapter.context.load_verify_locations(authority)
        self._server.prepare()
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end what is still held."""
        self._stopping.set()
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join()
        # cheroot keeps every server it ever made here, and so would everything we serve.
        getattr(logging, "statistics", {}).pop(f"Cheroot HTTPServer {id(self._server)}", None)

    def _exchange(self, incoming: Any) -> "_Exchange":
        return _Exchange(incoming, self._node, self._respond, self._stopping)


class _Exchange:
    """One request and its answer: what cheroot calls a gateway."""

    def __init__(self, incoming: Any, node: int, respond: Responder, stopping: threading.Event) -> None:
        self._incoming = incoming
        self._socket: socket.socket = incoming.conn.socket
        self._node = node
        self._answer_to = respond
        self._stopping = stopping

    def respond(self) -> None:
        self._incoming.sent_headers = True  # cheroot writes nothing of its own from here on
        answer = self._answered(self._request())
        try:
            self._send(answer)
        finally:
            if answer.done:
                answer.done()

    def _send(self, answer: Answer) -> None:
        if not self._held(answer.delay):
            self._incoming.close_connection = True
        elif answer.silent:
            self._reset()
        else:
            self._write(answer)

    def _request(self) -> Request:
        raw_query = self._incoming.qs.decode("latin-1")
        return Request(
            node=self._node,
            method=self._incoming.method.decode("latin-1"),
            path=unquote(self._incoming.path.decode("latin-1")),
            query=tuple(parse_qsl(raw_query, keep_blank_values=True)),
            raw_query=raw_query,
            headers={
                key.decode("latin-1").lower(): value.decode("latin-1")
                for key, value in self._incoming.inheaders.items()
            },
            body=self._incoming.rfile.read(),
            certificate=(self._incoming.conn.ssl_env or {}).get("SSL_CLIENT_S_DN_CN", ""),
        )

    def _answered(self, request: Request) -> Answer:
        try:
            return self._answer_to(request)
        except Exception as mistake:  # noqa: BLE001 - the client is told, and it is logged
            _LOG.exception("%s %s", request.method, request.path)
            return error(500, f"The simulator made a mistake: {mistake!r}")

    def _write(self, answer: Answer) -> None:
        last = answer.cut is not None or self._incoming.close_connection
        self._incoming.close_connection = last
        head = _head(answer, last=last)
        body = answer.body[: answer.cut]
        if answer.bytes_per_second is None:
            self._socket.sendall(head + body)
        else:
            self._socket.sendall(head)
            self._dribble(body, answer.bytes_per_second)

    def _dribble(self, body: bytes, bytes_per_second: float) -> None:
        size = max(1, round(bytes_per_second * _TICK))
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            self._socket.sendall(piece)
            if not self._held(len(piece) / bytes_per_second):
                self._incoming.close_connection = True
                return

    def _held(self, seconds: float) -> bool:
        """Wait; tell whether anybody still waits for the answer."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stopping.wait(min(left, _TICK)) or self._abandoned():
                return False
        return True

    def _abandoned(self) -> bool:
        """A client that waits for an answer sends nothing: what can be read is the end."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(0))

    def _reset(self) -> None:
        self._incoming.close_connection = True
        self._incoming.conn.linger = True  # cheroot leaves the socket to us
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()


def _head(answer: Answer, *, last: bool) -> bytes:
    phrase = HTTPStatus(answer.status).phrase
    date = ("Date", formatdate(usegmt=True))
    headers = [date, *answer.headers, ("Content-Length", str(len(answer.body)))]
    if last:
        headers.append(("Connection", "close"))
    lines = (f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {answer.status} {phrase}\r\n{''.join(lines)}\r\n".encode("latin-1")
