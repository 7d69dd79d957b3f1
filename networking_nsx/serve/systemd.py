"""What systemd is told of this daemon, by its protocol sd_notify: ready, alive, stopping.

Where a watchdog is asked for (`WatchdogSec=`), it hears from us only while nothing hangs. A process that it
ends for that says on standard error where each of its threads was.
"""

import faulthandler
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial

from networking_nsx.serve.beside import beside

_BEATS = 10  # within the watchdog's time: one that is missed, as something hangs briefly, is no end

_LOG = logging.getLogger(__name__)


@contextmanager
def supervised(environment: Mapping[str, str], hangs: Callable[[], object]) -> Iterator[None]:
    """Until the end of the block; nothing where nobody listens. `hangs` is falsy while nothing does."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        yield
        return
    say = partial(_say, address)
    seconds = _watchdog(environment)
    say("READY=1")
    with _watched(say, hangs, seconds / _BEATS) if seconds else nullcontext():
        yield
    say("STOPPING=1")


@contextmanager
def _watched(say: Callable[[str], None], hangs: Callable[[], object], pause: float) -> Iterator[None]:
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(pause):
            if not hangs():
                say("WATCHDOG=1")

    faulthandler.enable()  # a watchdog's signal is SIGABRT
    with beside("watchdog", beat, stop.set):
        yield


def _watchdog(environment: Mapping[str, str]) -> float:
    """Seconds within which we are to be heard; 0: never."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    return int(environment.get("WATCHDOG_USEC", "0")) / 1e6


def _say(address: str, what: str) -> None:
    # An @ stands for the NUL of an abstract address.
    to = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
            there.settimeout(0)  # it is busy: waiting for it would be hanging
            there.sendto(what.encode(), to)
    except OSError as error:
        _LOG.warning("systemd was not told %s: %s: %s", what, address, error)
