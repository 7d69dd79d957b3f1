"""`neutron-nsx timeline`: what happened to a resource, or on a host, in order of time."""

import argparse
import logging
import time
from collections.abc import Iterable
from typing import Any

from cliff.lister import Lister

from networking_nsx import config
from networking_nsx.assemble import bindings
from networking_nsx.cli import moments
from networking_nsx.cli.arguments import add_files
from networking_nsx.cli.common import configured
from networking_nsx.cli.explaining import told
from networking_nsx.errors import StoreError
from networking_nsx.evidence.entry import Entry
from networking_nsx.evidence.reading import evidence
from networking_nsx.model import Key, Kind

SINCE = "1d"

_LOG = logging.getLogger(__name__)


class Timeline(Lister):
    """List what was written and why, looks, answers of Nova, and what happened to the daemon. Asks no NSX."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("id", nargs="?", help="of a Neutron network, router or port")
        which.add_argument("--host", help="the ports that are bound to this host now")
        parser.add_argument(
            "--since",
            type=moment,
            default=SINCE,
            metavar="T",
            help="a time, as 2027-01-15T08:00 (UTC unless it says otherwise), or how long ago, as 90s, 30m, "
            f"2h, 1d12h; default: {SINCE}",
        )
        add_files(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], Iterable[Any]]:
        settings = config.settings(configured(parsed_args.config_file))
        keys = _keys(settings, parsed_args)
        with evidence(settings.state_path) as kept:
            found = kept.of(keys, parsed_args.since)
        if not found:
            _LOG.warning("nothing happened since %s that was noted", told(Entry(parsed_args.since, ""))["at"])
        return Entry._fields, [tuple(told(entry).values()) for entry in found]


def moment(text: str) -> float:
    """Seconds since the epoch, from an argument: a time that is over, or how long ago."""
    ago = moments.duration(text)
    at = moments.moment(text) if ago is None else max(0.0, time.time() - ago)
    if at is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time, as 2027-01-15T08:00, nor how long ago, as 2h"
        )
    if at > time.time():
        raise argparse.ArgumentTypeError(f"{text} is yet to come")
    return at


def _keys(settings: config.Settings, parsed_args: argparse.Namespace) -> list[Key]:
    if parsed_args.host is None:
        return [Key(kind, parsed_args.id) for kind in Kind]
    with bindings(settings) as bound:
        ports = bound.ports_on(parsed_args.host)
    if not ports:
        raise StoreError(f"Neutron has no port that is bound to host {parsed_args.host}")
    return ports
