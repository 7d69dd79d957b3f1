"""Arguments that several commands take."""

import argparse

from networking_nsx.model import Kind


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config-file",
        action="append",
        required=True,
        metavar="FILE",
        help="as Neutron's own; may be repeated, later files win",
    )


def add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=[kind.value for kind in Kind])
    parser.add_argument("id", help="of the Neutron resource")


def add_kinds(parser: argparse.ArgumentParser) -> None:
    kinds = [kind.value for kind in Kind]
    parser.add_argument("--kind", choices=kinds, action="append", help="only this one; may be repeated")


def count(text: str) -> int:
    """A number of things, from an argument."""
    try:
        number = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number
