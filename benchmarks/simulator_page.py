"""The simulator's own speed: CPU of its process for a page of 1,000 ports, over real HTTP.

The first listing renders every object; the ones after it send the bytes that were kept.
"""

import requests

from benchmarks.child import Child
from benchmarks.report import Check
from benchmarks.world import PATIENCE, simulator

PORTS = 100_000
ROUNDS = 3
_PAGE = 1000
_TARGET = 5.0  # ms
_LIST = (
    "/ws.v1/lswitch/*/lport?fields=uuid,tags,fabric_status_up&relations=LogicalPortStatus"
    f"&_page_length={_PAGE}&tag_scope=quantum"
)


def run(*, quick: bool) -> list[Check]:
    with simulator(PORTS // 10 if quick else PORTS) as (nsx, manager), requests.Session() as session:
        login = {"username": "admin", "password": "admin"}
        session.post(f"{manager}/ws.v1/login", data=login, timeout=PATIENCE).raise_for_status()
        first, *later = [_milliseconds(nsx, session, manager) for _ in range(1 + ROUNDS)]
    return [
        Check(
            f"simulator: CPU of a page of {_PAGE} ports, listed for the first time", [first], _TARGET, " ms"
        ),
        Check(f"simulator: CPU of a page of {_PAGE} ports", later, _TARGET, " ms"),
    ]


def _milliseconds(nsx: Child, session: requests.Session, manager: str) -> float:
    """List all ports; the simulator's CPU per page."""
    before, pages = nsx.cpu(), 0
    cursor: str | None = ""
    while cursor is not None:
        more = f"&_page_cursor={cursor}" if cursor else ""
        cursor = session.get(manager + _LIST + more, timeout=PATIENCE).json().get("page_cursor")
        pages += 1
    return 1000 * (nsx.cpu() - before) / pages
