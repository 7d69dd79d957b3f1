"""Direct reads of all rows in turn, where no listing can be believed.

The row that was read longest ago comes first; rows that have just changed are put between, the newest first,
but never take more than a quarter of the reads. So how old a status can get is known: `bound`.
"""

from collections import Counter, deque
from collections.abc import Sequence
from itertools import takewhile

from networking_nsx.model import Row

HOT = 300.0  # seconds since a row's last change for which it is hot: as long as Nova waits for a port
_SHARE = 4  # one in so many reads is for a hot row
_MARGIN = 1.25  # passes differ
_ASKED = 10  # turns of which one asks whose the object is
_PASSES = 1000  # whose pace is remembered


class Rotation:
    """When each row was read last. `now` is monotonic seconds throughout."""

    def __init__(self) -> None:
        self._read_at: dict[str, float] = {}
        self._tried_at: dict[str, float] = {}  # also in vain: such a row has had its turn
        self._turns: Counter[str] = Counter()
        self._queue: list[str] = []  # of this pass, longest ago first
        self._began = self._first = 0.0
        self._period = 0.0  # from the beginning of the pass before to that of this one
        self._paces: deque[float] = deque(maxlen=_PASSES)  # seconds per row, pass by pass

    def __repr__(self) -> str:
        return f"Rotation({len(self._read_at)} rows read)"

    def forget(self) -> None:
        """The listing is believed again: nothing here will be of use."""
        self._read_at, self._tried_at = {}, {}
        self._turns.clear()
        self._queue = []
        self._paces.clear()

    def begin(self, rows: Sequence[Row], now: float, wall: float) -> list[Row]:
        """A pass begins: all rows, once, in the order in which they are to be read. `wall` is the time."""
        if not self._queue:
            self._first = now
        self._period = now - self._began if self._queue else 0.0
        self._began = now
        there = {row.id for row in rows}
        for known in (self._read_at, self._tried_at, self._turns):
            for gone in known.keys() - there:
                del known[gone]
        oldest = sorted(rows, key=lambda row: self._tried_at.get(row.id, float("-inf")))
        self._queue = [row.id for row in oldest]
        hot = (row for row in rows if wall - row.changed_at < HOT)
        return _mixed(oldest, sorted(hot, key=lambda row: -row.changed_at))

    def tried(self, row_id: str, now: float, *, well: bool = True) -> None:
        """A row has had its turn, and was read if all went well."""
        self._tried_at[row_id] = now
        self._turns[row_id] += 1
        if well:
            self._read_at[row_id] = now

    def doubt(self, row_id: str) -> None:
        """The next turn of this row asks whose the object is."""
        self._turns[row_id] = 0

    def is_sure(self, row_id: str) -> bool:
        """Whether this turn may do without asking whose the object is: all but the first, and every tenth."""
        return self._turns[row_id] % _ASKED != 0

    def bound(self, now: float) -> float:
        """At the end of a pass: seconds within which every row is surely read again, at the pace so far."""
        lasted = now - self._began
        fresh = takewhile(lambda row_id: self._tried_at.get(row_id, 0.0) >= self._began, self._queue)
        turned = sum(1 for _ in fresh)
        period = max(self._period, lasted)
        self._paces.append(period / max(1, turned))
        turn = len(self._queue) // max(1, turned) + 2  # passes in which everybody has a turn
        slowest = max(list(self._paces)[-turn:])
        ahead = _MARGIN * slowest * len(self._queue) + (period - lasted) + lasted / _SHARE
        return max(ahead, self.behind(now))  # a row that cannot be read grows older and older

    def behind(self, now: float) -> float:
        """Seconds since the row was read that was read longest ago."""
        return max((now - self._read_at.get(row_id, self._first) for row_id in self._queue), default=0.0)

    def waited(self, now: float) -> float:
        """Seconds since the row had its turn, read or not, that had it longest ago; inf if one had none."""
        never = float("-inf")
        return max((now - self._tried_at.get(row_id, never) for row_id in self._queue), default=0.0)


def _mixed(oldest: Sequence[Row], hot: Sequence[Row]) -> list[Row]:
    """The oldest in their order, with a hot one after every third."""
    order: dict[str, Row] = {}
    waiting = iter(hot)
    for number, row in enumerate(oldest, 1):
        order.setdefault(row.id, row)
        if number % (_SHARE - 1) == 0:
            one = next((one for one in waiting if one.id not in order), row)
            order[one.id] = one
    return list(order.values())
