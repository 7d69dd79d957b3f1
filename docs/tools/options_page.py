"""Keeps docs/reference/options.md equal to `networking_nsx.options` and to `observables.py`.

Run: make reference. A test fails while the page is not up to date.
"""

import re
from pathlib import Path
from typing import Any

from observables import SEEN
from oslo_config import cfg

from networking_nsx.options import NSX, SYNC

PAGE = Path(__file__).parents[1] / "reference" / "options.md"

_GROUPS = {"nsx": NSX, "nsx_sync": SYNC}
_PLACE = re.compile(r"(<!-- options of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str) -> str:
    """The page with each group's options in their place."""
    return _PLACE.sub(lambda place: f"{place[1]}\n{_sections(place[2])}\n{place[3]}", page)


def _sections(group: str) -> str:
    return "\n".join(_section(option, SEEN[group][option.dest]) for option in _GROUPS[group])


def _section(option: cfg.Opt, seen: str) -> str:
    facts = {
        "Type": _type(option),
        "Default": _default(option.default),
        "Bounds": _bounds(option.type),
        "Old names": ", ".join(f"`[{old.group}] {old.name}`" for old in option.deprecated_opts),
    }
    lines = [f"- {what}: {value}" for what, value in facts.items() if value]
    lines += [*_choices(option), f"- Seen in: {seen}"]
    return "\n".join([f"### {option.name}", "", option.help, "", *lines, ""])


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


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text()))
