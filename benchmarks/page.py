"""What the status page costs: how soon it answers while a sweep runs, and its CPU by that of a sweep."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import quantiles
from threading import Event

import requests

from benchmarks.child import Child
from benchmarks.report import Check
from benchmarks.world import DATABASES, world
from networking_nsx.serve.page_census import SHARE

PORTS = 100_000
_SWEEPS = 5
_LOOKS = 40  # at an idle daemon, to see what one costs
_PAUSE = 0.05  # seconds between two looks during a sweep: one reader who reloads as fast as that
_INTERVAL = 10.0  # seconds from one sweep to the next
_LATENCY = 200.0  # ms
_COST = 1.0  # per cent of a sweep's CPU


def run(*, quick: bool) -> list[Check]:
    ports, sweeps = (PORTS // 10, 1) if quick else (PORTS, _SWEEPS)
    return [check for database in DATABASES for check in _measured(database, ports, sweeps)]


def _measured(database: str, ports: int, sweeps: int) -> list[Check]:
    with world(ports, database) as settled:
        down = settled.set_ports("down", 0.004, 3)
        with settled.ours(module="paged") as child:
            url = child.ready["url"]
            child.ask("sweep")
            requests.get(url, timeout=60)
            with _reader(url) as latencies:
                swept = [child.ask("sweep") for _ in range(sweeps)]
            look = _look(child, url)
            counted = child.ask("count")
    slowest, median = quantiles(latencies, n=20)[-1], quantiles(latencies, n=2)[0]
    every = max(_INTERVAL, counted["wall"] / SHARE)
    print(f"{ports} ports, {len(down)} DOWN, {database}; {len(latencies)} looks during {sweeps} sweeps")
    print(f"  latency: median {median:.0f} ms, 95 % {slowest:.0f} ms, most {max(latencies):.0f} ms")
    print(
        f"  CPU: sweep {swept[-1]['cpu']:.2f} s, a look {1000 * look:.1f} ms, a count {counted['cpu']:.3f} s"
    )
    print(f"  a count takes {counted['wall']:.2f} s, so there is one in {every:.0f} s at most")
    follows = [100 * each["follows"] / each["cpu"] for each in swept]
    looks = [100 * look / each["cpu"] for each in swept]
    counts = [100 * counted["cpu"] * _INTERVAL / every / each["cpu"] for each in swept]
    return [
        Check(f"page during a sweep, {database}: 95 % of the answers within", [slowest], _LATENCY, " ms"),
        Check(f"page, {database}: keeping its numbers, of a sweep's CPU", follows, _COST, " %"),
        Check(f"page, {database}: a look in each interval, of a sweep's CPU", looks, _COST, " %"),
        Check(f"page, {database}: counting rows while somebody looks, of a sweep's CPU", counts, _COST, " %"),
    ]


def _look(child: Child, url: str) -> float:
    """CPU seconds of one look at an idle daemon, its count already made."""
    before = child.cpu()
    for _ in range(_LOOKS):
        requests.get(url, timeout=60).raise_for_status()
    return (child.cpu() - before) / _LOOKS


@contextmanager
def _reader(url: str) -> Iterator[list[float]]:
    """Somebody who looks again and again until the end of the block; the milliseconds that each look took."""
    latencies: list[float] = []
    ended = Event()

    def read() -> None:
        while not ended.wait(_PAUSE):
            began = time.monotonic()
            requests.get(url, timeout=60).raise_for_status()
            latencies.append(1000 * (time.monotonic() - began))

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        try:
            yield latencies
        finally:
            ended.set()
            reading.result()
