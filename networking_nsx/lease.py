"""One active synchronizer per NSX on this machine: a file lock, which the kernel drops with its process."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from networking_nsx.errors import ConfigurationError, LeaseTaken


@contextmanager
def lease(managers: Sequence[str], folder: str = "") -> Iterator[None]:
    """Hold the lock of each manager of this NSX: whoever names but one of them is kept off as well.

    Raises LeaseTaken, or ConfigurationError when the folder does not serve.
    """
    with ExitStack() as held:
        for manager in sorted(set(managers)):
            held.enter_context(_lock(_path(manager, folder)))
        yield


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    try:
        file = open(path, "a+", opener=_unlinked)  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConfigurationError(f"[nsx_sync] lock_path: {error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise LeaseTaken(
                f"process {holder} synchronizes this NSX already ({path} is locked); end it first"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _unlinked(path: str, flags: int) -> int:
    """In a folder for temporary files somebody else may have laid a link to a file of ours."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _path(manager: str, folder: str) -> Path:
    name = hashlib.sha256(manager.encode()).hexdigest()[:16]
    return Path(folder or tempfile.gettempdir()) / f"neutron-nsx-{name}.lock"
