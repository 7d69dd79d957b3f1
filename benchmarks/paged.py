"""Our synchronizer as a child that shows its status page: a sweep for each line `sweep`, a count for `count`.

Run by `page`: python -m benchmarks.paged CONFIGURATION. Its first line tells the page's URL.
"""

import sys
import threading
import time
from typing import Any

from prometheus_client import CollectorRegistry

from benchmarks.child import serve
from networking_nsx.assemble import Parts, daemon
from networking_nsx.cli.common import configured
from networking_nsx.config import Address
from networking_nsx.model import Kind
from networking_nsx.neutron.census import By
from networking_nsx.serve.board import Board
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.site import Site, health_of
from networking_nsx.serve.web import web
from networking_nsx.sync.runner import Several, Summary


def sweep(parts: Parts, board: Board, page: Several) -> dict[str, float]:
    """Sweep; the CPU of the whole, and of what keeps the page's numbers."""
    summary, follows = Summary(), 0.0
    began = time.thread_time()
    board.began()
    for progress in parts.sweeper.sweep(lambda: parts.source.page_maximum):
        summary.add(progress)
        board.progressed(progress)
        before = time.thread_time()
        page.progressed(progress)
        follows += time.thread_time() - before
    board.swept(summary)
    page.swept(summary)
    return {"cpu": time.thread_time() - began, "follows": follows}


def count(parts: Parts) -> dict[str, float]:
    """One count of the ports that are DOWN, as the page has it made."""
    cpu, wall = time.thread_time(), time.monotonic()
    for by in (By.HOST, By.SEGMENT):
        parts.census.down_ports(by)
    return {"cpu": time.thread_time() - cpu, "wall": time.monotonic() - wall}


def main() -> None:
    conf = configured(sys.argv[1:])
    with daemon(conf, threading.Event()) as parts:
        board = Board(parts.clock, None)
        site = Site(parts)
        desk = Desk(_FACTS, board, parts.brake, parts.clock, parts.schedule(), parts.window)
        page = Several(*site.followers("sweep"))
        parts.source.page(Kind.ROUTER, None, 1)  # logs in
        views = site.views(desk, health_of(parts, desk, board), CollectorRegistry())
        with web(Address("127.0.0.1", 0), views) as url:
            serve({"sweep": lambda: sweep(parts, board, page), "count": lambda: count(parts)}, url=url)


_FACTS: dict[str, Any] = {
    "version": "",
    "process": 0,
    "started_at": 0.0,
    "api": "mh",
    "managers": (),
    "mode": "write",
}


if __name__ == "__main__":
    main()
