"""The way from a client to the simulated NSX: an adapter instead of a network; chance decides how long."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError
from urllib3.response import HTTPResponse

from networking_nsx.simulator.exchange import Answer, Request

_LATENCY = 0.01  # seconds at most, each way
_PIECE = 4096  # bytes that arrive at once


class Traveller(Protocol):
    """The process whose requests these are."""

    def sleep(self, seconds: float) -> None: ...

    def passes(self, point: str) -> None:
        """It may die here."""
        ...


# Hears of a request that has reached its node; what it answers hears of the answer that has come back.
Ear = Callable[[Request], Callable[[Answer], object]]


class Network(HTTPAdapter):
    """What `requests` takes for the network. `ear` hears of each request that reaches a node."""

    def __init__(
        self,
        urls: Sequence[str],
        answer: Callable[[Request], Answer],
        who: Traveller,
        ear: Ear,
        random: Random,
    ) -> None:
        super().__init__()
        self._nodes = {urlsplit(url).netloc: number for number, url in enumerate(urls)}
        self._answer = answer
        self._who = who
        self._ear = ear
        self._random = random

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):  # noqa: ARG002
        """As `BaseAdapter.send`."""
        asked = self._request(request)
        self._who.passes("before a request")
        self._who.sleep(self._random.uniform(0, _LATENCY))
        answered = self._ear(asked)
        answer = self._answer(asked)
        heard = replace(answer, status=0, body=b"", silent=True)  # nothing, if it comes too late
        try:
            self._wait(answer, timeout[1])
            heard = answer
        finally:
            if answer.done:
                answer.done()
            answered(heard)
        self._who.passes("after an answer")
        return self.build_response(request, _raw(answer, self._who))

    def _request(self, request: requests.PreparedRequest) -> Request:
        url = urlsplit(request.url)
        body = request.body or b""
        return Request(
            node=self._nodes[url.netloc],
            method=request.method,
            path=unquote(url.path),
            query=tuple(parse_qsl(url.query, keep_blank_values=True)),
            raw_query=url.query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body.encode() if isinstance(body, str) else body,
        )

    def _wait(self, answer: Answer, patience: float) -> None:
        """Until the first byte. Raises what `requests` would."""
        if answer.delay > patience:
            self._who.sleep(patience)
            raise requests.ReadTimeout(f"Read timed out. (read timeout={patience})")
        self._who.sleep(answer.delay + self._random.uniform(0, _LATENCY))
        if answer.silent:
            raise requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError()))


class _Dribble(io.RawIOBase):
    """A body that takes its time."""

    def __init__(self, body: bytes, bytes_per_second: float, who: Traveller) -> None:
        self._rest = memoryview(body)
        self._seconds = 1 / bytes_per_second
        self._who = who

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        piece = self._rest[: min(_PIECE, len(buffer))]
        self._rest = self._rest[len(piece) :]
        self._who.sleep(len(piece) * self._seconds)
        buffer[: len(piece)] = piece
        return len(piece)


def _raw(answer: Answer, who: Traveller) -> HTTPResponse:
    sent = answer.body[: answer.cut]
    body = io.BytesIO(sent)
    if answer.bytes_per_second is not None:
        body = io.BufferedReader(_Dribble(sent, answer.bytes_per_second, who), _PIECE)
    headers: Mapping[str, str] | list[tuple[str, str]] = [
        *answer.headers,
        ("Content-Length", str(len(answer.body))),
    ]
    return HTTPResponse(body, headers, answer.status, preload_content=False, request_method="GET")
