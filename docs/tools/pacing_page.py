"""Keeps the worked numbers of docs/explanation/pacing.md equal to `networking_nsx/sync/pacing.py`.

Run: make reference. A test fails while the page is not up to date.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path

from networking_nsx.assemble import URGENT_SHARE
from networking_nsx.sync.pacing import PacingSettings, chunk_count, chunk_size

PAGE = Path(__file__).parents[1] / "explanation" / "pacing.md"

PORTS = (10_000, 100_000, 300_000)
PACES = ((10, 1), (60, 5), (300, 10))  # state_sync_interval, min_sync_req_delay
RATES = (50, 100)  # request_rate
MANAGERS = (1, 3)
USED = 1 / 1.1  # of a rate: what the limiter leaves for jitter on the way is not used

_PLACE = re.compile(r"(<!-- (\w+) of pacing -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str) -> str:
    """The page with both tables in their places."""
    tables = {"sweeps": _sweeps, "reads": _reads}
    return _PLACE.sub(lambda place: f"{place[1]}\n{_table(tables[place[2]]())}\n{place[3]}", page)


def _table(rows: Iterator[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "--:|" * lines[0].count(" | ") + "--:|", *lines[1:]]) + "\n"


def objects(ports: int) -> int:
    """What a cloud of the benchmarks has: a network for 50 ports, a router for 500."""
    return ports + ports // 50 + ports // 500


def _sweeps() -> Iterator[tuple[str, ...]]:
    """Chunks and requests of a sweep."""
    yield "ports", "objects", "interval, delay", "chunk", "chunks", "seconds apart", "requests of a chunk"
    for ports in PORTS:
        for interval, delay in PACES:
            settings, total = PacingSettings(interval=interval, delay=delay), objects(ports)
            chunk, chunks = chunk_size(total, settings), chunk_count(total, settings)
            pages = math.ceil(chunk / settings.page_maximum)
            yield (
                f"{ports:,}",
                f"{total:,}",
                f"{interval}, {delay}",
                f"{chunk:,}",
                f"{chunks}",
                f"{interval / chunks:.3g}",
                f"{pages}",
            )


def _reads() -> Iterator[tuple[str, ...]]:
    """How long it takes a daemon to read each port directly, with one request."""
    rates = [rate * managers for managers in MANAGERS for rate in RATES]
    yield "ports", *(f"{managers} at {rate}/s" for managers in MANAGERS for rate in RATES)
    for ports in PORTS:
        yield f"{ports:,}", *(_duration(ports / (rate * (1 - URGENT_SHARE) * USED)) for rate in rates)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text()))
