"""The page on the command has every argument of every command, in that command's own section."""

import argparse
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "command.md").read_text()
COMMANDS = {entry.name.replace("_", " "): entry for entry in entry_points(group="networking_nsx.commands")}


def section(title: str) -> str:
    return re.search(rf"^## {title}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def arguments(name: str) -> list[argparse.Action]:
    """A command's own arguments, without those of cliff's formatters and without --help."""
    parser = COMMANDS[name].load()(None, None).get_parser(name)
    own = [group for group in parser._action_groups if group.title in ("options", "positional arguments")]  # noqa: SLF001 - argparse tells it nowhere else
    return [action for group in own for action in group._group_actions if action.dest != "help"]  # noqa: SLF001


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_argument_is_in_its_commands_section(name):
    """Or in the table of those that several commands have."""
    told = section("Common options") + section(f"neutron-nsx {name}")
    wanted = [(action.option_strings or [action.dest.upper()])[-1] for action in arguments(name)]

    assert [each for each in wanted if not re.search(rf"(?<![\w-]){each}(?![\w-])", told)] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_default_and_choice_is_told(name):
    """In the row of its option, where there is one."""
    rows = re.findall(r"^\| (`--.*)$", section(f"neutron-nsx {name}"), re.MULTILINE)
    untold = [
        (action.option_strings, word)
        for action in arguments(name)
        for row in rows
        if action.option_strings and re.search(rf"`{action.option_strings[-1]}\b(?!-)", row)
        for word in told_of(action)
        if word.lower() not in row.lower()
    ]

    assert untold == []


def told_of(action: argparse.Action) -> list[str]:
    """Choices but for kinds, which the page has once for all; a default that is one."""
    choices = [] if "port" in (action.choices or ()) else list(action.choices or ())
    default = [] if action.default in (None, False, "", [], 0.0) else [f"{action.default:}"]
    return [str(word) for word in (*choices, *default)]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_section_has_an_option_that_the_command_has_not(name):
    """Tables tell of nothing that was taken away."""
    rows = re.findall(r"^\| (`--[^|]*(?:\\\|[^|]*)*)\|", section(f"neutron-nsx {name}"), re.MULTILINE)
    options = {option for row in rows for option in re.findall(r"--[a-z-]+", row)}
    known = {option for action in arguments(name) for option in action.option_strings}

    assert options - known == set()
