"""Networks and routers of NSX Policy: the pages of their intents, with what was realized of each.

- Segments: their list, joined to the states of all, which one request brings. Both are direct reads.
- Tier-1 gateways: their list, joined to their states, which are read gateway by gateway, in rotation, some in
  each sweep. A search has the realization of all of them; a failure that it shows is noticed sooner.
"""

from collections.abc import Mapping

from networking_nsx.errors import NotFound, NsxError, Rejected, Unauthorized
from networking_nsx.model import Health, Kind, Observation, Page
from networking_nsx.nsx.codec_policy import (
    Hits,
    State,
    gateway_state_from,
    intents_from,
    segment_states_from,
)
from networking_nsx.nsx.http import Answer
from networking_nsx.nsx.listing_policy import PolicySettings, next_offset, offset_from, page_of
from networking_nsx.nsx.look_policy import GATEWAYS, SEGMENTS
from networking_nsx.nsx.reader_policy import PAGE_MAXIMUM, Reader, Searches

_STATELESS = 0.1  # of the listed segments; where more have no state, the states of all are not all
_INTENTS = "resource_type:{} AND marked_for_delete:false"
_SEARCHED = "searched:"


class Segments:
    """Networks."""

    def __init__(self, reader: Reader, settings: PolicySettings) -> None:
        self._reader = reader
        self._tags = settings.tags
        self._lag = settings.index_lag
        self._searches = Searches(reader)
        self._states: Mapping[str, State] = {}
        self._as_of = 0.0

    def page(self, cursor: str | None, length: int) -> Page:
        if cursor is None:
            self._searches.grow()
            if not self._read_states():
                return self._searched(0, length)
        elif cursor.startswith(_SEARCHED):
            return self._searched(offset_from(cursor.removeprefix(_SEARCHED)), length)
        answer = self._reader.page(SEGMENTS, cursor, length)
        hits = intents_from(Kind.NETWORK, answer.body, answer.started_at, self._tags)
        unread = State(Health.UNKNOWN, "no state")
        stated = [
            one._replace(health=state.health, word=state.word, as_of=self._as_of)
            for one in hits.observations
            for state in [self._states.get(one.path, unread)]
        ]
        if cursor is None and sum(one.path not in self._states for one in stated) > _STATELESS * len(stated):
            return self._searched(0, length)
        return page_of(Kind.NETWORK, hits._replace(observations=stated), hits.cursor, self._as_of)

    def _read_states(self) -> bool:
        """Whether this NSX tells the states of all segments at once (from NSX-T 3.1.2 on)."""
        try:
            parts = self._reader.whole(
                f"{SEGMENTS}/state",
                lambda answer: segment_states_from(answer.body, answer.started_at),
                length=None,
            )
        except (NotFound, Rejected):
            return False
        self._states = {path: state for part in parts for path, state in part.states.items()}
        self._as_of = parts[0].as_of
        return True

    def _searched(self, offset: int, length: int) -> Page:
        """The same from the index, which has the realization of each."""
        answer = self._searches.search(_INTENTS.format("Segment"), offset, length)
        as_of = answer.started_at - self._lag
        hits = intents_from(Kind.NETWORK, answer.body, as_of, self._tags)
        place = next_offset(hits, offset)
        return page_of(Kind.NETWORK, hits, None if place is None else f"{_SEARCHED}{place}", as_of)


class Gateways:
    """Routers: few enough to be listed whole for the first page. A cursor is a place in that list."""

    def __init__(self, reader: Reader, settings: PolicySettings) -> None:
        self._reader = reader
        self._settings = settings
        self._searches = Searches(reader)
        self._listed = Hits([], None, 0, 0, 0)
        self._as_of = 0.0
        self._states: dict[str, tuple[State, float]] = {}  # what each said last, and when, by path
        self._asked: dict[str, int] = {}  # the number of the last pass that asked it
        self._pass = 0

    def page(self, cursor: str | None, length: int) -> Page:
        if cursor is None:
            self._begin()
        start = offset_from(cursor) if cursor else 0
        some = self._listed.observations[start : start + length]
        hits = self._listed._replace(observations=some)
        if start:  # told with the first page
            hits = hits._replace(malformed=0, foreign=0)
        end = start + len(some)
        following = str(end) if end < len(self._listed.observations) else None
        turns = max(1, -(-len(self._listed.observations) // self._settings.gateway_reads))
        return page_of(Kind.ROUTER, hits, following, self._as_of)._replace(turns=turns)

    def _begin(self) -> None:
        self._pass += 1
        gateways = self._list()
        self._read_some([one.path for one in gateways])
        realized = self._realized()  # last: where it fails, its manager is left alone for a while
        told = [self._with_state(one, realized.get(one.path)) for one in gateways]
        self._listed = self._listed._replace(observations=told)

    def _list(self) -> list[Observation]:
        """All that there are: no index."""
        began: list[float] = []

        def hits_of(answer: Answer) -> Hits:
            began.append(answer.started_at)
            return intents_from(Kind.ROUTER, answer.body, answer.started_at, self._settings.tags)

        parts = self._reader.whole(GATEWAYS, hits_of)
        gateways = [one for part in parts for one in part.observations]
        malformed, foreign = sum(part.malformed for part in parts), sum(part.foreign for part in parts)
        self._listed = Hits(gateways, None, parts[0].total, malformed, foreign)
        self._as_of = began[0]
        return gateways

    def _realized(self) -> Mapping[str, Observation]:
        """What the index has of their realization; nothing when it cannot be searched."""
        self._searches.grow()
        found: dict[str, Observation] = {}
        offset: int | None = 0
        try:
            while offset is not None:
                answer = self._searches.search(_INTENTS.format("Tier1"), offset, PAGE_MAXIMUM)
                as_of = answer.started_at - self._settings.index_lag
                hits = intents_from(Kind.ROUTER, answer.body, as_of, self._settings.tags)
                found |= {one.path: one for one in hits.observations}
                offset = next_offset(hits, offset)
        except Unauthorized:
            raise
        except NsxError:
            pass  # what was read of each stays known, and is read again in its turn
        return found

    def _read_some(self, gateways: list[str]) -> None:
        """Ask those that were asked longest ago for their state."""
        self._states = {path: self._states[path] for path in gateways if path in self._states}
        self._asked = {path: self._asked.get(path, 0) for path in gateways}
        due = sorted(gateways, key=self._asked.__getitem__)[: self._settings.gateway_reads]
        self._asked |= dict.fromkeys(due, self._pass)
        states = self._reader.several(self._settings.readers, self._state, due)
        for path, told in zip(due, states, strict=True):
            if told:
                self._states[path] = told

    def _state(self, path: str) -> tuple[State, float] | None:
        try:
            answer = self._reader.read(f"{path}/state")
            return gateway_state_from(answer.body), answer.started_at
        except NsxError:
            return None  # what it said last holds until its next turn

    def _with_state(self, one: Observation, realized: Observation | None) -> Observation:
        """What the gateway itself said last, unless the index has a realization that failed since."""
        if one.path not in self._states:
            return realized or one._replace(health=Health.UNKNOWN, word="no state")
        state, as_of = self._states[one.path]
        if realized and realized.health is Health.FAILED and realized.as_of > as_of:
            return realized
        return one._replace(health=state.health, word=state.word, as_of=as_of)
