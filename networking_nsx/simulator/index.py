"""The search index: its own copy of the objects, what a query finds among them, and their bytes.

Promises: hits come in the order of ids; a query that was asked before costs what changed since; a
document is rendered once per form. Use it under the inventory's lock.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from networking_nsx.simulator.documents import DocumentType
from networking_nsx.simulator.naming import LOCALE_SERVICES
from networking_nsx.simulator.population import Item
from networking_nsx.simulator.search_language import Query, Term, parse

Json = dict[str, Any]
Key = tuple[str, int, str]  # a document: its id in lower case, the number of its type, the NSX id

_ENCODER = msgspec.json.Encoder()
_FORMS = 12  # renderings kept
_QUERIES = 40  # queries whose hits are kept
_NEWS = 1000  # changes after which all hits are found anew


class _Found(NamedTuple):
    """The hits of a query, and how much of the news is in them."""

    query: Query
    keys: list[Key]
    seen: list[int]


class Index:
    """Documents by id, and the answers to queries."""

    def __init__(self, types: Sequence[DocumentType]) -> None:
        self.types = types
        self.reset(())

    def reset(self, items: Iterable[Item]) -> None:
        """Hold these objects and nothing else."""
        self._items = {item.nsx_id: item for item in items}
        self._names: dict[str, list[str]] = {}  # NSX ids by Neutron id, or by VIF
        self._children: dict[str, set[str]] = {}  # NSX ids of ports by that of their switch
        for item in self._items.values():
            self._name(item)
        self._keys: dict[int, list[Key]] = {}  # by type; made when first needed
        self._forms: dict[tuple[int, tuple[str, ...]], dict[str, bytes]] = {}
        self._forget_hits()

    def get(self, nsx_id: str) -> Item | None:
        return self._items.get(nsx_id)

    def put(self, before: Item | None, after: Item | None) -> None:
        """Replace one object; None is absence."""
        if before:
            del self._items[before.nsx_id]
            self._unname(before)
        if after:
            self._items[after.nsx_id] = after
            self._name(after)
        for number, kept in self._keys.items():
            self._move(kept, number, before, after)
        for rendered in self._forms.values():
            for item in filter(None, (before, after)):
                rendered.pop(item.nsx_id, None)
        self._news.append((before, after))
        if len(self._news) > _NEWS:
            self._forget_hits()

    def find(self, text: str, among: tuple[int, ...]) -> list[Key]:
        """What fits the query, of these types. Raises BadQuery. Whoever gets it must not change it."""
        asked = (text, among)
        found = self._hits.get(asked)
        if found is None:
            query = parse(text)
            keys = sorted(key for number in among for key in self._fitting(query, number))
            found = _Found(query, keys, [0])
            while len(self._hits) >= _QUERIES:
                del self._hits[next(iter(self._hits))]
            self._hits[asked] = found
        else:
            for before, after in self._news[found.seen[0] :]:
                for number in among:
                    self._move(found.keys, number, before, after, found.query)
        found.seen[0] = len(self._news)
        return found.keys

    def document(self, key: Key) -> Json:
        return self.types[key[1]].shape(self._items[key[2]])

    def rendered(self, keys: Sequence[Key], fields: tuple[str, ...]) -> list[bytes]:
        """The bytes of these documents, with these fields only, or with all."""
        pages = []
        for key in keys:
            kept = self._form(key[1], fields)
            if key[2] not in kept:
                kept[key[2]] = _ENCODER.encode(_selected(self.document(key), fields))
            pages.append(kept[key[2]])
        return pages

    def _forget_hits(self) -> None:
        self._hits: dict[tuple[str, tuple[int, ...]], _Found] = {}
        self._news: list[tuple[Item | None, Item | None]] = []

    def _form(self, number: int, fields: tuple[str, ...]) -> dict[str, bytes]:
        form = self._forms.get((number, fields))
        if form is None:
            while len(self._forms) >= _FORMS:
                del self._forms[next(iter(self._forms))]
            form = self._forms[number, fields] = {}
        return form

    def _fitting(self, query: Query, number: int) -> Iterable[Key]:
        """The documents of one type that fit; only those that a term leads to are looked at."""
        kind = self.types[number]
        if not all(_names_type(term, kind.name) for term in query.terms if term.field == "resource_type"):
            return []
        prefixes = [term.value for term in query.terms if term.field == "id" and term.prefix]
        keys: Iterable[Key] = self._range(number, prefixes[0]) if prefixes else self._sorted(number)
        narrow = [ids for choice in _choices(query) if (ids := self._narrowed(choice)) is not None]
        if narrow:
            items = [self._items[nsx_id] for nsx_id in min(narrow, key=len)]
            keys = [self._key(number, item) for item in items if _has(kind, item)]
        fits = _test(query, kind)
        return [key for key in keys if fits(self._items[key[2]])] if fits else keys

    def _narrowed(self, choice: Iterable[Term]) -> Collection[str] | None:
        """The NSX ids of the objects that alone can fit one of these terms; None: any can."""
        found: set[str] = set()
        for term in choice:
            leads = _LEADS.get(term.field)
            ids = None if leads is None or term.prefix else leads(self, term.value)
            if ids is None:
                return None
            found.update(ids)
        return found

    def about(self, value: str) -> set[str]:
        """The NSX ids of the objects that an id names, or the ids in a path."""
        whole = [part for part in value.split("/") if part]
        parts = {*whole, *(part.partition("_")[0] for part in whole)}  # of twins: see naming.policy_id
        named = {nsx_id for part in parts for nsx_id in self._names.get(part, ())}
        return named | {part for part in parts if part in self._items}

    def below(self, value: str) -> set[str]:
        """The same objects, and the ports of those that are switches."""
        named = self.about(value)
        return named.union(*(self._children.get(nsx_id, ()) for nsx_id in named))

    def _range(self, number: int, prefix: str) -> list[Key]:
        keys = self._sorted(number)
        return keys[bisect_left(keys, (prefix,)) : bisect_left(keys, (prefix + "\U0010ffff",))]

    def _sorted(self, number: int) -> list[Key]:
        if number not in self._keys:
            kind = self.types[number]
            self._keys[number] = sorted(
                self._key(number, item) for item in self._items.values() if _has(kind, item)
            )
        return self._keys[number]

    def _key(self, number: int, item: Item) -> Key:
        return (self.types[number].id_of(item).lower(), number, item.nsx_id)

    def _move(
        self,
        keys: list[Key],
        number: int,
        before: Item | None,
        after: Item | None,
        query: Query | None = None,
    ) -> None:
        """Bring sorted keys up to date with one change."""
        kind = self.types[number]
        item = after or before
        if item is None or item.kind != kind.kind:
            return
        key = self._key(number, item)
        place = bisect_left(keys, key)
        was = keys[place : place + 1] == [key]
        fits = after is not None and _has(kind, after) and (query is None or _fits(query, kind, after))
        if was and not fits:
            del keys[place]
        elif fits and not was:
            insort(keys, key)

    def _name(self, item: Item) -> None:
        for name in _names(item):
            self._names.setdefault(name, []).append(item.nsx_id)
        if item.parent:
            self._children.setdefault(item.parent, set()).add(item.nsx_id)

    def _unname(self, item: Item) -> None:
        for name in _names(item):
            self._names[name].remove(item.nsx_id)
            if not self._names[name]:
                del self._names[name]
        if item.parent:
            self._children[item.parent].discard(item.nsx_id)


_LEADS: dict[str, Callable[[Index, str], Collection[str] | None]] = {
    "id": lambda index, value: None if value == LOCALE_SERVICES else index.about(value),
    **dict.fromkeys(("unique_id", "realization_id", "attachment.id", "path"), Index.about),
    "logical_switch_id": Index.below,
    "parent_path": lambda index, value: None if value == "/infra" else index.below(value),
    "tags.tag": lambda index, value: index.about(value) or None,
}


def _names(item: Item) -> tuple[str, ...]:
    name = item.neutron_id or item.device_id
    return (name.lower(),) if name else ()


def _has(kind: DocumentType, item: Item) -> bool:
    return item.kind == kind.kind and kind.fits(item)


def _names_type(term: Term, name: str) -> bool:
    return name.lower().startswith(term.value) if term.prefix else name.lower() == term.value


def _fits(query: Query, kind: DocumentType, item: Item) -> bool:
    if not all(_names_type(term, kind.name) for term in query.terms if term.field == "resource_type"):
        return False
    fits = _test(query, kind)
    return fits is None or fits(item)


def _test(query: Query, kind: DocumentType) -> Callable[[Item], bool] | None:
    """How to tell whether an object's document of this type fits; None: all do, if their type does."""
    choices = _choices(query)
    known = [
        [(kind.columns[term.field], term) for term in choice]
        for choice in choices
        if all(term.field in kind.columns for term in choice)
    ]
    exact = query.exact and len(known) == len(choices)

    def fits(item: Item) -> bool:
        if not all(any(_holds(column(item), term) for column, term in choice) for choice in known):
            return False
        return exact or query.matches(kind.shape(item))

    return fits if known or not exact else None


def _choices(query: Query) -> list[tuple[Term, ...]]:
    """What a document has to satisfy one term each of, whatever its type."""
    terms = [(term,) for term in query.terms if term.field != "resource_type"]
    return [*terms, *query.choices]


def _holds(values: tuple[str, ...], term: Term) -> bool:
    if term.prefix:
        return any(value.startswith(term.value) for value in values)
    return term.value in values


def _selected(document: Json, fields: tuple[str, ...]) -> Json:
    """The document with these fields only; a dotted name reaches into objects and lists of them."""
    if not fields:
        return document
    below: dict[str, tuple[str, ...]] = {}
    for field in fields:
        head, _, rest = field.partition(".")
        below[head] = (*below.get(head, ()), rest) if rest else ()
    return {head: _reached(document[head], rest) for head, rest in below.items() if head in document}


def _reached(value: Any, fields: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_reached(one, fields) for one in value]
    return _selected(value, fields) if isinstance(value, dict) else value
