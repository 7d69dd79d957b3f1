"""How many of Neutron's rows have which status, by host, segment or project: counted by the database.

Only rows that are ours are counted: what others look after says nothing of NSX.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from networking_nsx.model import Kind, Row, Status
from networking_nsx.neutron import records, tables
from networking_nsx.neutron.database import connect_once
from networking_nsx.neutron.scope import judge
from networking_nsx.ports import Clock
from networking_nsx.scope import Scope

BAD = (Status.ERROR, Status.DOWN)


class By(StrEnum):
    """What rows are grouped by."""

    HOST = "host"  # where a port is bound
    SEGMENT = "segment"  # a port's network, which is a segment (a logical switch) on NSX
    PROJECT = "project"


class Group(NamedTuple):
    """Rows of one kind that have a host, a segment or a project in common."""

    id: str  # the host, or Neutron's id; "" for rows without one
    name: str  # of a segment's network; "" for the others
    counts: Mapping[str, int]  # rows by status

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def bad(self) -> int:
        """Rows that are DOWN or ERROR."""
        return sum(self.counts.get(status, 0) for status in BAD)


KINDS: Mapping[By, tuple[Kind, ...]] = {
    By.HOST: (Kind.PORT,),
    By.SEGMENT: (Kind.PORT,),
    By.PROJECT: tuple(Kind),
}
"""The kinds whose rows have such a thing."""


class Census:
    """Counts that take one statement each, and single rows. Never waits for a lock, and writes nothing."""

    def __init__(self, engine: Engine, scope: Scope, clock: Clock) -> None:
        self._engine = engine
        self._scope = scope
        self._records = records.Records(scope, clock)

    def groups(self, kind: Kind, by: By, status: str | None = None) -> list[Group]:
        """Groups of a kind's rows, or of those with this status: the one with most that are bad first.

        Raises StoreError, and ValueError for a kind whose rows have no such thing (`KINDS`).
        """
        if kind not in KINDS[by]:
            raise ValueError(f"a {kind} has no {by}")
        found = self._counted(kind, by, status).items()
        groups = [Group(group, name, dict(counts)) for (group, name), counts in found]
        return sorted(groups, key=lambda group: (-group.bad, -group.total, group.name, group.id))

    def down_ports(self, by: By) -> list[Group]:
        """Groups of the ports that are DOWN, the largest first. Raises StoreError."""
        return self.groups(Kind.PORT, by, Status.DOWN)

    def rows(self, row_id: str) -> list[Row]:
        """The rows, of any kind, that have this id. Raises StoreError."""
        found = connect_once(self._engine, lambda connection: self._rows(connection, row_id))
        return [row for row in found if row.id == row_id]  # MariaDB takes ids for the same that look alike

    def _rows(self, connection: Connection, row_id: str) -> list[Row]:
        return [row for kind in Kind for row in self._records.some(connection, kind, [row_id])]

    def _counted(self, kind: Kind, by: By, status: str | None) -> dict[tuple[str, str], Counter[str]]:
        select = _grouped(kind, self._scope, by, status)
        found = connect_once(self._engine, lambda connection: connection.execute(select).all())
        return _counts(self._scope, kind, found)


def _grouped(kind: Kind, scope: Scope, by: By, status: str | None) -> sa.Select[Any]:
    """Count rows by group, status and whatever else they are judged by."""
    table = tables.TABLES[kind]
    rows = records.judged(kind, scope).add_columns(*_COLUMNS[by](kind))
    if status is not None:
        rows = rows.where(table.c.status == status)
    inner = rows.subquery()
    return sa.select(sa.func.count(), *inner.c).group_by(*inner.c)


def _host(_kind: Kind) -> tuple[sa.ColumnElement[Any], ...]:
    return (tables.BINDINGS.c.host.label("group_id"), _none("group_name"))


def _segment(kind: Kind) -> tuple[sa.ColumnElement[Any], ...]:
    networks, network_id = tables.TABLES[Kind.NETWORK], tables.TABLES[kind].c.network_id
    name = sa.select(networks.c.name).where(networks.c.id == network_id).correlate_except(networks)
    return (network_id.label("group_id"), name.scalar_subquery().label("group_name"))


def _project(kind: Kind) -> tuple[sa.ColumnElement[Any], ...]:
    return (tables.TABLES[kind].c.project_id.label("group_id"), _none("group_name"))


def _none(name: str) -> sa.Label[str]:
    return sa.literal_column("''").label(name)


_COLUMNS = {By.HOST: _host, By.SEGMENT: _segment, By.PROJECT: _project}


def _counts(scope: Scope, kind: Kind, found: Sequence[Any]) -> dict[tuple[str, str], Counter[str]]:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for number, status, *columns, group, name in found:
        if judge(scope, kind, *columns).in_scope:
            counts.setdefault((group or "", name or ""), Counter())[status or ""] += number
    return counts
