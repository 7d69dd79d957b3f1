"""What Nova should be told of a port: values, and the rules that make them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import sqlalchemy as sa
from oslo_utils import uuidutils
from sqlalchemy.engine import Connection, Engine

from networking_nsx.model import Kind, Status
from networking_nsx.neutron import words
from networking_nsx.neutron.database import transact
from networking_nsx.neutron.records import Found, Records, with_attributes
from networking_nsx.neutron.tables import ATTRIBUTES, TABLES
from networking_nsx.ports import Clock
from networking_nsx.scope import Scope

PLUGGED = "network-vif-plugged"
UNPLUGGED = "network-vif-unplugged"

_PAGE = 500  # ids per statement


class Event(NamedTuple):
    """A status that was committed, in Nova's words."""

    name: str
    server_id: str
    port_id: str
    committed_at: float  # seconds since the epoch


class Notifier(Protocol):
    """Whoever wants to know of statuses that were committed: Nova."""

    def notify(self, events: Sequence[Event]) -> None:
        """Queue what is to be told. Never waits and never raises."""
        ...


def event_of(found: Found, status: Status, committed_at: float) -> Event | None:
    """Tell which event a port's change to this status means; None when Nova has no interest in it.

    As Neutron's own notifier (neutron.notifiers.nova), but for one thing: a port that leaves ERROR is
    plugged, too. Nova may still be waiting for it.
    """
    name = _name(found.row.status, status)
    if name is None or not _serves_an_instance(found):
        return None
    return Event(name, found.device_id, found.row.id, committed_at)


def recent(engine: Engine, scope: Scope, seconds: float, clock: Clock) -> list[Event]:
    """Tell what may have been committed without being sent: the process may have been killed in between.

    That is each port of ours that is ACTIVE and was changed, by anyone, in the last so many seconds.
    Raises StoreError.
    """
    records = Records(scope, clock)
    since = datetime.fromtimestamp(int(clock.now() - seconds), UTC).replace(tzinfo=None)
    ports = transact(engine, lambda connection: _activated(connection, records, since), clock)
    events = [event_of(found, Status.ACTIVE, found.row.changed_at) for found in ports]
    return [event for event in events if event is not None]


def _activated(connection: Connection, records: Records, since: datetime) -> list[Found]:
    ports = TABLES[Kind.PORT].c
    ids = connection.scalars(
        sa.select(ports.id)
        .select_from(with_attributes(Kind.PORT))
        .where(ports.status == Status.ACTIVE.value, ATTRIBUTES.c.updated_at >= since)
        .where(ports.device_owner.startswith(words.COMPUTE_PREFIX))
    ).all()
    pages = (ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE))
    return [found for page in pages for found in records.found(connection, Kind.PORT, page).values()]


def _name(old: str, new: Status) -> str | None:
    if new is Status.ACTIVE:
        return PLUGGED
    return UNPLUGGED if (old, new) == (Status.ACTIVE, Status.DOWN) else None


def _serves_an_instance(found: Found) -> bool:
    return (
        found.row.kind is Kind.PORT
        and found.row.facts.may_activate  # bound: Nova waits for nothing else
        and found.owner.startswith(words.COMPUTE_PREFIX)
        and bool(uuidutils.is_uuid_like(found.device_id))
    )
