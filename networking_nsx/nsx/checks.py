"""What can be asked of any NSX before it is relied on: values, and the checks that every API has in common.

A check is data: its name, the function that asks, and the names of those that must have passed before. It
answers with a finding, or raises an error that becomes one. None writes.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from networking_nsx.errors import IndexUnavailable, NsxError, Throttled, Unauthorized, Unavailable
from networking_nsx.model import Kind, Page, Sought
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.ports import Clock, Source

# Exit codes, as of vmware-nsx's neutron-check-nsx-config: what is wrong when a check has failed.
UNREACHABLE = 1  # no manager answers
NODES = 10  # a manager or a node does not work
CONFIGURATION = 12  # what is configured does not fit

_SOON = 30 * 86400.0  # seconds before a certificate's end at which it is time to renew it
_APART = 5.0  # seconds that two clocks may differ: an observation is compared with Neutron's dates
_ROUNDING = 0.5  # seconds: a Date header has whole ones

_Subject = TypeVar("_Subject")


class Result(StrEnum):
    """What became of a check."""

    OK = "ok"
    WARN = "warn"  # it works; somebody should look
    FAIL = "fail"
    SKIP = "skip"  # not asked


class Finding(NamedTuple):
    """What a check has seen, and what to do about it."""

    result: Result
    detail: str
    advice: str = ""
    code: int = 0  # the exit code that a failure asks for
    refused: bool = False  # the account was turned away


class Check(NamedTuple, Generic[_Subject]):
    """One check."""

    name: str
    ask: Callable[[_Subject], Finding]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manager:
    """One manager of an NSX, asked by itself."""

    base: str
    client: Client  # of this manager only
    source: Source
    http: HttpSettings
    kinds: tuple[Kind, ...]
    clock: Clock

    @property
    def address(self) -> tuple[str, int]:
        url = urlsplit(self.base)
        return url.hostname or "", url.port or 0


def ok(detail: str) -> Finding:
    return Finding(Result.OK, detail)


def warn(detail: str, advice: str) -> Finding:
    return Finding(Result.WARN, detail, advice)


def fail(detail: str, advice: str, code: int = CONFIGURATION) -> Finding:
    return Finding(Result.FAIL, detail, advice, code)


def skip(detail: str) -> Finding:
    return Finding(Result.SKIP, detail)


def failed(error: NsxError) -> Finding:
    """The finding that an error is."""
    for kind, advice, code in _ERRORS:
        if isinstance(error, kind):
            refused = isinstance(error, Unauthorized)
            return fail(str(error), advice, code)._replace(refused=refused)
    return fail(str(error), "see what NSX says", CONFIGURATION)


_ERRORS = (
    (
        Unauthorized,
        "correct [nsx] user, password and api; NSX may have locked the account for a while; it needs to read",
        CONFIGURATION,
    ),
    (Throttled, "lower [nsx] request_rate, or give this process an account of its own", NODES),
    (IndexUnavailable, "wait until NSX's search index is built, or begin it: start search resync all", NODES),
    (Unavailable, "see that this manager is well and can be reached from here", NODES),
)


def reachable(manager: Manager) -> Finding:
    """Whether the manager takes connections."""
    trouble = no_connection(manager.address, manager.http.connect_timeout)
    if trouble:
        return fail(trouble, "see [nsx] managers, and that nothing between stands in the way", NODES)
    return ok("takes connections")


def no_connection(address: tuple[str, int], timeout: float) -> str:
    """Why nobody takes connections there; "" when somebody does."""
    try:
        socket.create_connection(address, timeout).close()
    except OSError as error:
        return f"no connection: {error.strerror or error}"
    except UnicodeError as error:  # its name is none that could be looked up
        return f"no connection: {error}"
    return ""


def certificate(manager: Manager) -> Finding:
    """Whether the manager proves who it is, and for how long yet."""
    if manager.base.startswith("http:"):
        return warn("not encrypted: anybody in between can read the password", "write https:// in managers")
    try:
        expiry = _expiry(manager)
    except ssl.SSLCertVerificationError as error:
        return _untrusted(manager, error)
    except OSError as error:  # ssl.SSLError is one
        return fail(f"no TLS: {error}", "see [nsx] managers: http or https, and which port?", NODES)
    until = f"{datetime.fromtimestamp(expiry, UTC):%Y-%m-%d}"
    if expiry - manager.clock.now() < _SOON:
        return warn(f"trusted, but only until {until}", "renew this manager's certificate")
    return ok(f"trusted until {until}")


def _expiry(manager: Manager) -> float:
    """When the certificate ends, if it is trusted as the client trusts it. Raises OSError."""
    context = ssl.create_default_context(cafile=manager.http.ca_file or DEFAULT_CA_BUNDLE_PATH)
    host, _ = manager.address
    with (
        socket.create_connection(manager.address, manager.http.connect_timeout) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        found = secured.getpeercert() or {}
    return float(ssl.cert_time_to_seconds(str(found["notAfter"])))


def _untrusted(manager: Manager, error: ssl.SSLCertVerificationError) -> Finding:
    remedy = "set [nsx] ca_file to the authority that signed it"
    if manager.http.insecure:
        return warn(f"accepted only because of insecure: {error.verify_message}", f"{remedy}, not insecure")
    return fail(f"not trusted: {error.verify_message}", remedy)


def clock(path: str) -> Callable[[Manager], Finding]:
    """Ask whether this machine's clock and the manager's agree, by the date of the answer at a path."""

    def ask(manager: Manager) -> Finding:
        before = manager.clock.now()
        date = manager.client.get(path).headers.get("Date", "")
        try:
            there = parsedate_to_datetime(date).timestamp() + _ROUNDING
        except (ValueError, OverflowError):
            return skip("the manager does not tell its time")
        apart = _beyond(there, before, manager.clock.now())
        if apart > _APART:
            return warn(f"{apart:.0f} s apart", "set both clocks by NTP: statuses are compared with dates")
        return ok(f"less than {_APART:.0f} s apart")

    return ask


def _beyond(moment: float, start: float, end: float) -> float:
    """By how much a moment lies outside of a span of time."""
    return max(start - moment, moment - end, 0.0)


def rights(manager: Manager) -> Finding:
    """Whether the account may read, in lists and one by one, what the synchronizer reads."""
    refusals = [f"{kind}: {error}" for kind in manager.kinds for error in _refusals(manager, kind)]
    if refusals:
        return fail("; ".join(refusals), "give the account the right to read these (auditor)")
    return ok(f"may read {', '.join(f'{kind}s' for kind in manager.kinds)}")


def _refusals(manager: Manager, kind: Kind) -> Iterator[NsxError]:
    try:
        page = manager.source.page(kind, None, 1)
    except Unauthorized as error:
        yield error
        return
    except IndexUnavailable:
        return  # no matter of rights: the checks of the search tell
    for seen in page.observations[:1]:
        answers = manager.source.look([Sought(seen.key, path=seen.path)])
        yield from (answer for answer in answers if isinstance(answer, Unauthorized))


def listing(manager: Manager) -> Finding:
    """Whether the first page of each kind can be read, and whose objects are on it."""
    pages = [manager.source.page(kind, None, manager.source.page_maximum) for kind in manager.kinds]
    detail = "; ".join(_of_page(page) for page in pages)
    if any(page.malformed for page in pages):
        return warn(detail, "objects that cannot be read are left alone: see their tags on NSX")
    if not any(page.observations for page in pages):
        return warn(detail, "NSX has nothing that carries the id of a Neutron resource: is it the right NSX?")
    return ok(detail)


def _of_page(page: Page) -> str:
    ours = len(page.observations)
    total = "" if page.total is None else f" of {page.total}"
    read = ours + page.foreign + page.malformed
    return f"{page.kind}: {read}{total} read, {ours} ours, {page.foreign} foreign, {page.malformed} malformed"
