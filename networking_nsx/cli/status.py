"""`neutron-nsx status`: how many rows have which status, by host, segment or project. NSX is not asked."""

import argparse
import threading
from typing import Any

from cliff.lister import Lister

from networking_nsx.assemble import reader
from networking_nsx.cli.arguments import add_files
from networking_nsx.cli.common import configured
from networking_nsx.model import Kind, Status
from networking_nsx.neutron.census import KINDS, By, Group
from networking_nsx.serve.plain import plain

_WORDS = (*(status.value for status in Status), "BUILD", "ALLOCATING")
_COLUMNS = ("kind", "id", "name", *(status.value.lower() for status in Status), "other", "total")


class StatusCommand(Lister):
    """Count rows by status, worst first: where is it that ports are down? From Neutron's database only."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        parser.add_argument(
            "--by",
            choices=[by.value for by in By],
            default=By.HOST.value,
            help="what rows have in common; by project networks and routers are counted, too (default: host)",
        )
        parser.add_argument("--status", choices=_WORDS, help="count only rows that have this one")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        by, status = By(parsed_args.by), parsed_args.status
        with reader(configured(parsed_args.config_file), threading.Event()) as parts:
            groups = [(kind, group) for kind in KINDS[by] for group in parts.census.groups(kind, by, status)]
        return _COLUMNS, [_line(kind, group) for kind, group in sorted(groups, key=_worst_first)]


def _worst_first(found: tuple[Kind, Group]) -> tuple[Any, ...]:
    kind, group = found
    return (-group.bad, -group.total, group.name, group.id, kind)


def _line(kind: Kind, group: Group) -> tuple[Any, ...]:
    known = [group.counts.get(status, 0) for status in Status]
    return (kind.value, plain(group.id), plain(group.name), *known, group.total - sum(known), group.total)
