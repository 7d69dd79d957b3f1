"""The limit: fetch every page, decode the fields read, select the columns read. Not a line of ours.

It compares and keeps nothing. Run: python -m benchmarks.limit MANAGER DATABASE, then a line per sweep.
"""

import sys
from collections.abc import Iterator
from typing import Any

import requests
import sqlalchemy as sa
from msgspec import defstruct
from msgspec.json import Decoder

Tag: Any = defstruct("Tag", [("scope", str), ("tag", str)], gc=False)
Flags: Any = defstruct("Flags", [("fabric_status", bool, False), ("fabric_status_up", bool, False)], gc=False)
FIELDS = [("uuid", str), ("_href", str), ("tags", list[Tag]), ("_relations", dict[str, Flags])]
Thing: Any = defstruct("Thing", FIELDS, gc=False)
Page: Any = defstruct("Page", [("results", list[Thing]), ("page_cursor", str | None, None)], gc=False)

KINDS = {
    "lswitch": "fields=uuid,tags,fabric_status&relations=LogicalSwitchStatus",
    "lrouter": "fields=uuid,tags,fabric_status&relations=LogicalRouterStatus",
    "lswitch/*/lport": "fields=uuid,tags,fabric_status_up&relations=LogicalPortStatus",
}
ROWS = """SELECT {0}.id, {0}.status, revision_number, COALESCE(updated_at, created_at) AS changed,
  admin_state_up {1} FROM {0} JOIN standardattributes ON standardattributes.id = {0}.standard_attr_id """
EXTERNAL = "LEFT JOIN externalnetworks ON externalnetworks.network_id = {0}"
BINDING = "LEFT JOIN ml2_port_bindings b ON b.port_id = ports.id AND b.status = 'ACTIVE' "
PORT = """, ports.network_id, device_id, device_owner, vif_type, externalnetworks.network_id IS NOT NULL,
  EXISTS (SELECT * FROM ml2_port_binding_levels l
    WHERE l.port_id = b.port_id AND l.host = b.host AND l.driver = 'nsx')"""
SELECTS = [
    ROWS.format("networks", ", externalnetworks.network_id IS NOT NULL") + EXTERNAL.format("networks.id"),
    ROWS.format("routers", ""),
    ROWS.format("ports", PORT) + BINDING + EXTERNAL.format("ports.network_id"),
]


def pages(manager: str, session: requests.Session, path: str, asked: str) -> Iterator[int]:
    decoder, cursor = Decoder(Page), ""
    while cursor is not None:
        more = f"&_page_cursor={cursor}" if cursor else ""
        url = f"{manager}/ws.v1/{path}?{asked}&tag_scope=quantum&_page_length=5000{more}"
        page = decoder.decode(session.get(url).content)
        yield len(page.results)
        cursor = page.page_cursor


if __name__ == "__main__":
    manager, session, engine = sys.argv[1], requests.Session(), sa.create_engine(sys.argv[2])
    session.post(f"{manager}/ws.v1/login", {"username": "admin", "password": "admin"}).raise_for_status()
    print("{}", flush=True)
    for _ in sys.stdin:
        observed = sum(sum(pages(manager, session, path, asked)) for path, asked in KINDS.items())
        with engine.connect() as connection:
            selects = (sa.text(select).columns(changed=sa.DateTime) for select in SELECTS)
            rows = sum(len(connection.execute(select).all()) for select in selects)
        print(f'{{"observed": {observed}, "rows": {rows}}}', flush=True)
