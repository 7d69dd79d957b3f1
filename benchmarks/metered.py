"""The two ends of a synchronizer, with the CPU that each took of the thread that asked."""

import time
from collections.abc import Iterator, Sequence

from networking_nsx.errors import NsxError
from networking_nsx.model import Change, Key, Kind, Observation, Outcome, Page, Row, Sought
from networking_nsx.ports import Index, Source, Store


class MeteredSource:
    """As the source in it: HTTP and decoding."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.page_maximum = source.page_maximum
        self.spent = 0.0

    @property
    def index(self) -> Index | None:
        return self._source.index

    def page(self, kind: Kind, cursor: str | None, length: int) -> Page:
        began = time.thread_time()
        page = self._source.page(kind, cursor, length)
        self.spent += time.thread_time() - began
        return page

    def look(self, sought: Sequence[Sought]) -> Iterator[list[Observation] | NsxError]:
        began = time.thread_time()
        answers = list(self._source.look(sought))
        self.spent += time.thread_time() - began
        return iter(answers)


class MeteredStore:
    """As the store in it: selecting rows, and making them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.spent = 0.0

    def recorded(self, kind: Kind) -> Iterator[Row]:
        began = time.thread_time()
        rows = list(self._store.recorded(kind))
        self.spent += time.thread_time() - began
        return iter(rows)

    def rows(self, keys: Sequence[Key]) -> list[Row]:
        return self._store.rows(keys)

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return self._store.write(changes)
