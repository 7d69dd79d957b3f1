"""One HTTP exchange with one manager, under its budget and a deadline."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.utils import default_headers

from networking_nsx.errors import ConfigurationError, Malformed, Rejected, Throttled, Unavailable
from networking_nsx.limiter import Limiter
from networking_nsx.nsx.deadline import Deadline, Unanswered
from networking_nsx.nsx.queue import Queue
from networking_nsx.nsx.requests import NO_ANSWER, purpose_of
from networking_nsx.nsx.settings import HttpSettings
from networking_nsx.nsx.tls import Tls, TlsAdapter, TlsFiles
from networking_nsx.ports import UNMEASURED, Clock, Metrics

# After the request has gone out; what happens before is another error.
_LOST = (
    requests.ReadTimeout,
    urllib3.exceptions.ReadTimeoutError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.IncompleteRead,
)
_PIECE = 1 << 20  # bytes of a body that are read at once; between two pieces the deadline is checked


class Reply(NamedTuple):
    """What a manager answered, whatever the status."""

    status: int
    headers: Mapping[str, str]
    cookies: Sequence[str]  # the values of Set-Cookie
    body: bytes
    started_at: float
    secrets: Sequence[str] = ()  # that were shown to get it, and are not told: an error page may repeat them


class Untrusted(Rejected):
    """The certificate of this manager was not accepted. Another manager may have a better one."""


class Slots:
    """Room for so many requests at a time, some of it kept for urgent ones."""

    def __init__(self, number: int, kept: int = 0) -> None:
        self.taken = 0
        self._free = {True: kept, False: number - kept}  # kept for urgent ones; for all, in turns
        self._queue = Queue()

    def __repr__(self) -> str:
        return f"Slots({self.taken} taken, {len(self._queue)} wait)"

    @contextmanager
    def one(self, base: str, deadline: Deadline) -> Iterator[None]:
        """Raises Queued when none becomes free in time."""
        with self._queue.changed:
            deadline.queue(self._queue, base, lambda: self._free[False] > 0 or self._kept(deadline))
            kept = self._kept(deadline)
            self._count(kept, 1)
        try:
            yield
        finally:
            with self._queue.changed:
                self._count(kept, -1)
                self._queue.changed.notify_all()

    def _kept(self, deadline: Deadline) -> bool:
        """Whether one is free that is kept for this."""
        return deadline.urgent and self._free[True] > 0

    def _count(self, kept: bool, taken: int) -> None:
        self._free[kept] -= taken
        self.taken += taken


class Wire:
    """The connections to one manager. Nothing reaches it but through `send`."""

    def __init__(
        self,
        base: str,
        settings: HttpSettings,
        clock: Clock,
        adapter: BaseAdapter | None,
        tls: Tls,
        metrics: Metrics = UNMEASURED,
        counted_as: str = "",
    ) -> None:
        """`adapter` replaces the network; `tls` is shared by all managers of an NSX.

        `counted_as`: a name other than that of the base.
        """
        self.base = base
        self._metrics = metrics
        self._counted_as = counted_as or base
        self.limiter = Limiter(settings.request_rate, settings.urgent_share)
        keeps = settings.urgent_share > 0 and settings.concurrency > 1
        self.slots = Slots(settings.concurrency, kept=int(keeps))
        self._settings = settings
        self._clock = clock
        self._tls = tls if adapter is None and base.startswith("https:") else None
        self._adapter = adapter or HTTPAdapter(pool_connections=1, pool_maxsize=settings.concurrency)

    def close(self) -> None:
        self._adapter.close()

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        deadline: Deadline,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request and its whole answer. Raises Unavailable, Untrusted, Throttled or Malformed."""
        # First a slot: a request must not wait for one between the moment booked for it and its way.
        with self.slots.one(self.base, deadline):
            booked = self._turn(deadline)
            request = requests.Request(
                method, self.base + target, {**default_headers(), **headers}, data=form
            )
            began, code = self._clock.monotonic(), NO_ANSWER
            try:
                reply = self._exchanged(request, booked, deadline)
                code = str(reply.status)
                return reply
            finally:
                seconds = self._clock.monotonic() - began
                self._metrics.asked(self._counted_as, purpose_of(target), code, seconds)

    def _exchanged(self, request: requests.Request, booked: float, deadline: Deadline) -> Reply:
        started_at = self._clock.now()
        with self._translated(deadline), self._response(request, booked, deadline) as response:
            body = self._body(response.raw, deadline)
            cookies = response.raw.headers.getlist("Set-Cookie")
            return Reply(response.status_code, response.headers, cookies, body, started_at)

    def _turn(self, deadline: Deadline) -> float:
        """Wait for the budget, and return the moment that it had."""
        now = self._clock.monotonic()
        wait = self.limiter.reserve(now, urgent=deadline.urgent)
        if wait > 0:
            if not deadline.allows(wait):
                raise Throttled(f"{self.base}: its request budget is used up for {wait:.1f} s", wait)
            self._metrics.waited(self._counted_as, wait)
            deadline.sleep(wait)
        return now + wait

    def _response(self, request: requests.Request, booked: float, deadline: Deadline) -> requests.Response:
        """Send it, and return the beginning of the answer.

        Without a session of requests: it would follow the environment's proxies, CA bundles and passwords
        (.netrc), which are not meant for the managers, keep cookies beside the headers of a `Login`, and read
        the bodies of redirects without a deadline. It is a fifth of what a request costs, too.
        """
        settings, left = self._settings, deadline.left(self.base)
        try:
            return self._connections().send(
                request.prepare(),
                timeout=(min(settings.connect_timeout, left), min(settings.answer_timeout, left)),
                stream=True,  # so that the deadline holds between two pieces of the body
            )
        finally:
            self.limiter.arrived(booked, self._clock.monotonic())

    def _connections(self) -> BaseAdapter:
        """New ones when the files of TLS have changed: those in use close when their answers end."""
        if self._tls:
            context = self._tls.context()
            if not (isinstance(self._adapter, TlsAdapter) and self._adapter.context is context):
                self._adapter = TlsAdapter(context, self._settings.concurrency)
        return self._adapter

    def _body(self, raw: urllib3.HTTPResponse, deadline: Deadline) -> bytes:
        pieces = []
        size = 0
        while piece := self._piece(raw, deadline.left(self.base, sent=True)):
            pieces.append(piece)
            size += len(piece)
            if size > self._settings.answer_limit:
                raise Malformed(f"{self.base}: an answer of more than {self._settings.answer_limit} bytes")
        return b"".join(pieces)

    def _piece(self, raw: urllib3.HTTPResponse, left: float) -> bytes:
        """Whatever has arrived, but waiting no longer for it than the deadline."""
        socket = getattr(raw.connection, "sock", None)  # gone when the server closes after the answer
        if socket:
            socket.settimeout(min(self._settings.answer_timeout, left))
        return raw.read1(_PIECE, decode_content=True)

    @contextmanager
    def _translated(self, deadline: Deadline) -> Iterator[None]:
        """What the libraries raise becomes an error of ours."""
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            cause = _root(error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise Untrusted(
                    f"{self.base}: its certificate was not accepted ({cause.verify_message}): set [nsx]"
                    " ca_file to the authority that signed it (insecure = true would let anybody pose as NSX)"
                ) from error
            lost = isinstance(error, _LOST)
            deadline.left(self.base, sent=lost)  # else the timeout was what was left of it
            hint = " (see [nsx] managers: http or https?)" if isinstance(cause, ssl.SSLError) else ""
            told = f"{self.base}: {str(cause) or type(cause).__name__}{hint}"
            raise (Unanswered if lost else Unavailable)(told) from error
        except OSError as error:  # from nothing else but the files of TLS
            raise ConfigurationError(f"{files_of(self._settings).named()}: {error}") from error


def files_of(settings: HttpSettings) -> TlsFiles:
    """The files that a connection needs."""
    return TlsFiles(settings.ca_file, settings.client_cert_file, settings.client_key_file)


def _root(error: BaseException) -> BaseException:
    """The first cause. What requests and urllib3 say around it repeats the URL and names their classes.

    Their tracebacks go: frames of urllib3 hold the errors that they raise, and with them whatever is below.
    """
    while cause := error.with_traceback(None).__cause__ or error.__context__:
        error = cause
    return error
