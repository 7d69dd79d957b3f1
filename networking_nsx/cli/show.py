"""`neutron-nsx show`: what Neutron says of a resource, what NSX says, and why."""

import argparse
import threading
from typing import Any

from networking_nsx.assemble import Parts, bindings, reader
from networking_nsx.cli.arguments import add_files, add_key
from networking_nsx.cli.common import columns, configured
from networking_nsx.cli.explaining import explained, remembered
from networking_nsx.cli.formats import One
from networking_nsx.errors import NsxError
from networking_nsx.model import Finding, Key, Kind
from networking_nsx.serve.findings import shown
from networking_nsx.sync import punctual


class Show(One):
    """Show one network, router or port in Neutron and on NSX, and why it is as it is. Never writes.

    Where NSX cannot be asked, all else is shown, and then the command fails.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_key(parser)
        add_files(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        self._error: NsxError | None = None
        code: int = super().run(parsed_args)
        if self._error:
            raise self._error
        return code

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = configured(parsed_args.config_file)
        key = Key(Kind(parsed_args.kind), parsed_args.id)
        with reader(conf, threading.Event()) as parts, bindings(parts.settings) as bound:
            finding = self._looked(key, parts)
            found = shown(key, finding)
            if found:
                found |= explained(key, finding, parts.source, bound)
                found |= remembered(key, parts.settings.state_path, parts.settings.control_socket)
        return columns(key, found)

    def _looked(self, key: Key, parts: Parts) -> Finding:
        try:
            return punctual.look(key, parts.source, parts.store)
        except NsxError as error:
            self._error = error
            rows = parts.store.rows([key])
            return Finding(rows[0] if rows else None, waits=f"NSX could not be asked: {error}")
