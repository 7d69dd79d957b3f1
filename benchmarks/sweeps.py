"""What a sweep of a settled cloud costs: ours and the limit, in turn, each time in a new process."""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.child import Child, Usage
from benchmarks.world import World

UNCHANGED = 3  # sweeps after the first one; the median counts


class Round(NamedTuple):
    """One new process each."""

    first: Usage
    unchanged: Usage
    memory: float  # MB at the most, over all sweeps
    limit_first: Usage
    limit_unchanged: Usage


def rounds(world: World, count: int) -> list[Round]:
    return [Round(*_ours(world), *_sweeps(world.limit)[:2]) for _ in range(count)]
