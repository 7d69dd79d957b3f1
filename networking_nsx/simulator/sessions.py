"""Who has logged in to one node. A cookie of another node, or an old one, is worth nothing here."""

import secrets
import threading
from typing import NamedTuple

from networking_nsx.simulator.settings import Clock


class _Session(NamedTuple):
    account: str
    ends: float  # monotonic seconds


class Sessions:
    """The sessions of one node, by the value of their cookie."""

    def __init__(self, lifetime: float, clock: Clock) -> None:
        self._clock = clock
        self.lifetime = lifetime  # seconds; a change holds for the logins after it
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def open(self, account: str) -> str:
        token = secrets.token_hex(16)
        with self._lock:
            self._sessions[token] = _Session(account, self._clock() + self.lifetime)
        return token

    def account(self, token: str) -> str | None:
        """Whose cookie this is or was, for counting."""
        session = self._sessions.get(token)
        return session.account if session else None

    def valid(self, token: str) -> bool:
        session = self._sessions.get(token)
        return session is not None and self._clock() < session.ends

    def drop(self) -> bool:
        """Forget all sessions; tell whether there was one."""
        with self._lock:
            had = bool(self._sessions)
            self._sessions = {}
            return had
