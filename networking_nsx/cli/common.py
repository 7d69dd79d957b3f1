"""What the commands share: the configuration, signals, and how a finding is shown."""

import gc
import logging
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from typing import Any

from oslo_config import cfg
from oslo_log import log

from networking_nsx import config
from networking_nsx.cli.plain import PlainLines
from networking_nsx.errors import StoreError
from networking_nsx.model import Key
from networking_nsx.serve.plain import plain

_LOG = logging.getLogger(__name__)


def configured(files: list[str], kinds: Sequence[str] | None = None) -> cfg.ConfigOpts:
    """The configuration, of these kinds only, with the log set up as it asks. Raises ConfigurationError."""
    _collect_less()
    conf = config.load(files)
    if kinds:
        conf.set_override("kinds", kinds, "nsx_sync")
    conf.set_default("use_stderr", True)  # noqa: FBT003 - standard output belongs to results
    log.setup(conf, "networking-nsx")
    for handler in logging.root.handlers:
        handler.addFilter(PlainLines())
    # It logs a traceback of every error that it does not know; ours says the same in a line.
    logging.getLogger("oslo_db.sqlalchemy.exc_filters").setLevel(logging.CRITICAL)
    if config.settings(conf).always_read_status:
        _LOG.warning("[nsx_sync] always_read_status has no effect: there is no mechanism driver yet")
    return conf


def _collect_less() -> None:
    """Let the collector of cycles look seldom, and not at what was imported.

    A sweep makes hundreds of thousands of objects that hold no cycles; at Python's thresholds the collector
    goes through them again and again while they come, for a third of a sweep's CPU.
    """
    gc.freeze()
    gc.set_threshold(10_000, 100, 100)


def stop_on_signals(stops: Sequence[Callable[[], None]]) -> None:
    """Call these at SIGTERM and SIGINT, and what is added to them later.

    In a thread of its own: a handler interrupts the main one, which may have the lock that a stop takes.
    """
    signals = SimpleQueue[int]()  # the one queue that a handler may put into whatever it interrupts

    def listen() -> None:
        while signals.get():
            for stop in stops:
                stop()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.put(number))


def columns(key: Key, found: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """What `findings.shown` has of a row. Raises StoreError when there is no such row."""
    if not found:
        raise StoreError(f"Neutron has no {key.kind} {key.id}")
    shown = {name: plain(value) if isinstance(value, str) else value for name, value in found.items()}
    return tuple(shown), tuple(shown.values())
