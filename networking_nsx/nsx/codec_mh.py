"""NSX-MH's JSON, read: bytes in, values out, no I/O.

Only the fields that are used are decoded, typed, a whole page at once. Where a page does not fit, its
objects are decoded one by one, so that a malformed object costs only itself.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import UNSET, DecodeError, Raw, Struct, ValidationError, field
from msgspec.json import Decoder, encode

from networking_nsx.errors import Malformed
from networking_nsx.model import Health, Kind, Observation, Page


class Form(NamedTuple):
    """How a kind is spelled in this API."""

    collection: str  # the path that lists it
    scope: str  # of the tag that names the Neutron row
    relation: str  # of the status
    key: str  # of the status in its relation

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The query's parameters for what is read here (as vmware-nsx, which NSX-MH knows)."""
        return [("fields", f"uuid,tags,{self.key}"), ("relations", self.relation)]


FORMS: Mapping[Kind, Form] = {
    Kind.NETWORK: Form("/ws.v1/lswitch", "quantum_net_id", "LogicalSwitchStatus", "fabric_status"),
    Kind.ROUTER: Form("/ws.v1/lrouter", "q_router_id", "LogicalRouterStatus", "fabric_status"),
    Kind.PORT: Form("/ws.v1/lswitch/*/lport", "q_port_id", "LogicalPortStatus", "fabric_status_up"),
}
ATTACHMENT = "LogicalPortAttachment"


class Entry(NamedTuple):
    """An object of a listing, whosever it is."""

    path: str
    tags: frozenset[tuple[str, str | None]]  # scope and value
    vif: str  # the VIF attached to a port, which is the Neutron port's id; "" if none


class Entries(NamedTuple):
    """One page of a listing of whatever there is."""

    entries: list[Entry]
    cursor: str | None
    total: int | None
    malformed: int


def page_from(kind: Kind, body: bytes, as_of: float) -> Page:
    """Raises Malformed when the answer as a whole cannot be read."""
    envelope, malformed = _envelope_from(body)
    observations, ambiguous, foreign = _observed(kind, envelope.things, as_of)
    total = _total(envelope)
    return Page(kind, observations, envelope.cursor or None, total, as_of, malformed + ambiguous, foreign)


def object_from(kind: Kind, body: bytes, as_of: float) -> Page:
    """The answer for one object, as a page of one. Raises Malformed when it is no JSON."""
    try:
        observations, ambiguous, foreign = _observed(kind, [_thing.decode(_whole(body))], as_of)
    except ValidationError:
        return Page(kind, [], None, 1, as_of, malformed=1)
    except _UNREADABLE as error:
        raise Malformed(f"NSX's answer is no JSON: {error}") from error
    return Page(kind, observations, None, 1, as_of, ambiguous, foreign)


def entries_from(collection: str, body: bytes) -> Entries:
    """Every object of a listing. Raises Malformed when the answer as a whole cannot be read."""
    envelope, malformed = _envelope_from(body)
    entries = [_entry(collection, thing) for thing in envelope.things]
    return Entries(entries, envelope.cursor or None, _total(envelope), malformed)


# The structs hold no cycles, so the garbage collector need not look at them: a third of the time.
class _Tag(Struct, gc=False):
    scope: str = ""
    tag: str | None = None


class _Relation(Struct, gc=False):
    fabric_status: Any = UNSET
    fabric_status_up: Any = UNSET
    vif_uuid: Any = UNSET


class _Thing(Struct, gc=False):
    uuid: str = ""
    href: str = field(name="_href", default="")
    tags: list[_Tag] = []
    relations: dict[str, _Relation | None] | None = field(name="_relations", default=None)


class _Envelope(Struct, gc=False):
    things: list[_Thing] = field(name="results")
    total: Any = field(name="result_count", default=None)
    cursor: str | None = field(name="page_cursor", default=None)


class _RawEnvelope(Struct, gc=False):
    things: list[Raw] = field(name="results")
    total: Any = field(name="result_count", default=None)
    cursor: str | None = field(name="page_cursor", default=None)


_AMBIGUOUS = "\0two rows"  # told from any id by identity
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # perhaps one: UTF-16's surrogates
_UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)
_envelope = Decoder(_Envelope)
_raw_envelope = Decoder(_RawEnvelope)
_thing = Decoder(_Thing)


def _envelope_from(body: bytes) -> tuple[_Envelope, int]:
    """The listing, and how many of its objects were left out because they cannot be read."""
    try:
        return _envelope.decode(body), 0
    except _UNREADABLE:
        return _envelope_piecemeal(body)


def _envelope_piecemeal(body: bytes) -> tuple[_Envelope, int]:
    try:
        raw = _raw_envelope.decode(_whole(body))
    except _UNREADABLE as error:
        raise Malformed(f"NSX's answer is no listing: {error}") from error
    things = []
    for piece in raw.things:
        try:
            things.append(_thing.decode(piece))
        except _UNREADABLE:
            continue
    return _Envelope(things, raw.total, raw.cursor), len(raw.things) - len(things)


def _whole(body: bytes) -> bytes:
    """The same JSON without halves of characters, as a name cut at a length may end in.

    msgspec refuses a body for one, even in a field that nobody reads.
    """
    if not _HALF.search(body):
        return body
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return body


def _total(envelope: _Envelope) -> int | None:
    return envelope.total if isinstance(envelope.total, int) else None


def _observed(kind: Kind, things: Sequence[_Thing], as_of: float) -> tuple[list[Observation], int, int]:
    """The observations, how many objects are ambiguous, and how many name no row of ours.

    The hot loop, 100,000 times per sweep: plain statements, no call of a function in Python.
    """
    collection, scope, relation, key = FORMS[kind]
    up, down, unknown = Health.UP, Health.DOWN, Health.UNKNOWN
    observations: list[Observation] = []
    ambiguous = foreign = 0
    for thing in things:
        found = ""
        for tag in thing.tags:
            if tag.scope == scope and tag.tag and tag.tag != found:
                found = _AMBIGUOUS if found else tag.tag
        if not found:
            foreign += 1
            continue
        if found is _AMBIGUOUS:
            ambiguous += 1
            continue
        value = getattr(thing.relations.get(relation), key, UNSET) if thing.relations else UNSET
        # Compared by identity: 1 and "true" are not NSX's words.
        if value is True:
            health, word = up, "true"
        elif value is False:
            health, word = down, "false"
        else:
            health, word = unknown, _word(value)
        path = thing.href or f"{collection}/{thing.uuid}"
        observations.append(Observation(kind, found, health, as_of, path, word))
    return observations, ambiguous, foreign


def _word(value: Any) -> str:
    """A word that proves nothing, as JSON has it: it is counted and logged, hence short."""
    return "missing" if value is UNSET else encode(value).decode()[:40]


def _entry(collection: str, thing: _Thing) -> Entry:
    attachment = thing.relations.get(ATTACHMENT) if thing.relations else None
    vif = attachment.vif_uuid if attachment else ""
    tags = frozenset((tag.scope, tag.tag) for tag in thing.tags)
    return Entry(thing.href or f"{collection}/{thing.uuid}", tags, vif if isinstance(vif, str) else "")
