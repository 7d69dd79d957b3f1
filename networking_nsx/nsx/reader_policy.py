"""Reading NSX Policy, and the manager behind it: objects, lists and searches, a page at a time."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar
from urllib.parse import quote

from networking_nsx.errors import CursorExpired, Malformed, NotFound, PageTooLarge, Rejected, Unauthorized
from networking_nsx.nsx.http import Answer, Client
from networking_nsx.nsx.several import THREADS, Asked, Executors, Told, several

PAGE_MAXIMUM = 1000

POLICY = "/policy/api/v1"
_MANAGER_SEARCH = "/api/v1/search/query"
_POLICY_SEARCH = f"{POLICY}/search/query"
_SPECIAL = re.compile(r"([^\w])")
SMALLEST = 50  # hits per page; a page that is too large even so is an error
_PAGES = 10_000  # a list of more has no end


class _Part(Protocol):
    @property
    def cursor(self) -> str | None: ...


Part = TypeVar("Part", bound=_Part)


class Reader:
    """One NSX, read. May be shared by threads. Raises an NsxError."""

    def __init__(self, client: Client, executors: Executors = THREADS) -> None:
        self._client = client
        self._executors = executors

    def several(self, number: int, read: Callable[[Asked], Told], asked: Iterable[Asked]) -> Iterator[Told]:
        """What `read` says of each, so many at a time."""
        return several(self._executors, number, read, asked)

    def read(self, path: str, *params: tuple[str, str]) -> Answer:
        """An intent by its path (`/infra/...`), or anything else by its URL. Raises NotFound."""
        url = f"{POLICY}{path}" if path.startswith("/infra/") else path
        return self._client.get(quote(url, safe="/~:@"), params)

    def page(self, path: str, cursor: str | None, length: int | None) -> Answer:
        """One page of a list. Raises CursorExpired when NSX no longer knows the cursor."""
        paging = [("page_size", str(min(length, PAGE_MAXIMUM)))] if length else []
        if cursor is None:
            return self.read(path, *paging)
        try:
            return self.read(path, *paging, ("cursor", cursor))
        except Unauthorized:
            raise
        except (NotFound, Rejected) as error:  # a first page with the same parameters was answered
            raise CursorExpired(str(error)) from error

    def whole(
        self, path: str, decode: Callable[[Answer], Part], length: int | None = PAGE_MAXIMUM
    ) -> list[Part]:
        """A list, read to its end; no `length` for one without pages. Raises Malformed when it has none."""
        parts = [decode(self.page(path, None, length))]
        seen = set[str]()
        while cursor := parts[-1].cursor:
            if cursor in seen or len(seen) > _PAGES:
                raise Malformed(f"{path}: the list does not come to an end")
            seen.add(cursor)
            parts.append(decode(self.page(path, cursor, length)))
        return parts

    def search(
        self, query: str, offset: int, length: int, *more: tuple[str, str], manager: bool = False
    ) -> Answer:
        """One page of hits, sorted by id. The manager's search has its objects, policy's the intents."""
        params = [("query", query), ("page_size", str(min(length, PAGE_MAXIMUM))), ("sort_by", "id"), *more]
        if offset:
            params.append(("cursor", str(offset)))
        return self._client.get(_MANAGER_SEARCH if manager else _POLICY_SEARCH, params)


class Searches:
    """Searches in pages that NSX can make: halved when too large, doubled again in the next pass."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._longest = PAGE_MAXIMUM

    def grow(self) -> None:
        self._longest = min(PAGE_MAXIMUM, 2 * self._longest)

    def search(self, query: str, offset: int, length: int, *, manager: bool = False) -> Answer:
        while True:
            try:
                return self._reader.search(query, offset, min(length, self._longest), manager=manager)
            except PageTooLarge:
                if self._longest <= SMALLEST:
                    raise
                self._longest = max(SMALLEST, self._longest // 2)


def term(value: str) -> str:
    """A value as the query language takes it literally."""
    return _SPECIAL.sub(r"\\\1", value)
