"""What NSX has against what Neutron has, without any code that could share the synchronizer's mistakes."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

_TABLES = {"network": "networks", "router": "routers", "port": "ports"}
_STATUS = {
    "mh": {
        "network": {"up": "ACTIVE", "down": "DOWN"},
        "router": {"up": "ACTIVE", "down": "ERROR"},
        "port": {"up": "ACTIVE", "down": "DOWN"},
    },
    "policy": {
        "network": {"up": "ACTIVE", "down": "ERROR"},  # a segment is realized, or it has failed
        "router": {"up": "ACTIVE", "down": "ERROR"},
        "port": {"up": "ACTIVE", "down": "DOWN"},
    },
}


def compare(api: str, inventory: Iterable[Mapping[str, Any]], file: Path) -> tuple[int, list[str]]:
    """How many rows were compared, and a line for each that is not what NSX has; rows NSX lacks are ERROR."""
    expected: dict[tuple[str, str], str] = {}
    for item in inventory:
        key = (item["kind"], item["neutron_id"])
        status = _STATUS[api][item["kind"]][item["status"]]
        # A network has one object per switch: one that is down decides.
        if expected.get(key, "ACTIVE") == "ACTIVE":
            expected[key] = status
    with closing(sqlite3.connect(file)) as neutron:
        found = {
            (kind, row_id): status
            for kind, table in _TABLES.items()
            for row_id, status in neutron.execute(f"SELECT id, status FROM {table}")  # nosec B608 # noqa: S608 - a constant
        }
    wrong = [
        f"{kind} {row_id}: Neutron says {status}, NSX {expected.get((kind, row_id), 'has none: ERROR')}"
        for (kind, row_id), status in found.items()
        if status != expected.get((kind, row_id), "ERROR")
    ]
    absent = [f"{kind} {row_id}: Neutron has no row" for kind, row_id in expected.keys() - found.keys()]
    return len(found), wrong + absent


def both_say(inventory: Iterable[Mapping[str, Any]], port_id: str, file: Path) -> str:
    """What NSX and Neutron say of this port, in a line."""
    said = next(item["status"] for item in inventory if item["neutron_id"] == port_id)
    with closing(sqlite3.connect(file)) as neutron:
        (status,) = neutron.execute("SELECT status FROM ports WHERE id = ?", (port_id,)).fetchone()
    return f"port {port_id}: NSX says {said}, Neutron says {status}"
