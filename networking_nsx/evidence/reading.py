"""What was kept, read by a command: while a daemon writes it, or after it has ended."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from networking_nsx.evidence.book import FILE, VERSION, WRITES, number_of
from networking_nsx.evidence.entry import WRITTEN, Entry
from networking_nsx.model import Key

_FIELDS = ", ".join(Entry._fields)
_AT_ONCE = 500  # rows in one statement
_BUSY = 5.0  # seconds


class Unreadable(Exception):
    """Nothing can be told of what was written; the message says why and what to do."""


class Evidence:
    """An evidence file, open for reading. Raises Unreadable."""

    def __init__(self, database: sqlite3.Connection, file: Path) -> None:
        self._database = database
        self._file = file

    def writes(self, key: Key) -> list[Entry]:
        """The last writes of a row, the newest first."""
        where = f"row = ? AND what = '{WRITTEN}' ORDER BY seq DESC LIMIT {WRITES}"
        return self._selected(where, (number_of(key.kind.value, key.id),))

    def of(self, keys: Sequence[Key], since: float) -> list[Entry]:
        """What is known of these rows since then, and of what concerns no single row; in order of time."""
        rows = [number_of("", ""), *(number_of(key.kind.value, key.id) for key in keys)]
        found = []
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            found += self._selected(
                f"row IN ({', '.join('?' * len(some))}) AND at >= ? ORDER BY seq", (*some, since)
            )
        return sorted(found, key=lambda entry: entry.at)

    def _selected(self, where: str, values: Sequence[Any]) -> list[Entry]:
        try:
            return [
                Entry(*row)
                for row in self._database.execute(
                    f"SELECT {_FIELDS} FROM entries WHERE {where}",  # nosec B608 # noqa: S608 - constants and marks
                    values,
                )
            ]
        except sqlite3.Error as error:
            raise Unreadable(f"{self._file}: {error}; the daemon sets a damaged file aside") from error


@contextmanager
def evidence(state_path: str) -> Iterator[Evidence]:
    """What is kept in this folder. Raises Unreadable."""
    if not state_path:
        raise Unreadable(
            "[nsx_sync] state_path is not set: set it to a folder of the daemon's user, and restart the "
            "daemon; what is written from then on is kept there"
        )
    file = Path(state_path) / FILE
    with closing(_opened(file)) as database:
        yield Evidence(database, file)


def _opened(file: Path) -> sqlite3.Connection:
    try:
        if not file.exists():
            raise Unreadable(f"{file} ([nsx_sync] state_path) does not exist: nothing was written there yet")
        database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY)
        (version,) = database.execute("PRAGMA user_version").fetchone()
    except PermissionError as error:
        raise Unreadable(f"{file}: {error.strerror}: run this as the user of the daemon") from error
    except sqlite3.Error as error:
        raise Unreadable(f"{file}: {error}: run this as the user of the daemon") from error
    if version != VERSION:
        database.close()
        raise Unreadable(f"{file} is of version {version}, not {VERSION}: written by another release")
    return database
