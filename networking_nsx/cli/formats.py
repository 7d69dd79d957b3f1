"""How a command that prints one thing prints it: as cliff does, and as CSV, too."""

import argparse
import csv
import json
from abc import ABCMeta
from collections.abc import Sequence
from typing import Any, TextIO

from cliff.columns import FormattableColumn
from cliff.formatters.base import SingleFormatter
from cliff.show import ShowOne


class One(ShowOne, metaclass=ABCMeta):
    """A command whose result is a table of one row, in each of the formats that a list has."""

    @property
    def formatter_namespace(self) -> str:
        return "networking_nsx.formats_of_one"


class CsvOfOne(SingleFormatter):
    """A line of names and a line of values. A value that has parts is JSON."""

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None: ...

    def emit_one(
        self,
        column_names: Sequence[str],
        data: Sequence[Any],
        stdout: TextIO,
        parsed_args: argparse.Namespace,  # noqa: ARG002 - as cliff calls it
    ) -> None:
        writer = csv.writer(stdout, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(column_names)
        writer.writerow(map(_cell, data))


def _cell(value: Any) -> Any:
    whole = value.machine_readable() if isinstance(value, FormattableColumn) else value
    return json.dumps(whole) if isinstance(whole, (dict, list, tuple)) else whole
