"""A request as NSX sees it and an answer as it goes out, free of any server's types."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Query = tuple[tuple[str, str], ...]


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

    def value(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]


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


def json_answer(status: int, content: Any, *headers: tuple[str, str]) -> Answer:
    body = json.dumps(content).encode()
    return Answer(status, body, (("Content-Type", "application/json"), *headers))


def error(status: int, message: str) -> Answer:
    return json_answer(status, {"message": message})
