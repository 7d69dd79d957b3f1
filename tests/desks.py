"""What takes the commands of a daemon, over a real socket, without anything that sweeps."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worlds import Heart, World, no_window

from networking_nsx.serve.board import Board
from networking_nsx.serve.control import control
from networking_nsx.serve.desk import Desk
from networking_nsx.sync.runner import Summary
from networking_nsx.sync.settle import Schedule


@contextmanager
def answering(path: Path, bound: float = 1.0) -> Iterator[Desk]:
    """Its last sweep has told this bound."""
    world = World()
    heart = Heart(world)
    board = Board(world, heart.canary)
    board.began()
    board.swept(Summary(bound=bound))
    schedule = Schedule(world, threading.Lock())
    facts = {
        "version": "1",
        "process": 7,
        "started_at": world.time,
        "api": "mh",
        "managers": ("http://nsx",),
        "mode": "write",
    }
    desk = Desk(facts, board, heart.brake, world, schedule, no_window(world))
    with control(str(path), desk):
        yield desk
