"""What differs between NSX's APIs for whoever asks: one value each.

Above all, what an answer means that is no success. NSX Policy says it by codes, in the error or in one
that is related to it; NSX-MH by the status alone.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, NamedTuple

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder

from networking_nsx.errors import (
    IndexUnavailable,
    NotFound,
    NsxError,
    PageTooLarge,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from networking_nsx.nsx.wire import Reply

OK = 200
_LONGEST_WAIT = 3600.0  # seconds; a longer Retry-After is not believed
_WORDS = 200  # characters of NSX's own words in a message
_READ = 1 << 16  # characters of an error page that are looked at; what is blotted out must be seen whole
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/]))')
_DIGITS = 18  # of a code; int() refuses thousands of them with a ValueError


class Busy(Throttled):
    """503: this manager has too much to do. Another may have less."""


class Verdict(NamedTuple):
    """What an answer means that is no success."""

    error: type[NsxError]
    hint: str = ""  # what to do about it, where NSX's own words do not say
    gone: bool = False  # the session, or what was shown instead of one, is not accepted


@dataclass(frozen=True, slots=True)
class Api:
    """How the managers of one API want to be asked."""

    judge: Callable[[Reply], Verdict]
    spread: bool = False
    """Each manager has a budget of its own, and all know the same: ask them all, not just one."""
    tells_rights: bool = False
    """A lost session is told from a lack of rights: one that is refused when new will not get better."""
    health: str = ""
    """The page on which a manager says whether it is healthy; "" if there is none."""


def gone(api: Api, reply: Reply) -> bool:
    """Whether who asked was not accepted."""
    return reply.status != OK and api.judge(reply).gone


def refusal(api: Api, url: str, reply: Reply, *, words: bool = True) -> NsxError:
    """The error that an answer is which is no success; `words`: with what NSX says."""
    verdict = api.judge(reply)
    message = f"{url.partition('?')[0]}: {reply.status} {_words(reply) if words else ''}".rstrip()
    if verdict.hint:
        message = f"{message}: {verdict.hint}"
    if issubclass(verdict.error, Throttled):
        return verdict.error(message, _seconds(reply.headers.get("Retry-After", "")))
    return verdict.error(message)


_GONE = Verdict(Unauthorized, gone=True)
_STATUSES: Mapping[int, Verdict] = {
    **dict.fromkeys(range(400, 500), Verdict(Rejected)),
    401: _GONE,
    403: _GONE,
    404: Verdict(NotFound),
    429: Verdict(Throttled),
    503: Verdict(Busy),
}
_UNAVAILABLE = Verdict(Unavailable)


def _by_status(reply: Reply) -> Verdict:
    return _STATUSES.get(reply.status, _UNAVAILABLE)


MH = Api(_by_status)

_ANY = 0  # whatever the status
_CODES: Mapping[tuple[int, int], Verdict] = {
    (400, 255): Verdict(PageTooLarge),  # field validation: the one field of ours that can be wrong
    (400, 500012): Verdict(NotFound),  # the path in the URL is invalid
    (403, 98): _GONE,  # the XSRF token is wrong or has expired
    (403, 403): _GONE,  # the credentials are wrong, or the account is locked
    (403, 505): Verdict(Rejected, "NSX has no valid licence"),
    (404, 202): Verdict(NotFound),
    (404, 600): Verdict(NotFound),
    (500, 98): _UNAVAILABLE,  # the manager's proxy does not reach what is behind it
    (500, 99): _GONE,  # the client certificate is not trusted
    (500, 607): _UNAVAILABLE,  # the cluster is being reconfigured
    (500, 610): _UNAVAILABLE,
    (_ANY, 102): Verdict(Throttled),
    (_ANY, 60508): Verdict(IndexUnavailable),  # the index is being built
    (_ANY, 60514): Verdict(IndexUnavailable),  # the search timed out
    (_ANY, 60515): Verdict(IndexUnavailable),  # the index is out of sync
    (_ANY, 60576): Verdict(PageTooLarge),
}
_UNCODED = {**_STATUSES, 403: Verdict(Unauthorized, "check the rights of the account")}


def _by_code(reply: Reply) -> Verdict:
    """By NSX's code, the outer one first, else by the status."""
    found = [verdict for code in _codes(reply.body) if (verdict := _coded(reply.status, code))]
    # One that says more than "not accepted" explains it.
    found.sort(key=lambda verdict: verdict.gone)
    return found[0] if found else _UNCODED.get(reply.status, _UNAVAILABLE)


POLICY = Api(_by_code, spread=True, tells_rights=True, health="/api/v1/reverse-proxy/node/health")


class _Related(Struct):
    error_code: Any = None


class _Error(Struct):
    error_code: Any = None
    error_message: Any = None
    related_errors: list[_Related] | None = None


_error = Decoder(_Error)
_UNREADABLE = (DecodeError, ValidationError, UnicodeDecodeError, RecursionError)


def _codes(body: bytes) -> Iterator[int]:
    """Numbers or, from the managers' proxy, numeric strings."""
    error = _error_from(body)
    for code in (error.error_code, *(related.error_code for related in error.related_errors or [])):
        if isinstance(code, int) or (isinstance(code, str) and code.isdecimal() and len(code) <= _DIGITS):
            yield int(code)


def _coded(status: int, code: int) -> Verdict | None:
    return _CODES.get((status, code)) or _CODES.get((_ANY, code))


def _error_from(body: bytes) -> _Error:
    try:
        return _error.decode(body)
    except _UNREADABLE:
        return _Error()


def _words(reply: Reply) -> str:
    """NSX's own words, on one line, without secrets: the message where it is told from the rest."""
    error = _error_from(reply.body)
    if isinstance(error.error_message, str):
        text = f"({error.error_code}) {error.error_message}"
    else:
        text = reply.body[:_READ].decode(errors="replace")
    text = _blotted(text[:_READ], reply.secrets)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_WORDS]


def _blotted(text: str, secrets: Sequence[str]) -> str:
    """In plain characters, which JSON and HTML may spell otherwise."""
    for plain in (str, _without_escapes, unescape):
        text = plain(text)
        for secret in secrets:
            text = text.replace(secret, "***")
    return text


def _without_escapes(text: str) -> str:
    """What has not been decoded, or was encoded twice."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def _seconds(retry_after: str) -> float:
    """0 for a date, which NSX does not send."""
    return min(float(retry_after), _LONGEST_WAIT) if retry_after.isdecimal() else 0.0
