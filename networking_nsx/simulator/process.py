"""The simulator as a process of its own: says where it listens, serves until it is told to end."""

import gc
import json
import signal
import sys
from queue import SimpleQueue

from networking_nsx.simulator.server import Simulator
from networking_nsx.simulator.settings import SimulatorSettings


def run(settings: SimulatorSettings) -> None:
    """Serve until SIGTERM or SIGINT; print the base URLs as one JSON line when ready.

    Must be called from the main thread. Raises ValueError if it would listen beyond loopback
    without leave, OSError if a port is taken.
    """
    signals = SimpleQueue[int]()  # unlike an event, a handler may put into it whatever it interrupts
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.put(number))
    with Simulator(settings) as nsx:
        # The inventory lives long and holds no cycles: the collector need not go through it at each page.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        ready = {"managers": nsx.urls, "vip": nsx.vip, "control": nsx.control, "ca_file": nsx.ca_file}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        signals.get()
