"""What the listings of NSX Policy share: how it is read, and pages of hits.

A search index lags: what it says is as of its lag ago.
"""

from dataclasses import dataclass, field

from networking_nsx.errors import CursorExpired, Malformed
from networking_nsx.model import Kind, Page
from networking_nsx.nsx.codec_policy import Hits, Tags

REACH = 50_000  # hits of one query that NSX lets anybody reach
PART = 40_000  # hits of one query at most, below that
_DIGITS = 18  # of an offset; int() refuses thousands of them with a ValueError


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """How NSX Policy is read."""

    tags: Tags = field(default_factory=Tags)
    index_lag: float = 60.0
    """Seconds by which a search hit may be older than its answer. Shorter is believed sooner, and is wrong
    where the index is slower than that."""
    part: int = PART
    """Hits of one query at most, below the ceiling of 50,000. Fewer make more requests."""
    gateway_reads: int = 100
    """Gateways with an edge cluster whose state is read per sweep. More see a failed edge sooner."""
    readers: int = 16
    """Direct reads at a time. NSX allows an account 40 on each manager."""


def page_of(kind: Kind, hits: Hits, cursor: str | None, as_of: float) -> Page:
    return Page(kind, hits.observations, cursor, hits.total, as_of, hits.malformed, hits.foreign)


def next_offset(hits: Hits, offset: int) -> int | None:
    """Where a search goes on. Its cursor is the number of hits consumed so far, the last one their total.

    Where a page has a cursor and does not announce the total, the search goes on until one has no hits.
    Raises Malformed when it announces more hits and has none, goes back, or goes on for ever.
    """
    if not hits.size and offset < (hits.total or 0):
        raise Malformed(f"NSX's search announces {hits.total} hits, and has none from {offset} on")
    place = offset_from(hits.cursor) if hits.cursor else offset + hits.size
    total = (place + 1 if hits.size and hits.cursor else 0) if hits.total is None else hits.total
    if place >= total:
        return None
    if not offset < place <= REACH:
        raise Malformed(f"NSX's search goes from {offset} to {place}")
    return place


def offset_from(text: str) -> int:
    if not text.isdecimal() or len(text) > _DIGITS:
        raise CursorExpired(f"{text[:40]!r} is no offset")
    return int(text)
