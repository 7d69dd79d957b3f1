"""The search endpoints, over one index: query, aggregate and querypipeline.

Promises: the cursor of a page is the number of hits up to its end, so that the last page's cursor is
the number of all hits; whoever goes past the ceiling is told, or not, as the settings say.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from networking_nsx.simulator.exchange import Answer, Page, list_answer
from networking_nsx.simulator.feed import Feed, Lag, chosen
from networking_nsx.simulator.index import Index, Key
from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.policy_calls import CURSOR, ENCODER, PAGE_MAXIMUM, Call, Route, listed, number
from networking_nsx.simulator.policy_errors import Wrong, invalid, search_failed
from networking_nsx.simulator.search_language import BadQuery
from networking_nsx.simulator.settings import SimulatorSettings

Json = dict[str, Any]

_BAD_QUERY = 60501  # our own: what NSX answers is not known
_SPECIAL = re.compile(r'([\\()\[\]{}"+=&|<>!^~:/\s-])')
_SUBSTITUTED = re.compile(r"\{([\w.]+)\}")


class _Order(NamedTuple):
    field: str
    ascending: bool


class Search:
    """Answers searches. One index holds the documents of both APIs."""

    def __init__(self, settings: SimulatorSettings, inventory: Inventory, feed: Feed) -> None:
        self._settings = settings
        self._inventory = inventory
        self._feed = feed
        types = list(enumerate(feed.index.types))
        self._policy = tuple(place for place, kind in types if kind.api == "policy")
        self._manager = tuple(place for place, kind in types if kind.api == "manager")

    def routes(self) -> list[Route]:
        policy, manager = "/policy/api/v1/search", "/api/v1/search"
        return [
            Route(policy, self._any),
            Route(f"{policy}/query", partial(self._query, self._policy)),
            Route(f"{manager}/query", partial(self._query, self._manager)),
            Route(f"{policy}/aggregate", self._aggregate, "POST"),
            Route(f"{policy}/querypipeline", self._pipeline, "POST"),
        ]

    def _any(self, call: Call) -> Answer:
        return self._query(self._sources(call.request.value("data_source")), call)

    def _sources(self, asked: str | None) -> tuple[int, ...]:
        sources = {"INTENT": self._policy, "ALL": (*self._policy, *self._manager)}
        if (asked or "INTENT") not in sources:
            raise invalid("data_source", asked)
        return sources[asked or "INTENT"]

    def _query(self, among: tuple[int, ...], call: Call) -> Answer:
        query = call.request.value("query") or call.request.value("dsl")
        if not query:
            raise invalid("query", "")
        with self._inventory.lock:
            index = self._settled(call)
            return self._answer(call, index, self._find(call, index, query, among))

    def _aggregate(self, call: Call) -> Answer:
        """Hits of a primary type, each with what is related to it."""
        body = _body(call)
        primary = _mapping(body.get("primary"), "primary")
        among = self._sources(body.get("data_source"))
        with self._inventory.lock:
            index = self._settled(call)
            keys = self._find(call, index, _primary(primary), among)
            page = call.due.page(self._page(call, index, keys, _fields(primary.get("included_fields"))))
            related = [_mapping(one, "related") for one in body.get("related") or ()]
            hits = [self._joined(call, index, among, hit, related) for hit in page.objects]
        return list_answer(replace(page, objects=tuple(hits)), CURSOR)

    def _joined(
        self, call: Call, index: Index, among: tuple[int, ...], hit: bytes, related: Iterable[Json]
    ) -> bytes:
        primary = json.loads(hit)
        joined = [self._related(call, index, among, primary, one) for one in related]
        return ENCODER.encode({"primary": primary, "related": joined})

    def _related(
        self, call: Call, index: Index, among: tuple[int, ...], primary: Json, related: Json
    ) -> Json:
        field, _, of_primary = str(related.get("join_condition", "")).partition(":")
        values = [_escaped(value) for value in _reached(primary, of_primary)]
        keys: Sequence[Key] = []
        if values:
            query = f"{_typed(related)} AND {field}:({' OR '.join(values)})"
            keys = self._find(call, index, query, among)
        size = related.get("size", PAGE_MAXIMUM)
        fields = _fields(related.get("included_fields"))
        results = [json.loads(hit) for hit in index.rendered(keys[:size], fields)]
        return {"alias": related.get("alias"), "result_count": len(keys), "results": results}

    def _pipeline(self, call: Call) -> Answer:
        """Queries in a chain: `{field}` stands for that field's values in the hits of the query before."""
        queries = [
            _mapping(one, "query_pipeline").get("query") for one in _body(call).get("query_pipeline") or ()
        ]
        if not queries:
            raise invalid("query_pipeline", "")
        keys: Sequence[Key] = []
        with self._inventory.lock:
            index = self._settled(call)
            for query in queries:
                text = _SUBSTITUTED.sub(partial(_values, index, keys), str(query))
                keys = self._find(call, index, text, self._policy)
            return self._answer(call, index, keys)

    def _settled(self, call: Call) -> Index:
        lag = call.due.mark("index-lag")
        return self._feed.settle(Lag(**lag.parameters) if lag else Lag())

    def _find(self, call: Call, index: Index, query: str, among: tuple[int, ...]) -> Sequence[Key]:
        if call.due.marked("inventory-lost"):
            return []
        try:
            keys = index.find(query, among)
        except BadQuery as bad:
            raise Wrong(400, _BAD_QUERY, f"Invalid search query: {bad}", module="nsx-search") from bad
        drop = call.due.mark("index-drop")
        if drop:
            keys = [key for key in keys if not chosen(key[2], **drop.parameters)]
        return keys

    def _answer(self, call: Call, index: Index, keys: Sequence[Key]) -> Answer:
        fields = _fields(call.request.value("included_fields"))
        return listed(call, self._page(call, index, keys, fields))

    def _page(self, call: Call, index: Index, keys: Sequence[Key], fields: tuple[str, ...]) -> Page:
        start = number(call.request, CURSOR, 0)
        length = number(call.request, "page_size", PAGE_MAXIMUM, PAGE_MAXIMUM)
        if 0 < self._settings.search_page_limit < length:
            raise search_failed(60576)
        end = self._end(start, length, len(keys))
        ordered = _ordered(index, keys, _order(call))
        previous = index.rendered(ordered[start - 1 : start], fields) if start else []
        settings = self._settings
        ends = settings.search_ceiling_mode == "silent" and end >= settings.search_ceiling
        return Page(
            objects=tuple(index.rendered(ordered[start:end], fields)),
            total=len(keys),
            cursor=str(len(keys) if ends else end),
            again=str(start),
            previous=previous[0] if previous else None,
        )

    def _end(self, start: int, length: int, count: int) -> int:
        """Where the page ends. Raises Wrong if hits beyond the ceiling are asked for."""
        ceiling = self._settings.search_ceiling
        if start >= ceiling and count > ceiling and length:
            if self._settings.search_ceiling_mode == "error":
                raise search_failed(60576)
            return start
        return max(start, min(start + length, count, ceiling))


def _order(call: Call) -> _Order:
    ascending = (call.request.value("sort_ascending") or "true").lower() != "false"
    return _Order(call.request.value("sort_by") or "id", ascending)


def _ordered(index: Index, keys: Sequence[Key], order: _Order) -> Sequence[Key]:
    if order.field == "id":
        return keys if order.ascending else list(reversed(keys))
    values = {key: "".join(_reached(index.document(key), order.field)[:1]).lower() for key in keys}
    return sorted(keys, key=lambda key: (values[key], key), reverse=not order.ascending)


def _body(call: Call) -> Json:
    try:
        return _mapping(json.loads(call.request.body), "body")
    except ValueError as wrong:
        raise invalid("body", wrong) from wrong


def _mapping(value: Any, what: str) -> Json:
    if not isinstance(value, dict):
        raise invalid(what, value)
    return value


def _primary(primary: Json) -> str:
    """The query that a primary's filters stand for. Values may have wildcards."""
    filters = [_mapping(one, "filters") for one in primary.get("filters") or ()]
    return " AND ".join([_typed(primary), *(_filter(one) for one in filters)])


def _filter(one: Json) -> str:
    names = [name.strip() for name in str(one.get("field_names", "")).split(",")]
    value = _escaped(str(one.get("value", "")))
    return f"({' OR '.join(f'{name}:{value}' for name in names)})"


def _typed(asked: Json) -> str:
    return f"resource_type:({asked.get('resource_type', '*')})"


def _escaped(value: str) -> str:
    """The value as a query spells it, its wildcards left as they are."""
    return _SPECIAL.sub(r"\\\1", value)


def _fields(asked: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (asked or "").split(",") if name.strip())


def _values(index: Index, keys: Sequence[Key], found: re.Match[str]) -> str:
    values = {value for key in keys for value in _reached(index.document(key), found[1])}
    return f"({' OR '.join(map(_escaped, sorted(values)))})" if values else '""'


def _reached(document: Any, field: str) -> list[str]:
    """The values of a dotted field, as text."""
    things: list[Any] = [document]
    for name in field.split("."):
        found = [thing[name] for thing in things if isinstance(thing, Mapping) and name in thing]
        things = [one for thing in found for one in (thing if isinstance(thing, list) else [thing])]
    return [thing if isinstance(thing, str) else json.dumps(thing) for thing in things]
