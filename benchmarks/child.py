"""Processes beside this one, and what they use, measured from outside and hence alike for all of them.

A child reads a line, does what it says and answers with a line of JSON; its first line says that it is ready.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

_MEGABYTE = 1e6
_QUIET = {"PYTHONWARNINGS": "ignore"}  # a dependency warns of eventlet


class Usage(NamedTuple):
    """What a child used for one request."""

    cpu: float  # seconds, user and system, of all its threads
    wall: float  # seconds
    memory: float  # MB by which its resident memory at the most exceeded what it was when `rest` was called
    answer: Any


class Child:
    """A process that answers JSON lines, until the block ends."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | _QUIET
        )
        self.ready = self._read()  # what it said first
        self._resident = 0.0

    @classmethod
    def of(cls, module: str, *arguments: str) -> Self:
        """A module of this package, run as a program."""
        return cls([sys.executable, "-m", f"benchmarks.{module}", *arguments])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)

    def ask(self, word: str) -> Any:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._read()

    def rest(self) -> None:
        """From here on memory is counted: the peak so far (of starting) is forgotten."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")  # proc(5): resets VmHWM
        self._resident = self._status("VmRSS")

    def measured(self, word: str) -> Usage:
        cpu, began = self.cpu(), time.monotonic()
        answer = self.ask(word)
        wall = time.monotonic() - began
        return Usage(self.cpu() - cpu, wall, self._status("VmHWM") - self._resident, answer)

    def cpu(self) -> float:
        """CPU seconds used so far: the process's own clock (clock_getcpuclockid(3)), read from outside."""
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def _read(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"{self._process.args!r} has ended")
        return json.loads(line)

    def _status(self, field: str) -> float:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 / _MEGABYTE for line in lines if line.startswith(f"{field}:"))


def serve(actions: Mapping[str, Callable[[], Any]], **ready: str) -> None:
    """Be such a child, which says this when it is ready."""
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        print(json.dumps(actions[line.strip()]()), flush=True)
