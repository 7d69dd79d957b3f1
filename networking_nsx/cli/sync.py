"""`neutron-nsx sync run | once | key`."""

import argparse
import logging
import threading
from typing import Any

from cliff.command import Command
from cliff.show import ShowOne

from networking_nsx import config
from networking_nsx.assemble import only_one, reader, writer
from networking_nsx.cli.common import add_files, add_key, columns, configured, stopped_by_signals
from networking_nsx.cli.following import LogLines
from networking_nsx.cli.report import Report
from networking_nsx.model import Key, Kind
from networking_nsx.sync import punctual
from networking_nsx.sync.runner import Summary

DONE, FAILED, FROZEN = 0, 1, 4  # exit codes; 2 is wrong usage

_LOG = logging.getLogger(__name__)


class Run(Command):
    """Synchronize until SIGTERM, which ends it after the page at hand."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = configured(parsed_args.config_file)
        settings = config.settings(conf)
        if not settings.pacing.interval:
            _LOG.warning("[nsx_sync] state_sync_interval = 0: synchronization is disabled")
            return
        stop = stopped_by_signals()
        with only_one(settings), writer(conf, stop) as parts:
            managers, interval = ", ".join(settings.managers), settings.pacing.interval
            mode = ": report only, nothing is written" if settings.report_only else ""
            _LOG.info("synchronizing with %s (api %s) every %s s%s", managers, settings.api, interval, mode)
            parts.runner(LogLines(interval + settings.pacing.jitter)).run(stop.is_set)
        _LOG.info("stopped")


class Once(ShowOne):
    """Sweep until every suspicion is settled: exit 0; 1 if some cannot be; 4 while the brake holds."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        kinds = [kind.value for kind in Kind]
        parser.add_argument("--kind", choices=kinds, action="append", help="only this one; may be repeated")
        parser.add_argument("--dry-run", action="store_true", help="write nothing; list what would be")
        parser.add_argument(
            "--release",
            choices=kinds,
            action="append",
            default=[],
            help="write what the brake holds of this kind: you have seen that NSX tells the truth",
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        self._code = DONE
        super().run(parsed_args)
        return self._code

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = configured(parsed_args.config_file)
        if parsed_args.kind:
            conf.set_override("kinds", parsed_args.kind, "nsx_sync")
        stop = threading.Event()
        report = Report(config.settings(conf).pacing.interval)
        if parsed_args.dry_run:
            with reader(conf, stop) as parts:
                report.sweep(parts, parsed_args.release)
        else:
            with only_one(config.settings(conf)), writer(conf, stop) as parts:
                report.sweep(parts, parsed_args.release)
        self._code = _code_of(report.last)
        return report.columns()


def _code_of(last: Summary) -> int:
    if last.counts["held"]:
        return FROZEN
    if last.unsettled:
        _LOG.error("%d rows could not be settled: see above, and try again", last.unsettled)
        return FAILED
    return DONE


class KeyCommand(ShowOne):
    """Give one network, router or port the status that NSX has for it now."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_key(parser)
        add_files(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = configured(parsed_args.config_file)
        key = Key(Kind(parsed_args.kind), parsed_args.id)
        with writer(conf, threading.Event()) as parts:
            return columns(key, punctual.synchronize(key, parts.source, parts.store, parts.clock))
