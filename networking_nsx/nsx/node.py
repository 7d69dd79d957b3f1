"""One manager of an NSX, logged in to. Nothing here tells a password or a cookie to anybody else."""

import threading
from collections.abc import Mapping
from typing import Protocol

from networking_nsx.errors import NotFound, NsxError, Rejected, Throttled, Unauthorized, Unavailable
from networking_nsx.limiter import Circuit
from networking_nsx.nsx.wire import Deadline, Reply, Wire
from networking_nsx.ports import Clock

OK = 200
_REFUSED = (401, 403)
_NOT_FOUND = 404
_LONGEST_WAIT = 3600.0  # seconds; a longer Retry-After is not believed
_WORDS = 200  # characters of NSX's own words in a message


class Authentication(Protocol):
    """How a manager is told who asks: by a session that a login opens."""

    @property
    def user(self) -> str:
        """For messages."""
        ...

    @property
    def path(self) -> str:
        """Where a session is opened, by POST."""
        ...

    def form(self) -> Mapping[str, str]:
        """What the login sends."""
        ...

    def proof(self, reply: Reply) -> Mapping[str, str]:
        """The headers that carry the session, from the login's answer; {} if it opened none."""
        ...


class Busy(Throttled):
    """503: this manager has too much to do. Another may have less."""


class Node:
    """One manager."""

    def __init__(self, wire: Wire, authentication: Authentication, logins: Circuit, clock: Clock) -> None:
        """`logins` is shared by all managers of an NSX: they have the account in common."""
        self.base = wire.base
        self.limiter = wire.limiter
        self.circuit = Circuit()
        self.trouble = ""  # why it failed last
        self._wire = wire
        self._authentication = authentication
        self._logins = logins
        self._clock = clock
        self._proof: Mapping[str, str] = {}
        self._login_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Node({self.base}, {self.circuit}, {self.limiter})"

    def close(self) -> None:
        self._wire.close()

    def get(self, target: str, headers: Mapping[str, str], deadline: Deadline) -> Reply:
        """Ask, logged in. A session that is not accepted is replaced by a new one, once."""
        for _ in range(2):
            proof = self._proof or self._logged_in(deadline)
            reply = self._wire.send("GET", target, {**headers, **proof}, deadline)
            if reply.status not in _REFUSED:
                return reply
            if self._proof is proof:  # else another thread has replaced it already
                self._proof = {}
        raise Unauthorized(
            f"{self.base}{_path(target)}: {reply.status}, also after a new login: "
            f"check the rights of {self._who()}"
        )

    def _logged_in(self, deadline: Deadline) -> Mapping[str, str]:
        if not self._login_lock.acquire(timeout=deadline.left(self.base)):
            raise Unavailable(f"{self.base}: the login that another request had begun did not end")
        try:
            if not self._proof:
                self._proof = self._login(deadline)
            return self._proof
        finally:
            self._login_lock.release()

    def _login(self, deadline: Deadline) -> Mapping[str, str]:
        if not self._logins.allows(self._clock.monotonic()):
            raise Unauthorized(
                f"{self.base}: refused twice, and not tried again for now lest the account be locked: "
                f"check {self._who()} and password"
            )
        try:
            reply = self._wire.send(
                "POST", self._authentication.path, {}, deadline, self._authentication.form()
            )
            proof = self._proof_from(reply)
        except NsxError:
            self._logins.undecided(self._clock.monotonic())
            raise
        if not proof:
            self._logins.failed(self._clock.monotonic())
            raise Unauthorized(
                f"{self.base}: the login was refused ({reply.status}): check {self._who()} and password"
            )
        self._logins.succeeded()
        return proof

    def _proof_from(self, reply: Reply) -> Mapping[str, str]:
        """Raises what an answer means that is neither a session nor a refusal."""
        if reply.status == OK:
            return self._authentication.proof(reply)
        if reply.status in _REFUSED:
            return {}
        if reply.status == _NOT_FOUND:
            raise Rejected(f"{self.base} has no {self._authentication.path}: check [nsx] api and managers")
        # Without NSX's words, which may repeat what was sent.
        raise refusal(self.base + self._authentication.path, reply._replace(body=b""))

    def _who(self) -> str:
        return f"[nsx] user ({self._authentication.user})"


def refusal(url: str, reply: Reply) -> NsxError:
    """The error that an answer is which is no success."""
    message = f"{_path(url)}: {reply.status} {_words(reply.body)}".rstrip()
    if reply.status in _BUSY:
        return _BUSY[reply.status](message, _seconds(reply.headers.get("Retry-After", "")))
    return _ERRORS.get(reply.status, Unavailable)(message)


_BUSY: Mapping[int, type[Throttled]] = {429: Throttled, 503: Busy}
_ERRORS: Mapping[int, type[NsxError]] = {**dict.fromkeys(range(400, 500), Rejected), _NOT_FOUND: NotFound}


def _path(url: str) -> str:
    return url.partition("?")[0]


def _words(body: bytes) -> str:
    """NSX's own words, on one line."""
    text = body[: 4 * _WORDS].decode(errors="replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_WORDS]


def _seconds(retry_after: str) -> float:
    """0 for a date, which NSX does not send."""
    return min(float(retry_after), _LONGEST_WAIT) if retry_after.isdecimal() else 0.0
