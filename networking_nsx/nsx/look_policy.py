"""A direct look at rows in NSX Policy: where is their object, or is there surely none?

A port that is where the last listing had it costs one request: its status, which names the port that it
is of. Otherwise its object is sought on the path where NSX last reported it, on the path of the drivers'
own naming, by a search for its attachment and its tag, and in the lists of its network's ports. A network
or a router is sought on its paths and in the list of all. It is absent only when all say so. Whatever
contradicts itself or cannot be read is UNKNOWN, which proves nothing.
"""

import re
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import Future
from typing import NamedTuple

from networking_nsx.errors import NotFound, NsxError, Unauthorized
from networking_nsx.model import Health, Key, Kind, Observation, Sought
from networking_nsx.nsx.codec_policy import (
    Hits,
    State,
    Tags,
    gateway_state_from,
    intent_from,
    intents_from,
    port_status_from,
    ports_from,
    realized_from,
    segment_state_from,
)
from networking_nsx.nsx.reader_policy import SMALLEST, Reader, term
from networking_nsx.ports import Clock

SEGMENTS = "/infra/segments"
GATEWAYS = "/infra/tier-1s"
MANAGER_PORTS = "/api/v1/logical-ports"

_PORT = re.compile(r"/infra/segments/[^/#]+/ports/[^/#]+")
_PATHS = {
    Kind.NETWORK: re.compile(r"/infra/segments/[^/#]+"),
    Kind.ROUTER: re.compile(r"/infra/tier-1s/[^/#]+"),
    Kind.PORT: re.compile(rf"{_PORT.pattern}|{MANAGER_PORTS}/[^/#]+"),
}
_COLLECTIONS = {Kind.NETWORK: SEGMENTS, Kind.ROUTER: GATEWAYS}
_STATES: Mapping[Kind, Callable[[bytes], State]] = {
    Kind.NETWORK: segment_state_from,
    Kind.ROUTER: gateway_state_from,
}


class _Found(NamedTuple):
    """What one way of seeking came to."""

    objects: dict[str, Observation]  # the row's, by path; their health is not to be believed
    doubt: str = ""  # why there may be more; "" when surely not
    as_of: float = float("inf")  # when it looked, if that was before this look at the row


class _List(NamedTuple):
    """A list, read to its end."""

    hits: Hits
    as_of: float


class Look:
    """One look at some rows. A list that serves several of them is read once. May be shared by threads."""

    def __init__(self, reader: Reader, tags: Tags, clock: Clock) -> None:
        self._reader = reader
        self._tags = tags
        self._clock = clock
        self._lists: dict[str, Future[_List]] = {}
        self._unsearchable: NsxError | None = None
        self._lock = threading.Lock()

    def at(self, row: Sought) -> list[Observation]:
        """One observation per object of the row, or the single one that it has none."""
        if row.key.kind is not Kind.PORT:
            return self._verdict(row, self._clock.now(), self._on_paths(row), self._in_list(row))
        return self._port_where_it_was(row) or self._port(row)

    def _port_where_it_was(self, row: Sought) -> list[Observation]:
        path, _, manager_id = row.path.partition("#")
        if not row.met or not manager_id or not _PORT.fullmatch(path):
            return []
        try:
            answer = self._reader.read(f"{path}/status")
        except NotFound:
            return []
        state = port_status_from(answer.body)
        if state.manager_id != manager_id:
            return []
        return [Observation(*row.key, state.health, answer.started_at, row.path, state.word)]

    def _port(self, row: Sought) -> list[Observation]:
        since = self._clock.now()
        there = self._on_paths(row)
        if there.objects and row.path and not there.doubt:
            return self._verdict(row, since, there)
        ways = [there, self._attached(row.key), *self._searched(row.key, there.objects)]
        if self._unsearchable or not any(way.objects for way in ways):
            ways.append(self._in_ports_lists(row))
        if self._unsearchable and not any(way.objects for way in ways):
            raise self._unsearchable
        return self._verdict(row, since, *ways)

    def _verdict(self, row: Sought, since: float, *ways: _Found) -> list[Observation]:
        """The status of every object that was found; that there is none, if no way has a doubt."""
        objects = {path: one for way in ways for path, one in way.objects.items()}
        observations = [self._read(one) for one in objects.values()]
        if doubt := "; ".join(dict.fromkeys(way.doubt for way in ways if way.doubt)):
            observations.append(Observation(*row.key, Health.UNKNOWN, since, row.path, doubt))
        if observations:
            return observations
        path = row.path or self._own_paths(row)[0]
        as_of = min(since, *(way.as_of for way in ways))
        return [Observation(*row.key, Health.ABSENT, as_of, path, "404; not searched out; in no list")]

    def _on_paths(self, row: Sought) -> _Found:
        """What lies where the row's object was last, and where our own naming has it, whosever it is now."""
        objects: dict[str, Observation] = {}
        doubt = ""
        known = row.path.partition("#")[0]
        for path in dict.fromkeys((known, *self._own_paths(row))):
            if not _PATHS[row.key.kind].fullmatch(path):
                continue
            hits = self._object(row.key.kind, path)
            mine = _of(row.key, hits) if hits else []
            objects |= {_place(one): one for one in mine}
            if hits and not mine:
                # An object is there, but it does not say that it is this row's.
                doubt = "unreadable" if hits.malformed else "tag lost"
        return _Found(objects, doubt)

    def _own_paths(self, row: Sought) -> list[str]:
        """Where the drivers put the object of a row: its id is the row's."""
        if row.key.kind is not Kind.PORT:
            return [f"{_COLLECTIONS[row.key.kind]}/{row.key.id}"]
        return [f"{SEGMENTS}/{row.parent_id}/ports/{row.key.id}"] if row.parent_id else [""]

    def _object(self, kind: Kind, path: str) -> Hits | None:
        try:
            answer = self._reader.read(path)
        except NotFound:
            return None
        if path.startswith(MANAGER_PORTS):
            return ports_from(b'{"results": [%s]}' % answer.body, answer.started_at, self._tags)
        return intent_from(kind, answer.body, answer.started_at, self._tags)

    def _searched(self, key: Key, there: Container[str]) -> Iterator[_Found]:
        """What the search index has attached to the row, or tagged with it, and is on NSX still."""
        if self._unsearchable:  # for the other rows of this look, too
            return
        query = f"resource_type:LogicalPort AND (attachment.id:{term(key.id)} OR tags.tag:{term(key.id)})"
        try:
            answer = self._reader.search(query, 0, SMALLEST, manager=True)
        except Unauthorized:
            raise
        except NsxError as error:
            self._unsearchable = error
            return
        hits = ports_from(answer.body, answer.started_at, self._tags)
        mine = _of(key, hits)
        placed = {_place(one): one for one in mine}
        objects = {at: one for at, one in placed.items() if at in there or self._is_at(key, at)}
        unclear = max(hits.size, hits.total or 0) - len(mine)
        yield _Found(objects, f"{unclear} searched out that do not show it" if unclear else "")

    def _is_at(self, key: Key, path: str) -> bool:
        hits = self._object(key.kind, path)
        return bool(hits and _of(key, hits))

    def _in_list(self, row: Sought) -> _Found:
        """What the list of all networks or routers has of the row."""
        return self._sifted(row.key, self._list(row.key.kind, _COLLECTIONS[row.key.kind]))

    def _in_ports_lists(self, row: Sought) -> _Found:
        """What the lists of ports have: of the segment where it was, and of those of its network."""
        known = _PORT.fullmatch(row.path.partition("#")[0])
        segments = [known[0].partition("/ports/")[0]] if known else []
        if row.parent_id:
            network = Key(Kind.NETWORK, row.parent_id)
            listed = self._sifted(network, self._list(Kind.NETWORK, SEGMENTS))
            segments += [f"{SEGMENTS}/{row.parent_id}", *listed.objects]
        lists = [self._list(Kind.PORT, f"{segment}/ports") for segment in dict.fromkeys(segments)]
        ways = [self._sifted(row.key, one) for one in lists]
        objects = {path: one for way in ways for path, one in way.objects.items()}
        doubt = next((way.doubt for way in ways if way.doubt), "")
        return _Found(objects, doubt, min((way.as_of for way in ways), default=float("inf")))

    def _attached(self, key: Key) -> _Found:
        """The manager's own list of what is attached to a VIF: no index."""
        answer = self._reader.read(MANAGER_PORTS, ("attachment_id", key.id))
        hits = ports_from(answer.body, answer.started_at, self._tags)
        found = self._sifted(key, _List(hits, answer.started_at))
        if hits.size > len(found.objects):
            return found._replace(doubt="others in the list of what is attached")
        return found

    def _sifted(self, key: Key, listed: "_List") -> _Found:
        hits = listed.hits
        doubt = f"{hits.malformed} unreadable in a list" if hits.malformed else ""
        if hits.size < (hits.total or 0):
            doubt = "a list shorter than announced"
        return _Found({_place(one): one for one in _of(key, hits)}, doubt, listed.as_of)

    def _list(self, kind: Kind, path: str) -> "_List":
        """A list, whole. Whoever asks first reads it for the others, unless that fails."""
        mine: Future[_List] = Future()
        with self._lock:
            wanted = self._lists.setdefault(path, mine)
        if wanted is mine:
            try:
                mine.set_result(self._list_read(kind, path))
            except BaseException as error:
                with self._lock:
                    del self._lists[path]
                mine.set_exception(error)
                raise
        return wanted.result()

    def _list_read(self, kind: Kind, path: str) -> "_List":
        since = self._clock.now()
        try:
            parts = self._reader.whole(
                path, lambda answer: intents_from(kind, answer.body, answer.started_at, self._tags)
            )
        except NotFound:
            if path in _COLLECTIONS.values():
                raise
            return _List(Hits([], None, 0, 0, 0), since)  # of a segment that does not exist
        observations = [one for part in parts for one in part.observations]
        malformed, foreign = sum(part.malformed for part in parts), sum(part.foreign for part in parts)
        return _List(Hits(observations, None, parts[0].total, malformed, foreign), since)

    def _read(self, one: Observation) -> Observation:
        """The same object with its status as NSX has it now."""
        since = self._clock.now()
        try:
            state = self._port_state(one) if one.kind is Kind.PORT else self._intent_state(one)
        except NotFound:
            state = State(Health.UNKNOWN, "gone while it was looked at")
        return one._replace(health=state.health, word=state.word, as_of=since)

    def _port_state(self, one: Observation) -> State:
        path, _, manager_id = one.path.partition("#")
        try:
            return port_status_from(self._reader.read(f"{path}/status").body)
        except NotFound:  # NSX-T before 3.2.2 has no such page for an intent
            if not manager_id:
                raise
            return port_status_from(self._reader.read(f"{MANAGER_PORTS}/{manager_id}/status").body)

    def _intent_state(self, one: Observation) -> State:
        try:
            return _STATES[one.kind](self._reader.read(f"{one.path}/state").body)
        except NotFound:  # nor, before 3.0.2, one for the state of a segment
            realized = self._reader.read("/infra/realized-state/status", ("intent_path", one.path))
            return realized_from(realized.body)


def _of(key: Key, hits: Hits) -> list[Observation]:
    return [one for one in hits.observations if one.id == key.id]


def _place(one: Observation) -> str:
    """Where an object lies, spelled the same by every answer that has it."""
    return one.path.partition("#")[0]
