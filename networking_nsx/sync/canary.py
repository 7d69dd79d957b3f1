"""The canary: whether an index that tells of many objects at once may be believed.

Where NSX has no list of statuses, they come from a search index, which may lag, or silently leave objects
out. So in each sweep a sample of Neutron's rows is looked at twice over: in the index and directly. A row
that disagrees is compared again a while later: only if it still does, and says the same directly, it counts.
When more than a small share of the sample counts, the index is distrusted, until several samples in a row
are clean.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from networking_nsx.errors import IndexUnavailable
from networking_nsx.model import Health, Row
from networking_nsx.ports import Random

_BLIND = 3  # comparisons in a row that could not be made: nobody watches the index
_MOST = 3  # samples in one, where many rows tell nothing


@dataclass(frozen=True, slots=True)
class CanarySettings:
    sample: int = 150  # rows per sweep. Of 5 % of bad rows, 150 find more than one with p = 0.996
    share: float = 0.01  # of the sample; more disagree only where the index is broken
    clean: int = 3  # samples in a row until the index is believed again
    apart: float = 5.0  # seconds at least between the two comparisons of a row: an index may be that late


class Canary:
    """What is known of one index. `random` draws the samples."""

    def __init__(self, settings: CanarySettings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self._suspects: dict[str, tuple[Health, float]] = {}  # what a direct read said, and when, by id
        self._clean = 0
        self._failures = 0  # comparisons that could not be made, one after the other
        self._telling = 1.0  # the share of the last sample whose status a direct read could tell
        self.distrust = ""  # why the index is not believed; "" while it is

    def __repr__(self) -> str:
        return f"Canary(suspects={len(self._suspects)}, clean={self._clean}, distrust={self.distrust!r})"

    @property
    def suspects(self) -> int:
        """Rows that disagreed, and are to be compared once more."""
        return len(self._suspects)

    @property
    def pause(self) -> float:
        """Seconds until another comparison can tell something."""
        return self._settings.apart if self._suspects else 0.0

    def failed(self, error: Exception) -> None:
        """The index could not be asked for single rows."""
        self._clean = 0
        self._failures += 1
        if isinstance(error, IndexUnavailable) or self._failures >= _BLIND:
            self.doubt(f"it cannot be compared with direct reads: {error}")

    def doubt(self, reason: str) -> None:
        """Do not believe the index, for this reason, until samples are clean."""
        self.distrust = reason
        self._clean = 0

    def draw(self, rows: Mapping[str, Row]) -> list[Row]:
        """The rows to compare: those that disagreed before, and a sample of those that have an object.

        The sample is larger where many direct reads told nothing the last time.
        """
        suspects = [row_id for row_id in self._suspects if row_id in rows]
        again = [rows[row_id] for row_id in suspects[: self._settings.sample]]
        others = [row for row in rows.values() if row.facts.expects_twin and row.id not in self._suspects]
        wanted = round(self._settings.sample / max(self._telling, 1 / _MOST))
        return again + self._random.sample(others, min(wanted, len(others)))

    def compare(self, direct: Mapping[str, Health], index: Mapping[str, Health], now: float) -> int:
        """Judge the index by what both said of the rows drawn; answer how many rows counted against it.

        Where a direct read cannot tell what the index claims to know, nothing is proven. `now` is monotonic
        seconds.
        """
        self._failures = 0
        told = {row_id: index.get(row_id, Health.ABSENT) for row_id in direct}
        known = {row_id for row_id, seen in direct.items() if _proves(seen, told[row_id])}
        wrong = {row_id: direct[row_id] for row_id in known if direct[row_id] is not told[row_id]}
        kept: dict[str, tuple[Health, float]] = {}
        counted = 0
        for row_id, seen in wrong.items():
            before, since = self._suspects.get(row_id, (None, now))
            if before is not seen:
                kept[row_id] = (seen, now)
            elif now - since < self._settings.apart:
                kept[row_id] = (seen, since)
            else:  # it counts once: few rotten rows, found one by one, are not many
                counted += 1
        self._suspects = kept
        if direct:
            self._telling = sum(seen is not Health.UNKNOWN for seen in direct.values()) / len(direct)
        self._conclude(counted, len(wrong), len(known), len(direct))
        return counted

    def _conclude(self, counted: int, wrong: int, known: int, drawn: int) -> None:
        """A sample is clean when most of it could be compared, and hardly a row differs."""
        tolerated = self._settings.share * min(known, self._settings.sample)
        if counted > tolerated:
            self.doubt(f"{counted} of {known} ports differ between NSX's search index and direct reads")
        elif wrong > tolerated or 2 * known < drawn or not known:
            self._clean = 0
        else:
            self._clean += 1
            if self._clean >= self._settings.clean:
                self.distrust = ""


def _proves(direct: Health, index: Health) -> bool:
    """A direct read that cannot tell refutes nothing; but it agrees with an index that cannot, either."""
    return direct is not Health.UNKNOWN or index is Health.UNKNOWN
