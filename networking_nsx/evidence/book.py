"""What is kept over restarts: a file of SQLite, of bounded size.

Promises: of each row the last `WRITES` writes are kept, the last `LOOKS` looks and other outcomes, and the
last `ANSWERS` of Nova; of what concerns no single row the last `EVENTS`; of all of it `ROWS`: the oldest go.
Several processes may write. A file that is damaged, or of another version, is set aside, never overwritten.
"""

import logging
import os
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from operator import itemgetter
from pathlib import Path

from networking_nsx.evidence.entry import LOOK, NOVA, WRITTEN, Entry
from networking_nsx.evidence.writer import Trouble
from networking_nsx.model import Verdict

FILE = "evidence.sqlite"
VERSION = 1  # of the schema

WRITES, LOOKS, ANSWERS = 10, 20, 10  # of each row
EVENTS = 10_000
ROWS = 2_000_000  # some 600 MB

_SPARE = 0.95  # of ROWS is left when it was exceeded: then there is time until the next time
_REMEMBERED = 200_000  # rows whose last look is known: one that says the same is not kept again
_BUSY = 5.0  # seconds for another process to end its transaction
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_LOG = logging.getLogger(__name__)

# What there may be so much of, of each row; the last shelf is of what concerns none.
_KEPT = (WRITES, LOOKS, ANSWERS, EVENTS)
_WRITES, _LOOKS, _ANSWERS, _EVENTS = range(4)
_SHELF = {verdict.value: _LOOKS for verdict in Verdict} | {WRITTEN: _WRITES, LOOK: _LOOKS, NOVA: _ANSWERS}

_SCHEMA = f"""
CREATE TABLE entries (seq INTEGER PRIMARY KEY, row INTEGER NOT NULL, shelf INTEGER NOT NULL,
    at REAL NOT NULL, what TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, old TEXT NOT NULL,
    new TEXT NOT NULL, path TEXT NOT NULL, word TEXT NOT NULL, seen_at REAL, by TEXT NOT NULL,
    sweep INTEGER, sweep_began REAL, why TEXT NOT NULL);
CREATE INDEX entries_of ON entries (row, shelf);
PRAGMA user_version = {VERSION};
"""
# In the order of the columns.
_INSERT = "INSERT INTO entries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PRUNE = """
DELETE FROM entries WHERE row = ?1 AND shelf = ?2 AND seq <=
    (SELECT seq FROM entries WHERE row = ?1 AND shelf = ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3)
"""
_TRIM = "DELETE FROM entries WHERE seq <= (SELECT seq FROM entries ORDER BY seq LIMIT 1 OFFSET ?)"


_Shelved = tuple[int, int, Entry]  # the number of its row, the shelf, and itself


class Book:
    """As `writer.Place`."""

    name = "evidence"

    def __init__(self, folder: str, rows: int = ROWS) -> None:
        self._file = Path(folder) / FILE
        self._most = rows
        self._database: sqlite3.Connection | None = None
        self._rows = 0  # in the file, but for what other processes have added since it was opened
        self._last: dict[int, int] = {}  # of each row, a hash of its last look

    def write(self, entries: Sequence[Entry]) -> None:
        new = [one for one in map(_shelved, entries) if self._is_new(one)]
        try:
            database = self._database = self._database or self._opened()
            self._write(database, new)
        except sqlite3.Error as error:
            self.close()
            self._judge(error)
            raise Trouble(f"[nsx_sync] state_path: {self._file}: {error}") from error
        except OSError as error:
            raise Trouble(f"[nsx_sync] state_path: {self._file}: {error.strerror or error}") from error
        self._remember(new)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _is_new(self, one: _Shelved) -> bool:
        """Not what a look has found before already: one in each sweep would hide all others."""
        row, shelf, entry = one
        return shelf != _LOOKS or self._last.get(row) != _said(entry)

    def _remember(self, new: Iterable[_Shelved]) -> None:
        if len(self._last) > _REMEMBERED:
            self._last.clear()
        for row, shelf, entry in new:
            if shelf == _LOOKS:
                self._last[row] = _said(entry)
            elif shelf == _WRITES:
                self._last.pop(row, None)

    def _write(self, database: sqlite3.Connection, new: Sequence[_Shelved]) -> None:
        # In the order of the index, which is quicker. The order of each row's entries stays.
        new = sorted(new, key=itemgetter(0))
        old = [(*one, _KEPT[one[1]]) for one in dict.fromkeys(one[:2] for one in new)]
        with database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(_INSERT, ((row, shelf, *entry) for row, shelf, entry in new))
            pruned = database.executemany(_PRUNE, old).rowcount
            self._rows += len(new) - pruned
            if self._rows > self._most:
                self._trim(database)

    def _trim(self, database: sqlite3.Connection) -> None:
        excess = _count(database) - int(self._most * _SPARE)
        if excess > 0:
            database.execute(_TRIM, (excess - 1,))
        self._rows = _count(database)

    def _opened(self) -> sqlite3.Connection:
        """Open the file, made if need be. Raises sqlite3.Error, OSError."""
        os.close(os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(self._file, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            if not _is_ours(database):
                database.close()
                self._set_aside("another version, or not ours")
                return self._opened()
            self._rows = _count(database)
        except BaseException:
            database.close()
            raise
        return database

    def _judge(self, error: sqlite3.Error) -> None:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
            self._set_aside(str(error))

    def _set_aside(self, reason: str) -> None:
        """Rename it, so that another one is begun. One is kept: the last."""
        aside = self._file.with_name(f"{FILE}.aside")
        _LOG.warning("%s is set aside as %s, and a new one begun: %s", self._file, aside.name, reason)
        for suffix in ("", "-wal", "-shm"):
            part = Path(f"{self._file}{suffix}")
            if part.exists():
                part.replace(f"{aside}{suffix}")


def _is_ours(database: sqlite3.Connection) -> bool:
    """Whether this version can write there; an empty file becomes so."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA wal_autocheckpoint = 4000")  # pages of 4 kB
    database.execute("PRAGMA synchronous = NORMAL")  # a power failure may cost the last entries, nothing else
    with database:
        database.execute("BEGIN IMMEDIATE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not version and not tables:
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            return True
    return bool(version == VERSION)


def _count(database: sqlite3.Connection) -> int:
    (count,) = database.execute("SELECT count(*) FROM entries").fetchone()
    return int(count)


def number_of(kind: str, row_id: str) -> int:
    """A row in 64 bits: an index of numbers is a quarter of one of ids."""
    return int.from_bytes(blake2b(f"{kind} {row_id}".encode(), digest_size=8).digest(), signed=True)


def _shelved(entry: Entry) -> _Shelved:
    return number_of(entry.kind, entry.id), _SHELF.get(entry.what, _EVENTS), entry


def _said(entry: Entry) -> int:
    return hash((entry.what, entry.old, entry.new, entry.path, entry.word, entry.why))
