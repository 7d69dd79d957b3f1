"""One batch of changes, written inside a transaction that somebody else opens and commits.

Two things can be in the way: the row changed since it was read (the guard: its status and revision), or
somebody's provisioning block still stands. Our own block goes first, in a transaction of its own: another
entity that completes at the same moment then sees it gone, or we see its gone. A check that shares the
transaction with the deletion may let both believe in the other (neutron.db.provisioning_blocks).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from networking_nsx.model import Change, Health, Kind, Outcome, Row, Status, Verdict
from networking_nsx.neutron.events import Event, event_of
from networking_nsx.neutron.records import OUR_BLOCK, Found, Records, with_attributes
from networking_nsx.neutron.tables import ATTRIBUTES, BLOCKS, TABLES
from networking_nsx.ports import Clock

BATCH = 500  # rows per transaction: some 20 ms, far below the second that the API may be kept waiting


class Batch(NamedTuple):
    """Changes of one kind to one status, in the order of their ids, in which every writer takes its locks."""

    kind: Kind
    status: Status
    changes: tuple[Change, ...]
    positions: tuple[int, ...]  # of the changes, among those that were asked for

    @property
    def ids(self) -> list[str]:
        return [change.row.id for change in self.changes]


class Result(NamedTuple):
    """What became of a batch, once it is committed."""

    outcomes: list[Outcome]
    events: list[Event]
    released: bool = False  # only our own blocks were removed: attempt it again


def batches(changes: Sequence[Change]) -> Iterator[Batch]:
    ordered = sorted(
        range(len(changes)), key=lambda position: (_sort(changes[position]), changes[position].row.id)
    )
    for (kind, status), group in groupby(ordered, key=lambda position: _sort(changes[position])):
        positions = tuple(group)
        for start in range(0, len(positions), BATCH):
            some = positions[start : start + BATCH]
            yield Batch(kind, status, tuple(changes[position] for position in some), some)


def attempt(connection: Connection, records: Records, batch: Batch, clock: Clock, *, release: bool) -> Result:
    """Write what may be written or, where `release` allows it and blocks of ours stand, remove just those."""
    _lock(connection, batch)
    # Only now: on MariaDB the snapshot of a REPEATABLE READ begins with the first read that takes no lock.
    there = records.found(connection, batch.kind, batch.ids)
    judged = [_judge(change, there.get(change.row.id)) for change in batch.changes]
    if release and _release(connection, judged):
        return Result([], [], released=True)
    now = clock.now()
    chosen = [each.found for each in judged if each.found and each.verdict is Verdict.WRITTEN]
    _update(connection, batch, chosen, now)
    return _result(judged, now)


def committed(connection: Connection, records: Records, batch: Batch) -> list[Event]:
    """Tell what a batch has changed whose commit was not answered, where the rows still say so."""
    # Its transaction may not have ended yet: wait for it. Read-only servers allow this lock.
    connection.execute(_rows(batch).with_for_update(read=True)).all()
    there = records.found(connection, batch.kind, batch.ids)
    pairs = ((change.row, there[change.row.id]) for change in batch.changes if change.row.id in there)
    landed = [
        found._replace(row=found.row._replace(status=row.status))
        for row, found in pairs
        if found.row.revision > row.revision and found.row.status == batch.status
    ]
    return _told(event_of(found, batch.status, found.row.changed_at) for found in landed)


def as_read(read: Row, stands: Row) -> bool:
    """Guard a write: nobody wrote the row since it was read."""
    return (read.status, read.revision) == (stands.status, stands.revision)


class _Judged(NamedTuple):
    change: Change
    found: Found | None
    verdict: Verdict


def _sort(change: Change) -> tuple[Kind, Status]:
    return change.row.kind, change.status


def _lock(connection: Connection, batch: Batch) -> None:
    table = TABLES[batch.kind]
    if connection.dialect.name == "sqlite":
        # SQLite knows no FOR UPDATE. A write takes the database's one lock even if it changes nothing; a read
        # before it would make the later write fail at once when another writer is waiting.
        connection.execute(sa.update(table).where(sa.false()).values(status=table.c.status))
        return
    connection.execute(_rows(batch).with_for_update()).all()


def _rows(batch: Batch) -> sa.Select[str]:
    ids = TABLES[batch.kind].c.id
    return sa.select(ids).select_from(with_attributes(batch.kind)).where(ids.in_(batch.ids)).order_by(ids)


def _judge(change: Change, found: Found | None) -> _Judged:
    return _Judged(change, found, _verdict(change, found))


def _verdict(change: Change, found: Found | None) -> Verdict:
    if found is None:
        return Verdict.GONE
    if not as_read(change.row, found.row) or not _permitted(found.row, change):
        return Verdict.REFUSED
    return Verdict.BLOCKED if change.status is Status.ACTIVE and found.blocked else Verdict.WRITTEN


def _permitted(row: Row, change: Change) -> bool:
    """Say what the guard cannot: not every writer of bindings bumps the revision."""
    if change.observation.health is Health.ABSENT:
        return row.facts.in_scope and row.facts.expects_twin
    if change.status is not Status.ACTIVE or row.kind is not Kind.PORT:
        return row.facts.in_scope
    return row.facts.in_scope and row.facts.admin_up and row.facts.may_activate


def _release(connection: Connection, judged: Sequence[_Judged]) -> bool:
    """Remove our blocks from the ports that were found as they were read; say whether there were any."""
    ours = [
        each.found.attribute_id
        for each in judged
        if each.found and each.verdict is Verdict.BLOCKED and each.found.our_block
    ]
    if ours:
        connection.execute(
            sa.delete(BLOCKS).where(BLOCKS.c.entity == OUR_BLOCK, BLOCKS.c.standard_attr_id.in_(ours))
        )
    return bool(ours)


def _update(connection: Connection, batch: Batch, chosen: Sequence[Found], now: float) -> None:
    if not chosen:
        return
    table = TABLES[batch.kind]
    connection.execute(
        sa.update(table)
        .where(table.c.id.in_([found.row.id for found in chosen]))
        .where(sa.func.coalesce(table.c.status, "").in_(sorted({found.row.status for found in chosen})))
        .values(status=batch.status.value)
    )
    # Neutron's revision plugin sees only what goes through its sessions.
    connection.execute(
        sa.update(ATTRIBUTES)
        .where(ATTRIBUTES.c.id.in_([found.attribute_id for found in chosen]))
        .values(revision_number=ATTRIBUTES.c.revision_number + 1, updated_at=_moment(now))
    )


def _moment(now: float) -> datetime:
    return datetime.fromtimestamp(int(now), UTC).replace(tzinfo=None)


def _result(judged: Sequence[_Judged], now: float) -> Result:
    outcomes = [Outcome(each.change, each.verdict, _stands(each, now)) for each in judged]
    written = (each for each in judged if each.verdict is Verdict.WRITTEN)
    events = _told(event_of(each.found, each.change.status, now) for each in written if each.found)
    return Result(outcomes, events)


def _told(events: Iterable[Event | None]) -> list[Event]:
    return [event for event in events if event is not None]


def _stands(judged: _Judged, now: float) -> Row | None:
    if judged.found is None or judged.verdict is not Verdict.WRITTEN:
        return judged.found and judged.found.row
    row = judged.found.row
    return row._replace(status=judged.change.status, revision=row.revision + 1, changed_at=now, ahead=0.0)
