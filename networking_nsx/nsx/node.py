"""One manager of an NSX: entered, asked, and now and then asked how it is."""

import threading
from collections.abc import Mapping

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from networking_nsx.errors import Retryable, Throttled, Unavailable
from networking_nsx.limiter import Circuit
from networking_nsx.nsx.account import Account
from networking_nsx.nsx.api import OK, Api, refusal
from networking_nsx.nsx.auth import Authentication
from networking_nsx.nsx.deadline import Deadline
from networking_nsx.nsx.entry import entry_to
from networking_nsx.nsx.wire import Reply, Wire
from networking_nsx.ports import Clock

_CHECKED_FOR = 30.0  # seconds for which an answer about a manager's health is good
_CHECKED_LATER = 600.0  # seconds until it is asked again where a right or a licence was missing
_NEVER = float("inf")
_NO_PAGE = (400, 404, 405)  # this version has none


class Unhealthy(Unavailable):
    """The manager says so of itself."""


class Node:
    """One manager. May be shared by threads."""

    def __init__(
        self, wire: Wire, authentication: Authentication, account: Account, api: Api, clock: Clock
    ) -> None:
        """`account` is shared by all managers of an NSX."""
        self.base = wire.base
        self.limiter = wire.limiter
        self.circuit = Circuit()
        self.trouble = ""  # why it failed last
        self._wire = wire
        self._api = api
        self._clock = clock
        self._entry = entry_to(wire.base, authentication, account, api, clock, self._post)
        self._healthy = True
        self._check_at = float("-inf") if api.health else _NEVER
        self._checking = threading.Lock()

    def __repr__(self) -> str:
        return f"Node({self.base}, {self.circuit}, {self.limiter})"

    def close(self) -> None:
        self._wire.close()

    def barred(self) -> bool:
        """Whether it lets nobody in for now, or others are to be tried first."""
        return self._entry.barred()

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self._wire.slots.taken

    def load(self, now: float, *, urgent: bool = False) -> tuple[bool, float, int]:
        """The less, the sooner it answers: whether it lets nobody in, its budget's wait, what it does."""
        return self.barred(), self.limiter.wait(now, urgent=urgent), self.in_flight

    def get(self, target: str, headers: Mapping[str, str], deadline: Deadline) -> Reply:
        """Ask, let in. Raises an NsxError."""
        # One caller checks, while the others go on.
        if self._clock.monotonic() >= self._check_at and self._checking.acquire(blocking=False):
            try:
                self._check(deadline)
            finally:
                self._checking.release()
        return self._get(target, headers, deadline)

    def worked(self) -> None:
        """It has answered. That does not outweigh its own word that it is not healthy."""
        if self._healthy:
            self.circuit.succeeded()

    def _check(self, deadline: Deadline) -> None:
        """Raises Unhealthy, or why there is no answer."""
        reply = self._get(self._api.health, {}, deadline)
        if reply.status != OK:
            error = refusal(self._api, self.base + self._api.health, reply)
            if isinstance(error, Retryable):
                raise error
            later = self._clock.monotonic() + _CHECKED_LATER
            self._check_at = _NEVER if reply.status in _NO_PAGE else later
            return
        self._healthy = _healthy(reply.body)
        if not self._healthy:
            raise Unhealthy(f"{self.base}: it says that it is not healthy")
        self._check_at = self._clock.monotonic() + _CHECKED_FOR

    def _get(self, target: str, headers: Mapping[str, str], deadline: Deadline) -> Reply:
        def request(proof: Mapping[str, str]) -> Reply:
            return self._send("GET", target, {**headers, **proof}, deadline)

        return self._entry.ask(target, request, deadline)

    def _post(self, path: str, form: Mapping[str, str], deadline: Deadline) -> Reply:
        return self._send("POST", path, {}, deadline, form)

    def _send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        deadline: Deadline,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        reply = self._wire.send(method, target, headers, deadline, form)
        if reply.status != OK and issubclass(self._api.judge(reply).error, Throttled):
            self.limiter.throttled(self._clock.monotonic())
        return reply


class _Told(Struct):
    healthy: bool = True


_told = Decoder(_Told)


def _healthy(body: bytes) -> bool:
    """Only a clear no is one."""
    try:
        return _told.decode(body).healthy
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return True
