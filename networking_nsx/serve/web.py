"""HTTP in threads of their own: paths are shown to whoever asks, and nothing is changed by it.

Few threads, each of which has little time for a client; whoever is slower is cut off, so that nobody keeps
the others from asking for the daemon's health.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cheroot import wsgi
from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from networking_nsx.config import Address
from networking_nsx.errors import ConfigurationError

View = Callable[..., Response]
"""Takes the request, and by name the variable parts of its path."""

THREADS = 8
WAITING = 64  # connections, for a thread; one more is answered 503
PATIENCE = 5.0  # seconds for a connection that says nothing; twice that for a view and its answer to leave
ARRIVAL = 1.0  # seconds for a request to arrive, once it has begun: a thread waits for it
_REQUEST = 16 << 10  # bytes of a request's head
_TICK = 0.1  # seconds
_FAREWELL = 0.5  # seconds at the end for answers at hand; their connections are closed then
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_LOG = logging.getLogger(__name__)


@contextmanager
def web(address: Address | None, views: Mapping[str, View]) -> Iterator[str]:
    """Answer at this address until the end of the block, with None nowhere; the URL, or "".

    `views` are by their paths, as werkzeug's rules have them. Raises ConfigurationError.
    """
    if address is None:
        yield ""
        return
    server = _Server(address, application(views))
    try:
        server.prepare()
    except OSError as error:
        reason = str(error).rpartition("] ")[2].rstrip(")")  # cheroot's text has the system's in it
        raise ConfigurationError(
            f"[nsx_sync] listen: {address}: {reason}: name an address of this machine and a port that is free"
        ) from error
    thread = threading.Thread(target=server.serve, name="web", daemon=True)
    thread.start()
    url = f"http://{address._replace(port=server.bind_addr[1])}"
    _LOG.info("status page at %s/", url)
    try:
        yield url
    finally:
        server.stop()
        thread.join()


def application(views: Mapping[str, View]) -> Callable[..., Iterable[bytes]]:
    """The views as a WSGI application."""
    rules = Map(
        [Rule(path, endpoint=path, methods=("GET", "HEAD")) for path in views],
        strict_slashes=False,  # nobody is sent anywhere
        merge_slashes=False,
    )

    @Request.application
    def answer(request: Request) -> Response:
        response = _answer(rules, views, request)
        response.headers.update(_HEADERS)
        return response

    return answer


def _answer(rules: Map, views: Mapping[str, View], request: Request) -> Response:
    try:
        path, values = rules.bind_to_environ(request).match()
        return views[path](request, **values)
    except HTTPException as wrong:
        return _text(wrong.code or 500, wrong.name, dict(wrong.get_headers()))
    # A page that fails is told, and costs nothing but itself.
    except Exception:  # noqa: BLE001
        _LOG.exception("%s could not be shown", request.path)
        return _text(500, "Internal Server Error: see the daemon's log", {})


def _text(code: int, text: str, headers: Mapping[str, str]) -> Response:
    kept = {name: value for name, value in headers.items() if name in ("Allow", "Location")}
    return Response(f"{text}\n", code, kept, mimetype="text/plain")


class _Server(wsgi.Server):
    """cheroot's server: quiet, quick to stop; a thread only for connections that say something."""

    keep_alive_conn_limit = WAITING
    max_request_header_size = _REQUEST
    max_request_body_size = 1  # 0 would be no limit
    expiration_interval = _TICK
    software = "networking-nsx"

    def __init__(self, address: Address, application: Callable[..., Iterable[bytes]]) -> None:
        super().__init__(
            address,
            application,
            THREADS,
            max=THREADS,
            request_queue_size=WAITING,
            timeout=PATIENCE,  # type: ignore[arg-type] # a socket's, which may be a fraction
            shutdown_timeout=_FAREWELL,  # type: ignore[arg-type] # a thread's
            accepted_queue_size=WAITING,
        )
        self.ConnectionClass = _Connection

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: Any) -> socket.socket:
        """Bind, or close what could not be bound: cheroot forgets it."""
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_

    def process_conn(self, conn: Any) -> None:
        if conn.last_used is not None:
            super().process_conn(conn)
        elif self.can_add_keepalive_connection:
            self.put_conn(conn)  # it comes again when there is something to read
        else:
            conn.close()

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Most of it is about clients that went away."""
        _LOG.debug("%s (level %s)", msg, level, exc_info=traceback)


class _Connection(HTTPConnection):
    """One that has so much time for each request."""

    def __init__(self, server: Any, sock: socket.socket, _makefile: object) -> None:
        self._reading, self._writing = _Timed(sock, "rb"), _Timed(sock, "wb")
        super().__init__(server, sock, self._file)

    def communicate(self) -> bool:
        now = time.monotonic()
        self._reading.ends, self._writing.ends = now + ARRIVAL, now + 2 * PATIENCE
        return bool(super().communicate())  # type: ignore[no-untyped-call]

    def _file(self, _sock: object, mode: str, _size: int) -> StreamReader | StreamWriter:
        return _Reader(self._reading) if "r" in mode else _Writer(self._writing)


class _Reader(StreamReader):
    def __init__(self, raw: socket.SocketIO) -> None:
        super(StreamReader, self).__init__(raw)  # whose own would make another raw one
        self.bytes_read = 0


class _Writer(StreamWriter):
    def __init__(self, raw: socket.SocketIO) -> None:
        super(StreamWriter, self).__init__(raw)
        self.bytes_written = 0


class _Timed(socket.SocketIO):
    """One direction of a connection, until its time is up."""

    def __init__(self, connected: socket.socket, mode: Any) -> None:
        super().__init__(connected, mode)
        self._connected = connected
        self.ends = time.monotonic() + PATIENCE

    def readinto(self, buffer: Any) -> int | None:
        self._allow()
        return super().readinto(buffer)

    def write(self, some: Any) -> int | None:
        self._allow()
        return super().write(some)

    def _allow(self) -> None:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")  # as the socket says it
        self._connected.settimeout(left)
