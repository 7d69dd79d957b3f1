"""NSX-MH's JSON, read: bytes in, values out, no I/O. Only the fields that are used are decoded."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, field

from networking_nsx.model import Health, Kind, Observation, Page
from networking_nsx.nsx.decoding import Reading, word


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
    listing = _THINGS.page(body)
    observations, ambiguous, foreign = _observed(kind, listing.things, as_of)
    unreadable = listing.malformed + ambiguous
    return Page(kind, observations, listing.cursor, listing.total, as_of, unreadable, foreign)


def object_from(kind: Kind, body: bytes, as_of: float) -> Page:
    """The answer for one object, as a page of one. Raises Malformed when it is no JSON."""
    thing = _THINGS.one(body)
    if thing is None:
        return Page(kind, [], None, 1, as_of, malformed=1)
    observations, ambiguous, foreign = _observed(kind, [thing], as_of)
    return Page(kind, observations, None, 1, as_of, ambiguous, foreign)


def entries_from(collection: str, body: bytes) -> Entries:
    """Every object of a listing. Raises Malformed when the answer as a whole cannot be read."""
    listing = _THINGS.page(body)
    entries = [_entry(collection, thing) for thing in listing.things]
    return Entries(entries, listing.cursor, listing.total, listing.malformed)


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


_AMBIGUOUS = "\0two rows"  # told from any id by identity
_THINGS = Reading(_Thing, "page_cursor")


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
            health, said = up, "true"
        elif value is False:
            health, said = down, "false"
        else:
            health, said = unknown, word(value)
        path = thing.href or f"{collection}/{thing.uuid}"
        observations.append(Observation(kind, found, health, as_of, path, said))
    return observations, ambiguous, foreign


def _entry(collection: str, thing: _Thing) -> Entry:
    attachment = thing.relations.get(ATTACHMENT) if thing.relations else None
    vif = attachment.vif_uuid if attachment else ""
    tags = frozenset((tag.scope, tag.tag) for tag in thing.tags)
    return Entry(thing.href or f"{collection}/{thing.uuid}", tags, vif if isinstance(vif, str) else "")
