"""The audit log: every status write as a line of JSON, in a file that may be moved away at any time."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from networking_nsx.evidence.entry import LOST, WRITTEN, Entry
from networking_nsx.evidence.writer import Trouble, is_moved

VERSION = 1  # of the fields; a field is only ever added
# A pipe that nobody reads is an error at once, and none that waits.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
_MODE = 0o640  # a log collector's group may read it
_TOLD = (WRITTEN, LOST)
_MOMENTS = ("at", "seen_at", "sweep_began")


class AuditLog:
    """As `writer.Place`. Several processes may append."""

    name = "audit log"

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._torn = False  # the disk was full in the middle of a line
        self._after = 0  # entries of the batch at hand that are in the file already

    def write(self, entries: Sequence[Entry]) -> None:
        lines = [_line(entry) for entry in entries if entry.what in _TOLD][self._after :]
        if not lines:
            return
        try:
            self._append(lines)
        except OSError as error:
            raise Trouble(f"[nsx_sync] audit_log = {self._path}: {error.strerror or error}") from error
        self._after = 0

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, lines: Sequence[bytes]) -> None:
        """Append them all, or remember how many of them are in the file."""
        file = self._opened()
        data = (b"\n" if self._torn else b"") + b"".join(lines)
        done = 0
        try:
            while done < len(data):
                done += os.write(file, data[done:])
        finally:
            written = data[:done]
            self._after += max(0, written.count(b"\n") - self._torn)
            self._torn = not written.endswith(b"\n") if written else self._torn

    def _opened(self) -> int:
        """The file that the path names now: logrotate moves it away, and a new one is begun."""
        if self._file is not None and is_moved(Path(self._path), os.fstat(self._file)):
            self.close()
            self._torn = False
        if self._file is None:
            self._file = os.open(self._path, _FLAGS, _MODE)
        return self._file


def audited(entry: Entry) -> dict[str, Any]:
    """The fields of a line."""
    fields = entry._asdict()
    fields.update({name: moment_of(fields[name]) for name in _MOMENTS})
    return {"version": VERSION, **fields, "process": os.getpid()}


@lru_cache(maxsize=64)  # many writes have the same ones
def moment_of(seconds: float | None) -> str | None:
    return (
        None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    )


def _line(entry: Entry) -> bytes:
    # ASCII, so that NSX's words neither break a line nor command a terminal.
    return json.dumps(audited(entry), separators=(",", ":")).encode() + b"\n"
