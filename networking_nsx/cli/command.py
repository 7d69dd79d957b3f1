"""`neutron-nsx sync status | pause | resume | release`: commands to the running daemon."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cliff.columns import FormattableColumn

from networking_nsx import config
from networking_nsx.cli.arguments import add_files, add_kinds
from networking_nsx.cli.common import configured
from networking_nsx.cli.formats import One
from networking_nsx.model import Kind
from networking_nsx.serve.client import ask
from networking_nsx.serve.findings import time_of
from networking_nsx.serve.plain import plain
from networking_nsx.serve.protocol import Command, Request

_MOMENTS = {
    "started_at",
    "paused_since",
    "sweep_since",
    "last_sweep_at",
    "next_attempt_at",
    "maintenance_since",
    "maintenance_until",
}


class _ToDaemon(One):
    """Exit 0 when the daemon has acknowledged the command, 1 otherwise."""

    _command: Command

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        settings = config.settings(configured(parsed_args.config_file))
        kinds = tuple(map(Kind, getattr(parsed_args, "kind", None) or ()))
        told = ask(settings.control_socket, Request(self._command, kinds))
        return columns_of(told)


class Status(_ToDaemon):
    """What the running daemon is doing."""

    _command = Command.STATUS


class Pause(_ToDaemon):
    """No request and no write after the step at hand, until `sync resume` or a restart."""

    _command = Command.PAUSE


class Resume(_ToDaemon):
    """End a pause: a new sweep begins at once."""

    _command = Command.RESUME


class Release(_ToDaemon):
    """Write what the brake holds, in the next sweep: you have seen that NSX tells the truth."""

    _command = Command.RELEASE

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_kinds(parser)
        return parser


class _Counts(FormattableColumn[Any]):
    """For a person only those that are not 0."""

    def human_readable(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in _flat(self._value) if count)


def _flat(counts: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Those of kinds with their kind."""
    for name, count in counts.items():
        if isinstance(count, Mapping):
            yield from ((f"{name} {inner}", number) for inner, number in _flat(count))
        else:
            yield name, count


class _Names(FormattableColumn[Any]):
    def human_readable(self) -> str:
        return ", ".join(self._value)


def columns_of(told: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """What a daemon has answered."""
    return tuple(told), tuple(_shown(name, value) for name, value in told.items())


def _shown(name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        return plain(value)
    if name in _MOMENTS:
        return time_of(value)
    if isinstance(value, dict):
        return _Counts(value)
    return _Names(value) if isinstance(value, Sequence) else value
