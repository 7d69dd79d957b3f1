"""Rows for an inventory: the demo's and the benchmarks' cloud, as Neutron would have it before us.

Rows that exist are left alone, so a second run adds only what is new.
"""

import hashlib
import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection, Engine

from networking_nsx.model import Kind, Status
from networking_nsx.neutron import words
from networking_nsx.neutron.database import connect_once
from networking_nsx.neutron.tables import ATTRIBUTES, BINDINGS, LEVELS, ROUTER_EXTRAS, SEGMENTS, TABLES

DRIVER = "nsx"  # the mechanism driver that is said to have bound the ports
HOST = "compute-1"

_CHUNK = 5000  # rows of a kind per transaction
_AGE = timedelta(hours=1)  # older than any grace period
_PROJECT = "networking-nsx"

_Line = Mapping[str, Any]
_Inserts = Iterator[tuple[sa.Table, dict[str, Any]]]


def populate(engine: Engine, objects: Iterable[_Line]) -> dict[Kind, int]:
    """Insert a row for each line of the simulator's `/_sim/inventory` that names a Neutron id.

    Answers how many rows of each kind are new. A port whose network is neither among the lines nor in the
    database is left out. Raises StoreError.
    """
    lines: dict[Kind, dict[str, _Line]] = {kind: {} for kind in Kind}
    for line in objects:
        if line.get("neutron_id"):
            lines[Kind(line["kind"])][line["neutron_id"]] = line
    return {kind: _populate(engine, kind, lines[kind]) for kind in Kind}


def _populate(engine: Engine, kind: Kind, lines: Mapping[str, _Line]) -> int:
    return sum(
        connect_once(engine, lambda connection, chunk=chunk: _insert(connection, kind, lines, chunk))  # type: ignore[misc]
        for chunk in _chunks(sorted(lines))
    )


def _insert(connection: Connection, kind: Kind, lines: Mapping[str, _Line], ids: Sequence[str]) -> int:
    new = _missing(connection, kind, ids)
    if kind is Kind.PORT:
        networks = {lines[port_id].get("network_id") or "" for port_id in new}
        absent = set(_missing(connection, Kind.NETWORK, sorted(networks)))
        new = [port_id for port_id in new if lines[port_id].get("network_id") not in (None, *absent)]
    inserts: dict[sa.Table, list[dict[str, Any]]] = {ATTRIBUTES: []}
    numbers = itertools.count(_next_attribute(connection))
    then = timeutils.utcnow().replace(microsecond=0) - _AGE
    for row_id in new:
        for table, values in _ROWS[kind](row_id, lines[row_id]):
            if "standard_attr_id" in table.c:
                values["standard_attr_id"] = next(numbers)
                inserts[ATTRIBUTES].append(_attributes(table, values["standard_attr_id"], then))
            inserts.setdefault(table, []).append(values)
    for table, rows in inserts.items():
        if rows:
            connection.execute(sa.insert(table), rows)
    return len(new)


def _missing(connection: Connection, kind: Kind, ids: Sequence[str]) -> list[str]:
    key = TABLES[kind].c.id
    there = set(connection.scalars(sa.select(key).where(key.in_(ids))))
    return [row_id for row_id in ids if row_id not in there]


def _next_attribute(connection: Connection) -> int:
    """Number the standard attributes by hand: asking for each new number takes a statement per row."""
    return (connection.scalar(sa.select(sa.func.max(ATTRIBUTES.c.id))) or 0) + 1


def _attributes(table: sa.Table, number: int, then: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "resource_type": table.name,
        "revision_number": 1,
        "created_at": then,
        "updated_at": then,
    }


def _network(network_id: str, _line: _Line) -> _Inserts:
    yield (
        TABLES[Kind.NETWORK],
        {**_common(network_id, words.ACTIVE), "mtu": 1500},
    )
    segment = {"id": _derived(network_id), "network_id": network_id, "network_type": "geneve"}
    yield SEGMENTS, {**segment, "segment_index": 0, "is_dynamic": False}


def _router(router_id: str, _line: _Line) -> _Inserts:
    yield (
        TABLES[Kind.ROUTER],
        {**_common(router_id, words.ACTIVE), "enable_snat": True},
    )
    yield ROUTER_EXTRAS, {"router_id": router_id, "distributed": False, "ha": False, "service_router": False}


def _port(port_id: str, line: _Line) -> _Inserts:
    yield (
        TABLES[Kind.PORT],
        {
            **_common(port_id, Status.DOWN.value),
            "network_id": line["network_id"],
            "mac_address": _mac(port_id),
            "device_id": _derived(port_id),
            "device_owner": words.COMPUTE_PREFIX + "nova",
        },
    )
    yield (
        BINDINGS,
        {
            "port_id": port_id,
            "host": HOST,
            "vnic_type": "normal",
            "profile": "",
            "vif_type": "ovs",
            "vif_details": "",
            "status": words.ACTIVE,
        },
    )
    yield LEVELS, {"port_id": port_id, "host": HOST, "level": 0, "driver": DRIVER}


_ROWS = {Kind.NETWORK: _network, Kind.ROUTER: _router, Kind.PORT: _port}


def _common(row_id: str, status: str) -> dict[str, Any]:
    return {"id": row_id, "project_id": _PROJECT, "name": "", "status": status, "admin_state_up": True}


def _derived(row_id: str) -> str:
    """Derive another UUID, the same one in every run."""
    return str(uuid.UUID(bytes=hashlib.blake2b(row_id.encode(), digest_size=16).digest(), version=4))


def _mac(port_id: str) -> str:
    """Make a locally administered address that no other port of the network is likely to have."""
    return "02:" + hashlib.blake2b(port_id.encode(), digest_size=5).digest().hex(":")


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
