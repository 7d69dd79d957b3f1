"""NSX Policy (NSX-T 3.x, NSX 4.x, 9.x) as a Source. Only reads."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from networking_nsx.errors import NsxError
from networking_nsx.model import Kind, Observation, Page, Sought
from networking_nsx.nsx.codec_policy import ports_from
from networking_nsx.nsx.http import Client
from networking_nsx.nsx.listing_intents import Gateways, Segments
from networking_nsx.nsx.listing_policy import REACH, PolicySettings, next_offset
from networking_nsx.nsx.listing_ports import Ports, ask_for
from networking_nsx.nsx.look_policy import Look
from networking_nsx.nsx.reader_policy import PAGE_MAXIMUM, SMALLEST, Reader
from networking_nsx.nsx.reasons_policy import reasons
from networking_nsx.nsx.several import THREADS, Executors
from networking_nsx.ports import Clock

_ASKED_AT_ONCE = 25  # ports in one query: about 1 KB of URL


class PolicySource:
    """One NSX, read. Pages are for one sweep at a time; looks may be shared by threads."""

    page_maximum = PAGE_MAXIMUM

    def __init__(
        self, client: Client, clock: Clock, settings: PolicySettings, executors: Executors = THREADS
    ) -> None:
        self._reader = Reader(client, executors)
        self._clock = clock
        self._settings = settings
        ports = Ports(self._reader, settings)
        self._listings: Mapping[Kind, Segments | Gateways | Ports] = {
            Kind.NETWORK: Segments(self._reader, settings),
            Kind.ROUTER: Gateways(self._reader, settings),
            Kind.PORT: ports,
        }
        self.index = SearchIndex(self._reader, settings, ports)

    def page(self, kind: Kind, cursor: str | None, length: int) -> Page:
        return self._listings[kind].page(cursor, length)

    def look(self, sought: Sequence[Sought]) -> Iterator[list[Observation] | NsxError]:
        look = Look(self._reader, self._settings.tags, self._clock)
        return self._reader.several(self._settings.readers, partial(_answer, look), sought)

    def reasons(self, seen: Observation) -> list[str]:
        return reasons(self._reader, seen)


class SearchIndex:
    """What the index says of single ports, to be compared with direct reads."""

    kind = Kind.PORT
    reach = REACH

    def __init__(self, reader: Reader, settings: PolicySettings, ports: Ports) -> None:
        self._reader = reader
        self._settings = settings
        self._ports = ports

    @property
    def largest(self) -> int:
        return self._ports.largest

    def find(self, ids: Sequence[str]) -> list[Observation]:
        """The hits for these rows, none for those that the index does not have. Raises NsxError."""
        found: list[Observation] = []
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            some = ids[start : start + _ASKED_AT_ONCE]
            found += self._found(ask_for(some))
        return found

    def _found(self, query: str) -> Iterator[Observation]:
        offset: int | None = 0
        while offset is not None:
            answer = self._reader.search(query, offset, SMALLEST, manager=True)
            hits = ports_from(answer.body, answer.started_at, self._settings.tags)
            yield from hits.observations
            offset = next_offset(hits, offset)


def _answer(look: Look, row: Sought) -> list[Observation] | NsxError:
    try:
        return look.at(row)
    except NsxError as error:
        return error.with_traceback(None)  # it would keep all that it was raised in
