"""The file of a Unix socket: reachable by its owner alone from its first moment, and gone at the end.

A file that a dead process has left is replaced, one of a living process never.
"""

import fcntl
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from networking_nsx.errors import ConfigurationError

_BACKLOG = 128  # clients that wait to be taken; one more is refused, whatever its patience
_LONGEST = 107  # bytes of a path at which a socket can be reached
_CREDENTIALS = struct.Struct("3i")  # process, user, group


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket that listens at this path until the end of the block. Raises ConfigurationError."""
    if len(os.fsencode(path)) > _LONGEST:
        raise ConfigurationError(
            f"[nsx_sync] control_socket: {path} has more than the {_LONGEST} bytes of a socket's path"
        )
    with ExitStack() as opened:
        try:
            server = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            inode = _publish(server, path)
        except OSError as error:
            raise ConfigurationError(f"[nsx_sync] control_socket: {path}: {error}") from error
        opened.callback(_remove, path, inode)
        yield server


def peer(connected: socket.socket) -> int:
    """The process at the other end: who listened, or who connected."""
    options = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process: int = _CREDENTIALS.unpack(options)[0]
    return process


def _publish(server: socket.socket, path: Path) -> int:
    """Bind where nobody else may look, then move to the path. The umask is the process's: it stays."""
    with TemporaryDirectory(prefix=".", dir=path.parent) as folder:
        hidden = Path(folder) / "s"
        server.bind(str(hidden))
        hidden.chmod(0o600)
        server.listen(_BACKLOG)
        inode = hidden.stat().st_ino
        with _alone_in(path.parent):
            _refuse_to_replace(path)
            hidden.replace(path)
    return inode


def _refuse_to_replace(path: Path) -> None:
    """Unless nothing is there but what a dead process left."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigurationError(f"[nsx_sync] control_socket: {path} is no socket; name a file of its own")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return
        except BlockingIOError:  # so many wait for it that one more cannot
            holder = "a process that does not answer"
        else:
            holder = f"process {peer(probe)}"
    raise ConfigurationError(
        f"[nsx_sync] control_socket: {path} belongs to {holder}: each daemon needs a socket of its own"
    )


def _remove(path: Path, inode: int) -> None:
    """Unless it is another one by now."""
    with suppress(OSError), _alone_in(path.parent):
        if path.lstat().st_ino == inode:
            path.unlink()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """No other daemon looks whether it may replace a socket in this folder meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
