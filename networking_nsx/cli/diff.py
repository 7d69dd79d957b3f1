"""`neutron-nsx diff`: all that differs between Neutron and NSX now."""

import argparse
import logging
import random
import threading
from collections.abc import Iterable
from typing import Any

from cliff.lister import Lister

from networking_nsx.assemble import reader
from networking_nsx.cli.arguments import add_files, add_kinds, count
from networking_nsx.cli.common import configured
from networking_nsx.cli.exits import Exit
from networking_nsx.cli.working import Followed, working
from networking_nsx.serve.plain import plain
from networking_nsx.sync.difference import Difference
from networking_nsx.sync.drift import Drift

LOOKS = 1000

_LOG = logging.getLogger(__name__)


class Diff(Lister):
    """List what differs between Neutron and NSX: exit 0 if nothing, 3 if something. Never writes."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        add_kinds(parser)
        parser.add_argument(
            "--looks",
            type=count,
            default=LOOKS,
            help=f"differences at most that are confirmed by direct reads (default: {LOOKS})",
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        self._code = Exit.DONE
        super().run(parsed_args)
        return self._code

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], Iterable[Any]]:
        conf = configured(parsed_args.config_file, parsed_args.kind)
        with reader(conf, threading.Event()) as parts, working("comparing") as tell:
            drift = Drift(
                Followed(parts.source, tell),
                parts.store,
                parts.clock,
                random.Random(),
                parts.settings.kinds,
                parsed_args.looks,
                warn=_LOG.warning,
            )
            found = [_plain(difference) for difference in drift.differences()]
        self._code = Exit.DIFFERS if found else Exit.DONE
        if not found:
            _LOG.info("nothing differs")
        return Difference._fields, found


def _plain(difference: Difference) -> tuple[str, ...]:
    """Without enumerations, which YAML would spell as Python objects."""
    return tuple(plain(str(value)) for value in difference)
