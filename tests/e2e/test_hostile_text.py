"""What a hostile NSX writes is text, on a terminal and in a log."""

import re
from dataclasses import replace

import pytest
from line import vars_of

from networking_nsx.neutron.populate import populate
from networking_nsx.simulator import Simulator

# Clears the screen, begins a line that looks like one of ours, and turns the direction of what follows.
EVIL = rb"\\u001b[2J\\nFORGED\\u202e"  # as JSON has it, for re.sub


class Hostile(Simulator):
    """One whose paths and words try to be more than text."""

    def answer(self, request):
        answer = super().answer(request)
        body = re.sub(rb'("fabric_status_up": ?)true', rb'\1"%s"' % EVIL, answer.body)
        return replace(answer, body=re.sub(rb'("_href": ?")', rb"\1%s" % EVIL, body))


@pytest.fixture
def run(tmp_path, sqlite, command):
    """A command on such an NSX, in which a port of two has been made twice."""
    with Hostile(networks=1, ports=2) as nsx:
        populate(sqlite, [vars_of(item) for item in nsx.inventory()])
        port = nsx.inventory("port")[0].neutron_id
        nsx.create("port", ids=[port], status="up")
        file = tmp_path / "neutron.conf"
        file.write_text(
            "[DEFAULT]\nnotify_nova_on_port_status_changes = false\ndebug = true\n"
            f"[database]\nconnection = {sqlite.url}\n[nsx_sync]\nlock_path = {tmp_path}\n"
            f"[nsx]\nmanagers = {nsx.urls[0]}\npassword = admin\n"
        )
        yield lambda *words: command(
            *(port if word == "PORT" else word for word in words), "--config-file", str(file)
        )


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (("sync", "once"), "table"),
        (("sync", "once", "--dry-run"), "json"),
        (("show", "port", "PORT"), "table"),
        (("show", "port", "PORT"), "value"),
        (("diff",), "csv"),
        (("diff",), "value"),
        (("check",), "table"),
    ],
)
def test_nsx_writes_no_line_of_ours_and_commands_no_terminal(run, words, form):
    """Its text is there, for whoever looks, but only as text."""
    done = run(*words, "-f", form)
    told = done.stdout + done.stderr

    assert "FORGED" in told or words[0] == "check"
    assert not any(line.startswith("FORGED") for line in told.splitlines())
    assert [c for c in told if not c.isprintable() and c not in "\n\r"] == []
