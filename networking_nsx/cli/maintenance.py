"""`neutron-nsx maintenance start | stop`: nothing gets worse while somebody works on NSX."""

import argparse
import threading
from typing import Any

from networking_nsx import config
from networking_nsx.cli import moments
from networking_nsx.cli.arguments import add_files
from networking_nsx.cli.command import columns_of
from networking_nsx.cli.common import configured
from networking_nsx.cli.formats import One
from networking_nsx.clock import SystemClock
from networking_nsx.config import Settings
from networking_nsx.errors import InMaintenance, LeaseTaken, NotAcknowledged
from networking_nsx.lease import lease
from networking_nsx.maintenance_file import memory
from networking_nsx.serve import maintenance
from networking_nsx.serve.client import ask
from networking_nsx.serve.protocol import Command, Request
from networking_nsx.sync.maintenance import Window, refusal

_Columns = tuple[tuple[str, ...], tuple[Any, ...]]


class _Maintenance(One):
    """Exit 0 when the daemon has acknowledged it, or the next start is going to know; 1 otherwise."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> _Columns:
        settings = config.settings(configured(parsed_args.config_file))
        return columns_of(_carried_out(self._request(parsed_args), settings))

    def _request(self, parsed_args: argparse.Namespace) -> Request:
        raise NotImplementedError


class Start(_Maintenance):
    """Begin a maintenance of NSX, or give the one at hand another end: until then no status gets worse."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--until", required=True, help=f"{moments.FORMS}; 7 days away at most")
        parser.add_argument("--reason", required=True, help="for whoever asks why no status gets worse")
        return parser

    def _request(self, parsed_args: argparse.Namespace) -> Request:
        until, reason = _end(parsed_args.until), parsed_args.reason
        why = refusal(until, reason, _now())
        if why:
            raise InMaintenance(f"--until {parsed_args.until}, --reason {reason!r}: {why}")
        return Request(Command.MAINTENANCE_START, until=until, reason=reason)


class Stop(_Maintenance):
    """End a maintenance now. A complete sweep verifies before anything gets worse."""

    def _request(self, parsed_args: argparse.Namespace) -> Request:  # noqa: ARG002 - it has none
        return Request(Command.MAINTENANCE_STOP)


def _end(text: str) -> float:
    seconds = moments.duration(text)
    until = moments.moment(text) if seconds is None else _now() + seconds
    if until is None:
        raise InMaintenance(f"--until {text!r}: give {moments.FORMS}")
    return until


def _now() -> float:
    return SystemClock(threading.Event()).now()


def _carried_out(request: Request, settings: Settings) -> dict[str, Any]:
    """By the daemon; where none runs it is noted for the next start. Raises NotAcknowledged, StateError."""
    try:
        return {"by": "the daemon", **ask(settings.control_socket, request)}
    except NotAcknowledged as unheard:
        if not settings.state_path:
            raise NotAcknowledged(
                f"{unheard}. Without [nsx_sync] state_path it cannot be noted for the next start, either"
            ) from unheard
        return {"by": "a note for the next start: no daemon runs", **_noted(request, settings, unheard)}


def _noted(request: Request, settings: Settings, unheard: NotAcknowledged) -> dict[str, Any]:
    """Note it, with the lease, so that no daemon has read the note before and overlooks it."""
    clock = SystemClock(threading.Event())
    try:
        with lease(settings.managers, settings.lock_path):
            kept, standing = memory(settings.state_path)
            window = Window(clock, threading.Lock(), kept, lambda *_: None, standing)
            return maintenance.carry_out(request, window, clock.now())
    except LeaseTaken as taken:
        raise NotAcknowledged(f"{unheard} ({taken.args[0].partition(';')[0]})") from unheard
