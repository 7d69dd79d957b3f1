"""What a bundle for a support case is made of, piece by piece. What cannot be had says why."""

import json
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import requests
from oslo_config import cfg

from networking_nsx import config
from networking_nsx.cli.check import checked
from networking_nsx.cli.redaction import HIDDEN
from networking_nsx.cli.working import Tell
from networking_nsx.config import Address, Settings, list_opts
from networking_nsx.maintenance_file import NAME as MAINTENANCE
from networking_nsx.serve.client import ask
from networking_nsx.serve.protocol import Command, Request

EVENTS = 2000  # rows of each table of the evidence, the last ones
TAIL = 2_000_000  # bytes of a log, the last ones
_ANSWER = 5_000_000  # bytes of an answer of the daemon
_PATIENCE = 5.0  # seconds
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing listens here


class Missing(Exception):
    """A piece that cannot be had; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Case:
    """What there is to make pieces of."""

    files: Sequence[str]
    conf: cfg.ConfigOpts | None  # None where the configuration cannot be read
    settings: Settings | None  # None where it cannot work
    trouble: str  # why not
    tell: Tell

    @property
    def usable(self) -> Settings:
        if self.settings is None:
            raise Missing(f"the configuration cannot work: {self.trouble}")
        return self.settings


Piece = Callable[[Case], str]


def _settings(case: Case) -> str:
    """Every option that is ours, as it is set; a secret only says that it is."""
    if case.conf is None:
        raise Missing(f"the configuration cannot be read: {case.trouble}")
    groups = {name: _options(case.conf[name], options) for name, options in list_opts()}
    groups["database"] = {"connection": case.conf.database.connection or ""}
    groups["DEFAULT"] = {name: str(case.conf[name]) for name in ("log_file", "log_dir", "debug")}
    return _json(groups)


def _options(group: Any, options: Iterable[cfg.Opt]) -> dict[str, Any]:
    return {option.dest: _value(group[option.dest], secret=option.secret) for option in options}


def _value(value: Any, *, secret: bool) -> Any:
    return HIDDEN if secret and value else value


def _versions(_case: Case) -> str:
    packages = {each.metadata["Name"]: each.version for each in distributions()}
    return _json(
        {
            "python": sys.version,
            "platform": platform.platform(),
            "packages": dict(sorted(packages.items())),
        }
    )


def _check(case: Case) -> str:
    found = checked(list(case.files), case.tell, config.load)
    return _json({"exit_code": found.code(), "lines": [line._asdict() for line in found.lines()]})


def _status(case: Case) -> str:
    return _json(ask(case.usable.control_socket, Request(Command.STATUS)))


def _page(path: str) -> Piece:
    def fetched(case: Case) -> str:
        address = case.usable.listen
        if address is None:
            raise Missing("[nsx_sync] listen is not set: the daemon serves nothing")
        url = f"http://{_reached(address)}{path}"
        with requests.Session() as session:
            session.trust_env = False  # no proxy between
            answer = session.get(url, timeout=_PATIENCE, stream=True)
            body = answer.raw.read(_ANSWER, decode_content=True).decode(errors="replace")
        return f"# {url}: {answer.status_code} {answer.reason}\n{body}"

    return fetched


def _reached(address: Address) -> Address:
    return address._replace(host=_ANYWHERE.get(address.host, address.host))


def _maintenance(case: Case) -> str:
    return _tail(_state(case, MAINTENANCE))


def _evidence(case: Case) -> str:
    """The last rows of each table, whatever its columns are: a line of JSON for each."""
    file = _state(case, "evidence.sqlite").absolute().as_uri()
    with closing(sqlite3.connect(f"{file}?mode=ro", uri=True)) as evidence:
        tables = evidence.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return "".join(
            line for (table,) in tables.fetchall() if table.isidentifier() for line in _rows(evidence, table)
        )


def _rows(evidence: sqlite3.Connection, table: str) -> Iterator[str]:
    found = evidence.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT ?", [EVENTS])  # nosec B608 # noqa: S608 - a name of its own
    names = [column[0] for column in found.description]
    for row in reversed(found.fetchall()):
        yield json.dumps({"table": table, **dict(zip(names, row, strict=True))}, default=repr) + "\n"


def _state(case: Case, name: str) -> Path:
    folder = case.usable.state_path
    if not folder:
        raise Missing("[nsx_sync] state_path is not set")
    file = Path(folder) / name
    if not file.exists():
        raise Missing(f"there is no {file}")
    return file


def _audit_log(case: Case) -> str:
    if not case.usable.audit_log:
        raise Missing("[nsx_sync] audit_log is not set")
    return _tail(Path(case.usable.audit_log))


def _log(case: Case) -> str:
    if case.conf is None:
        raise Missing(f"the configuration cannot be read: {case.trouble}")
    if not case.conf.log_file:
        raise Missing("[DEFAULT] log_file is not set: see the service's output, journalctl perhaps")
    return _tail(Path(case.conf.log_dir or "") / case.conf.log_file)


def _tail(file: Path) -> str:
    """The end of a file, from the beginning of a line on."""
    with file.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(0, size - TAIL))
        if size > TAIL:
            opened.readline()
        return opened.read(TAIL).decode(errors="replace")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str) + "\n"


PIECES: Mapping[str, tuple[str, Piece]] = {
    "settings.json": ("the settings", _settings),
    "versions.json": ("the versions", _versions),
    "status.json": ("what the daemon is doing", _status),
    "healthz.txt": ("its health", _page("/healthz")),
    "readyz.txt": ("whether it is ready", _page("/readyz")),
    "metrics.txt": ("its metrics", _page("/metrics")),
    "maintenance.json": ("a maintenance", _maintenance),
    "evidence.jsonl": ("the last writes and events", _evidence),
    "audit.jsonl": ("the end of the audit log", _audit_log),
    "daemon.log": ("the end of the log", _log),
    "check.json": ("what a check finds", _check),
}
