"""Rows that complete sweeps did not see: when is one worth being looked for?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from networking_nsx.model import Row


@dataclass(frozen=True, slots=True)
class MissingSettings:
    grace: float = 300.0  # seconds a row must have rested before it can be missing
    sweeps: int = 2  # complete sweeps that must miss a row before it is looked for directly
    apart: float = 0.0  # seconds at least from the first of them to the last: an index lags


class Lost(NamedTuple):
    """Rows that lack the NSX object which they should have, at the end of a complete pass."""

    missing: int  # all of them
    suspects: list[Row]  # those rested and missed often enough to be looked for directly
    waiting: int  # those that another sweep will decide


class Misses:
    """How often each row of a kind was missed in a row, and since when."""

    def __init__(self, settings: MissingSettings) -> None:
        self._settings = settings
        self._missed: dict[str, tuple[int, float]] = {}

    def __repr__(self) -> str:
        return f"Misses({len(self._missed)} rows)"

    def found(self, row_id: str) -> None:
        self._missed.pop(row_id, None)

    def lost(self, missing: Sequence[Row], as_of: float) -> Lost:
        """Count one more complete sweep, as of then, that did not see these rows, and saw all others."""
        rested = [row for row in missing if row.changed_at <= as_of - self._settings.grace]
        before = ((row.id, *self._missed.get(row.id, (0, as_of))) for row in rested)
        # Where the clock was set back, the time begins anew.
        self._missed = {row_id: (count + 1, min(since, as_of)) for row_id, count, since in before}
        suspects = [row for row in rested if self._is_suspect(row.id, as_of)]
        return Lost(len(missing), suspects, len(rested) - len(suspects))

    @property
    def pause(self) -> float:
        """Seconds until another sweep can tell more of the rows that are missed."""
        return self._settings.apart if self._missed else 0.0

    def _is_suspect(self, row_id: str, now: float) -> bool:
        count, since = self._missed[row_id]
        return count >= self._settings.sweeps and now - since >= self._settings.apart
