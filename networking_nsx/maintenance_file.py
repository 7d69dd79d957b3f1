"""A maintenance that outlives the process: a file in `[nsx_sync] state_path`, for its owner alone.

It is replaced as a whole, so that a crash leaves the old one or the new one. What it says is believed or
refused, never guessed: a synchronizer that ignored it would write what somebody has asked it not to.
"""

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import msgspec

from networking_nsx.errors import StateError
from networking_nsx.sync.maintenance import Forgetful, Maintenance, Memory, Phase

_LOG = logging.getLogger(__name__)

NAME = "maintenance.json"
VERSION = 1

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    since: _Moment
    until: _Moment
    reason: str


_KEPT = msgspec.json.Decoder(_Kept)


_TOLD: Mapping[Phase, str] = {
    Phase.HOLDING: "maintenance until %s: what would get worse is deferred: %s",
    Phase.VERIFYING: "the maintenance has ended at %s: nothing gets worse before this sweep is complete: %s",
    Phase.NONE: "verified after the maintenance that has ended at %s: the next sweep writes all: %s",
}


def log(phase: Phase, maintenance: Maintenance) -> None:
    """As a line of the log."""
    until = datetime.fromtimestamp(maintenance.until, UTC).isoformat(timespec="seconds")
    _LOG.warning(_TOLD[phase], until, maintenance.reason)


def memory(state_path: str) -> tuple[Memory, Maintenance | None]:
    """What keeps a maintenance, and the one that is kept. Raises StateError."""
    if not state_path:
        return Forgetful(), None
    if not Path(state_path).is_dir():  # what is kept there may only be out of sight, as an unmounted disk is
        raise StateError(
            f"[nsx_sync] state_path: {state_path} is no folder: make it, for the service's user alone"
        )
    file = MaintenanceFile(Path(state_path))
    return file, file.read()


class MaintenanceFile:
    """A `maintenance.Memory`."""

    lasts = True

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def __repr__(self) -> str:
        return f"MaintenanceFile({self.path})"

    def read(self) -> Maintenance | None:
        """None when there is no such file. Raises StateError."""
        try:
            kept = _KEPT.decode(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StateError(f"{self.path} cannot be read: {error}. {self._advice}") from error
        if kept.version != VERSION:
            raise StateError(f"{self.path} has version {kept.version}, not {VERSION}. {self._advice}")
        return Maintenance(kept.since.timestamp(), kept.until.timestamp(), kept.reason)

    def keep(self, maintenance: Maintenance) -> None:
        """Raises StateError; the maintenance that was kept before is kept still."""
        since, until = (datetime.fromtimestamp(each, UTC) for each in maintenance[:2])
        kept = msgspec.json.encode(_Kept(VERSION, since, until, maintenance.reason))
        try:
            self._replace(msgspec.json.format(kept) + b"\n")
        except OSError as error:
            raise StateError(f"{self.path} cannot be written: {error}; see [nsx_sync] state_path") from error

    def forget(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            _LOG.warning("%s cannot be removed: %s; the next start verifies once more", self.path, error)

    def _replace(self, content: bytes) -> None:
        with NamedTemporaryFile(dir=self.path.parent, prefix=f".{NAME}.", delete=False) as made:
            new = Path(made.name)  # of mode 0600
            try:
                made.write(content)
                made.flush()
                os.fsync(made.fileno())
                new.replace(self.path)
            except OSError:
                with suppress(OSError):
                    new.unlink()
                raise
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @property
    def _advice(self) -> str:
        return (
            "Whether a maintenance is at hand cannot be known. If there is none, remove the file; "
            "otherwise begin it again afterwards: neutron-nsx maintenance start"
        )
