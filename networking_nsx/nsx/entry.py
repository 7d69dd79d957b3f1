"""How one manager is entered: by a session, or by showing something with every request."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from networking_nsx.errors import ConfigurationError, NotFound, NsxError, Rejected, Unauthorized, Unavailable
from networking_nsx.nsx.account import ATTEMPTS, SOON, Account, patience
from networking_nsx.nsx.api import OK, Api, gone, refusal
from networking_nsx.nsx.auth import Authentication, Credential, Login, named, secrets_of
from networking_nsx.nsx.deadline import Deadline
from networking_nsx.nsx.wire import Reply
from networking_nsx.ports import Clock

_OPENED = (OK, 201)
_LOGIN = 2 * SOON  # seconds that others wait for a login, which may itself have waited for another manager's

Ask = Callable[[Mapping[str, str]], Reply]  # the request, given the headers that say who asks
Post = Callable[[str, Mapping[str, str], Deadline], Reply]  # a form to a path


class Entry(Protocol):
    """The way into one manager. May be shared by threads."""

    def barred(self) -> bool:
        """Whether nobody is let in for now, or others are to be tried first."""
        ...

    def ask(self, target: str, request: Ask, deadline: Deadline) -> Reply:
        """Ask for that; where who asks is not accepted, once more with something new. Raises an NsxError."""
        ...


def account_of(authentication: Authentication, clock: Clock) -> Account:
    """What the entries of all managers share."""
    if isinstance(authentication, Credential):
        return Account(authentication.name, clock, locks=authentication.locks)
    return Account(named(authentication.user), clock, locks=True)


def entry_to(
    base: str, authentication: Authentication, account: Account, api: Api, clock: Clock, post: Post
) -> Entry:
    if isinstance(authentication, Credential):
        return CredentialEntry(base, authentication, account, api)
    return SessionEntry(base, authentication, account, api, clock, post)


@dataclass(slots=True, eq=False)
class _Session:
    headers: Mapping[str, str]
    accepted: bool = False  # by any request yet


class SessionEntry:
    """By a session. Threads share it, and a new one."""

    def __init__(self, base: str, login: Login, account: Account, api: Api, clock: Clock, post: Post) -> None:
        self._base = base
        self._login = login
        self._account = account
        self._api = api
        self._clock = clock
        self._post = post
        self._session: _Session | None = None
        self._opening = threading.Lock()
        self._forgetting = threading.Lock()
        self._renewals = patience(locks=True)  # for sessions that are refused while they are new

    def barred(self) -> bool:
        if self._session:
            return False
        return self._account.barred(self._base) or self._renewals.open(self._clock.monotonic())

    def ask(self, target: str, request: Ask, deadline: Deadline) -> Reply:
        for _ in range(ATTEMPTS):
            session = self._session or self._logged_in(deadline)
            reply = _discreet(request(session.headers), session.headers)
            if not gone(self._api, reply):
                session.accepted = True
                self._renewals.succeeded()
                return reply
            self._forget(session)
            if self._api.tells_rights and not session.accepted:
                break
        raise Unauthorized(
            f"{refusal(self._api, self._base + target, reply)}, also after a new login: "
            f"NSX forgot its sessions, or [nsx] user ({self._login.user}) lacks the right"
        )

    def _forget(self, session: _Session) -> None:
        """However many threads have met its refusal, it is one."""
        with self._forgetting:
            if self._session is not session:
                return
            self._session = None
            if self._api.tells_rights and not session.accepted:
                self._renewals.failed(self._clock.monotonic())

    def _logged_in(self, deadline: Deadline) -> _Session:
        if not self._opening.acquire(timeout=min(deadline.left(self._base), _LOGIN)):
            raise Unavailable(f"{self._base}: the login that another request had begun did not end")
        try:
            session = self._session = self._session or self._renewed(deadline)
            return session
        finally:
            self._opening.release()

    def _renewed(self, deadline: Deadline) -> _Session:
        if not self._renewals.allows(self._clock.monotonic()):
            raise Unauthorized(
                f"{self._base}: new sessions were refused twice, and none is opened for now: "
                f"check the rights of [nsx] user ({self._login.user})"
            )
        try:
            return _Session(self._opened(deadline))
        except (NsxError, ConfigurationError):
            self._renewals.undecided(self._clock.monotonic())
            raise

    def _opened(self, deadline: Deadline) -> Mapping[str, str]:
        with self._account.attempt(self._base, deadline) as attempt:
            reply = self._post(self._login.path, self._login.form(), deadline)
            proof = self._proof_from(reply)
            attempt.accepted = bool(proof)
        if not proof:
            raise Unauthorized(
                f"{self._base}: the login was refused ({reply.status}): check {self._account.name}, "
                "whether NSX has locked the account for some minutes, and [nsx] api"
            )
        return proof

    def _proof_from(self, reply: Reply) -> Mapping[str, str]:
        """Raises what an answer means that is neither a session nor a refusal."""
        if reply.status in _OPENED:
            return self._login.proof(reply)
        # Without NSX's words, which may repeat what was sent.
        error = refusal(self._api, self._base + self._login.path, reply, words=False)
        if isinstance(error, Unauthorized):
            return {}
        if isinstance(error, NotFound):
            raise Rejected(f"{self._base} has no {self._login.path}: check [nsx] api and managers")
        raise error


class CredentialEntry:
    """By showing the same with every request, until it is refused."""

    def __init__(self, base: str, credential: Credential, account: Account, api: Api) -> None:
        self._base = base
        self._credential = credential
        self._account = account
        self._api = api

    def barred(self) -> bool:
        return self._account.barred(self._base)

    def ask(self, target: str, request: Ask, deadline: Deadline) -> Reply:
        for _ in range(ATTEMPTS):
            reply, accepted = self._shown(request, deadline)
            if accepted is not None:
                break
        if not gone(self._api, reply):
            return reply
        raise Unauthorized(f"{refusal(self._api, self._base + target, reply)}: check {self._account.name}")

    def _shown(self, request: Ask, deadline: Deadline) -> tuple[Reply, bool | None]:
        """The answer, and whether it was accepted; None: there is something newer to show."""
        with self._account.attempt(self._base, deadline) as attempt:
            headers = self._credential.headers()
            reply = _discreet(request(headers), headers)
            if not gone(self._api, reply):
                attempt.accepted = True
            elif self._credential.renewed(headers):
                attempt.outdated = True
            else:
                attempt.accepted = False
        return reply, attempt.accepted


def _discreet(reply: Reply, headers: Mapping[str, str]) -> Reply:
    """The answer; an error page with what was shown to get it: NSX's words go to logs."""
    return reply if reply.status == OK else reply._replace(secrets=secrets_of(headers))
