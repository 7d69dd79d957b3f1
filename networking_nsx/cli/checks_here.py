"""What can be checked here, without NSX: Neutron's database, files and folders, and the daemon that runs."""

import errno
import os
import socket
import stat
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from networking_nsx.assemble import only_one
from networking_nsx.clock import SystemClock
from networking_nsx.config import Address, Settings
from networking_nsx.errors import LeaseTaken, NotAcknowledged, StateError, StoreError
from networking_nsx.maintenance_file import memory
from networking_nsx.neutron import schema
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.nova import Silence
from networking_nsx.neutron.store import NeutronStore
from networking_nsx.nsx import checks
from networking_nsx.nsx.checks import Finding, fail, ok, skip, warn
from networking_nsx.serve.client import ask
from networking_nsx.serve.findings import time_of
from networking_nsx.serve.protocol import Command, Request

_FAR = 3  # intervals, and then some: a status that is older than that is worth a word
_SLACK = 5.0  # seconds


def _database(settings: Settings) -> Finding:
    database = engine(settings.connection)
    with ExitStack() as opened:
        opened.callback(database.dispose)
        doubts = schema.check(database)
    if doubts:
        return warn("; ".join(doubts), "run `neutron-db-manage upgrade heads`, or install the same Neutron")
    return ok("has Neutron's tables")


def _rows(settings: Settings) -> Finding:
    """Whether the rows can be read, and how many of them are ours to write."""
    database = engine(settings.connection)
    with ExitStack() as opened:
        opened.callback(database.dispose)
        store = NeutronStore(database, settings.scope, Silence(), SystemClock(threading.Event()))
        counted = {
            kind: Counter(row.facts.in_scope for row in store.recorded(kind)) for kind in settings.kinds
        }
    detail = "; ".join(
        f"{kind}: {in_scope.total()} rows, {in_scope[True]} in scope" for kind, in_scope in counted.items()
    )
    if not any(in_scope[True] for in_scope in counted.values()):
        return warn(detail, "see [nsx_sync] kinds, network_types, physical_networks and drivers")
    return ok(detail)


def _writes(settings: Settings) -> Finding:
    """Whether a synchronizer could write."""
    if settings.report_only:
        return skip("mode = report: nothing will be written")
    database = engine(settings.connection)
    with ExitStack() as opened:
        opened.callback(database.dispose)
        try:
            schema.check_writes(database)
        except StoreError as error:
            return fail(str(error), "give the account of [database] connection Neutron's own rights")
    return ok("takes them")


def _lease(settings: Settings) -> Finding:
    """Whether a synchronizer could take the lease of this NSX, or has it."""
    try:
        with only_one(settings):
            return ok("free")
    except LeaseTaken as taken:
        return ok(str(taken).partition(";")[0])


def _state_path(settings: Settings) -> Finding:
    """Whether what outlives the daemon can be kept, and whether a maintenance is kept there."""
    folder = settings.state_path
    if not folder:
        return skip("not set: what was written and why, and a maintenance, end with the process")
    try:
        _, maintenance = memory(folder)
    except StateError as error:
        return fail(str(error), "see [nsx_sync] state_path")
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail(
            f"{folder} cannot be written", "give it to the user of the daemon, and run this as that user"
        )
    if maintenance:
        until = f"{time_of(maintenance.until)}: {maintenance.reason}"
        return warn(f"a maintenance until {until}", "when it is over: neutron-nsx maintenance stop")
    return _private(Path(folder), "it has what only the daemon's user may change")


def _audit_log(settings: Settings) -> Finding:
    """Whether writes can be appended to the log of them."""
    if not settings.audit_log:
        return skip("not set: writes are told in the daemon's log only")
    file = Path(settings.audit_log)
    advice = "see [nsx_sync] audit_log; its folder must exist, and take files of the daemon's user"
    if file.exists() and not file.is_file():
        return fail(f"{file} is no file", advice)
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        return fail(f"{file} cannot be appended to", advice)
    return ok(f"{file} can be appended to")


def _control_socket(settings: Settings) -> Finding:
    """Whether a daemon could listen for commands, or does."""
    if not settings.control_socket:
        return skip("not set: a running daemon takes no commands")
    path = Path(settings.control_socket)
    advice = "see [nsx_sync] control_socket; its folder must exist, and belong to the daemon's user"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return fail(f"{path.parent} is no folder that can be written", advice)
    if path.exists() and not path.is_socket():
        return fail(f"{path} is no socket", advice)
    try:
        return ok(f"process {_status(settings)['process']} takes commands")
    except NotAcknowledged as error:
        if _is_held(settings):
            return warn(f"a synchronizer runs, but {error}", "restart it with the same configuration")
    return _private(path.parent, "whoever can change it could answer in the daemon's place")


def _private(folder: Path, why: str) -> Finding:
    """A word about a folder that others could change."""
    found = folder.stat()
    if found.st_uid != os.geteuid():
        return warn(
            f"{folder} belongs to user {found.st_uid}", f"run the daemon and this as its owner: {why}"
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX:
        return warn(f"{folder} can be written by others", f"chmod go-w {folder}: {why}")
    return ok(f"{folder} serves")


def _listen(settings: Settings) -> Finding:
    """Whether the daemon could serve its pages, or does."""
    if settings.listen is None:
        return skip("not set: no metrics, no health and no status page")
    trouble = _taken(settings.listen)
    if trouble is None:
        return ok(f"{settings.listen} is free")
    if trouble.errno == errno.EADDRINUSE and _is_held(settings):
        return ok(f"{settings.listen} is taken, and a synchronizer runs")
    return fail(
        f"{settings.listen}: {trouble.strerror or trouble}",
        "see [nsx_sync] listen: an address of this machine and a port of its own for each daemon",
    )


def _taken(address: Address) -> OSError | None:
    """Why nobody can listen there; None when somebody could."""
    try:
        (family, kind, _, _, where), *_ = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(where)
    except OSError as error:
        return error
    except UnicodeError as error:  # its name is none that could be looked up
        return OSError(str(error))
    return None


def _staleness(settings: Settings) -> Finding:
    """How old a status may be, as the running daemon has it."""
    if not settings.control_socket:
        return skip("control_socket is not set: the daemon cannot be asked")
    try:
        told = _status(settings)
    except NotAcknowledged:
        return skip("no daemon answers")
    interval, bound = settings.pacing.interval, told["bound"]
    if told["state"] != "running":
        return warn(f"the daemon is {told['state']}", "when that is no longer meant: neutron-nsx sync resume")
    if bound is None:
        return ok("no sweep has been completed yet")
    if bound > _FAR * interval + _SLACK:
        return warn(
            f"a status may be {bound} s old, with state_sync_interval = {interval}",
            "see neutron-nsx sync status for failures; else raise request_rate or state_sync_interval",
        )
    return ok(f"no status is older than {bound} s")


def _status(settings: Settings) -> dict[str, Any]:
    """What the daemon says. Raises NotAcknowledged."""
    return ask(settings.control_socket, Request(Command.STATUS))


def _is_held(settings: Settings) -> bool:
    """Whether a synchronizer of this NSX runs on this machine."""
    try:
        with only_one(settings):
            return False
    except LeaseTaken:
        return True


HERE: tuple[checks.Check[Settings], ...] = (
    checks.Check("database", _database),
    checks.Check("rows", _rows, ("database",)),
    checks.Check("writes", _writes, ("rows",)),
    checks.Check("lease", _lease),
    checks.Check("state_path", _state_path),
    checks.Check("audit_log", _audit_log),
    checks.Check("control_socket", _control_socket),
    checks.Check("listen", _listen),
    checks.Check("staleness", _staleness),
)
