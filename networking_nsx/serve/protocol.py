"""What is said over the control socket: one line of JSON each way, with the version that its speaker knows.

    {"version": 1, "command": "release", "kinds": ["port"], "id": ""}
    {"version": 1, "error": "", "result": {"did": "...", ...}}

Pure: bytes and values.
"""

from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from networking_nsx.model import Kind

Said = TypeVar("Said")

VERSION = 1
LONGEST = 65536  # bytes of a line


class Misunderstood(Exception):
    """A line that cannot be answered as it was meant; the message is for whoever sent it."""


class Refused(Exception):
    """A command that is understood and not carried out; the message is for whoever sent it."""


class Command(StrEnum):
    STATUS = "status"
    PAUSE = "pause"
    RESUME = "resume"
    RELEASE = "release"
    KEY = "key"
    NEXT = "next"
    MAINTENANCE_START = "maintenance_start"
    MAINTENANCE_STOP = "maintenance_stop"


class _Line(msgspec.Struct, frozen=True):
    version: int


class Request(msgspec.Struct, frozen=True):
    command: Command
    kinds: tuple[Kind, ...] = ()  # of `release`; none are all. Of `key` and `next` the one of the row
    id: str = ""  # of the row, for `key` and `next`
    until: float = 0.0  # of `maintenance_start`: seconds since the epoch
    reason: str = ""  # of `maintenance_start`
    version: int = VERSION


class Answer(msgspec.Struct, frozen=True):
    result: dict[str, Any] = {}
    error: str = ""  # why there is no result
    version: int = VERSION


_LINE = msgspec.json.Decoder(_Line)
_REQUEST = msgspec.json.Decoder(Request)
_ANSWER = msgspec.json.Decoder(Answer)


def line_of(said: Request | Answer) -> bytes:
    return msgspec.json.encode(said) + b"\n"


def request_from(line: bytes) -> Request:
    """Raises Misunderstood."""
    return _read(line, _REQUEST)


def answer_from(line: bytes) -> Answer:
    """Raises Misunderstood."""
    return _read(line, _ANSWER)


def _read(line: bytes, decoder: msgspec.json.Decoder[Said]) -> Said:
    try:
        version = _LINE.decode(line).version
        if version == VERSION:
            return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Misunderstood(f"not understood: {error}") from error
    raise Misunderstood(f"not understood: version {version} of the protocol; this one is {VERSION}")
