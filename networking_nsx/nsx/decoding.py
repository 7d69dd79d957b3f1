"""Listings and objects out of JSON, whatever the API: typed, a whole page at once.

Where a page does not fit its type, its objects are decoded one by one, so that a malformed object costs
only itself.
"""

import json
import re
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import UNSET, DecodeError, Raw, ValidationError, defstruct, field
from msgspec.json import Decoder, encode

from networking_nsx.errors import Malformed

Thing = TypeVar("Thing")

WORD = 40  # characters of one, in logs
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # perhaps one: UTF-16's surrogates
_UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)


class Listing(NamedTuple, Generic[Thing]):
    """One page of a list."""

    things: list[Thing]
    cursor: str | None
    total: int | None  # objects in the whole list, where the page says it
    malformed: int  # objects left out because they cannot be read


class Reading(Generic[Thing]):
    """How one type of object is read, alone and in lists."""

    def __init__(self, thing: type[Thing], cursor: str) -> None:
        """`cursor` is the key that the API has for it."""
        self._thing = Decoder(thing)
        self._page: Decoder[Any] = Decoder(_envelope(list[thing], cursor))  # type: ignore[valid-type]
        self._pieces: Decoder[Any] = Decoder(_envelope(list[Raw], cursor))

    def one(self, body: bytes) -> Thing | None:
        """The answer for one object; None if it cannot be read. Raises Malformed when it is no JSON."""
        try:
            return self._thing.decode(_whole(body))
        except ValidationError:
            return None
        except _UNREADABLE as error:
            raise Malformed(f"NSX's answer is no JSON: {error}") from error

    def page(self, body: bytes) -> Listing[Thing]:
        """Raises Malformed when the answer as a whole cannot be read."""
        try:
            page = self._page.decode(body)
        except _UNREADABLE:
            return self._piecemeal(body)
        return Listing(page.things, page.cursor or None, _number(page.total), 0)

    def _piecemeal(self, body: bytes) -> Listing[Thing]:
        try:
            page = self._pieces.decode(_whole(body))
        except _UNREADABLE as error:
            raise Malformed(f"NSX's answer is no listing: {error}") from error
        things = []
        for piece in page.things:
            try:
                things.append(self._thing.decode(piece))
            except _UNREADABLE:
                continue
        return Listing(things, page.cursor or None, _number(page.total), len(page.things) - len(things))


def word(value: Any) -> str:
    """A word that proves nothing, as JSON has it: it is counted and logged, hence short."""
    return "missing" if value is UNSET else encode(value).decode()[:WORD]


def _envelope(things: Any, cursor: str) -> type:
    # The structs hold no cycles, so the garbage collector need not look at them: a third of the time.
    return defstruct(
        "Envelope",
        [
            ("things", things, field(name="results")),
            ("total", Any, field(name="result_count", default=None)),
            ("cursor", str | None, field(name=cursor, default=None)),
        ],
        gc=False,
    )


def _number(total: Any) -> int | None:
    return total if isinstance(total, int) else None


def _whole(body: bytes) -> bytes:
    """The same JSON without halves of characters, as a name cut at a length may end in.

    msgspec refuses a body for one, even in a field that nobody reads.
    """
    if not _HALF.search(body):
        return body
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return body
