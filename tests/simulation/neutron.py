"""Neutron's tables as dictionaries, and a `ports.Store` on them that holds `tests/contract/test_store.py`.

`Neutron` is the API server and its users, `MemoryStore` the synchronizer. Times are whole seconds, as Neutron
keeps them.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from networking_nsx.model import Change, Facts, Health, Key, Kind, Outcome, Row, Status, Verdict
from networking_nsx.neutron.scope import Scope, judge

OUR_BLOCK = "L2"


@dataclass(slots=True)
class Record:
    """A row with what hangs on it."""

    kind: Kind
    id: str
    status: str = "ACTIVE"
    revision: int = 5
    changed_at: float = 0.0  # whole seconds since the epoch
    admin_up: bool = True
    network_id: str = ""  # of a port
    owner: str = "compute:nova"
    device_id: str = ""
    vif_type: str | None = "ovs"  # of the active binding; None: there is none
    driver: str | None = "nsx"
    blocks: set[str] = field(default_factory=set)
    external: bool = False  # of a network
    segments: tuple[tuple[str, str | None], ...] = (("geneve", None),)


class Witness(Protocol):
    """Whoever writes down what happens to rows: a database's trigger."""

    def changed(self, record: Record) -> None:
        """Somebody else has made or changed it."""
        ...

    def freed(self, record: Record) -> None:
        """A provisioning block of somebody else's has gone; nothing of the row tells."""
        ...

    def deleted(self, kind: str, row_id: str) -> None: ...

    def listed(self, writer: str, kind: Kind) -> None:
        """A synchronizer has read all rows of a kind."""
        ...

    def read(self, writer: str, record: Record) -> None:
        """A synchronizer has read this row alone, or was told how it stands."""
        ...

    def asked(self, writer: str, record: Record, status: str, *, refused: bool) -> None:
        """A synchronizer wants to write this status, and may be refused."""
        ...

    def wrote(self, writer: str, record: Record, before: str, dated: float) -> None:
        """A synchronizer has written its status; the row was dated so before."""
        ...


class Blind:
    """A witness that writes nothing down."""

    def changed(self, record: Record) -> None: ...

    def freed(self, record: Record) -> None: ...

    def deleted(self, kind: str, row_id: str) -> None: ...

    def listed(self, writer: str, kind: Kind) -> None: ...

    def read(self, writer: str, record: Record) -> None: ...

    def asked(self, writer: str, record: Record, status: str, *, refused: bool) -> None: ...

    def wrote(self, writer: str, record: Record, before: str, dated: float) -> None: ...


class Neutron:
    """The tables, and what users do to them."""

    def __init__(self, now: Callable[[], float], witness: Witness | None = None) -> None:
        self._now = now
        self._witness = witness or Blind()
        self._numbers = itertools.count(1)
        self.records: dict[Kind, dict[str, Record]] = {kind: {} for kind in Kind}

    def add(self, kind: Kind, row_id: str = "", **columns: Any) -> Record:
        """Insert a row, changed now unless `changed_at` says otherwise."""
        row_id = row_id or f"{kind}-{next(self._numbers):05}"
        record = Record(kind, row_id, **{"changed_at": float(int(self._now()))} | columns)
        self.records[kind][row_id] = record
        self._witness.changed(record)
        return record

    def change(self, record: Record, *, bump: bool = True, **columns: Any) -> None:
        """Change a row; without `bump` as those do who forget its revision."""
        for name, value in columns.items():
            setattr(record, name, value)
        if bump:
            record.revision += 1
            record.changed_at = float(int(self._now()))
        self._witness.changed(record)

    def free(self, record: Record, block: str) -> None:
        """Take a provisioning block away."""
        record.blocks.discard(block)
        self._witness.freed(record)

    def delete(self, kind: Kind, row_id: str) -> None:
        if self.records[kind].pop(row_id, None):
            self._witness.deleted(kind, row_id)

    def write(self, writer: str, record: Record, status: str, now: float) -> None:
        """What a synchronizer does, by its own clock."""
        before, record.status = record.status, status
        dated, record.changed_at = record.changed_at, float(int(now))
        record.revision += 1
        self._witness.wrote(writer, record, before, dated)

    def asked(self, writer: str, record: Record, status: str, *, refused: bool) -> None:
        self._witness.asked(writer, record, status, refused=refused)

    def read(self, writer: str, record: Record) -> Record:
        """One row, read by a synchronizer."""
        self._witness.read(writer, record)
        return record

    def listed(self, writer: str, kind: Kind) -> list[Record]:
        """All rows of a kind, read by a synchronizer."""
        self._witness.listed(writer, kind)
        return [record for _, record in sorted(self.records[kind].items())]


class MemoryStore:
    """Neutron's rows for one synchronizer. `passes` hears of each point at which a process may die."""

    def __init__(
        self,
        neutron: Neutron,
        scope: Scope,
        now: Callable[[], float],
        writer: str = "",
        passes: Callable[[str], object] = str,
    ) -> None:
        self._neutron = neutron
        self._scope = scope
        self._now = now
        self._writer = writer
        self._passes = passes

    def recorded(self, kind: Kind) -> Iterator[Row]:
        self._passes("while rows are read")
        return iter([self._row(record) for record in self._neutron.listed(self._writer, kind)])

    def rows(self, keys: Sequence[Key]) -> list[Row]:
        self._passes("while rows are read")
        records = (self._neutron.records[key.kind].get(key.id) for key in dict.fromkeys(keys))
        return [self._row(self._neutron.read(self._writer, record)) for record in records if record]

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        if any(change.row.kind is Kind.ROUTER and change.status is Status.DOWN for change in changes):
            raise ValueError("a router's status may be ACTIVE or ERROR, never DOWN")
        self._passes("before a transaction")
        self._release(changes)
        self._passes("between two transactions")
        outcomes = [self._write(change) for change in changes]
        self._passes("after a commit")
        return outcomes

    def _release(self, changes: Iterable[Change]) -> None:
        """Our own blocks go first."""
        for change in changes:
            record = self._record(change)
            if record and self._verdict(change, record) is Verdict.BLOCKED:
                record.blocks.discard(OUR_BLOCK)

    def _write(self, change: Change) -> Outcome:
        record = self._record(change)
        if record is None:
            return Outcome(change, Verdict.GONE, None)
        verdict = self._verdict(change, record)
        refused = verdict is Verdict.REFUSED
        self._neutron.asked(self._writer, record, change.status.value, refused=refused)
        if verdict is Verdict.WRITTEN:
            self._neutron.write(self._writer, record, change.status.value, self._now())
        return Outcome(change, verdict, self._row(self._neutron.read(self._writer, record)))

    def _record(self, change: Change) -> Record | None:
        return self._neutron.records[change.row.kind].get(change.row.id)

    def _verdict(self, change: Change, record: Record) -> Verdict:
        row = self._row(record)
        if (row.status, row.revision) != (change.row.status, change.row.revision):
            return Verdict.REFUSED
        absent = change.observation.health is Health.ABSENT
        if not row.facts.in_scope or (absent and not row.facts.expects_twin):
            return Verdict.REFUSED
        if change.status is not Status.ACTIVE or record.kind is not Kind.PORT:
            return Verdict.WRITTEN
        if not (row.facts.admin_up and row.facts.may_activate):
            return Verdict.REFUSED
        return Verdict.BLOCKED if record.blocks else Verdict.WRITTEN

    def _row(self, record: Record) -> Row:
        standing = judge(self._scope, record.kind, *self._columns(record))
        facts = Facts(standing.in_scope, standing.expects_twin, record.admin_up, standing.may_activate)
        follows = record.device_id if standing.follows_router else ""
        # The fraction of a second that was cut off counts as a whole one; nothing has changed after now.
        now = self._now()
        return Row(
            *(record.kind, record.id, record.network_id, record.status, record.revision),
            *(min(record.changed_at + 1.0, now), facts, follows, max(0.0, record.changed_at - now)),
        )

    def _columns(self, record: Record) -> tuple[object, ...]:
        """What `judge` asks for."""
        if record.kind is Kind.ROUTER:
            return ()
        network = record
        if record.kind is Kind.PORT:
            network = self._neutron.records[Kind.NETWORK].get(record.network_id, _NOWHERE)
        where = (network.external, self._inside(network))
        if record.kind is Kind.NETWORK:
            return where
        ours = not self._scope.drivers or record.driver in self._scope.drivers
        return record.owner, record.vif_type, *where, ours

    def _inside(self, network: Record) -> bool:
        types, places = self._scope.network_types, self._scope.physical_networks
        if not types and not places:
            return True
        return any(
            (not types or network_type in types) and (not places or place in places)
            for network_type, place in network.segments
        )


_NOWHERE = Record(Kind.NETWORK, "", segments=())
