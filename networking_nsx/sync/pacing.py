"""How fast: the original's chunk law in integers, and the back-off. Values in, seconds out.

A *chunk* is the pacing unit. It has at least `min_chunk_size` objects and at least
`ceil(total * min_sync_req_delay / state_sync_interval)`; chunks start at least `min_sync_req_delay` apart,
spread evenly over the interval; a chunk takes as many requests as the page maximum makes of it. The
chunk follows the inventory, up and down. Where the delay and the interval contradict each other, the
interval yields, and the time that a sweep really took is what gets reported.
"""

from dataclasses import dataclass

from networking_nsx.model import Kind, Progress
from networking_nsx.ports import Random


@dataclass(frozen=True, slots=True)
class PacingSettings:
    interval: int = 10  # seconds that one sweep should take; shorter finds changes sooner, for more requests
    delay: int = 1  # seconds at least between two chunks; 0 allowed
    chunk: int = 500  # objects at least in a chunk; larger means fewer waits, each for more
    jitter: int = 0  # seconds at most, drawn anew after each sweep, so that restarted servers drift apart
    page_maximum: int = 5000  # objects that one request may ask for


def chunk_size(total: int, settings: PacingSettings) -> int:
    """Objects in a chunk, so that `total` of them fit in the interval with the delay between chunks."""
    if not settings.delay:
        return settings.chunk
    slots = max(1, settings.interval // settings.delay)
    return max(settings.chunk, -(-total // slots))


def chunk_count(total: int, settings: PacingSettings) -> int:
    return max(1, -(-total // chunk_size(total, settings)))


class Pacer:
    """Spreads the chunks of one sweep after another. `now` is monotonic seconds throughout."""

    def __init__(self, settings: PacingSettings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self._totals: dict[Kind, int] = {}
        self._sweep_began = 0.0
        self._chunk_began = 0.0
        self._chunks = 1  # begun in this sweep
        self._fetched = 0  # objects of this chunk

    def __repr__(self) -> str:
        return (
            f"Pacer(total={self.total}, chunk={self._chunk()}, begun={self._chunks}, fetched={self._fetched})"
        )

    @property
    def total(self) -> int:
        """Objects that a sweep has, as far as is known."""
        return sum(self._totals.values())

    @property
    def interval(self) -> float:
        """Seconds at least from one sweep to the next."""
        return self._settings.interval

    def begin(self, now: float) -> None:
        """A sweep begins."""
        self._sweep_began = self._chunk_began = now
        self._chunks, self._fetched = 1, 0

    def room(self) -> int:
        """Objects that the next request may ask for."""
        return max(1, min(self._settings.page_maximum, self._chunk() - self._fetched))

    def delay(self, progress: Progress, now: float) -> float:
        """Seconds to wait before the next page. A chunk that is not full yet goes on at once."""
        if progress.counts.get("pages"):
            self._totals[progress.kind] = progress.total
        self._fetched += sum(progress.counts.get(name, 0) for name in ("observed", "malformed", "foreign"))
        if not progress.goes_on or self._fetched < self._chunk():
            return 0.0
        due = self._due()
        self._chunks, self._fetched, self._chunk_began = self._chunks + 1, 0, max(now, due)
        return max(0.0, due - now)

    def rest(self, now: float) -> float:
        """Seconds to wait after a sweep, before the next one begins."""
        due = max(self._sweep_began + self._settings.interval, self._chunk_began + self._settings.delay)
        return max(0.0, due - now) + self._random.uniform(0, self._settings.jitter)

    def _chunk(self) -> int:
        return chunk_size(self.total, self._settings)

    def _due(self) -> float:
        """When the next chunk begins: on its even share of the interval, later only for the delay's sake."""
        share = self._settings.interval / chunk_count(self.total, self._settings)
        return max(self._sweep_began + self._chunks * share, self._chunk_began + self._settings.delay)


class Backoff:
    """Seconds to wait after a failure: 1, 2, 4, ... 64, 64; from 1 again after a success."""

    def __init__(self, first: float = 1.0, last: float = 64.0) -> None:
        self._first = first
        self._last = last
        self._next = first

    def failed(self) -> float:
        """The seconds to wait now. Never cut short by the interval."""
        wait, self._next = self._next, min(self._next * 2, self._last)
        return wait

    def succeeded(self) -> None:
        self._next = self._first
