"""Objects as NSX should never send them: each variant spoils one object's JSON."""

import json
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]

_ID_SCOPES = (
    *("quantum_net_id", "q_router_id", "q_port_id"),  # of NSX-MH
    *("os-neutron-net-id", "os-neutron-router-id", "os-neutron-port-id"),
)
_FLAGS = (
    *("fabric_status", "fabric_status_up"),  # of NSX-MH
    *("status", "state", "consolidated_status", "high_availability_status"),
)
_NESTED = ("status", "consolidated_status", "tier1_state", "tier1_status", "per_node_status")
_HUGE = 10_000_000  # bytes
_NOBODY = "00000000-0000-4000-8000-000000000000"


def malformed(rendered: bytes, variant: str) -> bytes:
    """Spoil an object; what has nothing to spoil in it stays as it is."""
    shape: Json = json.loads(rendered)
    before = json.dumps(shape)
    VARIANTS[variant](shape)
    after = json.dumps(shape)
    return rendered if before == after else after.encode()


def _no_tags(shape: Json) -> None:
    shape.pop("tags", None)


def _no_relation(shape: Json) -> None:
    shape.pop("_relations", None)
    if isinstance(shape.get("status"), dict):  # a search hit's, which NSX adds to the object
        del shape["status"]


def _tag_without_value(shape: Json) -> None:
    for tag in _id_tags(shape):
        tag.pop("tag", None)


def _duplicate_tags(shape: Json) -> None:
    if "tags" in shape:
        shape["tags"] += [{**tag, "tag": _NOBODY} for tag in _id_tags(shape)]


def _wrong_type(shape: Json) -> None:
    if "tags" in shape:
        shape["tags"] = "quantum"
    _set_flags(shape, ["up"])


def _unknown_word(shape: Json) -> None:
    _set_flags(shape, "SYNCING")


def _null_flag(shape: Json) -> None:
    _set_flags(shape, None)


def _huge(shape: Json) -> None:
    shape["description"] = "x" * _HUGE


VARIANTS: dict[str, Callable[[Json], None]] = {
    "no-tags": _no_tags,
    "no-relation": _no_relation,
    "tag-without-value": _tag_without_value,
    "unknown-word": _unknown_word,
    "duplicate-tags": _duplicate_tags,
    "wrong-type": _wrong_type,
    "null-flag": _null_flag,
    "huge": _huge,
}


def _id_tags(shape: Json) -> list[Json]:
    return [tag for tag in shape.get("tags", ()) if tag.get("scope") in _ID_SCOPES]


def _set_flags(shape: Json, value: object) -> None:
    for holder in list(_holders(shape)):
        for flag in _FLAGS:
            if flag in holder and not isinstance(holder[flag], dict):
                holder[flag] = value


def _holders(shape: Json) -> Iterator[Json]:
    """The object, and those in it that may say what its status is."""
    yield shape
    yield from shape.get("_relations", {}).values()
    for name in _NESTED:
        inner = shape.get(name)
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, dict):
                yield from _holders(one)
