"""What it takes to run a real server for tests: its program, its user, a folder, a port."""

import os
import pwd
import shutil
import socket
import tempfile
from pathlib import Path

import pytest


def program(name: str, *folders: Path) -> str | None:
    """Where this program is; servers are not on everybody's path."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", *map(str, folders)])
    return shutil.which(name, path=path)


def needed(name: str, *folders: Path) -> str:
    """Where this program is. Without it the test is skipped, with the reason; under `CI=true` it fails."""
    found = program(name, *folders)
    if found:
        return found
    reason = f"{name} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run_as(user: str, folder: Path) -> list[str]:
    """Run as this user, as servers refuse to run as root, and die with the thread that started it.

    Temporary files go into the folder: a MariaDB that starts deletes those of any other in the same place.
    """
    command = ["env", f"TMPDIR={folder}", "setpriv", "--pdeathsig", "TERM"]
    if os.geteuid() != 0:
        return command
    return [*command, "--reuid", user, "--regid", user, "--init-groups"]


def folder_of(user: str, name: str) -> Path:
    """Make a folder that this user may write; pytest's own are closed to others."""
    # Short, as a socket's path may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix=f"nsx-{name}-", dir="/tmp"))
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def free_port() -> tuple[socket.socket, int]:
    """Take a free port, which nobody but a server that is told to listen there gets while the socket is open.

    Linux shares a port between sockets that allow its reuse, as those of servers do, if at most one listens;
    it gives such a port to nobody who asks for any.
    """
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", 0))
    return taken, taken.getsockname()[1]
