"""The other end of the control socket: a command to a running daemon, and its answer."""

import os
import pwd
import socket
import stat
import time
from pathlib import Path
from typing import Any

from networking_nsx.errors import NotAcknowledged
from networking_nsx.serve.protocol import Misunderstood, Request, answer_from, line_of

PATIENCE = 5.0  # seconds
_LONGEST = 1 << 20  # bytes of an answer
_UNKNOWN = (
    "Whether the command is carried out is not known: see `neutron-nsx sync status`, and the daemon's log"
)
_START = "start `neutron-nsx sync run` with the same configuration"


def ask(path: str, request: Request, patience: float = PATIENCE) -> dict[str, Any]:
    """What the daemon at this socket answers. Raises NotAcknowledged, after so many seconds at the latest."""
    if not path:
        raise NotAcknowledged(
            "[nsx_sync] control_socket is not set: set it to a path in a folder of the daemon's user, "
            "and restart the daemon"
        )
    try:
        _check_owner(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
            return _result(path, _conversation(daemon, path, request, time.monotonic() + patience))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotAcknowledged(f"no daemon listens at {path} ([nsx_sync] control_socket): {_START}") from error
    except PermissionError as error:
        raise NotAcknowledged(f"{path}: {error.strerror}: run this as the user of the daemon") from error
    except (TimeoutError, BlockingIOError) as error:
        raise NotAcknowledged(f"no answer from {path} within {patience:g} s. {_UNKNOWN}") from error
    except OSError as error:
        raise NotAcknowledged(f"{path} ([nsx_sync] control_socket): {error}. {_UNKNOWN}") from error


def _check_owner(path: str) -> None:
    """Whoever else has made a socket there might answer anything."""
    found = Path(path).stat()
    if not stat.S_ISSOCK(found.st_mode):
        raise NotAcknowledged(f"{path} is no socket: see [nsx_sync] control_socket")
    if found.st_uid != os.geteuid():
        owner, me = _name(found.st_uid), _name(os.geteuid())
        raise NotAcknowledged(f"{path} belongs to {owner}, not to {me}: run this as {owner}")


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _conversation(daemon: socket.socket, path: str, request: Request, ends: float) -> bytes:
    """The line that it answers, or what came of it before it hung up. Raises OSError."""
    _allow(daemon, ends)
    daemon.connect(path)
    daemon.sendall(line_of(request))
    answer = b""
    while not answer.endswith(b"\n") and len(answer) < _LONGEST:
        _allow(daemon, ends)
        some = daemon.recv(65536)
        if not some:
            break
        answer += some
    return answer


def _allow(daemon: socket.socket, ends: float) -> None:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    daemon.settimeout(left)


def _result(path: str, line: bytes) -> dict[str, Any]:
    if not line:
        raise NotAcknowledged(f"the daemon at {path} hung up without an answer. {_UNKNOWN}")
    try:
        answer = answer_from(line)
    except Misunderstood as error:
        raise NotAcknowledged(f"the answer from {path} was {error}. {_UNKNOWN}") from error
    if answer.error:
        raise NotAcknowledged(f"the daemon at {path} refuses: {answer.error}")
    return answer.result
