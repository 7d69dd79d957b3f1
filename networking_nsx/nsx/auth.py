"""How NSX is told who asks. Nothing here tells a password, a token or a cookie to anybody else."""

import base64
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable
from urllib.parse import quote

from networking_nsx.errors import ConfigurationError
from networking_nsx.nsx.secret_file import password_from, token_from
from networking_nsx.nsx.wire import Reply

_SHORTEST = 4  # characters; what is shorter is no secret, and would be blotted out of other words


class Login(Protocol):
    """A session on each manager, opened by user and password."""

    @property
    def user(self) -> str:
        """For messages."""
        ...

    @property
    def path(self) -> str:
        """Where a session is opened, by POST."""
        ...

    def form(self) -> Mapping[str, str]:
        """What the login sends. Raises ConfigurationError when that cannot be known."""
        ...

    def proof(self, reply: Reply) -> Mapping[str, str]:
        """The headers that carry the session, from the login's answer; {} if it opened none."""
        ...


@runtime_checkable
class Credential(Protocol):
    """What every request shows, without a session."""

    @property
    def name(self) -> str:
        """The options it comes from, for messages."""
        ...

    @property
    def locks(self) -> bool:
        """Whether NSX locks the account when it is refused too often."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Raises ConfigurationError when there is none."""
        ...

    def renewed(self, headers: Mapping[str, str], /) -> bool:
        """Whether there are others now that these were refused. Raises ConfigurationError."""
        ...


Authentication = Login | Credential


def cookies_of(reply: Reply) -> str:
    """What its cookies are, to be sent back."""
    return "; ".join(cookie.partition(";")[0] for cookie in reply.cookies)


def shown(proof: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of a session; {} where one has nothing to show, or cannot be sent.

    requests would repeat the latter in its error.
    """
    sound = all(
        value.strip("; ") and value == value.strip() and value.isprintable() for value in proof.values()
    )
    return proof if sound else {}


def secrets_of(headers: Mapping[str, str]) -> Sequence[str]:
    """What these show, whole and in parts, the longest first."""
    parts = {part for value in headers.values() for part in _parts(value)}
    spelled = {form for part in parts for form in (part, part.rstrip("="), quote(part, safe=""))}
    return sorted((form for form in spelled if len(form) >= _SHORTEST), key=len, reverse=True)


def _parts(value: str) -> Iterator[str]:
    """Of a header: itself, the values of its cookies, what follows `Basic` or `Bearer`, and the password."""
    yield value
    for cookie in value.split(";"):
        yield cookie.partition("=")[2].strip('"')
    scheme, _, proof = value.partition(" ")
    yield proof
    if scheme == "Basic":
        yield base64.b64decode(proof).decode(errors="replace").partition(":")[2]


def named(user: str) -> str:
    """The options of user and password, for messages."""
    return f"[nsx] user ({user}) and password (or password_file)"


@dataclass(frozen=True, slots=True)
class PolicyLogin:
    """A session of NSX Policy: a cookie, and a token against forged requests."""

    user: str
    password: str = field(repr=False)
    path: str = "/api/session/create"

    def form(self) -> Mapping[str, str]:
        return {"j_username": self.user, "j_password": self.password}

    def proof(self, reply: Reply) -> Mapping[str, str]:
        token = reply.headers.get("X-XSRF-TOKEN", "")
        return shown({"Cookie": cookies_of(reply), "X-XSRF-TOKEN": token})


@dataclass(frozen=True, slots=True)
class Basic:
    """User and password with every request."""

    user: str
    password: str = field(repr=False)
    locks: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return named(self.user)

    def headers(self) -> Mapping[str, str]:
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def renewed(self, _headers: Mapping[str, str]) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that TLS shows, and nothing else: NSX prefers a password where there is one."""

    file: str
    locks: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"[nsx] client_cert_file ({self.file})"

    def headers(self) -> Mapping[str, str]:
        return {}

    def renewed(self, _headers: Mapping[str, str]) -> bool:
        return False


class Token:
    """A bearer token from a file, which is read again when NSX does not accept it any more."""

    locks = False

    def __init__(self, file: str) -> None:
        self.name = f"[nsx] token_file ({file})"
        self._kept = _Kept(self.name, lambda: {"Authorization": f"Bearer {token_from(file)}"})

    def headers(self) -> Mapping[str, str]:
        return self._kept.headers()

    def renewed(self, headers: Mapping[str, str]) -> bool:
        return self._kept.renewed(headers)


class BasicFromFile:
    """User and password with every request; the file is read again when NSX refuses them."""

    locks = True

    def __init__(self, user: str, file: str) -> None:
        self.name = f"[nsx] user ({user}) and password_file ({file})"
        self._kept = _Kept(self.name, lambda: Basic(user, password_from(file)).headers())

    def headers(self) -> Mapping[str, str]:
        return self._kept.headers()

    def renewed(self, headers: Mapping[str, str]) -> bool:
        return self._kept.renewed(headers)


class LoginFromFile:
    """A login whose password is read anew each time."""

    def __init__(self, login: Callable[[str], Login], file: str) -> None:
        """`login` makes one with that password."""
        self._login = login
        self._without = login("")
        self._file = file

    @property
    def user(self) -> str:
        return self._without.user

    @property
    def path(self) -> str:
        return self._without.path

    def form(self) -> Mapping[str, str]:
        try:
            return self._login(password_from(self._file)).form()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"[nsx] password_file ({self._file}): {error}") from error

    def proof(self, reply: Reply) -> Mapping[str, str]:
        return self._without.proof(reply)


class _Kept:
    """Headers out of a file, until NSX refuses them. May be shared by threads."""

    def __init__(self, name: str, read: Callable[[], Mapping[str, str]]) -> None:
        """`read` raises OSError or ValueError."""
        self._name = name
        self._read = read
        self._headers: Mapping[str, str] = {}
        self._lock = threading.Lock()

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            self._headers = self._headers or self._fresh()
            return self._headers

    def renewed(self, headers: Mapping[str, str]) -> bool:
        with self._lock:
            if self._headers in ({}, headers):  # else another thread has read them anew already
                fresh = self._fresh()
                # The file may be behind NSX: what it says is looked at again before it is shown again.
                self._headers = {} if fresh == headers else fresh
            return self._headers != {}

    def _fresh(self) -> Mapping[str, str]:
        try:
            return self._read()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{self._name}: {error}") from error
