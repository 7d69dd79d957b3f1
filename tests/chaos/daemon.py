"""The synchronizer under test: `neutron-nsx sync run`, begun again whenever it has ended, and measured."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from chaos.gauges import Sample, sample
from sites import COMMAND

TICK = 0.25  # seconds between two looks at it
_PATIENCE = 120.0  # seconds for it to start
_RESTING = 0.5  # seconds until it is begun again, as a service manager would
_SWEPT = re.compile(r"^(\S+ \S+) .*sweep done: .*, ([\d.]+) s$", re.MULTILINE)
_RUNNING = "synchronizing with"  # its log says so when its loop begins


class Life:
    """One process, from its start to its end."""

    def __init__(self, configuration: Path, log: Path) -> None:
        command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            COMMAND,
            "sync",
            "run",
            "--config-file",
            str(configuration),
        ]
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        self.began = time.monotonic()
        self.loop_began: float | None = None
        self.samples: list[Sample] = []
        self.meant = False  # to be ended by us

    def measure(self) -> None:
        """Note what it takes of the machine, once its loop has begun."""
        if not self.runs() or self.loop_began is None:
            return
        found = sample(self.process.pid, time.monotonic() - self.loop_began)
        if found:
            self.samples.append(found)

    @property
    def fault(self) -> str:
        """Why it ended, if it did of itself after its loop had begun: the loops never die (promise 4)."""
        code = self.process.poll()
        if code is None or self.meant or not self.runs():
            return ""
        last = self.log.read_text(errors="replace").splitlines()[-1:]
        return f"{self.log.name}: it ended of itself, code {code}: {' '.join(last)}"

    def sweeps(self) -> Iterator[tuple[float, float]]:
        """When its complete sweeps began and ended."""
        for moment, seconds in _SWEPT.findall(self.log.read_text(errors="replace")):
            ended = datetime.strptime(moment, "%Y-%m-%d %H:%M:%S.%f").astimezone().timestamp()
            yield ended - float(seconds), ended

    def runs(self) -> bool:
        """Whether its loop has begun."""
        if self.loop_began is None and _RUNNING in self.log.read_text(errors="replace"):
            self.loop_began = time.monotonic()
        return self.loop_began is not None


class Daemon:
    """Keeps one process running. `keep` is for a thread that lives as long as the run."""

    def __init__(self, configuration: Path, folder: Path) -> None:
        self._configuration = configuration
        self._folder = folder
        self.lives: list[Life] = []
        self.late: list[tuple[float, float]] = []  # times in which this machine let even us wait
        self._over = threading.Event()

    def keep(self) -> None:
        """Begin it, measure it, and begin it again, until `end`."""
        before = time.time()
        while not self._over.wait(TICK):
            now = time.time()
            if now - before > 4 * TICK:
                self.late.append((before, now))
            before = now
            self._look()

    def await_loop(self) -> None:
        """Until it has begun to synchronize."""
        ends = time.monotonic() + _PATIENCE
        while not (self.lives and self.lives[-1].runs()):
            if time.monotonic() > ends:
                raise RuntimeError(f"the daemon does not start: see {self._folder}")
            time.sleep(TICK)

    def kill(self) -> float:
        """SIGKILL; answer how many seconds it had lived, 0 if it was not synchronizing."""
        life = self.lives[-1]
        hit = self.synchronizes()
        life.meant = life.process.poll() is None
        life.process.kill()
        life.process.wait()
        return time.monotonic() - life.began if hit else 0.0

    def synchronizes(self) -> bool:
        """Whether it runs, and its loop has begun."""
        life = self.lives[-1]
        return life.process.poll() is None and life.runs()

    def stop(self, seconds: float) -> float:
        """SIGSTOP for so long; answer for how many seconds it was kept from synchronizing."""
        process = self.lives[-1].process
        hit = self.synchronizes()
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        return seconds if hit else 0.0

    def sweeps(self) -> list[tuple[float, float]]:
        """The complete sweeps of all lives."""
        return [sweep for life in self.lives for sweep in life.sweeps()]

    def end(self, keeper: threading.Thread) -> None:
        """SIGTERM, as an operator would, and wait."""
        self._over.set()
        keeper.join()
        life = self.lives[-1]
        life.meant = True
        life.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            life.process.wait(20)
        life.process.kill()
        life.process.wait()

    def _look(self) -> None:
        if self.lives and self.lives[-1].process.poll() is None:
            self.lives[-1].measure()
            return
        if self.lives:
            self._over.wait(_RESTING)
        if not self._over.is_set():
            log = self._folder / f"daemon-{len(self.lives) + 1}.log"
            self.lives.append(Life(self._configuration, log))
