"""An index of the inventory for one API: which objects match, and their bytes, rendered once.

Promises: ids come in their own order; a page costs a slice and a look-up per object, whatever the
inventory's size; a change renders anew that object, and the switch of a port, and nothing else.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Generic, TypeVar

from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.population import Item

Term = tuple[str, str]
Form = TypeVar("Form", bound=Hashable)

_FORMS = 12  # renderings kept; a client uses three to six


class _Rendered(dict[str, bytes]):
    """The bytes of objects in one form, by NSX id; made when first asked for."""

    def __init__(self, render: Callable[[str], bytes]) -> None:
        super().__init__()
        self._render = render

    def __missing__(self, nsx_id: str) -> bytes:
        made = self[nsx_id] = self._render(nsx_id)
        return made


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
        self._forms: dict[Form, _Rendered] = {}
        inventory.watch(self._changed)

    def select(self, kind: str, terms: Iterable[Term]) -> Sequence[str]:
        """The ids of the objects that all terms fit, in order."""
        every = self._ids.get((kind, "", ""), [])
        lists = sorted((self._having(kind, term) for term in terms), key=len)
        narrow = [ids for ids in lists if len(ids) < len(every)]  # a term that all objects have is none
        if not narrow:
            return every
        return [nsx_id for nsx_id in narrow[0] if all(_holds(ids, nsx_id) for ids in narrow[1:])]

    def rendered(self, ids: Iterable[str], form: Form) -> list[bytes]:
        """The bytes of these objects."""
        if form not in self._forms:
            while len(self._forms) >= _FORMS:
                del self._forms[next(iter(self._forms))]
            self._forms[form] = _Rendered(partial(self._bytes, form))
        return list(map(self._forms[form].__getitem__, ids))

    def _bytes(self, form: Form, nsx_id: str) -> bytes:
        item = self._inventory.get(nsx_id)
        if item is None:
            raise KeyError(nsx_id)
        return self._render(item, form)

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
