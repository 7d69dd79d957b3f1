"""The simulated tables behind the methods of `tests/cloud.py`: both stores are held to one contract."""

import itertools
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from cloud import START

from networking_nsx.model import Kind
from networking_nsx.neutron.scope import Scope
from simulation.neutron import MemoryStore, Neutron, Record

_KINDS = {f"{kind}s": kind for kind in Kind}
_NAMES = {"device_owner": "owner", "admin_state_up": "admin_up"}


class MemoryCloud:
    """Puts rows into tables that are dictionaries, an hour before START."""

    def __init__(self) -> None:
        self.neutron = Neutron(lambda: START)
        self._numbers = itertools.count(1)

    def store(self, scope: Scope, _ear: Any, clock: Any) -> MemoryStore:
        return MemoryStore(self.neutron, scope, clock.now)

    def populate(self, lines: Iterable[Mapping[str, Any]]) -> None:
        for line in lines:
            columns = {"network_id": line["network_id"], "status": "DOWN"} if "network_id" in line else {}
            self._add(Kind(line["kind"]), id=line["neutron_id"], revision=1, **columns)

    def network(self, **columns: Any) -> str:
        return self._add(Kind.NETWORK, **columns)

    def router(self, **columns: Any) -> str:
        return self._add(Kind.ROUTER, **columns)

    def port(
        self,
        network_id: str = "",
        *,
        vif_type: str | None = "ovs",
        driver: str | None = "nsx",
        blocks: tuple[str, ...] = (),
        **columns: Any,
    ) -> str:
        values = {"status": "DOWN", "vif_type": vif_type, "driver": driver, "blocks": set(blocks)}
        return self._add(Kind.PORT, network_id=network_id or self.network(), **(values | columns))

    def bind(
        self, port_id: str, _host: str, *, vif_type: str = "ovs", driver: str | None = "nsx", status: str
    ) -> None:
        """Only the active binding is kept."""
        if status == "ACTIVE":
            port = self._record("ports", port_id)
            port.vif_type, port.driver = vif_type, driver

    def rebind(self, port_id: str, vif_type: str) -> None:
        self._record("ports", port_id).vif_type = vif_type

    def block(self, port_id: str, entity: str) -> None:
        self._record("ports", port_id).blocks.add(entity)

    def blocks(self, port_id: str) -> set[str]:
        return set(self._record("ports", port_id).blocks)

    def update(self, table: str, row_id: str, *, bump: bool = False, **values: Any) -> None:
        record = self._record(table, row_id)
        for name, value in values.items():
            setattr(record, name, value)
        record.revision += bump

    def delete(self, port_id: str) -> None:
        self.neutron.delete(Kind.PORT, port_id)

    def statuses(self, table: str = "ports") -> dict[str, str]:
        return {row_id: record.status for row_id, record in self.neutron.records[_KINDS[table]].items()}

    def _record(self, table: str, row_id: str) -> Record:
        return self.neutron.records[_KINDS[table]][row_id]

    def _add(self, kind: Kind, **columns: Any) -> str:
        dates = [columns.pop(name, None) for name in ("updated_at", "created_at")]
        moment = next((date.replace(tzinfo=UTC).timestamp() for date in dates if date), START - 3600)
        row_id = columns.pop("id", None) or str(uuid.uuid4())
        named = {_NAMES.get(name, name): value for name, value in columns.items()}
        return self.neutron.add(kind, row_id, changed_at=moment, **named).id
