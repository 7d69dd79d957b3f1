"""What the commands share: their arguments, the configuration, signals, and how a finding is shown."""

import argparse
import gc
import logging
import signal
import threading
from datetime import UTC, datetime
from typing import Any

from oslo_config import cfg
from oslo_log import log

from networking_nsx import config
from networking_nsx.errors import StoreError
from networking_nsx.model import Health, Key, Kind, Observation
from networking_nsx.sync import rules
from networking_nsx.sync.punctual import Finding

_LOG = logging.getLogger(__name__)


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


def configured(files: list[str]) -> cfg.ConfigOpts:
    """The configuration, with the log set up as it asks. Raises ConfigurationError."""
    _collect_less()
    conf = config.load(files)
    conf.set_default("use_stderr", True)  # noqa: FBT003 - standard output belongs to results
    log.setup(conf, "networking-nsx")
    if config.settings(conf).always_read_status:
        _LOG.warning("[nsx_sync] always_read_status has no effect: there is no mechanism driver yet")
    return conf


def _collect_less() -> None:
    """Let the collector of cycles look seldom, and not at what was imported.

    A sweep makes hundreds of thousands of objects that hold no cycles; at Python's thresholds the collector
    goes through them again and again while they come, for a third of a sweep's CPU.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def stopped_by_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def columns(key: Key, finding: Finding) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """What Neutron has, what NSX says, and the evidence. Raises StoreError when there is no such row."""
    row, seen = finding.row, finding.observation
    if row is None or seen is None:
        raise StoreError(f"Neutron has no {key.kind} {key.id}")
    shown = {
        "kind": key.kind.value,
        "id": key.id,
        "status": str(row.status),
        "nsx": seen.health.value,
        "word": seen.word,
        "path": seen.path,
        "as_of": _time(seen.as_of),
        "changed_at": _time(row.changed_at),
        "revision": row.revision,
        **row.facts._asdict(),
        "follows": row.follows and f"router {row.follows}",
        "verdict": _verdict(finding, seen),
    }
    return tuple(shown), tuple(shown.values())


def _verdict(finding: Finding, seen: Observation) -> str:
    if finding.outcome:
        return finding.outcome.verdict.value
    if seen.health is Health.ABSENT:
        return "not found on NSX: only complete sweeps prove that (sync once)"
    change = finding.row and rules.change(finding.row, seen)
    return f"should be {change.status.value}" if change else "agrees"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
