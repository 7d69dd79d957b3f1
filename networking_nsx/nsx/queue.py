"""Who waits for room, and who gets it next."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

_GLANCE = 0.5  # seconds between two looks: room may come by the passing of time


@dataclass(slots=True, eq=False)
class _Ticket:
    place: Hashable
    urgent: bool
    has_room: Callable[[], bool]


class Queue:
    """Threads that wait. Urgent ones and the others take turns, each in the order in which they came.

    So neither starves, however many the others are. Who has no room lets pass who has.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()  # held by whoever makes room or takes it
        self._waiting: list[_Ticket] = []
        self._urgent_last = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def wait(
        self, place: Hashable, has_room: Callable[[], bool], left: Callable[[], float], *, urgent: bool
    ) -> None:
        """Until it is one's turn, and there is room; `changed` is held, and the room taken under it.

        `has_room` says the same to all who are as urgent and want to the same place. `left` says for how many
        seconds to wait, and raises when there are none.
        """
        ticket = _Ticket(place, urgent, has_room)
        self._waiting.append(ticket)
        try:
            while self._next() is not ticket:
                self.changed.wait(min(left(), _GLANCE))
            self._urgent_last = urgent
        finally:
            self._waiting.remove(ticket)
            self.changed.notify_all()  # there may be room for another one

    def _next(self) -> _Ticket | None:
        full = set[Hashable]()
        for ticket in sorted(self._waiting, key=lambda one: one.urgent == self._urgent_last):
            kind = (ticket.place, ticket.urgent)
            if kind not in full and ticket.has_room():
                return ticket
            full.add(kind)
        return None
