"""Fuzzing for a while: `python -m fuzz --seconds 60`. Prints a seed; a failure prints how it is had again.

A round is some hundreds of inputs out of one seed. Each input must be done with within `PATIENCE`, and all
of them within the memory that the process has at its start and `ROOM`.
"""

import argparse
import faulthandler
import functools
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings

from fuzz.targets import TARGETS

PATIENCE = 60  # seconds for an input; what hangs does so for ever
ROOM = 2 << 30  # bytes
_HOW = settings(
    max_examples=200,  # inputs of a round
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


class Hung(Exception):
    """An input that nothing came of in time."""


class Watch:
    """Counts and times the inputs of a test, and ends one that hangs."""

    def __init__(self) -> None:
        self.inputs = 0
        self.longest = 0.0

    def over(self, body: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(body)
        def watched(*arguments: object, **named: object) -> None:
            self.inputs += 1
            began = time.monotonic()
            signal.alarm(PATIENCE)
            faulthandler.dump_traceback_later(2 * PATIENCE, exit=True)  # for what is deaf to signals
            try:
                body(*arguments, **named)
            finally:
                signal.alarm(0)
                faulthandler.cancel_dump_traceback_later()
                self.longest = max(self.longest, time.monotonic() - began)

        return watched


def fuzz(name: str, first: int, rounds_end: Callable[[int], bool]) -> bool:
    """Whether nothing was found."""
    test, number, watch = _HOW(TARGETS[name]), first, Watch()
    test.hypothesis.inner_test = watch.over(test.hypothesis.inner_test)
    began = time.monotonic()
    print(f"{name}: seed {first}", flush=True)
    while True:
        try:
            seed(number)(test)()
        except Exception:  # noqa: BLE001 - whatever it is, it was found
            sys.excepthook(*sys.exc_info())
            print(
                f"{name}: FAILED with seed {number}; again by: make fuzz TARGET={name} SEED={number}",
                flush=True,
            )
            return False
        number += 1
        if rounds_end(number - first):
            break
    seconds = time.monotonic() - began
    print(f"{name}: {watch.inputs} inputs in {seconds:.0f} s, the slowest {watch.longest:.2f} s", flush=True)
    return True


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _hung(*_: object) -> None:
    raise Hung(f"no end within {PATIENCE} s")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--target", choices=TARGETS, help="only this one")
    parser.add_argument("--seed", type=int, help="one round with this seed")
    asked = parser.parse_args()
    signal.signal(signal.SIGALRM, _hung)
    _limit_memory()
    sound = []
    for name in [asked.target] if asked.target else TARGETS:
        ends = time.monotonic() + asked.seconds
        if asked.seed is None:
            first = random.SystemRandom().getrandbits(32)
            sound.append(fuzz(name, first, lambda _: time.monotonic() > ends))  # noqa: B023 - called here only
        else:
            sound.append(fuzz(name, asked.seed, lambda _: True))
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
