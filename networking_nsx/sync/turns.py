"""Which pages of an index's listing are verified in a pass: as many as time allows, the others in the next.

Where the time of a pass is over, the next pass begins: what cannot be settled keeps no other page waiting for
ever. `now` is monotonic seconds throughout.
"""


class Turns:
    """Whose turn it is, pass by pass."""

    def __init__(self) -> None:
        self._first = 0  # page of this pass that is verified
        self._next = 0  # the same of the next pass; 0: its first
        self._page = 0
        self._seconds = self._spent = self._began = 0.0
        self._read = self._waiting = 0  # rows

    def __repr__(self) -> str:
        return f"Turns(first={self._first}, read={self._read}, waiting={self._waiting})"

    def begin(self, seconds: float, now: float) -> None:
        """A pass begins, which has so many seconds for this."""
        self._first, self._next, self._page = self._next, 0, 0
        self._seconds, self._spent, self._began = seconds, 0.0, now
        self._read = self._waiting = 0

    def turn_page(self) -> None:
        self._page += 1

    def allows(self) -> bool:
        """Whether rows of this page may be read now."""
        late = self._spent >= self._seconds
        if late and not self._next:
            self._next = self._page
        return not late and self._page >= self._first

    def took(self, seconds: float) -> None:
        self._spent += seconds

    def counted(self, read: int, waiting: int) -> None:
        """Of the rows of a page so many were read, and so many wait."""
        self._read += read
        self._waiting += waiting

    def bound(self, now: float) -> float:
        """Seconds until all that waits has had its turn, at the pace of this pass; 0 if nothing does."""
        if not self._waiting:
            return 0.0
        return (2 + self._waiting / max(1, self._read)) * (now - self._began)
