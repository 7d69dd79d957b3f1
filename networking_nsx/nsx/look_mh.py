"""A direct look at rows in NSX-MH: where is their object, or is there surely none?

A row's object is sought in three ways: on the path where NSX last reported it, by its tag, and by reading
to the end a list that must hold it. It is absent only when all three say so. Whatever contradicts itself
or cannot be read is UNKNOWN, which proves nothing.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from networking_nsx.errors import Malformed, NotFound
from networking_nsx.model import PLURAL, Health, Key, Kind, Observation, Page, Sought
from networking_nsx.nsx.codec_mh import (
    ATTACHMENT,
    FORMS,
    Entries,
    Entry,
    entries_from,
    object_from,
    page_from,
)
from networking_nsx.nsx.http import Answer
from networking_nsx.nsx.reader_mh import PAGE_MAXIMUM, Params, Reader
from networking_nsx.ports import Clock

_PATHS = {
    Kind.NETWORK: re.compile(r"/ws\.v1/lswitch/[\w-]+"),
    Kind.ROUTER: re.compile(r"/ws\.v1/lrouter/[\w-]+"),
    Kind.PORT: re.compile(r"(/ws\.v1/lswitch/[\w-]+)/lport/[\w-]+"),
}
_COLLECTIONS = {form.collection for form in FORMS.values()}
_ENTRY = [("fields", "uuid,tags")]
_EMPTY_PAGES = 100  # in a row; a listing of more has no end
_Part = TypeVar("_Part", Page, Entries)


class _List(NamedTuple):
    """A list that was read to its end."""

    entries: list[Entry]
    as_of: float
    doubt: str  # why something may be missing in it; "" when nothing is


class Look:
    """One look at some rows. A list that serves several of them is read once."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._lists: dict[tuple[str, tuple[tuple[str, str], ...]], _List] = {}

    def at(self, row: Sought) -> list[Observation]:
        """One observation per object of the row, or the single one that it has none."""
        since = self._clock.now()
        there = self._on_path(row)
        found = [each for each in there.observations if each.key == row.key] if there else []
        if found and row.key.kind not in PLURAL:
            return found
        tagged, doubt = self._tagged(row.key)
        if there and not found and (row.key.kind in PLURAL or not tagged):
            # An object is there, but it does not say whose.
            doubt = "unreadable" if there.malformed else "tag lost"
        found = list({each.path: each for each in (*tagged, *found)}.values())
        if doubt:  # perhaps there is another object, and a worse one
            found.append(_unknown(row, since, doubt))
        if found:
            return found
        return [self._in_lists(row, since)]

    def _on_path(self, row: Sought) -> Page | None:
        """What lies where the row's object was last, whosever it is now."""
        kind = row.key.kind
        if not _PATHS[kind].fullmatch(row.path):
            return None
        try:
            answer = self._reader.object(row.path, [("relations", FORMS[kind].relation)])
        except NotFound:
            return None
        return object_from(kind, answer.body, answer.started_at)

    def _tagged(self, key: Key) -> tuple[list[Observation], str]:
        """What carries the row's tag, and why there may be more."""
        form = FORMS[key.kind]
        params = [*form.asked, ("tag", key.id), ("tag_scope", form.scope)]
        pages = self._parts(
            form.collection, params, lambda answer: page_from(key.kind, answer.body, answer.started_at)
        )
        observations = [each for page in pages for each in page.observations if each.key == key]
        others = sum(len(page.observations) + page.foreign for page in pages) - len(observations)
        # Whatever is listed by a tag has it: an object that shows another one, or none, was tampered with.
        doubt = f"{others} listed by a tag that they do not show" if others else ""
        return observations, doubt or _doubt(pages, len(observations))

    def _in_lists(self, row: Sought, since: float) -> Observation:
        """The second source: lists that would hold an object of the row, whatever its tags' index says."""
        lists, where = self._lists_for(row)
        scope = FORMS[row.key.kind].scope
        for listed in lists:
            for entry in listed.entries:
                if (scope, row.key.id) in entry.tags or entry.vif == row.key.id:
                    return _unknown(
                        row._replace(path=entry.path), since, "in a list, but not found by its tag"
                    )
            if listed.doubt:
                return _unknown(row, since, listed.doubt)
        known = _PATHS[row.key.kind].fullmatch(row.path)
        word = f"{'404' if known else 'no path known'}; no tag; not in {where}"
        path = row.path if known else f"{FORMS[row.key.kind].collection}?tag={row.key.id}&tag_scope={scope}"
        as_of = min(since, *(listed.as_of for listed in lists))
        return Observation(*row.key, Health.ABSENT, as_of, path, word)

    def _lists_for(self, row: Sought) -> tuple[list[_List], str]:
        """The lists, and what they are."""
        kind = row.key.kind
        if kind is not Kind.PORT:
            whole = self._list(FORMS[kind].collection, _ENTRY)
            return [whole], f"the list of {len(whole.entries)} {kind}s"
        tagged = self._switches_of(row)
        switches = _switch_paths(row.path, tagged)
        params = [*_ENTRY, ("relations", ATTACHMENT)]
        lists = tagged + [self._list(f"{switch}/lport", params) for switch in switches]
        where = [f"the list of {len(switches)} switches"] if switches else []
        if not _PATHS[kind].fullmatch(row.path):
            # It may have been on a switch that lost its tag: any port anywhere with the VIF will do.
            params.append(("attachment_vif_uuid", row.key.id))
            lists.append(self._list(FORMS[kind].collection, params))
            where.append("the attachments")
        return lists, " and ".join(where)

    def _switches_of(self, port: Sought) -> list[_List]:
        """The list of its network's switches, if its network is known."""
        if not port.parent_id:
            return []
        form = FORMS[Kind.NETWORK]
        return [self._list(form.collection, [*_ENTRY, ("tag", port.parent_id), ("tag_scope", form.scope)])]

    def _list(self, path: str, params: Params) -> _List:
        name = (path, tuple(params))
        if name not in self._lists:
            self._lists[name] = self._list_read(path, params)
        return self._lists[name]

    def _list_read(self, path: str, params: Params) -> _List:
        since = self._clock.now()
        try:
            parts = self._parts(path, params, lambda answer: entries_from(path, answer.body))
        except NotFound:
            if path in _COLLECTIONS:
                raise
            return _List([], since, "")  # the switch is gone, and its ports with it
        entries = [entry for part in parts for entry in part.entries]
        return _List(entries, since, _doubt(parts, len(entries)))

    def _parts(self, path: str, params: Params, decode: Callable[[Answer], _Part]) -> list[_Part]:
        """A listing, read to its end."""
        parts = [decode(self._reader.page(path, params, None, PAGE_MAXIMUM))]
        seen = set()
        empty = 0
        while (cursor := parts[-1].cursor) is not None:
            empty = 0 if _size(parts[-1]) else empty + 1
            if cursor in seen:
                raise Malformed(f"{path}: the list goes in circles")
            if empty > _EMPTY_PAGES:
                raise Malformed(f"{path}: more than {_EMPTY_PAGES} empty pages one after the other")
            seen.add(cursor)
            parts.append(decode(self._reader.page(path, params, cursor, PAGE_MAXIMUM)))
        return parts


def _switch_paths(port_path: str, tagged: Sequence[_List]) -> list[str]:
    """The switches that may hold a port: the one where it was, and those of its network."""
    last = _PATHS[Kind.PORT].fullmatch(port_path)
    paths = [last[1]] if last else []
    paths += [entry.path for listed in tagged for entry in listed.entries]
    return [path for path in dict.fromkeys(paths) if _PATHS[Kind.NETWORK].fullmatch(path)]


def _size(part: Page | Entries) -> int:
    """Count the objects of a page, readable or not."""
    if isinstance(part, Page):
        return len(part.observations) + part.malformed + part.foreign
    return len(part.entries) + part.malformed


def _doubt(parts: Sequence[Page] | Sequence[Entries], readable: int) -> str:
    """Why a list does not prove what is missing in it."""
    malformed = sum(part.malformed for part in parts)
    if malformed:
        return f"{malformed} unreadable in a list"
    if readable < (parts[0].total or 0):
        return "a list shorter than announced"
    return ""


def _unknown(row: Sought, as_of: float, word: str) -> Observation:
    return Observation(*row.key, Health.UNKNOWN, as_of, row.path, word)
