"""The limit for NSX Policy: fetch every page, decode the fields read, select the columns read.

It compares and keeps nothing. Run: python -m benchmarks.limit_policy MANAGER DATABASE, then a line per sweep.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any

import requests
import sqlalchemy as sa
from msgspec import defstruct
from msgspec.json import Decoder

from benchmarks.limit import SELECTS

Tag: Any = defstruct("Tag", [("scope", str), ("tag", str)], gc=False)
Attachment: Any = defstruct("Attachment", [("id", str)], gc=False)
Status: Any = defstruct("Status", [("status", str)], gc=False)
Port: Any = defstruct(
    "Port", [("id", str), ("tags", list[Tag]), ("attachment", Attachment), ("status", Status)], gc=False
)
Realized: Any = defstruct("Realized", [("consolidated_status", dict[str, str])], gc=False)
Intent: Any = defstruct(
    "Intent", [("path", str), ("tags", list[Tag]), ("status", Realized | None, None)], gc=False
)
State: Any = defstruct("State", [("segment_path", str), ("state", str)], gc=False)


def envelope(thing: Any) -> Any:
    fields: list[Any] = [("results", list[thing]), ("result_count", int, 0), ("cursor", str | None, None)]
    return Decoder(defstruct("Page", fields, gc=False))


PORTS, INTENTS, STATES = envelope(Port), envelope(Intent), envelope(State)
PARTS = [f"resource_type:LogicalPort AND id:{digit}*" for digit in "0123456789abcdef"]


def get(session: requests.Session, url: str, params: dict[str, str] | None = None) -> bytes:
    """Ask, and wait where NSX says that this was one too many in a second."""
    while (answer := session.get(url, params=params)).status_code == requests.codes.too_many_requests:
        time.sleep(1)
    answer.raise_for_status()
    return answer.content


def hits(manager: str, session: requests.Session, url: str, query: str, decoder: Any) -> Iterator[int]:
    cursor, total = 0, 1
    while cursor < total:
        params = {"query": query, "page_size": "1000", "sort_by": "id", "cursor": str(cursor)}
        page = decoder.decode(get(session, manager + url, params))
        yield len(page.results)
        cursor, total = int(page.cursor), page.result_count


def listed(manager: str, session: requests.Session) -> Iterator[int]:
    STATES.decode(get(session, f"{manager}/policy/api/v1/infra/segments/state"))
    more: str | None = ""
    while more is not None:
        params = {"page_size": "1000"} | ({"cursor": more} if more else {})
        page = INTENTS.decode(get(session, f"{manager}/policy/api/v1/infra/segments", params))
        yield len(page.results)
        more = page.cursor


def observed(manager: str, session: requests.Session) -> int:
    gateways = "resource_type:Tier1 AND marked_for_delete:false"
    found = sum(listed(manager, session))
    found += sum(hits(manager, session, "/policy/api/v1/search/query", gateways, INTENTS))
    return found + sum(sum(hits(manager, session, "/api/v1/search/query", part, PORTS)) for part in PARTS)


if __name__ == "__main__":
    manager, session, engine = sys.argv[1], requests.Session(), sa.create_engine(sys.argv[2])
    login = {"j_username": "admin", "j_password": "admin"}
    opened = session.post(f"{manager}/api/session/create", login)
    opened.raise_for_status()
    session.headers["X-XSRF-TOKEN"] = opened.headers["X-XSRF-TOKEN"]
    print("{}", flush=True)
    for _ in sys.stdin:
        count = observed(manager, session)
        with engine.connect() as connection:
            selects = (sa.text(select).columns(changed=sa.DateTime) for select in SELECTS)
            rows = sum(len(connection.execute(select).all()) for select in selects)
        print(f'{{"observed": {count}, "rows": {rows}}}', flush=True)
