"""Where ports are bound, and what still blocks them: for whoever asks about a few of them."""

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from networking_nsx.model import Key, Kind
from networking_nsx.neutron import words
from networking_nsx.neutron.database import connect_once
from networking_nsx.neutron.tables import BINDINGS, BLOCKS, TABLES


class Bindings:
    """Never waits for a lock, and writes nothing. Raises StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def host_of(self, key: Key) -> str:
        """Where a port is bound now; "" where it is not, and for what is no port."""
        hosts = self._selected(
            sa.select(BINDINGS.c.host).where(BINDINGS.c.port_id == key.id, BINDINGS.c.status == words.ACTIVE)
        )
        return hosts[0] if hosts and key.kind is Kind.PORT else ""

    def ports_on(self, host: str) -> list[Key]:
        """The ports that are bound there now."""
        ports = self._selected(
            sa.select(BINDINGS.c.port_id)
            .where(BINDINGS.c.host == host, BINDINGS.c.status == words.ACTIVE)
            .order_by(BINDINGS.c.port_id)
        )
        return [Key(Kind.PORT, port) for port in ports]

    def blocks_of(self, key: Key) -> list[str]:
        """The entities whose provisioning blocks keep a row from becoming ACTIVE."""
        table = TABLES[key.kind]
        return self._selected(
            sa.select(BLOCKS.c.entity)
            .join(table, table.c.standard_attr_id == BLOCKS.c.standard_attr_id)
            .where(table.c.id == key.id)
            .order_by(BLOCKS.c.entity)
        )

    def _selected(self, select: sa.Select[tuple[str]]) -> list[str]:
        return connect_once(self._engine, lambda connection: list(connection.scalars(select)))
