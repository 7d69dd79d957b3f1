"""NSX Policy's JSON, and that of the manager behind it, read: bytes in, values out, no I/O.

Facts: the vendor's bindings for 4.2 and API pages; what is not documented there is said where it is used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec import UNSET, Struct

from networking_nsx.model import Health, Kind, Observation
from networking_nsx.nsx.decoding import WORD, Reading, word
from networking_nsx.nsx.words_policy import CONSOLIDATED_WORDS, NODE_WORDS, PORT_WORDS, STATE_WORDS

_UNKNOWN = Health.UNKNOWN
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MANAGERS_PORTS = "/api/v1/logical-ports"
_DEPLOYMENT = "os-deployment-id"
_NODES = 4  # that a gateway's word names; NSX has two of them
_PATH = "policyPath"  # NSX copies the intent's path onto what realizes it (as vmware-nsxlib relies on)


@dataclass(frozen=True, slots=True)
class Tags:
    """By which tags NSX objects name Neutron rows."""

    scopes: Mapping[Kind, str] = field(
        default_factory=lambda: {
            Kind.NETWORK: "os-neutron-net-id",
            Kind.ROUTER: "os-neutron-router-id",
            Kind.PORT: "os-neutron-port-id",
        }
    )
    deployment: str = ""  # objects tagged with another one are foreign; "" accepts any


class Hits(NamedTuple):
    """One page of a list or a search, joined to Neutron's rows."""

    observations: list[Observation]
    cursor: str | None
    total: int | None
    malformed: int  # objects that cannot be read, or that name two rows
    foreign: int  # objects that name no row of ours

    @property
    def size(self) -> int:
        return len(self.observations) + self.malformed + self.foreign


class State(NamedTuple):
    """What a direct read of a status says."""

    health: Health
    word: str
    manager_id: str = ""  # of a port: whose status this is


class _Tag(Struct, gc=False):
    scope: str = ""
    tag: str | None = None


class _Attachment(Struct, gc=False):
    id: str | None = None


class _PortStatus(Struct, gc=False):
    status: str | None = None
    logical_port_id: str = ""


class _Port(Struct, gc=False):
    """A LogicalPort of the manager, as a search hit: its `status` is in no published schema."""

    id: str = ""
    tags: list[_Tag] = []
    attachment: _Attachment | None = None
    status: _PortStatus | None = None


class _Consolidated(Struct, gc=False):
    consolidated_status: Any = UNSET


class _Realized(Struct, gc=False):
    consolidated_status: _Consolidated | None = None


class _Intent(Struct, gc=False):
    """A policy object: a search hit has its realization as well."""

    path: str = ""
    unique_id: str = ""
    tags: list[_Tag] = []
    attachment: _Attachment | None = None
    status: _Realized | None = None


class _SegmentState(Struct, gc=False):
    segment_path: str = ""
    state: Any = UNSET


class _Node(Struct, gc=False):
    high_availability_status: Any = UNSET


class _GatewayStatus(Struct, gc=False):
    per_node_status: list[_Node] | None = None


class _GatewayState(Struct, gc=False):
    tier1_state: _SegmentState | None = None
    tier1_status: _GatewayStatus | None = None


_PORTS = Reading(_Port, "cursor")
_INTENTS = Reading(_Intent, "cursor")
_SEGMENT_STATES = Reading(_SegmentState, "cursor")
_GATEWAY_STATES = Reading(_GatewayState, "cursor")
_PORT_STATUSES = Reading(_PortStatus, "cursor")
_REALIZED = Reading(_Realized, "cursor")


def ports_from(body: bytes, as_of: float, tags: Tags) -> Hits:
    """Hits of LogicalPort. Raises Malformed when the answer as a whole cannot be read.

    The hot loop, 100,000 times per sweep: plain statements, no call of a function in Python.
    """
    page = _PORTS.page(body)
    port, scope, deployment = Kind.PORT, tags.scopes[Kind.PORT], tags.deployment
    observations: list[Observation] = []
    ambiguous = foreign = 0
    for found in page.things:
        owner = (found.attachment.id if found.attachment else None) or ""
        path = ""
        two = others = False
        for tag in found.tags:
            if tag.scope == scope:
                if tag.tag and tag.tag != owner:
                    two, owner = two or owner != "", tag.tag
            elif tag.scope == _PATH and tag.tag:
                path = tag.tag
            elif tag.scope == _DEPLOYMENT and deployment and tag.tag != deployment:
                others = True
        if others or not owner:
            foreign += 1
            continue
        if two:
            ambiguous += 1
            continue
        said = found.status.status if found.status else None
        health = PORT_WORDS.get(said)
        if health is None:
            health, said = _UNKNOWN, said and said[:WORD]
        path = f"{path}#{found.id}" if path else f"{_MANAGERS_PORTS}/{found.id}"
        observations.append(Observation(port, owner, health, as_of, path, said or "missing"))
    return Hits(observations, page.cursor, page.total, page.malformed + ambiguous, foreign)


def intents_from(kind: Kind, body: bytes, as_of: float, tags: Tags) -> Hits:
    """A list of policy objects, or hits. Raises Malformed when the answer as a whole cannot be read."""
    page = _INTENTS.page(body)
    joined = _joined(kind, page.things, as_of, tags)
    return joined._replace(cursor=page.cursor, total=page.total, malformed=joined.malformed + page.malformed)


def intent_from(kind: Kind, body: bytes, as_of: float, tags: Tags) -> Hits:
    """One policy object, as a page of one. Raises Malformed when the answer is no JSON."""
    found = _INTENTS.one(body)
    return Hits([], None, 1, 1, 0) if found is None else _joined(kind, [found], as_of, tags)


class States(NamedTuple):
    """A page of the states of segments, by path."""

    states: dict[str, State]
    cursor: str | None
    as_of: float


def segment_states_from(body: bytes, as_of: float) -> States:
    """Raises Malformed."""
    page = _SEGMENT_STATES.page(body)
    states = {one.segment_path: _state(one.state, STATE_WORDS) for one in page.things}
    return States(states, page.cursor, as_of)


def segment_state_from(body: bytes) -> State:
    """Raises Malformed."""
    found = _SEGMENT_STATES.one(body)
    return State(_UNKNOWN, "unreadable") if found is None else _state(found.state, STATE_WORDS)


def gateway_state_from(body: bytes) -> State:
    """What a tier-1's state says as a whole. Raises Malformed.

    A gateway with an edge cluster has a status per edge: one ACTIVE service router will do. Without
    an edge cluster it is distributed only, and there is nothing but its configuration.
    """
    found = _GATEWAY_STATES.one(body)
    if found is None:
        return State(_UNKNOWN, "unreadable")
    configured = None if found.tier1_state is None else _state(found.tier1_state.state, STATE_WORDS)
    if configured and configured.health is Health.FAILED:
        return configured
    nodes = (found.tier1_status.per_node_status or []) if found.tier1_status else []
    if nodes:
        return _of_nodes([_state(node.high_availability_status, NODE_WORDS) for node in nodes])
    return configured or State(_UNKNOWN, "missing")


def port_status_from(body: bytes) -> State:
    """Raises Malformed."""
    found = _PORT_STATUSES.one(body)
    if found is None:
        return State(_UNKNOWN, "unreadable")
    said = (found.status or "missing")[:WORD]
    return State(PORT_WORDS.get(said, _UNKNOWN), said, found.logical_port_id)


def realized_from(body: bytes) -> State:
    """The realization of one intent. Raises Malformed."""
    found = _REALIZED.one(body)
    return State(_UNKNOWN, "unreadable") if found is None else _realization(found)


def _joined(kind: Kind, intents: list[_Intent], as_of: float, tags: Tags) -> Hits:
    observations: list[Observation] = []
    malformed = foreign = 0
    for found in intents:
        owners = _owners(kind, found, tags)
        if len(owners) > 1:
            malformed += 1
        elif not owners:
            foreign += 1
        else:
            health, said, _ = _realization(found.status)
            path = f"{found.path}#{found.unique_id}" if kind is Kind.PORT else found.path
            observations.append(Observation(kind, owners.pop(), health, as_of, path, said))
    return Hits(observations, None, None, malformed, foreign)


def _owners(kind: Kind, found: _Intent, tags: Tags) -> set[str]:
    """The rows that an object names: by its tag, a port also by what is attached to it.

    The own id of a segment or gateway counts only against them: drivers make it of the row's id, so that
    of another row is a sign that the tag was tampered with.
    """
    if tags.deployment and any(tag.scope == _DEPLOYMENT and tag.tag != tags.deployment for tag in found.tags):
        return set()
    owners = {tag.tag for tag in found.tags if tag.scope == tags.scopes[kind] and tag.tag}
    if kind is not Kind.PORT:
        return owners | {found.path} if len(owners) == 1 and _is_of_another(found.path, *owners) else owners
    if found.attachment and found.attachment.id:
        owners.add(found.attachment.id)
    return owners


def _is_of_another(path: str, owner: str) -> bool:
    own = path.rpartition("/")[2]
    return own != owner and _UUID.fullmatch(own) is not None


def _realization(found: _Realized | None) -> State:
    inner = found.consolidated_status if found else None
    return _state(inner.consolidated_status if inner else UNSET, CONSOLIDATED_WORDS)


def _state(said: Any, words: Mapping[Any, Health]) -> State:
    if isinstance(said, str) and said in words:
        return State(words[said], said)
    return State(_UNKNOWN, word(said))


def _of_nodes(nodes: list[State]) -> State:
    said = ",".join(node.word for node in nodes[:_NODES])
    healths = {node.health for node in nodes}
    if Health.UP in healths:
        return State(Health.UP, said)
    return State(Health.DOWN if healths == {Health.DOWN} else _UNKNOWN, said)
