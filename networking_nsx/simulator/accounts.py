"""Who may ask a node of the Policy API: sessions, passwords, tokens, certificates, and locked accounts.

Promises: an account is locked after `_ATTEMPTS` refused attempts within `_WINDOW` seconds, for as long,
on all nodes; attempts while it is locked do not prolong it. Sessions go on.
"""

import base64
import secrets
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from networking_nsx.simulator.exchange import Request
from networking_nsx.simulator.policy_errors import nothing_sent, refused, session_expired
from networking_nsx.simulator.settings import SimulatorSettings

COOKIE = "JSESSIONID"
BEARER = "token"  # what the holder of the token is called

_ATTEMPTS = 5
_WINDOW = 900.0  # seconds


@dataclass(slots=True)
class _Session:
    account: str
    xsrf: str
    used: float  # monotonic seconds


class Accounts:
    """The accounts of one NSX and their sessions on its nodes."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._sessions: list[dict[str, _Session]] = [{} for _ in range(settings.nodes)]
        self._refused: defaultdict[str, deque[float]] = defaultdict(deque)
        self._locked: dict[str, float] = {}  # until when
        self.password = settings.password
        self._refusals = 0

    def named(self, request: Request) -> str:
        """Whom a request counts for, whether it is let in or not."""
        kind, credentials = _authorization(request)
        if kind:
            return _basic(credentials)[0] if kind == "basic" else BEARER
        session = self._sessions[request.node].get(request.cookie(COOKIE))
        return session.account if session else request.certificate or "-"

    def admit(self, request: Request) -> str:
        """Whose request this is. Raises Wrong."""
        kind, credentials = _authorization(request)
        if kind == "basic":
            return self.check(*_basic(credentials))
        if kind:
            if kind != "bearer" or not self._settings.token or credentials != self._settings.token:
                raise refused()
            return BEARER
        if request.cookie(COOKIE):
            return self._of_session(request)
        if request.certificate:
            return request.certificate
        raise nothing_sent()

    def check(self, account: str, password: str) -> str:
        """Let an account in by its password, or raise Wrong and remember the attempt."""
        with self._lock:
            now = self._settings.clock()
            right = (account, password) == (self._settings.user, self.password)
            locked = self._locked.get(account, now) > now
            if right and not locked:
                return account
            self._refusals += 1
            if not locked:
                self._remember(account, now)
            raise refused()

    def open(self, node: int, account: str) -> tuple[str, str]:
        """Begin a session; return its cookie and its XSRF token."""
        cookie, xsrf = secrets.token_hex(16).upper(), secrets.token_hex(16)
        with self._lock:
            self._sessions[node][cookie] = _Session(account, xsrf, self._settings.clock())
        return cookie, xsrf

    def close(self, request: Request) -> None:
        """End the session of a request."""
        with self._lock:
            self._sessions[request.node].pop(request.cookie(COOKIE), None)

    def drop(self, node: int) -> None:
        """Forget all sessions of a node."""
        with self._lock:
            self._sessions[node].clear()

    def become(self, password: str | None) -> None:
        """Let only this password be right, by default that of the settings; a change ends all sessions."""
        wanted = self._settings.password if password is None else password
        if wanted != self.password:
            self.password = wanted
            for node in range(self._settings.nodes):
                self.drop(node)

    def summary(self) -> dict[str, Any]:
        """The attempts that were refused since the last reset, and who is locked out now."""
        now = self._settings.clock()
        locked = sorted(account for account, until in self._locked.items() if until > now)
        return {"refused_logins": self._refusals, "locked": locked}

    def reset(self) -> None:
        """Count refused attempts anew; locks stay."""
        self._refusals = 0

    def _of_session(self, request: Request) -> str:
        now = self._settings.clock()
        session = self._sessions[request.node].get(request.cookie(COOKIE))
        if session is None or now - session.used >= self._settings.session_lifetime:
            raise session_expired()
        if request.headers.get("x-xsrf-token") != session.xsrf:
            raise session_expired()
        session.used = now
        return session.account

    def _remember(self, account: str, now: float) -> None:
        attempts = self._refused[account]
        attempts.append(now)
        while attempts[0] <= now - _WINDOW:
            attempts.popleft()
        if len(attempts) >= _ATTEMPTS:
            attempts.clear()
            self._locked[account] = now + _WINDOW


def _authorization(request: Request) -> tuple[str, str]:
    kind, _, credentials = request.headers.get("authorization", "").partition(" ")
    return kind.lower(), credentials.strip()


def _basic(credentials: str) -> tuple[str, str]:
    try:
        account, _, password = base64.b64decode(credentials).decode().partition(":")
    except ValueError:
        return "-", ""
    return account, password
