"""`neutron-nsx populate`: Neutron's tables and rows for what a simulator holds."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

import requests

from networking_nsx.cli.formats import One
from networking_nsx.errors import Unavailable
from networking_nsx.neutron import schema
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.populate import populate

TIMEOUT = 60  # seconds for the simulator to answer


class Populate(One):
    """Make Neutron's tables where they are absent, and a row for each object of a simulator."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument("--connection", required=True, metavar="DB_URL", help="as [database] connection")
        parser.add_argument("--simulator", required=True, metavar="URL", help="its first base URL")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[list[str], list[int]]:
        database = engine(parsed_args.connection)
        schema.create(database)
        new = populate(database, inventory(parsed_args.simulator))
        return [f"{kind} rows added" for kind in new], list(new.values())


def inventory(simulator: str) -> Iterator[dict[str, Any]]:
    """The objects that a simulator holds, by its own account. Raises Unavailable."""
    try:
        with requests.get(f"{simulator.rstrip('/')}/_sim/inventory", timeout=TIMEOUT, stream=True) as answer:
            answer.raise_for_status()
            yield from (json.loads(line) for line in answer.iter_lines() if line)
    except (requests.RequestException, ValueError) as error:
        raise Unavailable(f"no inventory from the simulator at {simulator}: {error}") from error
