"""Fills in the page on the options from `networking_nsx.options`, whenever the documentation is built."""

import re
from typing import Any

from oslo_config import cfg

from networking_nsx.options import NSX, SYNC

_GROUPS = {"nsx": NSX, "nsx_sync": SYNC}
_PLACE = re.compile(r"<!-- options-of (\w+) -->")


def setup(app: Any) -> dict[str, Any]:
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "version": "1"}


def filled(page: str) -> str:
    """Put each group's options in their place."""
    return _PLACE.sub(lambda place: "\n".join(map(_section, _GROUPS[place[1]])), page)


def _read(_app: Any, document: str, source: list[str]) -> None:
    if document == "reference/options":
        source[0] = filled(source[0])


def _section(option: cfg.Opt) -> str:
    facts = {
        "Type": _type(option),
        "Default": _default(option.default),
        "Bounds": _bounds(option.type),
        "Old names": ", ".join(f"`[{old.group}] {old.name}`" for old in option.deprecated_opts),
    }
    lines = [f"- {what}: {value}" for what, value in facts.items() if value]
    return "\n".join([f"### {option.name}", "", option.help, "", *lines, *_choices(option), ""])


def _type(option: cfg.Opt) -> str:
    names = {cfg.IntOpt: "integer", cfg.FloatOpt: "number", cfg.BoolOpt: "true or false"}
    names |= {cfg.ListOpt: "list, separated by commas", cfg.StrOpt: "text"}
    return names[type(option)] + (", secret" if option.secret else "")


def _default(value: Any) -> str:
    if value in ("", []):
        return "empty"
    text = ",".join(value) if isinstance(value, list) else str(value).lower()
    return f"`{text}`"


def _bounds(kind: Any) -> str:
    lowest, highest = getattr(kind, "min", None), getattr(kind, "max", None)
    bounds = {"at least": lowest, "at most": highest}
    return ", ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)


def _choices(option: cfg.Opt) -> list[str]:
    described = getattr(option.type, "choices", None) or {}
    items = getattr(option.type, "item_type", None)
    of_items = getattr(items, "choices", None) or {}
    pairs = described.items() if isinstance(described, dict) else ((one, None) for one in described)
    words = [f"`{word}`" + (f" ({meaning})" if meaning else "") for word, meaning in pairs]
    words += [f"`{word}`" for word in of_items]
    return [f"- Choices: {', '.join(words)}"] if words else []
