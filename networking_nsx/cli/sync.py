"""`neutron-nsx sync run | once | key`."""

import argparse
import logging
import threading
from typing import Any

from cliff.command import Command
from prometheus_client import CollectorRegistry

from networking_nsx import config
from networking_nsx.assemble import daemon, only_one, writer
from networking_nsx.cli.arguments import add_files, add_key, add_kinds
from networking_nsx.cli.common import columns, configured, stop_on_signals
from networking_nsx.cli.exits import Exit
from networking_nsx.cli.following import LogLines
from networking_nsx.cli.formats import One
from networking_nsx.cli.report import Report
from networking_nsx.cli.working import Steps, working
from networking_nsx.clock import SystemClock
from networking_nsx.errors import NotAcknowledged, NotSettled
from networking_nsx.evidence.journal import KEY, journal
from networking_nsx.meters import Answers
from networking_nsx.metrics import Metrics
from networking_nsx.model import Key, Kind
from networking_nsx.serve.client import ask
from networking_nsx.serve.daemon import Followers, serve
from networking_nsx.serve.findings import shown
from networking_nsx.serve.protocol import Command as Asked
from networking_nsx.serve.protocol import Request
from networking_nsx.sync import punctual
from networking_nsx.sync.runner import Several, Summary

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
        stop = threading.Event()
        stops = [stop.set]
        stop_on_signals(stops)
        metrics = Metrics(CollectorRegistry())
        # The journal ends last: Nova answers until the daemon's own end.
        with (
            only_one(settings),
            journal(settings.state_path, settings.audit_log) as kept,
            daemon(conf, stop, [kept.nova, Answers(metrics.series, SystemClock(stop))], metrics) as parts,
        ):
            serve(parts, Followers(_log_lines(settings), metrics, kept), stop, stops)
        _LOG.info("stopped")


def _log_lines(settings: config.Settings) -> LogLines:
    interval = settings.pacing.interval + settings.pacing.jitter
    return LogLines(interval, controlled=bool(settings.control_socket))


class Once(One):
    """Sweep until every suspicion is settled: exit 0; 1 if some cannot be; 4 if some may not be yet."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        add_kinds(parser)
        parser.add_argument("--dry-run", action="store_true", help="write nothing; list what would be")
        parser.add_argument(
            "--release",
            choices=[kind.value for kind in Kind],
            action="append",
            default=[],
            help="write what the brake holds of this kind: you have seen that NSX tells the truth",
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        self._code = Exit.DONE
        super().run(parsed_args)
        return self._code

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = configured(parsed_args.config_file, parsed_args.kind)
        stop = threading.Event()
        settings = config.settings(conf)
        report = Report(settings.pacing.interval)
        if parsed_args.dry_run:
            with writer(conf, stop, rehearses=True) as parts, working("rehearsing") as tell:
                report.sweep(parts, Several(report, Steps(tell)), parsed_args.release, verifies=False)
        else:
            with (
                only_one(settings),
                journal(settings.state_path, settings.audit_log) as kept,
                writer(conf, stop, [kept.nova]) as parts,
                working("sweeping") as tell,
            ):
                listener = Several(report, Steps(tell), kept.sweeps("sync once"))
                report.sweep(parts, listener, parsed_args.release, verifies=not parsed_args.kind)
        self._code = _code_of(report.last)
        return report.columns()


def _code_of(last: Summary) -> Exit:
    if last.counts["deferred"]:
        _LOG.warning("a maintenance defers %d changes: see neutron-nsx maintenance", last.counts["deferred"])
    if last.counts["held"] or last.counts["deferred"]:
        return Exit.HELD
    if last.unsettled:
        _LOG.error("%d rows could not be settled: see above, and try again", last.unsettled)
        return Exit.FAILED
    return Exit.DONE


class KeyCommand(One):
    """Give one network, router or port the status that NSX has for it now."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_key(parser)
        add_files(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = configured(parsed_args.config_file)
        key = Key(Kind(parsed_args.kind), parsed_args.id)
        settings = config.settings(conf)
        found = _by_the_daemon(key, settings.control_socket)
        if found is not None:
            return columns(key, found)
        with (
            journal(settings.state_path, settings.audit_log) as kept,
            writer(conf, threading.Event(), [kept.nova]) as parts,
        ):
            finding = punctual.synchronize(key, parts.source, parts.store, parts.clock)
            kept.note(KEY, findings={key: finding}, outcomes=(finding.outcome,) if finding.outcome else ())
            return columns(key, shown(key, finding))


def _by_the_daemon(key: Key, path: str) -> dict[str, Any] | None:
    """What a running daemon has found; None where none answers. Raises NotSettled."""
    if not path:
        return None
    try:
        told = ask(path, Request(Asked.KEY, (key.kind,), key.id))
    except NotAcknowledged as error:
        _LOG.info("looking at it without the daemon: %s", error)
        return None
    found: dict[str, Any] | None = told["found"]
    if found is None or (found and found["nsx"] is None and told["waits"]):
        raise NotSettled(
            f"{key.kind} {key.id} is not settled yet: {told['waits']}. The daemon goes on with it"
        )
    return found
