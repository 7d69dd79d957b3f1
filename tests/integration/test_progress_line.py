"""What takes long tells a person how far it is, and nobody else."""

import os
import pty
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import pytest
from checking import Checks, simulated

LONG = {
    "check": ((), "checking: "),
    "diff": ((), "comparing: "),
    "sync once": ((), "sweeping: "),
    "bundle": (("--output", "{folder}/bundle.tar.gz"), "gathering: "),
}


class Terminal:
    """A terminal, with all that was written to it."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self.file = os.fdopen(theirs, "w", buffering=1)
        self._shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def close(self) -> str:
        self.file.close()
        self._reader.join(30)
        os.close(self._ours)
        return self._shown.decode()

    def _read(self) -> None:
        try:
            while some := os.read(self._ours, 65536):
                self._shown += some
        except OSError:  # its last writer has gone
            return


@contextmanager
def looked_at() -> Iterator[list[str]]:
    """Standard error is a terminal; afterwards the list has what it showed."""
    shown: list[str] = []
    terminal = Terminal()
    try:
        with redirect_stderr(terminal.file):
            yield shown
    finally:
        shown.append(terminal.close())


@pytest.fixture
def run(command, sqlite, tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "300")  # nobody has told the terminal how wide it is
    with simulated(sqlite) as nsx:
        file = Checks(command, sqlite, tmp_path).configuration(
            nsx, DEFAULT__notify_nova_on_port_status_changes="false"
        )
        yield lambda name: command(
            *name.split(),
            *(word.format(folder=tmp_path) for word in LONG[name][0]),
            *("--config-file", str(file), "-f", "json"),
        )


@pytest.mark.parametrize("name", LONG)
def test_a_person_sees_how_far_it_is(run, name):
    """On a line that goes away; the result is what it is for everybody."""
    with looked_at() as shown:
        done = run(name)

    assert LONG[name][1] in shown[0]
    assert "\x1b[2K" in shown[0]  # the line is cleared
    assert done.stdout.startswith(("[", "{"))


@pytest.mark.parametrize("name", LONG)
def test_nobody_else_does(run, name):
    """A log, a pipe or a mail has no such lines."""
    done = run(name)

    assert done.stdout.startswith(("[", "{"))
    assert LONG[name][1].strip(": ") + ": " not in done.stderr
    assert "\x1b" not in done.stderr


def test_the_log_stays_readable(run):
    """Its lines stand above, each on its own, and are as many as without a person."""
    with looked_at() as shown:
        run("sync once")

    (line,) = [line for line in shown[0].splitlines() if "sweep done: " in line]
    assert "observed" in line
