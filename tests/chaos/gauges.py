"""What a process takes of the machine, read off /proc, and whether it takes ever more."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

WARMING = 12.0  # seconds of a loop that are not compared: the first sweep, the first connections
LONG_ENOUGH = 10.0  # seconds after that, from which on a life is compared

# How much more the last quarter of a life may take than the one before, by the median. In the first half
# everything is met for the first time, and what trouble needs is taken; what grows without end goes on.
SLACK_MEMORY = 0.03  # of the third quarter
# Sixteen readers come when many rows are to be read directly, each with a connection to each of two managers.
SLACK_THREADS = 16 + 2
SLACK_SOCKETS = 2 * 16 + 4
MOST_THREADS, MOST_SOCKETS = 30, 60  # in any quarter


class Sample(NamedTuple):
    age: float  # seconds since the loop began
    memory: int  # KiB
    threads: int
    sockets: int


class Growth(NamedTuple):
    """From the third quarter of a life to the last, in medians."""

    seconds: float
    memory: tuple[float, float]
    threads: tuple[float, float]
    sockets: tuple[float, float]

    @property
    def fault(self) -> str:
        """What grew; "" if nothing did."""
        limits = {
            "memory": (*self.memory, self.memory[0] * (1 + SLACK_MEMORY)),
            "threads": (*self.threads, min(self.threads[0] + SLACK_THREADS, MOST_THREADS)),
            "sockets": (*self.sockets, min(self.sockets[0] + SLACK_SOCKETS, MOST_SOCKETS)),
        }
        grown = [
            f"{name} {first:.0f} -> {last:.0f}" for name, (first, last, most) in limits.items() if last > most
        ]
        return ", ".join(grown)


def sample(pid: int, age: float) -> Sample | None:
    """What the process takes now; None when it is gone."""
    folder = Path(f"/proc/{pid}")
    try:
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return Sample(
            age,
            int(status["VmRSS"].split()[0]),
            int(status["Threads"]),
            sum(_is_socket(link) for link in (folder / "fd").iterdir()),
        )
    except (OSError, KeyError):
        return None


def _is_socket(link: Path) -> bool:
    try:
        return str(link.readlink()).startswith("socket:")
    except OSError:  # closed meanwhile
        return False


def growth(samples: Sequence[Sample]) -> Growth | None:
    """Compare a life's third quarter with its last; None when it was too short for that."""
    warm = [one for one in samples if one.age >= WARMING]
    if not warm or warm[-1].age - WARMING < LONG_ENOUGH or len(warm) < 8:
        return None
    quarter = len(warm) // 4
    first, last = warm[-2 * quarter : -quarter], warm[-quarter:]

    def both(name: str) -> tuple[float, float]:
        return median(getattr(one, name) for one in first), median(getattr(one, name) for one in last)

    return Growth(warm[-1].age, both("memory"), both("threads"), both("sockets"))
