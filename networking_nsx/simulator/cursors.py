"""The two ways to remember where a listing goes on.

`keyed` goes on after the last object it gave, so that what comes and goes meanwhile makes it neither
miss nor repeat what stays. `positional` goes on at a number, as a careless server would: a deletion
before it makes a client miss objects, a creation before it makes one appear twice.
"""

import base64
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple


class UnknownCursor(ValueError):
    """Nobody gave out this cursor for this listing."""


class Listing(NamedTuple):
    """What is listed now, and how its cursors remember a place."""

    name: str
    ids: Sequence[str]
    variant: str = "keyed"

    def cursor(self, place: int) -> str:
        """Make the cursor of the page that begins at `place`."""
        mark = str(place) if self.variant == "positional" else self.ids[place - 1] if place else ""
        return base64.urlsafe_b64encode(f"{self._prefix}{mark}".encode()).decode()

    def place(self, cursor: str) -> int:
        """Where the page of this cursor begins now. Raises UnknownCursor."""
        try:
            text = base64.urlsafe_b64decode(cursor).decode()
        except ValueError as wrong:
            raise UnknownCursor(cursor) from wrong
        if not text.startswith(self._prefix):
            raise UnknownCursor(cursor)
        return CURSORS[self.variant](text.removeprefix(self._prefix), self.ids)

    @property
    def _prefix(self) -> str:
        return f"{self.variant}:{self.name}:"


def _after(mark: str, ids: Sequence[str]) -> int:
    return bisect_right(ids, mark)


def _at(mark: str, ids: Sequence[str]) -> int:
    if not mark.isdigit():
        raise UnknownCursor(mark)
    return min(int(mark), len(ids))


CURSORS: dict[str, Callable[[str, Sequence[str]], int]] = {"keyed": _after, "positional": _at}
