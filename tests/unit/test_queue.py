"""Who waits for room, and who gets it next."""

import threading

import pytest
from waiting import wait_for

from networking_nsx.nsx.queue import Queue


class Hall:
    """Places with so much room each, and who was let in."""

    def __init__(self) -> None:
        self.queue = Queue()
        self.room = {"a": 0, "b": 0}
        self.let_in: list[str] = []

    def come(self, name: str, place: str = "a") -> None:
        """In a thread of its own; urgent if its name begins so."""
        before = len(self.queue)
        threading.Thread(target=self._wait, args=(name, place), daemon=True).start()
        wait_for(lambda: len(self.queue) == before + 1, pause=0.001)

    def open(self, place: str = "a") -> None:
        """Let one in."""
        before = len(self.let_in)
        with self.queue.changed:
            self.room[place] += 1
            self.queue.changed.notify_all()
        wait_for(lambda: len(self.let_in) > before, pause=0.001)

    def _wait(self, name: str, place: str) -> None:
        with self.queue.changed:
            urgent = name.startswith("urgent")
            self.queue.wait(place, lambda: self.room[place] > 0, lambda: 60.0, urgent=urgent)
            self.room[place] -= 1
            self.let_in.append(name)


def test_whoever_came_first_is_let_in_first():
    """Not whoever happens to be awake."""
    hall = Hall()
    for number in range(5):
        hall.come(str(number))
    for _ in range(5):
        hall.open()

    assert hall.let_in == ["0", "1", "2", "3", "4"]


def test_urgent_ones_and_the_others_take_turns():
    """However many there are of either."""
    hall = Hall()
    for name in ("1", "2", "3", "urgent 1", "urgent 2"):
        hall.come(name)
    for _ in range(5):
        hall.open()

    assert hall.let_in == ["urgent 1", "1", "urgent 2", "2", "3"]


def test_who_has_no_room_lets_pass_who_has():
    """Another manager may be free."""
    hall = Hall()
    for name, place in (("1", "a"), ("2", "a"), ("3", "b"), ("4", "b")):
        hall.come(name, place)
    for place in "bab":
        hall.open(place)

    assert hall.let_in == ["3", "1", "4"]


def test_who_gives_up_leaves_the_room_to_others():
    """Its turn may have come at the same moment."""
    hall = Hall()
    hall.come("1")

    def left():
        hall.room["a"] += 1
        raise TimeoutError

    with hall.queue.changed, pytest.raises(TimeoutError):
        hall.queue.wait("a", lambda: False, left, urgent=True)
    wait_for(lambda: hall.let_in == ["1"])

    assert len(hall.queue) == 0
