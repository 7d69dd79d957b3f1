"""A cloud of a few rows in a real database, and a clock that only moves when told."""

import itertools
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from networking_nsx.model import Change, Health, Key, Kind, Observation, Row, Status
from networking_nsx.neutron.populate import populate
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore
from networking_nsx.neutron.tables import ALL

TABLES = ALL
START = 1_800_000_000.0  # a moment in 2027


class HandClock:
    """Stands still; `sleep` moves it and is written down."""

    def __init__(self, now: float = START) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time - START + 1000.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class Cloud:
    """Puts rows into Neutron's tables, as Neutron would, an hour before START."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._numbers = itertools.count(1)

    def store(self, scope: Scope, ear: "Ear", clock: HandClock) -> NeutronStore:
        return NeutronStore(self.engine, scope, ear, clock)

    def populate(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Rows for lines of the simulator's inventory."""
        populate(self.engine, lines)

    def network(
        self,
        *,
        external: bool = False,
        segments: tuple[tuple[str, str | None], ...] = (("geneve", None),),
        **columns: Any,
    ) -> str:
        network_id = self._row("networks", {"status": "ACTIVE", "mtu": 1500} | columns)
        for number, (network_type, physical_network) in enumerate(segments):
            self._row(
                "networksegments",
                {
                    "network_id": network_id,
                    "network_type": network_type,
                    "physical_network": physical_network,
                    "segment_index": number,
                    "is_dynamic": False,
                },
            )
        if external:
            self._insert("externalnetworks", network_id=network_id)
        return network_id

    def router(self, **columns: Any) -> str:
        router_id = self._row("routers", {"status": "ACTIVE", "enable_snat": True} | columns)
        self._insert(
            "router_extra_attributes", router_id=router_id, distributed=False, ha=False, service_router=False
        )
        return router_id

    def port(
        self,
        network_id: str = "",
        *,
        vif_type: str | None = "ovs",
        driver: str | None = "nsx",
        blocks: tuple[str, ...] = (),
        **columns: Any,
    ) -> str:
        """Put a port; without an id of its own network it gets a new one."""
        number = next(self._numbers)
        values = {
            "network_id": network_id or self.network(),
            "mac_address": "02:00:00:" + number.to_bytes(3, "big").hex(":"),
            "status": "DOWN",
            "device_owner": "compute:nova",
            "device_id": str(uuid.uuid4()),
        }
        port_id = self._row("ports", values | columns)
        if vif_type is not None:
            self.bind(port_id, vif_type=vif_type, driver=driver)
        for entity in blocks:
            self.block(port_id, entity)
        return port_id

    def bind(
        self,
        port_id: str,
        host: str = "compute-1",
        *,
        vif_type: str = "ovs",
        driver: str | None = "nsx",
        status: str = "ACTIVE",
    ) -> None:
        self._insert(
            "ml2_port_bindings",
            port_id=port_id,
            host=host,
            vif_type=vif_type,
            status=status,
        )
        if driver:
            self._insert("ml2_port_binding_levels", port_id=port_id, host=host, level=0, driver=driver)

    def rebind(self, port_id: str, vif_type: str) -> None:
        """Change a binding as some writers do: the port's revision stays."""
        table = TABLES["ml2_port_bindings"]
        with self.engine.begin() as connection:
            connection.execute(sa.update(table).where(table.c.port_id == port_id).values(vif_type=vif_type))

    def block(self, port_id: str, entity: str) -> None:
        number = self.value("ports", port_id, "standard_attr_id")
        self._insert("provisioningblocks", standard_attr_id=number, entity=entity)

    def blocks(self, port_id: str) -> set[str]:
        table = TABLES["provisioningblocks"]
        number = self.value("ports", port_id, "standard_attr_id")
        with self.engine.connect() as connection:
            return set(
                connection.scalars(sa.select(table.c.entity).where(table.c.standard_attr_id == number))
            )

    def update(self, table_name: str, row_id: str, *, bump: bool = False, **values: Any) -> None:
        """Change a row behind the store's back."""
        table, attributes = TABLES[table_name], TABLES["standardattributes"]
        with self.engine.begin() as connection:
            if values:
                connection.execute(sa.update(table).where(table.c.id == row_id).values(values))
            if bump:
                number = sa.select(table.c.standard_attr_id).where(table.c.id == row_id).scalar_subquery()
                connection.execute(
                    sa.update(attributes)
                    .where(attributes.c.id == number)
                    .values(revision_number=attributes.c.revision_number + 1)
                )

    def delete(self, port_id: str) -> None:
        with self.engine.begin() as connection:
            for column in ("ml2_port_binding_levels.port_id", "ml2_port_bindings.port_id", "ports.id"):
                table = TABLES[column.partition(".")[0]]
                connection.execute(sa.delete(table).where(sa.literal_column(column) == port_id))

    def value(self, table_name: str, row_id: str, column: str) -> Any:
        table = TABLES[table_name]
        with self.engine.connect() as connection:
            return connection.scalar(sa.select(table.c[column]).where(table.c.id == row_id))

    def statuses(self, table_name: str = "ports") -> dict[str, str]:
        table = TABLES[table_name]
        with self.engine.connect() as connection:
            return dict(connection.execute(sa.select(table.c.id, table.c.status)).all())

    def _row(self, table_name: str, columns: dict[str, Any]) -> str:
        """Insert a row with its standard attributes."""
        now = datetime.fromtimestamp(START - 3600, UTC).replace(tzinfo=None)
        dates = {"created_at": now, "updated_at": now} | {
            name: columns.pop(name) for name in ("created_at", "updated_at") if name in columns
        }
        row = {"id": str(uuid.uuid4())} | columns
        if table_name != "networksegments":
            row = {"name": "", "project_id": "project", "admin_state_up": True} | row
        with self.engine.begin() as connection:
            number = connection.execute(
                sa.insert(TABLES["standardattributes"]).values(
                    resource_type=table_name, revision_number=5, **dates
                )
            ).inserted_primary_key
            connection.execute(sa.insert(TABLES[table_name]).values(standard_attr_id=number[0], **row))
        return row["id"]

    def _insert(self, table_name: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.insert(TABLES[table_name]).values(values))


class Ear:
    """A notifier that remembers."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def notify(self, events) -> None:
        self.events += events


def change(row: Row, status: Status) -> Change:
    return Change(row, status, Observation(row.kind, row.id, Health.UP, START, "/ws.v1/somewhere", "true"))


def port_key(port_id: str) -> Key:
    return Key(Kind.PORT, port_id)
