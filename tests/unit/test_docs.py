"""The documentation says what there is: commands, options, counts, links."""

import ast
import re
import tomllib
from pathlib import Path

import errors_page
import metrics_page
import options_page
import pacing_page
import pytest

from networking_nsx.cli.exits import OF
from networking_nsx.metrics import FAMILIES
from networking_nsx.model import COUNTS
from networking_nsx.options import NSX, SYNC

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
COMMAND = DOCS / "reference" / "command.md"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
READABLE = [*PAGES, *sorted(ROOT.glob("*.md"))]

_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")
_MACHINE = re.compile(r"(?<![\w.~-])/(work|root|home|Users)/[\w.-]+|(?<![\w.~-])/(work|root)\b(?!/)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    titles = re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_command_has_a_heading_and_every_heading_a_command():
    """As pyproject.toml registers them."""
    registered = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    commands = {entry.replace("_", " ") for entry in registered["networking_nsx.commands"]}
    headings = re.findall(r"^## neutron-nsx (.+)$", COMMAND.read_text(), re.MULTILINE)

    assert sorted(headings) == sorted(commands)


def test_every_option_of_a_command_is_documented():
    """Read off the sources, as importing the commands takes seconds."""
    sources = [ast.parse(path.read_text()) for path in (ROOT / "networking_nsx" / "cli").glob("*.py")]
    calls = [node for source in sources for node in ast.walk(source) if isinstance(node, ast.Call)]
    names = {
        call.args[0].value
        for call in calls
        if getattr(call.func, "attr", "") == "add_argument" and isinstance(call.args[0], ast.Constant)
    }
    options = {option for option in names if option.startswith("--")}
    page = COMMAND.read_text()

    assert "--config-file" in options
    assert [option for option in sorted(options) if not re.search(rf"`{option}\b", page)] == []


def test_the_exit_codes_are_those_of_the_commands():
    """One table has all of them, each with the command that may end with it."""
    page = COMMAND.read_text()
    section = page[page.index("## Exit codes") : page.index("## Output")]
    rows = re.findall(r"^\| (\d+) \| (.+?) \| .+ \|$", section, re.MULTILINE)

    assert [(int(code), of) for code, of in rows] == [(int(code), of) for code, of in OF.items()]


def test_every_count_is_documented():
    """The output of `sync once` has a field for each."""
    rows = re.findall(r"^\| `(\w+)` \|", COMMAND.read_text(), re.MULTILINE)

    assert set(COUNTS) <= set(rows)


def test_every_option_is_rendered_with_its_default_and_its_old_names():
    """The page on the options is as docs/tools/options_page.py makes it of `networking_nsx.options`."""
    page = (DOCS / "reference" / "options.md").read_text()

    for option in NSX + SYNC:
        section = re.search(rf"^### {option.name}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
        assert section, option.name
        assert option.help in section[1]
        assert all(f"[{old.group}] {old.name}" in section[1] for old in option.deprecated_opts)
    assert page == options_page.refreshed(page)


def test_every_metric_is_rendered_with_its_labels_and_what_to_do_with_it():
    """The page on the metrics is as docs/tools/metrics_page.py makes it of `networking_nsx.metrics`."""
    page = (DOCS / "reference" / "metrics.md").read_text()

    for family in FAMILIES:
        section = re.search(rf"^### {family.name}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
        assert section, family.name
        assert family.help in section[1]
        assert all(f"Label `{label.name}`" in section[1] for label in family.labels)
        assert "What to do with it: " in section[1]
    assert page == metrics_page.refreshed(page)


def test_every_error_is_documented_with_what_to_do():
    """The page on errors is as docs/tools/errors_page.py makes it, and has each class and each message."""
    page = (DOCS / "reference" / "errors.md").read_text()

    assert {error.__name__ for error in errors_page.classes()} == errors_page.TOLD.keys()
    assert page == errors_page.refreshed(page)


def test_the_worked_numbers_are_those_of_the_program():
    """The tables on pacing are as docs/tools/pacing_page.py computes them."""
    page = (DOCS / "explanation" / "pacing.md").read_text()

    assert "| 100,000 | 102,200 | 10, 1 | 10,220 |" in page
    assert page == pacing_page.refreshed(page)


@pytest.mark.parametrize("page", READABLE, ids=name)
def test_every_relative_link_leads_somewhere(page):
    """To a file, and to a heading of it where an anchor is given."""
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), link
        assert not anchor or target.suffix != ".md" or anchor in anchors(target), link


@pytest.mark.parametrize("page", READABLE, ids=name)
def test_no_page_names_a_machine_path(page):
    """A reader has other folders."""
    assert [found[0] for found in _MACHINE.finditer(page.read_text())] == []


def test_every_page_is_in_the_table_of_contents():
    """The front page lists all of them, in four groups, but for the runbooks: the guide on alerts does."""
    front = (DOCS / "index.md").read_text()
    listed = set(re.findall(r"^([\w-]+/[\w-]+)$", front, re.MULTILINE))

    pages = {page for page in PAGES if page.parent.name != "runbooks"}

    assert {str(page.relative_to(DOCS).with_suffix("")) for page in pages} - {"index"} <= listed
    assert "\nrunbooks/*\n" in (DOCS / "how-to" / "alerts.md").read_text()
    assert front.count("{toctree}") == 4
