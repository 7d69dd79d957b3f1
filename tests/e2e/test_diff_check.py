"""`neutron-nsx diff` and `check`, installed, against a simulator in a process of its own."""

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
import requests
from sites import call

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "reference" / "diff-schema.json").read_text())
COLUMNS = ["kind", "id", "difference", "neutron", "nsx", "path", "detail"]


@pytest.fixture
def settled(site):
    """Neutron says what NSX says, and has for an hour."""
    with closing(sqlite3.connect(site.file)) as neutron, neutron:
        neutron.execute("update ports set status = 'ACTIVE'")
    return site


def diff(site, *words: str, command=call):
    return command("diff", "--config-file", str(site.config), *words)


def found(site, *words: str) -> list[tuple[str, str, str]]:
    done = diff(site, "-f", "json", *words, command=site.command)
    rows = json.loads(done.stdout)
    jsonschema.validate(rows, SCHEMA)
    assert done.returncode == (3 if rows else 0)
    return sorted((row["difference"], row["kind"], row["id"]) for row in rows)


def four_differences(site) -> list[tuple[str, str, str]]:
    """One of each."""
    down = site.ask("status", {"kind": "port", "status": "down", "fraction": 0.01, "seed": 1})["ids"]
    rest = [port for port in site.ports() if port not in down]
    site.ask("delete", {"kind": "port", "ids": rest[:1]})
    site.ask("create", {"kind": "port", "ids": rest[1:2], "status": "up"})
    orphan = site.ask("create", {"kind": "router", "count": 1, "status": "up"})["ids"]
    differing = {
        ("duplicate", "port"): rest[1:2],
        ("missing", "port"): rest[:1],
        ("orphan", "router"): orphan,
        ("status", "port"): down,
    }
    return sorted((*what, one) for what, ids in differing.items() for one in ids)


def test_a_settled_cloud_has_no_difference(settled):
    """Exit 0, and an empty list."""
    done = diff(settled, "-f", "json")

    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_every_difference_is_listed_and_nothing_is_written(settled):
    """Exit 3, the documented form, and no row, no object changed."""
    expected = four_differences(settled)
    inventory = requests.get(f"{settled.control}/_sim/inventory", timeout=10).text
    statuses = settled.statuses()

    assert len(expected) == 5
    assert found(settled) == expected
    assert settled.statuses() == statuses
    assert requests.get(f"{settled.control}/_sim/inventory", timeout=10).text == inventory


def test_what_is_repaired_is_no_difference_any_more(settled):
    """`sync once` writes what `diff` said; what only NSX or an operator can repair remains.

    A row that lacks its object is told again as soon as it has rested for a second.
    """
    four_differences(settled)
    settled.once()

    assert {what for what, _, _ in found(settled)} - {"missing"} == {"duplicate", "orphan"}


def test_only_the_kind_asked_for(settled):
    """Others are not read."""
    four_differences(settled)

    assert [what for what, _, _ in found(settled, "--kind", "router", "--kind", "network")] == ["orphan"]


def test_what_is_not_looked_at_is_marked(settled):
    """`--looks`: the first 2 are confirmed."""
    settled.ask("status", {"kind": "port", "status": "down", "fraction": 0.02, "seed": 1})
    done = diff(settled, "--looks", "2", "-f", "json", command=settled.command)
    details = [row["detail"] for row in json.loads(done.stdout)]

    assert ["not confirmed" in detail for detail in details] == [False, False, True, True]


def test_every_form_has_the_same_columns(settled):
    """For people and for machines; no Python objects in YAML."""
    settled.ask("status", {"kind": "port", "status": "down", "fraction": 0.005, "seed": 1})
    rows = list(csv.reader(diff(settled, "-f", "csv", command=settled.command).stdout.splitlines()))
    table = diff(settled, command=settled.command).stdout
    yaml = diff(settled, "-f", "yaml", command=settled.command).stdout

    assert rows[0] == COLUMNS
    assert rows[1][:5] == ["port", rows[1][1], "status", "ACTIVE", "down"]
    assert all(f" {column} " in table for column in COLUMNS)
    assert "difference: status" in yaml
    assert "!!" not in yaml


def test_a_diff_that_fails(site):
    """Exit 1, one line; wrong usage is exit 2."""
    site.configure(nsx__password="wrong")
    done = diff(site, command=site.command)

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("neutron-nsx: ")
    assert diff(site, "--kind", "floatingip", command=site.command).returncode == 2
    assert diff(site, "--looks", "-1", command=site.command).returncode == 2


def test_check_says_line_by_line_that_all_is_well(site):
    """Exit 0, four fields a line."""
    done = call("check", "--config-file", str(site.config), "-f", "json")
    lines = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert all(list(line) == ["name", "result", "detail", "advice"] for line in lines)
    assert {line["result"] for line in lines} <= {"ok", "warn", "skip"}
    assert [lines[0]["name"], lines[-1]["name"]] == ["configuration", "staleness"]
    assert "admin" not in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "name"),
    [
        ({"nsx__managers": ""}, 1, "configuration"),
        ({"nsx__managers": "http://127.0.0.1:9"}, 1, "reachable http://127.0.0.1:9"),
        ({"nsx__managers": "http://127.0.0.1:9,{control}"}, 10, "reachable http://127.0.0.1:9"),
        ({"nsx__password": "wrong"}, 12, "login {control}"),
        ({"database__connection": "sqlite:////{folder}/empty.sqlite"}, 12, "database"),
    ],
)
def test_check_names_what_is_wrong_by_its_exit_code(site, options, code, name):
    """As vmware-nsx's tool did: 1 no manager, 10 one of them, 12 the configuration."""
    known = {"control": site.control, "folder": site.file.parent}
    site.configure(**{option: value.format(**known) for option, value in options.items()})
    done = site.command("check", "--config-file", str(site.config), "-f", "json")
    failed = [line["name"] for line in json.loads(done.stdout) if line["result"] == "fail"]

    assert (done.returncode, failed) == (code, [name.format(**known)])


def test_a_check_without_a_file_is_wrong_usage(command):
    """Exit 2, as of every command; a file that is not there is a finding."""
    assert command("check").returncode == 2
    assert command("check", "--config-file", "no/such/file").returncode == 12


def test_both_commands_are_installed():
    """As the documentation has them."""
    listed = call("--help").stdout

    assert "  check " in listed
    assert "  diff " in listed
