"""A request as NSX sees it and an answer as it goes out, free of any server's types."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Query = tuple[tuple[str, str], ...]

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent."""

    node: int  # the VIP's requests are those of the node behind it
    method: str
    path: str  # decoded, without the query
    query: Query
    raw_query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    certificate: str = ""  # the common name in the certificate that the client showed
    vip: bool = False  # it came through the VIP

    def value(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def cookie(self, name: str) -> str:
        """A cookie, "" without it; clients also send back `Set-Cookie` whole, attributes and all."""
        return _cookie(self.headers.get("cookie", ""), name)

    def form(self) -> Mapping[str, str]:
        """The fields of a form that was posted, of each its first value."""
        if self.method != "POST":
            return {}
        return {key: values[0] for key, values in parse_qs(self.body.decode(errors="replace")).items()}


@lru_cache(maxsize=256)  # each request needs it several times, and the next one sends it again
def _cookie(header: str, name: str) -> str:
    try:
        cookie = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back, and what a fault does to it on the way."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=())
    delay: float = 0.0  # seconds before the first byte
    bytes_per_second: float | None = None  # of the body
    cut: int | None = None  # the connection is closed after so many bytes of the body
    silent: bool = False  # after the delay the connection is reset instead
    done: Callable[[], object] | None = None  # called when the answer has gone out, or never will


@dataclass(frozen=True, slots=True)
class Page:
    """The objects of an answer before they become one body."""

    objects: tuple[bytes, ...]
    total: int | None = None
    cursor: str | None = None
    again: str | None = None  # the cursor of this same page; None: not a list
    previous: bytes | None = None  # the last object of the page before


def json_answer(status: int, content: Any, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(content).encode(), (_JSON, *headers))


def object_answer(page: Page) -> Answer:
    """The one object of this page."""
    return Answer(200, page.objects[0], (_JSON,))


def list_answer(page: Page, cursor: str) -> Answer:
    """A list, in which the cursor has this name.

    The objects are joined as they are, because decoding none keeps pages cheap.
    """
    rest: dict[str, Any] = {}
    if page.total is not None:
        rest["result_count"] = page.total
    if page.cursor is not None:
        rest[cursor] = page.cursor
    tail = f", {json.dumps(rest)[1:]}" if rest else "}"
    return Answer(200, b"".join((b'{"results": [', b", ".join(page.objects), b"]", tail.encode())), (_JSON,))


def error(status: int, message: str) -> Answer:
    return json_answer(status, {"message": message})
