"""Objects as NSX-MH should never send them: each variant spoils one object's JSON."""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

_ID_SCOPES = ("quantum_net_id", "q_router_id", "q_port_id")
_FLAGS = ("fabric_status", "fabric_status_up")
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
    for holder in (shape, *shape.get("_relations", {}).values()):
        for flag in _FLAGS:
            if flag in holder:
                holder[flag] = value
