"""`neutron-nsx simulator` before it serves: what it refuses, and how it says so."""

import os
import subprocess
import sys

import pytest

from networking_nsx.cli.simulator import SimulatorCommand
from networking_nsx.errors import ConfigurationError

WITHOUT_EXTRA = """
from networking_nsx.cli.simulator import SimulatorCommand
from networking_nsx.errors import ConfigurationError
command = SimulatorCommand(None, None)
try:
    command.take_action(command.get_parser("simulator").parse_args([]))
except ConfigurationError as error:
    print(error)
"""


@pytest.fixture
def command():
    return SimulatorCommand(None, None)


@pytest.mark.parametrize("address", ["127.0.0.1:70000", "127.0.0.1:high", "127.0.0.1:²", "nonsense", ":80"])
def test_a_bad_address_is_refused_by_name(command, address):
    """A port beyond 65535 as well."""
    words = command.get_parser("simulator").parse_args(["--listen", address])

    with pytest.raises(ConfigurationError, match="--listen"):
        command.take_action(words)


@pytest.mark.parametrize(("number", "complaint"), [("x", "'x' is no number"), ("-1", "must not be negative")])
def test_a_bad_number_is_refused_by_name(command, number, complaint, capsys):
    """In words, not in the name of a function."""
    with pytest.raises(SystemExit):
        command.get_parser("simulator").parse_args(["--ports", number])

    assert f"argument --ports: {complaint}" in capsys.readouterr().err


def test_packages_that_are_not_installed_are_asked_for(tmp_path):
    """The simulator is an extra: the message says how to install it."""
    (tmp_path / "cheroot.py").write_text("raise ImportError('no cheroot here')\n")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "pip install 'networking-nsx[simulator]'" in done.stdout, done.stderr


@pytest.mark.parametrize("number", ["x", "-1", "nan", "inf"])
def test_a_bad_delay_is_refused_by_name(command, number, capsys):
    """Whatever is no number of seconds."""
    with pytest.raises(SystemExit):
        command.get_parser("simulator").parse_args(["--index-delay", number])

    assert "argument --index-delay" in capsys.readouterr().err


def test_both_apis_can_be_asked_for(command):
    """As they can from Python."""
    words = command.get_parser("simulator").parse_args(["--api", "both", "--runtime-delay", "0.5"])

    assert (words.api, words.runtime_delay) == ("both", 0.5)
