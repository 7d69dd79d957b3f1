"""Neutron's rows as they are read: one select per kind, and what becomes of a record.

Columns, not objects: for 100,000 ports the plugin API takes 35 s of CPU and 1 GB, this half a second.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from networking_nsx.model import Facts, Kind, Row
from networking_nsx.neutron import words
from networking_nsx.neutron.scope import judge
from networking_nsx.neutron.tables import ATTRIBUTES, BINDINGS, BLOCKS, EXTERNALS, LEVELS, SEGMENTS, TABLES
from networking_nsx.ports import Clock
from networking_nsx.scope import Scope

PAGE = 5000  # rows; short transactions, so that no snapshot grows old on a busy server
# Live migration completes only through this entity's block (neutron.db.provisioning_blocks).
OUR_BLOCK = "L2"

_ROUNDED = 1.0  # seconds that the date of a row's last change may be too early
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - Neutron's columns hold UTC without saying so
_NOTHING: sa.ColumnElement[str] = sa.literal_column("''")
_YES: sa.ColumnElement[int] = sa.literal_column("1")
_NO: sa.ColumnElement[int] = sa.literal_column("0")


class Found(NamedTuple):
    """A row with what only its writer needs."""

    row: Row
    attribute_id: int  # of the row's standardattributes
    our_block: bool
    blocked: bool  # by anyone, ourselves included
    owner: str  # what a port serves, "" for the others
    device_id: str


class Records:
    """The selects of one scope. Keeps nothing of what it read."""

    def __init__(self, scope: Scope, clock: Clock) -> None:
        self._scope = scope
        self._clock = clock
        self._selects = {kind: _select(kind, scope) for kind in Kind}

    def page(self, connection: Connection, kind: Kind, after: str) -> Sequence[Any]:
        """Fetch the records whose ids follow `after`, raw."""
        key = TABLES[kind].c.id
        select = self._selects[kind].where(key > after).order_by(key).limit(PAGE)
        return connection.execute(select).all()

    def rows(self, kind: Kind, pages: Iterable[Sequence[Any]]) -> Iterator[Row]:
        """Make rows of records, page by page as they are read. The same raw values share one Facts.

        No row has changed after it was read, whatever its date says: its second may not be over, the clock of
        whoever wrote it may be ahead of ours, or ours may have been set back. So what is seen after a reading
        is later than the row's last change.
        """
        columns = _JUDGED[kind]
        judged: dict[tuple[Any, ...], tuple[str, Facts, bool]] = {}
        for page in pages:
            latest = self._clock.now()
            for record in page:
                raw = record[columns]
                known = judged.get(raw)
                if known is None:
                    known = judged[raw] = self._judged(kind, *raw)
                status, facts, follows = known
                changed_at = seconds_of(record[3])
                yield Row(
                    kind,
                    record[0],
                    record[1],
                    status,
                    record[2],
                    min(changed_at, latest),
                    facts,
                    record[4] if follows else "",
                    max(0.0, changed_at - _ROUNDED - latest),
                )

    def some(self, connection: Connection, kind: Kind, ids: Sequence[str]) -> list[Row]:
        """Read a few rows by their ids."""
        select = self._selects[kind].where(TABLES[kind].c.id.in_(ids))
        return list(self.rows(kind, [connection.execute(select).all()]))

    def found(self, connection: Connection, kind: Kind, ids: Sequence[str]) -> dict[str, Found]:
        """Read a few rows, by id, with all that their writer needs."""
        select = self._selects[kind].add_columns(*_for_writer(kind)).where(TABLES[kind].c.id.in_(ids))
        records = connection.execute(select).all()
        return {
            row.id: Found(row, *record[-_WRITERS_COLUMNS:])
            for row, record in zip(self.rows(kind, [records]), records, strict=True)
        }

    def _judged(
        self, kind: Kind, status: str | None, admin_up: object, *columns: object
    ) -> tuple[str, Facts, bool]:
        standing = judge(self._scope, kind, *columns)
        facts = Facts(standing.in_scope, standing.expects_twin, bool(admin_up), standing.may_activate)
        return sys.intern(status or ""), facts, standing.follows_router


def seconds_of(moment: datetime | None) -> float:
    """Seconds since the epoch, no earlier than the moment that was stored.

    Neutron stores whole seconds (neutron_lib.db.sqlalchemytypes.TruncatedDateTime): the fraction that was cut
    off counts as a whole one.
    """
    if moment is None:
        return 0.0
    return (moment - _EPOCH).total_seconds() + (0.0 if moment.microsecond else _ROUNDED)


def with_attributes(kind: Kind) -> sa.Join:
    """Join a kind's table with its standard attributes."""
    table = TABLES[kind]
    return table.join(ATTRIBUTES, ATTRIBUTES.c.id == table.c.standard_attr_id)


def judged(kind: Kind, scope: Scope) -> sa.Select[Any]:
    """Select of a kind's rows the status, and what `scope.judge` asks for."""
    select = _select(kind, scope)
    status, _admin_up, *columns = list(select.selected_columns)[_JUDGED[kind].start :]
    named = [column.label(f"judged_{number}") for number, column in enumerate(columns)]
    return select.with_only_columns(status.label("status"), *named)


def _select(kind: Kind, scope: Scope) -> sa.Select[Any]:
    return _SELECTS[kind](scope)


# Every select begins with the columns that `Records.rows` takes by position (it makes 100,000 rows, so it
# looks no names up): id, parent, revision, last change, device. What the row is judged by follows.


def _ports(scope: Scope) -> sa.Select[Any]:
    ports = TABLES[Kind.PORT]
    columns = (
        ports.c.device_owner,
        BINDINGS.c.vif_type,
        _external(),
        _inside(scope, ports.c.network_id),
        _ours(scope),
    )
    source = with_attributes(Kind.PORT).outerjoin(
        BINDINGS, sa.and_(BINDINGS.c.port_id == ports.c.id, BINDINGS.c.status == words.ACTIVE)
    )
    return _selected(Kind.PORT, ports.c.network_id, ports.c.device_id, *columns).select_from(
        _with_external(source, ports.c.network_id)
    )


def _networks(scope: Scope) -> sa.Select[Any]:
    networks = TABLES[Kind.NETWORK]
    columns = (_external(), _inside(scope, networks.c.id))
    source = _with_external(with_attributes(Kind.NETWORK), networks.c.id)
    return _selected(Kind.NETWORK, _NOTHING, _NOTHING, *columns).select_from(source)


def _routers(_scope: Scope) -> sa.Select[Any]:
    return _selected(Kind.ROUTER, _NOTHING, _NOTHING).select_from(with_attributes(Kind.ROUTER))


_SELECTS = {Kind.NETWORK: _networks, Kind.ROUTER: _routers, Kind.PORT: _ports}
# Where the judged columns lie: from the status on.
_JUDGED = {Kind.NETWORK: slice(5, 9), Kind.ROUTER: slice(5, 7), Kind.PORT: slice(5, 12)}


def _selected(
    kind: Kind,
    parent: sa.ColumnElement[Any],
    device: sa.ColumnElement[Any],
    *judged: sa.ColumnElement[Any],
) -> sa.Select[Any]:
    table = TABLES[kind]
    changed = sa.func.coalesce(ATTRIBUTES.c.updated_at, ATTRIBUTES.c.created_at)
    # Coerced to plain types: Neutron's own would run a Python function per value.
    return sa.select(
        table.c.id,
        parent,
        ATTRIBUTES.c.revision_number,
        sa.type_coerce(changed, sa.DateTime),
        device,
        table.c.status,
        sa.type_coerce(table.c.admin_state_up, sa.Integer),
        *judged,
    )


def _with_external(source: sa.Join, network_id: sa.ColumnElement[str]) -> sa.Join:
    return source.outerjoin(EXTERNALS, EXTERNALS.c.network_id == network_id)


def _external() -> sa.ColumnElement[Any]:
    return sa.type_coerce(EXTERNALS.c.network_id.is_not(None), sa.Integer)


def _inside(scope: Scope, network_id: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    """Tell whether one of the network's segments is within the limits."""
    limits = [
        column.in_(allowed)
        for column, allowed in (
            (SEGMENTS.c.network_type, scope.network_types),
            (SEGMENTS.c.physical_network, scope.physical_networks),
        )
        if allowed
    ]
    if not limits:
        return _YES
    return sa.exists().where(SEGMENTS.c.network_id == network_id, *limits)


def _ours(scope: Scope) -> sa.ColumnElement[Any]:
    """Tell whether one of the drivers bound the port, at any level of its active binding."""
    if not scope.drivers:
        return _YES
    return sa.exists().where(
        LEVELS.c.port_id == BINDINGS.c.port_id,
        LEVELS.c.host == BINDINGS.c.host,
        LEVELS.c.driver.in_(scope.drivers),
    )


_WRITERS_COLUMNS = 5


def _for_writer(kind: Kind) -> tuple[sa.ColumnElement[Any], ...]:
    """Name the columns of `Found` after the row."""
    table = TABLES[kind]
    if kind is not Kind.PORT:
        return (table.c.standard_attr_id, _NO, _NO, _NOTHING, _NOTHING)
    blocked = sa.exists().where(BLOCKS.c.standard_attr_id == table.c.standard_attr_id)
    our_block = blocked.where(BLOCKS.c.entity == OUR_BLOCK)
    return (table.c.standard_attr_id, our_block, blocked, table.c.device_owner, table.c.device_id)
