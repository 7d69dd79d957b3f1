"""Keeps docs/reference/errors.md equal to `networking_nsx/errors.py`, and to the messages about options.

Run: make reference. A test fails while the page is not up to date.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from networking_nsx import errors

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "errors.md"

_PLACE = re.compile(r"(<!-- (classes|messages) of errors -->\n).*?(<!-- end -->)", re.DOTALL)
_COMMAND = "a command ends with exit code 1 and its message"
_SWEEP = "the daemon waits and asks again; after five times the sweep has failed and another one follows"

# Of each: where it shows, and what to do. What it means is its docstring.
TOLD = {
    "NsxError": ("never by itself: one of those below", ""),
    "Retryable": ("never by itself: one of those below", ""),
    "Unavailable": (
        f"`NSX manager failed: ...` in the log; {_SWEEP}; {_COMMAND}",
        "`neutron-nsx check`: it tells a manager that cannot be reached from one that is not well",
    ),
    "Throttled": (
        f"only after all managers and attempts; {_SWEEP}; {_COMMAND}",
        "set `[nsx] request_rate` to this account's share of NSX's limit, or give the synchronizer its own",
    ),
    "Malformed": (
        f"`... JSON is malformed` in the log; {_SWEEP}; {_COMMAND}",
        "see whether a proxy stands between; a body that was cut off on the way looks like this",
    ),
    "IndexUnavailable": (
        "`NSX's search index is not believed for now` in the log; ports are read directly meanwhile",
        "wait; NSX rebuilds its index itself. `start search resync all` on a manager's console begins anew",
    ),
    "CursorExpired": (
        "`restarts` in the counts of a sweep; after three in a sweep it has failed",
        "none; where it happens in each sweep, pages come too slowly for NSX: a larger `request_rate`",
    ),
    "NotFound": ("a look at one row; it is counted, and no failure", "none: absence is proven in three ways"),
    "Rejected": (
        f"the sweep has failed; {_COMMAND}",
        "read the message: it has NSX's own words. `neutron-nsx check` asks for the same things one by one",
    ),
    "PageTooLarge": ("never: half as many objects are asked for", "none"),
    "Unauthorized": (
        f"`NSX refuses ...` in the log; tried again after 5, 10 and every 15 minutes; {_COMMAND}",
        "correct `[nsx] user` and `password`, the certificate or the token, or the account's role on NSX",
    ),
    "StoreError": (
        f"the sweep has failed and another one follows; {_COMMAND}",
        "look at the database and at `[database] connection`; `neutron-nsx check` asks for tables and rights",
    ),
    "ConfigurationError": (
        f"at the start: {_COMMAND}; the table of messages is below",
        "correct the option that it names, in the file that it names",
    ),
    "LeaseTaken": (
        "at the start of `sync run` and `sync once`, exit code 1",
        "end the process that it names; `sync key`, `show`, `diff` and `check` need no lock",
    ),
    "StateError": (
        "at the start of the daemon and of `maintenance`, exit code 1",
        "read the message: it names the file, and what to do about it. Nothing is guessed in its place",
    ),
    "InMaintenance": (
        "`sync release` during a maintenance, exit code 1",
        "`neutron-nsx maintenance stop`, or wait for its end",
    ),
    "NotSettled": (
        "`sync key` with a daemon, exit code 1",
        "none: the daemon goes on with the row; `show` tells what came of it",
    ),
    "NotAcknowledged": (
        "commands to the daemon, exit code 1",
        "start the daemon with the same configuration, or be its user: the message names the socket",
    ),
}


def classes() -> Iterator[type[Exception]]:
    """Every error, in the order in which the program defines them."""
    for found in vars(errors).values():
        if inspect.isclass(found) and issubclass(found, Exception):
            yield found


def refreshed(page: str) -> str:
    """The page with both tables in their places."""
    tables = {"classes": _classes, "messages": _messages}
    return _PLACE.sub(lambda place: f"{place[1]}\n{tables[place[2]]()}\n{place[3]}", page)


def _classes() -> str:
    return "\n".join(map(_section, classes()))


def _section(error: type[Exception]) -> str:
    where, do = TOLD[error.__name__]
    above = error.__bases__[0].__name__
    facts = {
        "A kind of": f"[{above}](#{above.lower()})" if above in TOLD else "",
        "Shows": where,
        "What to do": do,
    }
    lines = [f"- {what}: {value}" for what, value in facts.items() if value]
    return "\n".join([f"### {error.__name__}", "", f"{inspect.getdoc(error)}", "", *lines, ""])


def _messages() -> str:
    found = sorted({message for path in _sources() for message in messages_of(path.read_text())})
    return "\n".join(f"- `{message}`" for message in found) + "\n"


def _sources() -> list[Path]:
    return sorted((ROOT / "networking_nsx").rglob("*.py"))


def messages_of(source: str) -> Iterator[str]:
    """What a ConfigurationError is made with there; `...` stands for what only the moment knows."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ConfigurationError" and node.args:
            text = "".join(_text(node.args[0])).replace("`", "'")
            if text != "...":
                yield re.sub(r"\s+", " ", text)


def _text(node: ast.expr) -> Iterator[str]:
    """The text of a string; of what it is put together from, the fixed parts."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from _text(part) if isinstance(part, ast.Constant) else ["..."]
    elif isinstance(node, ast.BinOp):
        yield from (*_text(node.left), *_text(node.right))
    else:
        yield "..."


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text()))
