"""Requests to the managers of one NSX, whatever the API.

- NSX-MH: it stays with the manager that works; when that one fails, or lets nobody in, the next whose circuit
  is closed is asked. NSX Policy: each request goes to the manager whose budget is free soonest, so that three
  managers give three budgets; one that says that it is not healthy is left out.
- While every circuit is open a request fails at once, without waiting. The first caller after a circuit's
  pause is its probe: its request is sent for real and decides for everybody.
- A request ends within `HttpSettings.total_timeout`, whatever the managers do, and no manager has more than
  `HttpSettings.concurrency` requests of ours at a time.
- Every request on the wire is within the budget of its manager.
- An account is never locked: after two refusals there is one more attempt after 5 minutes, then after 10,
  then every 15; a manager that alone refuses it bars no other.

Only reads: a GET may be repeated on another manager without harm.
"""

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote, urlencode, urljoin, urlsplit

from requests.adapters import BaseAdapter

from networking_nsx.errors import ConfigurationError, NsxError, Retryable, Throttled, Unavailable
from networking_nsx.nsx.api import MH, OK, Api, Busy, refusal
from networking_nsx.nsx.auth import Authentication
from networking_nsx.nsx.deadline import Deadline, Queued, Stopped
from networking_nsx.nsx.entry import account_of
from networking_nsx.nsx.exposure import warn
from networking_nsx.nsx.node import Node, Unhealthy
from networking_nsx.nsx.order import Order
from networking_nsx.nsx.settings import HttpSettings
from networking_nsx.nsx.tls import Tls
from networking_nsx.nsx.wire import Reply, Untrusted, Wire, files_of
from networking_nsx.ports import UNMEASURED, Clock, Metrics

__all__ = ["Answer", "Client", "HttpSettings", "Reply"]

LOG = logging.getLogger(__name__)

_REDIRECTS = (301, 307)
_REDIRECT_LIMIT = 2
_BREATH = 0.02  # seconds before any other attempt: a stop that is asked meanwhile is heard
_BUSY_PAUSE = 0.5  # seconds after a 503 (as vmware-nsx)
_THROTTLED_PAUSE = 1.0  # seconds after a 429 that names none: NSX counts over a second
_PORTS = {"https": 443, "http": 80}
_UNNAMED = "other"  # managers that only redirects told of are counted together: NSX could tell of many


class Answer(NamedTuple):
    """What NSX answered, successfully."""

    body: bytes
    headers: Mapping[str, str]
    node: str
    started_at: float  # when the request that brought this body was sent


class _Failure(NamedTuple):
    """The last word of a manager that failed."""

    error: NsxError
    rests_until: float  # monotonic


class Client:
    """The managers of one NSX. May be shared by threads."""

    def __init__(
        self,
        nodes: Sequence[str],
        authentication: Authentication,
        settings: HttpSettings,
        clock: Clock,
        adapter: BaseAdapter | None = None,
        *,
        api: Api = MH,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        """`nodes` are base URLs; `adapter` replaces the network."""
        self._authentication = authentication
        self._settings = settings
        self._clock = clock
        self._adapter = adapter
        self._tls = Tls(files_of(settings), insecure=settings.insecure)
        self._api = api
        self._metrics = metrics
        self._account = account_of(authentication, clock)
        self._urgent = False
        self._pulse = clock
        self._nodes = [self._node(base.rstrip("/")) for base in nodes]
        self._others: dict[str, Node] = {}  # managers that only redirects told of, by origin
        self._order = Order(self._nodes)
        warn([node.base for node in self._nodes], insecure=settings.insecure)

    def __repr__(self) -> str:
        return f"Client({self._nodes})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def nodes(self) -> Sequence[Node]:
        """The managers that were named."""
        return self._nodes

    def urgent(self) -> "Client":
        """The same managers, asked without waiting for what others have booked.

        With the share of each manager's budget that is kept for this (`HttpSettings.urgent_share`), and
        with more while few others ask. Both stay with the same manager. Closed with this one.
        """
        urgent = copy(self)
        urgent._urgent = True  # noqa: SLF001 - of this class
        return urgent

    def followed(self, pulse: Clock) -> "Client":
        """The same managers; each request asks this clock for the time, and sleeps by it, while it goes on.

        Who holds the clock knows whether a request hangs. Closed with this one.
        """
        followed = copy(self)
        followed._pulse = pulse  # noqa: SLF001 - of this class
        return followed

    def close(self) -> None:
        for node in (*self._nodes, *self._others.values()):
            node.close()

    def get(
        self, path: str, params: Sequence[tuple[str, str]] = (), headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises an NsxError: Unavailable or Throttled when every attempt failed, others at once."""
        target = f"{path}?{urlencode(params, safe=',', quote_via=quote)}" if params else path
        deadline = Deadline(self._pulse, self._settings.total_timeout, urgent=self._urgent)
        failures: dict[Node, _Failure] = {}  # in the order of their last words
        try:
            return self._tried(target, headers or {}, deadline, failures)
        finally:
            failures.clear()  # else the one that is raised would hold itself, and all that it was raised in

    def _tried(
        self, target: str, headers: Mapping[str, str], deadline: Deadline, failures: dict[Node, _Failure]
    ) -> Answer:
        for _ in range(self._settings.retries + 1):
            if failures and not (self._has_others(failures) or self._waited(failures, deadline)):
                break
            node = self._pick(failures)
            failures.pop(node, None)
            try:
                return self._ask(node, target, headers, deadline)
            except Stopped:
                raise
            except (Unavailable, Throttled, Untrusted) as error:
                failures[node] = _Failure(error, self._clock.monotonic() + _rest(error))
            except (NsxError, ConfigurationError):
                node.circuit.undecided(self._clock.monotonic())
                raise
            # Out here: oslo.log adds to a line the exception that is being handled.
            self._blame(node, failures[node].error)
        raise _soonest(failures)

    def _node(self, base: str, counted_as: str = "") -> Node:
        wire = Wire(base, self._settings, self._clock, self._adapter, self._tls, self._metrics, counted_as)
        return Node(wire, self._authentication, self._account, self._api, self._clock)

    def _pick(self, failures: Mapping[Node, _Failure]) -> Node:
        """The node to ask: the first whose circuit is closed, and that wants no rest."""
        now = self._clock.monotonic()
        resting = [node for node, failure in failures.items() if failure.rests_until > now + _BREATH]
        order = self._order
        for node in order.spread(failures, now, urgent=self._urgent) if self._api.spread else order.kept():
            if node not in resting and node.circuit.allows(now):
                return node
        if failures:
            raise _soonest(failures)
        troubles = "; ".join(node.trouble for node in self._nodes)
        raise Unavailable(f"no manager is asked for now, each has failed: {troubles}")

    def _waited(self, failures: Mapping[Node, _Failure], deadline: Deadline) -> bool:
        """Wait until one may be asked again. False when there is no time left for another attempt."""
        ends = [failure.rests_until for failure in failures.values()]
        end = min(ends) if self._api.spread else ends[-1]
        pause = max(_BREATH, end - self._clock.monotonic())
        if not deadline.allows(pause):
            return False
        deadline.sleep(pause)
        return True

    def _has_others(self, failures: Mapping[Node, _Failure]) -> bool:
        """Whether nobody need wait for the rest that a manager asks for: others have budgets of their own."""
        last, now = list(failures.values())[-1].error, self._clock.monotonic()
        if not self._api.spread or not isinstance(last, Throttled) or isinstance(last, Busy):
            return False
        others = (node for node in self._nodes if node not in failures)
        return any(not node.circuit.open(now) and not node.barred() for node in others)

    def _blame(self, node: Node, failure: NsxError) -> None:
        now = self._clock.monotonic()
        if isinstance(failure, Throttled | Queued) and not isinstance(failure, Busy):
            node.circuit.undecided(now)  # it works, and the others are no less busy
            return
        LOG.warning("NSX manager failed: %s", failure)
        node.trouble = str(failure)
        node.circuit.failed(now, hopeless=isinstance(failure, Untrusted | Unhealthy))
        self._order.failed(node)

    def _ask(self, node: Node, target: str, headers: Mapping[str, str], deadline: Deadline) -> Answer:
        for _ in range(_REDIRECT_LIMIT + 1):
            reply = node.get(target, headers, deadline)
            if reply.status not in _REDIRECTS:
                return self._answer(node, target, reply)
            node, target = self._redirected(node, reply.headers.get("Location", ""))
        raise Unavailable(f"{node.base}: more than {_REDIRECT_LIMIT} redirects")

    def _answer(self, node: Node, target: str, reply: Reply) -> Answer:
        try:
            self._check(node.base + target, reply)
        except Retryable:
            raise
        except NsxError:
            self._worked(node)
            raise
        self._worked(node)
        return Answer(reply.body, reply.headers, node.base, reply.started_at)

    def _check(self, url: str, reply: Reply) -> None:
        if reply.status != OK:
            raise refusal(self._api, url, reply)
        if not reply.body:
            raise Unavailable(f"{url.partition('?')[0]}: an empty answer")

    def _worked(self, node: Node) -> None:
        node.worked()
        self._order.worked(node)

    def _redirected(self, node: Node, location: str) -> tuple[Node, str]:
        """Where to go on. The password follows only to managers that are known, or proven by TLS."""
        try:
            url = urlsplit(urljoin(node.base, location))
            origin = _origin(url.geturl())
            known = {_origin(each.base): each for each in (*self._nodes, node)}
        except ValueError as error:
            raise Unavailable(f"{node.base}: a redirect to nowhere") from error
        secure = url.scheme == "https"
        if node.base.startswith("https:") and not secure:
            raise Unavailable(f"{node.base}: a redirect to {origin}, which is not encrypted")
        target = f"{url.path}?{url.query}" if url.query else url.path
        if origin in known:
            return known[origin], target
        if self._settings.insecure or not secure:
            raise Unavailable(f"{node.base}: a redirect to {origin}, which is not in [nsx] managers")
        if origin not in self._others:
            self._others.setdefault(origin, self._node(origin, _UNNAMED))
        return self._others[origin], target


def _soonest(failures: Mapping[Node, _Failure]) -> NsxError:
    """What is told of them: of the manager that may be asked again first."""
    errors = [failure.error for failure in failures.values()][::-1]
    return min(errors, key=lambda error: error.retry_after if isinstance(error, Throttled) else 0.0)


def _rest(failure: NsxError) -> float:
    """Seconds that a manager wants to be left alone for."""
    if isinstance(failure, Busy):
        return _BUSY_PAUSE
    if isinstance(failure, Throttled):
        return failure.retry_after or _THROTTLED_PAUSE
    return _BREATH


def _origin(url: str) -> str:
    """Scheme, host and port, the latter always. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(url)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}"
