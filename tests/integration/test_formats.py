"""Every command that prints something prints it in each format, and each of them can be read again."""

import csv
import io
import json
import tomllib
from pathlib import Path

import pytest
import yaml
from checking import Checks, simulated
from desks import answering

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
SILENT = {"demo", "simulator", "sync run", "populate"}  # whose output is not for scripts, or has its own form
MAINTENANCE = ("--until", "2h", "--reason", 'new "switches", many')


def _table(text):
    lines = text.splitlines()
    assert lines[0].startswith("+-")
    assert all(len(line) == len(lines[0]) for line in lines)
    return lines[3:-1]


READ = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "csv": lambda text: list(csv.DictReader(io.StringIO(text), strict=True)),
    "table": _table,
}
COMMANDS = {
    "bundle": (("--output", "FOLDER/bundle.tar.gz"), "file"),
    "check": ((), "result"),
    "diff": ((), "difference"),
    "maintenance start": (MAINTENANCE, "maintenance_reason"),
    "maintenance stop": ((), "maintenance"),
    "show": (("port", "PORT"), "verdict"),
    "status": (("--by", "project"), "total"),
    "sync key": (("port", "PORT"), "verdict"),
    "sync once": ((), "written"),
    "sync pause": ((), "did"),
    "sync release": ((), "released"),
    "sync resume": ((), "did"),
    "sync status": ((), "last_sweep_counts"),
    "timeline": (("PORT",), "at"),
}
DAEMONS = {"maintenance", "sync pause", "sync release", "sync resume", "sync status"}  # it answers these


@pytest.fixture
def run(command, sqlite, tmp_path):
    """A command, with these options, in a cloud in which a port differs."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    with simulated(sqlite) as nsx:
        port = nsx.inventory("port")[0].neutron_id
        own = {"FOLDER": str(tmp_path), "PORT": port}
        socket = tmp_path / "nsx.socket"

        def called(name: str, *words: str):
            filled = [own.get(word, word.replace("FOLDER", own["FOLDER"])) for word in words]
            answers = name in DAEMONS or name.split(maxsplit=1)[0] in DAEMONS
            file = Checks(command, sqlite, tmp_path).configuration(
                nsx,
                nsx_sync__state_path=str(state),
                nsx_sync__control_socket=str(socket) if answers else "",
                DEFAULT__notify_nova_on_port_status_changes="false",
            )
            if name == "timeline":  # of what is written here
                assert command("sync", "once", "--config-file", str(file)).returncode == 0
            if not answers:
                return command(*name.split(), *filled, "--config-file", str(file))
            with answering(socket):
                return command(*name.split(), *filled, "--config-file", str(file))

        yield called


@pytest.mark.parametrize("form", READ)
@pytest.mark.parametrize("name", COMMANDS)
def test_each_format_can_be_read(run, name, form):
    """And has what the command is for."""
    words, field = COMMANDS[name]
    done = run(name, *words, "-f", form)
    found = READ[form](done.stdout)

    assert done.returncode in (0, 3), done.stderr
    if form == "table":
        assert any(field in line for line in done.stdout.splitlines())
    else:
        (first, *_) = found if isinstance(found, list) else [found]
        assert field in first
    assert "Traceback" not in done.stderr


def test_every_command_that_prints_is_tried():
    """Whoever registers another one adds it here."""
    registered = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]["networking_nsx.commands"]

    assert set(COMMANDS) == {name.replace("_", " ") for name in registered} - SILENT


def test_what_has_parts_is_json_in_a_cell(run):
    """A script can take it apart."""
    (line,) = READ["csv"](run("sync status", "-f", "csv").stdout)

    assert json.loads(line["last_sweep_counts"])["written"] == 0
    assert json.loads(line["managers"]) == ["http://nsx"]


def test_commas_and_quotes_stay_in_their_cell(run):
    """Whatever a person has written."""
    (line,) = READ["csv"](run("maintenance start", *MAINTENANCE, "-f", "csv").stdout)

    assert line["maintenance_reason"] == MAINTENANCE[-1]
