"""An index of the inventory for one API: which objects match, and their bytes, rendered once.

Promises: ids come in their own order; a page costs a slice and a look-up per object, whatever the
inventory's size; a change renders anew that object, and the switch of a port, and nothing else.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from networking_nsx.simulator.cursors import Listing
from networking_nsx.simulator.exchange import Page
from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.population import Item

Term = tuple[str, str]
Form = TypeVar("Form", bound=Hashable)

_FORMS = 12  # renderings kept; a client uses three to six


class Catalogue(Generic[Form]):
    """Ids by the terms they can be asked by, and bytes by form. Use it under the inventory's lock."""

    def __init__(
        self,
        inventory: Inventory,
        terms: Callable[[Item], Iterable[Term]],
        render: Callable[[Item, Form], bytes],
    ) -> None:
        self._inventory = inventory
        self._terms = terms
        self._render = render
        self._ids: dict[tuple[str, str, str], list[str]] = {}
        self._forms: dict[Form, dict[str, bytes]] = {}  # by form, then by NSX id
        inventory.watch(self._changed)

    def select(self, kind: str, terms: Iterable[Term]) -> Sequence[str]:
        """The ids of the objects that all terms fit, in order."""
        every = self._ids.get((kind, "", ""), [])
        lists = sorted((self._having(kind, term) for term in terms), key=len)
        narrow = [ids for ids in lists if len(ids) < len(every)]  # a term that all objects have is none
        if not narrow:
            return every
        return [nsx_id for nsx_id in narrow[0] if all(_holds(ids, nsx_id) for ids in narrow[1:])]

    def rendered(self, ids: Sequence[str], form: Form) -> list[bytes]:
        """The bytes of these objects. Raises KeyError when there is no such object."""
        if form not in self._forms:
            while len(self._forms) >= _FORMS:
                del self._forms[next(iter(self._forms))]
            self._forms[form] = {}
        kept = self._forms[form]
        for nsx_id in ids:
            if nsx_id not in kept:
                kept[nsx_id] = self._render(self._inventory[nsx_id], form)
        return [kept[nsx_id] for nsx_id in ids]

    def page(self, listing: Listing, form: Form, cursor: str | None, length: int) -> Page:
        """So many objects of a listing, from the cursor on. Raises UnknownCursor."""
        ids = listing.ids
        start = 0 if cursor is None else listing.place(cursor)
        end = start + length
        previous = self.rendered(ids[start - 1 : start], form) if start else []
        return Page(
            objects=tuple(self.rendered(ids[start:end], form)),
            total=len(ids) if cursor is None else None,
            cursor=listing.cursor(end) if length and end < len(ids) else None,
            again=listing.cursor(start),
            previous=previous[0] if previous else None,
        )

    def _having(self, kind: str, term: Term) -> list[str]:
        field, value = term
        if field == "uuid":
            item = self._inventory.get(value)
            return [value] if item and item.kind == kind else []
        return self._ids.get((kind, field, value), [])

    def _changed(self, before: Item | None, after: Item | None) -> None:
        gone, come = self._entries(before), self._entries(after)
        if gone != come:
            for key, nsx_id in gone:
                self._remove(key, nsx_id)
            for key, nsx_id in come:
                insort(self._ids.setdefault(key, []), nsx_id)
        for item in (before, after):
            if item:
                self._forget(item)

    def _entries(self, item: Item | None) -> list[tuple[tuple[str, str, str], str]]:
        if item is None:
            return []
        return [((item.kind, *term), item.nsx_id) for term in (("", ""), *self._terms(item))]

    def _remove(self, key: tuple[str, str, str], nsx_id: str) -> None:
        ids = self._ids[key]
        del ids[bisect_left(ids, nsx_id)]
        if not ids:
            del self._ids[key]

    def _forget(self, item: Item) -> None:
        for rendered in self._forms.values():
            rendered.pop(item.nsx_id, None)
            rendered.pop(item.parent or "", None)


def _holds(ids: Sequence[str], nsx_id: str) -> bool:
    place = bisect_left(ids, nsx_id)
    return place < len(ids) and ids[place] == nsx_id
