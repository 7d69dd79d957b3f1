"""The control socket: a real one, with clients of every kind."""

import json
import logging
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from worlds import Heart, World, no_window

from networking_nsx.errors import ConfigurationError, NotAcknowledged
from networking_nsx.serve.board import Board
from networking_nsx.serve.client import ask
from networking_nsx.serve.control import PATIENCE, control
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.protocol import Command, Request
from networking_nsx.sync.settle import Schedule

STATUS, PAUSE = Request(Command.STATUS), Request(Command.PAUSE)
ME = os.geteuid()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.socket"


@pytest.fixture
def desk():
    world = World(port=1)
    heart = Heart(world)
    schedule = Schedule(world, threading.Lock())
    return Desk({"api": "mh"}, Board(world, heart.canary), heart.brake, world, schedule, no_window(world))


@pytest.fixture
def served(path, desk):
    with control(str(path), desk):
        yield path


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(10)
    client.connect(str(path))
    return client


def said(path: Path, line: bytes) -> bytes:
    """The whole answer to a line."""
    with connected(path) as client:
        client.sendall(line)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_command_is_answered(served):
    """What the desk says."""
    assert ask(str(served), STATUS)["state"] == "running"


def test_a_pause_is_answered_when_the_step_has_ended(served, desk):
    """So that who has asked knows that NSX is left alone."""
    runner = threading.Thread(target=lambda: (desk.wait(60), desk.enter()))
    runner.start()
    told = ask(str(served), PAUSE)
    ask(str(served), Request(Command.RESUME))
    runner.join(10)

    assert told["state"] == "paused"


def test_a_pause_during_a_long_step_is_acknowledged_in_time(served):
    """As pausing."""
    assert ask(str(served), PAUSE)["state"] == "pausing"


def test_only_the_owner_reaches_it(served):
    """Mode 0600, whatever the umask."""
    assert stat.S_IMODE(served.stat().st_mode) == 0o600
    assert served.stat().st_uid == ME


def test_it_is_never_open_to_others_and_leaves_nothing_behind(path, desk):
    """It is made in a folder of its own, whose name is gone when the socket is there; then the file, too."""
    before = os.umask(0)
    try:
        with control(str(path), desk):
            files = list(path.parent.iterdir())
            mode = stat.S_IMODE(path.stat().st_mode)
    finally:
        os.umask(before)

    assert (files, mode) == ([path], 0o600)
    assert list(path.parent.iterdir()) == []


def test_without_a_path_nothing_is_served(desk):
    """The default."""
    with control("", desk):
        assert not [thread for thread in threading.enumerate() if thread.name == "control"]


@pytest.mark.parametrize("line", [b"hello\n", b"\n", b"{}\n", b"\xff\n", b"[" * 60000 + b"\n"])
def test_garbage_is_answered_and_forgotten(served, line):
    """One line that says why; the next client is served."""
    answer = json.loads(said(served, line))

    assert answer["error"].startswith("not understood")
    assert ask(str(served), STATUS)["state"] == "running"


def test_a_megabyte_is_cut_off(served):
    """At the longest line that is read."""
    with connected(served) as client, pytest.raises(OSError, match=r"Broken pipe|reset"):
        client.sendall(b"x" * 10 * (1 << 20))
    assert ask(str(served), STATUS)["state"] == "running"


def test_whoever_hangs_up_in_the_middle_costs_nothing(served):
    """Before, during and after a command; nothing is carried out by half a line."""
    connected(served).close()
    for line in (b'{"version": 1, "comm', b'{"version": 1, "command": "pause"}', b'{"version": 1'):
        with connected(served) as client:
            client.sendall(line)
    with connected(served) as client:
        client.sendall(b'{"version": 1, "command": "status"}\n')

    assert ask(str(served), STATUS)["state"] == "running"


def test_clients_that_send_nothing_keep_nobody_waiting(served):
    """They are cut off after a while, and the next one after them is answered at once."""
    silent = [connected(served) for _ in range(10)]
    began = time.monotonic()
    ask(str(served), STATUS)
    took = time.monotonic() - began
    ends = [client.recv(1) for client in silent]
    for client in silent:
        client.close()

    assert took < 5 * PATIENCE  # not one after the other
    assert ends == [b""] * 10


def test_a_crowd_is_bounded_and_passes(served):
    """Of very many clients that send nothing some are turned away at once; all is well when they are gone."""
    crowd = [connected(served) for _ in range(40)]
    for client in crowd:
        assert client.recv(1) == b""
        client.close()

    assert ask(str(served), STATUS)["state"] == "running"


def test_a_client_that_does_not_listen_is_cut_off(served):
    """It costs nobody anything."""
    with connected(served) as client:
        client.sendall(b'{"version": 1, "command": "status"}\n')
        assert ask(str(served), STATUS)["state"] == "running"


def test_the_end_does_not_wait_for_a_silent_client(path, desk):
    """Nor warns of it."""
    with control(str(path), desk):
        client = connected(path)
        ask(str(path), STATUS)
        began = time.monotonic()

    with client:
        assert time.monotonic() - began < PATIENCE
        assert not path.exists()


def test_the_file_of_a_dead_daemon_is_replaced(path, desk):
    """It died without removing it."""
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.bind({str(path)!r}); s.listen()"
    subprocess.run([sys.executable, "-c", code], check=False)
    left = path.exists()
    with control(str(path), desk):
        assert ask(str(path), STATUS)["state"] == "running"

    assert left
    assert not path.exists()


def test_the_file_of_a_living_daemon_is_never_replaced(served, desk):
    """The second one is told who has it, and the first one goes on."""
    with (
        pytest.raises(ConfigurationError, match=f"control_socket: .* belongs to process {os.getpid()}"),
        control(str(served), desk),
    ):
        pass

    assert ask(str(served), STATUS)["state"] == "running"
    assert list(served.parent.iterdir()) == [served]


def test_a_living_daemon_that_does_not_accept_is_not_replaced_either(path, desk):
    """Its queue is full: it is alive all the same."""
    with socket.socket(socket.AF_UNIX) as stuck, socket.socket(socket.AF_UNIX) as first:
        stuck.bind(str(path))
        stuck.listen(0)
        first.connect(str(path))
        with pytest.raises(ConfigurationError, match="does not answer"), control(str(path), desk):
            pass


def test_a_file_that_is_no_socket_is_left_alone(path, desk):
    """A wrong path must not cost a file."""
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match="is no socket"), control(str(path), desk):
        pass

    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["none/control.socket", "x" * 120])
def test_a_path_that_does_not_serve_is_named(tmp_path, desk, name):
    """With the option."""
    with (
        pytest.raises(ConfigurationError, match=r"\[nsx_sync\] control_socket: .*(none|xxx)"),
        control(str(tmp_path / name), desk),
    ):
        pass


def test_a_socket_that_another_one_has_made_meanwhile_is_left_alone(path, desk):
    """Somebody removed ours and made a new one: the end removes only its own."""
    with control(str(path), desk), socket.socket(socket.AF_UNIX) as other:
        path.unlink()
        other.bind(str(path))

    assert path.exists()


def refused(path: Path | str, patience: float = 5.0) -> str:
    with pytest.raises(NotAcknowledged) as error:
        ask(str(path), STATUS, patience)
    return str(error.value)


def test_who_asks_without_a_socket_is_told_to_set_one():
    """By the option's name."""
    assert "[nsx_sync] control_socket is not set" in refused("")


def test_who_asks_where_no_daemon_listens_is_told_so(path):
    """No file, or one that a dead daemon has left: how to start one."""
    absent = refused(path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    assert absent == refused(path)
    assert str(path) in absent
    assert "sync run" in absent


def test_a_daemon_that_does_not_answer_is_given_up(path):
    """After as long as it was given; what became of the command is unknown."""
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.bind(str(path))
        stuck.listen()
        began = time.monotonic()
        told = refused(path, 0.3)

    assert time.monotonic() - began < 30
    assert f"no answer from {path} within 0.3 s" in told
    assert "not known" in told


def test_a_daemon_that_answers_byte_by_byte_is_given_up(path):
    """The seconds are those of the whole conversation."""
    with answering(path, *[b" "] * 40, pause=0.05):
        assert "within 0.3 s" in refused(path, 0.3)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "hung up"),
        (b"hello\n", "not understood"),
        (b'{"version": 9}\n', "version 9"),
        (b'{"version": 1, "error": "no"}\n', "refuses: no"),
        (b'{"version": 1, "resu', "not understood"),
        (b"x" * (1 << 21), "not understood"),
    ],
)
def test_an_answer_that_is_none_is_told(path, answer, told):
    """With the socket's name."""
    with answering(path, answer):
        message = refused(path)

    assert told in message
    assert str(path) in message


@pytest.mark.skipif(ME != 0, reason="only root can give a file away")
def test_a_socket_of_somebody_else_is_not_trusted(served):
    """Nor asked."""
    os.chown(served, 65534, -1)

    assert "belongs to nobody, not to root" in refused(served)


def test_what_is_no_socket_is_not_asked(path):
    """A wrong path in the configuration."""
    path.write_text("")

    assert "is no socket" in refused(path)


def test_commands_are_logged(served, caplog):
    """By the daemon."""
    caplog.set_level(logging.INFO, "networking_nsx")
    ask(str(served), PAUSE)

    assert [message for message in caplog.messages if message.startswith("command pause: ")]


@contextmanager
def answering(path: Path, *pieces: bytes, pause: float = 0.0) -> Iterator[None]:
    """A daemon that says this to its first client, whatever it is asked."""

    def answer() -> None:
        client, _ = server.accept()
        with client, suppress(OSError):
            client.recv(65536)
            for piece in pieces:
                client.sendall(piece)
                time.sleep(pause)

    thread = threading.Thread(target=answer)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread.start()
        yield
        thread.join(10)
