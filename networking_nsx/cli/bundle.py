"""`neutron-nsx bundle`: all that a support case needs, in one file, without secrets."""

import argparse
import io
import json
import os
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from networking_nsx import config
from networking_nsx.cli.arguments import add_files
from networking_nsx.cli.common import configured
from networking_nsx.cli.formats import One
from networking_nsx.cli.pieces import PIECES, Case, Missing, Piece
from networking_nsx.cli.redaction import Redaction, secrets_in, secrets_of
from networking_nsx.cli.working import Tell, working
from networking_nsx.errors import ConfigurationError, StateError
from networking_nsx.serve.plain import plain

_FOLDER = "neutron-nsx-bundle"


class Bundle(One):
    """Gather all that a support case needs: settings, checks, metrics, evidence, logs. Without secrets."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        parser.add_argument(
            "--output",
            metavar="FILE",
            help=f"a file that does not exist yet (default: {_FOLDER}-TIME.tar.gz in this folder)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        made_at = datetime.now(UTC)
        output = Path(parsed_args.output or f"{_FOLDER}-{made_at:%Y%m%dT%H%M%SZ}.tar.gz")
        with _new(output) as file, working("gathering") as tell:
            gathered, missing = _gathered(parsed_args.config_file, tell)
            manifest = _manifest(made_at, gathered, missing)
            _write(file, output, {"manifest.json": manifest, **gathered}, made_at)
        names = ("file", "bytes", "pieces", "missing")
        return names, (str(output), output.stat().st_size, ", ".join(gathered), "; ".join(missing))


def _new(output: Path) -> io.FileIO:
    """For its owner alone, and never in the place of something else. Raises StateError."""
    try:
        return io.FileIO(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    except OSError as error:
        raise StateError(f"--output {output}: {error.strerror}: name a file that can be made") from error


def _gathered(files: list[str], tell: Tell) -> tuple[dict[str, str], dict[str, str]]:
    """The pieces, and of those that cannot be had the reasons; nothing of it has a secret."""
    case, user = _case(files, tell)
    redact = Redaction([*secrets_in(files), *(secrets_of(case.conf) if case.conf else ())], user)
    gathered: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name, (what, piece) in PIECES.items():
        tell(what)
        text, reason = _made(piece, case)
        if reason:
            missing[name] = plain(redact(reason))
        else:
            gathered[name] = redact(text)
    return gathered, missing


def _case(files: list[str], tell: Tell) -> tuple[Case, str]:
    """What there is to make pieces of, and the user of NSX."""
    conf = settings = None
    trouble = ""
    with suppress(ConfigurationError):
        conf = config.load(files)
    try:
        settings = config.settings(configured(files))
    except ConfigurationError as error:
        trouble = str(error)
    return Case(files, conf, settings, trouble, tell), settings.user if settings else ""


def _made(piece: Piece, case: Case) -> tuple[str, str]:
    """A piece, or why it cannot be had."""
    try:
        return piece(case), ""
    except Missing as error:
        return "", str(error)
    # Whatever is wrong with one piece, the others are wanted all the more.
    except Exception as error:  # noqa: BLE001
        return "", f"{type(error).__name__}: {error}"


def _manifest(made_at: datetime, gathered: Mapping[str, str], missing: Mapping[str, str]) -> str:
    pieces = [
        {"name": name, "what": what, "bytes": len(gathered[name].encode()), "missing": ""}
        if name in gathered
        else {"name": name, "what": what, "bytes": 0, "missing": missing[name]}
        for name, (what, _) in PIECES.items()
    ]
    made = {
        "format": 1,
        "made_at": made_at.isoformat(timespec="seconds"),
        "version": version("networking-nsx"),
        "pieces": pieces,
    }
    return json.dumps(made, indent=2) + "\n"


def _write(file: io.FileIO, output: Path, pieces: Mapping[str, str], made_at: datetime) -> None:
    """Raises StateError, and leaves no half of it behind."""
    try:
        with tarfile.open(fileobj=file, mode="w:gz") as bundle:
            for name, text in pieces.items():
                content = text.encode()
                entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
                entry.size, entry.mode, entry.mtime = len(content), 0o600, int(made_at.timestamp())
                bundle.addfile(entry, io.BytesIO(content))
    except OSError as error:
        output.unlink(missing_ok=True)
        raise StateError(f"--output {output}: {error}") from error
