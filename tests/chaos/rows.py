"""Neutron's rows: what its users do with them, by SQL in transactions like Neutron's, and what they say."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pymysql
from chaos.journal import NEUTRON
from chaos.judge import Key, Words, meaning

_ATTRIBUTE = "(SELECT standard_attr_id FROM {table} WHERE id = %(id)s)"
_BUMP = (
    "UPDATE standardattributes SET revision_number = revision_number + 1, updated_at = UTC_TIMESTAMP()"
    f" WHERE id = {_ATTRIBUTE}"
)
_NEW_ATTRIBUTE = """
INSERT INTO standardattributes (resource_type, revision_number, created_at, updated_at)
VALUES ('ports', 0, UTC_TIMESTAMP(), UTC_TIMESTAMP())
"""
_NEW_PORT = """
INSERT INTO ports (id, project_id, name, network_id, mac_address, admin_state_up, status, device_id,
    device_owner, standard_attr_id)
VALUES (%(id)s, 'chaos', '', %(network_id)s, %(mac)s, TRUE, 'DOWN', %(id)s, 'compute:nova', LAST_INSERT_ID())
"""
_NEW_BINDING = """
INSERT INTO ml2_port_bindings (port_id, host, vnic_type, profile, vif_type, vif_details, status)
VALUES (%(id)s, '', 'normal', '', 'unbound', '', 'ACTIVE')
"""
_LEVEL = """
INSERT IGNORE INTO ml2_port_binding_levels (port_id, host, level, driver)
SELECT id, 'compute-1', 0, 'nsx' FROM ports WHERE id = %(id)s
"""
_BLOCK = """
INSERT IGNORE INTO provisioningblocks (standard_attr_id, entity)
SELECT standard_attr_id, entity FROM ports JOIN (SELECT 'L2' AS entity UNION SELECT 'DHCP') entities
WHERE id = %(id)s AND FIND_IN_SET(entity, %(blocks)s)
"""
# What each of a user's acts is made of, after the revision was bumped: Neutron locks that row first, too.
_ACTS: Mapping[str, Sequence[str]] = {
    "create": (_NEW_ATTRIBUTE, _NEW_PORT, _NEW_BINDING),
    "bind": (
        "UPDATE ml2_port_bindings SET host = 'compute-1', vif_type = 'ovs' WHERE port_id = %(id)s",
        _LEVEL,
        _BLOCK,
    ),
    "serve": (f"DELETE FROM provisioningblocks WHERE standard_attr_id = {_ATTRIBUTE} AND entity = 'DHCP'",),
    "unbind": (
        "DELETE FROM ml2_port_binding_levels WHERE port_id = %(id)s",
        "UPDATE ml2_port_bindings SET host = '', vif_type = 'unbound' WHERE port_id = %(id)s",
        "UPDATE ports SET status = 'DOWN' WHERE id = %(id)s",
    ),
    "rename": ("UPDATE ports SET name = CONCAT(LEFT(name, 50), '+') WHERE id = %(id)s",),
    "admin": ("UPDATE ports SET admin_state_up = %(up)s WHERE id = %(id)s",),
    "wreck": ("UPDATE {table} SET status = %(status)s WHERE id = %(id)s",),
    "delete": (
        f"DELETE FROM provisioningblocks WHERE standard_attr_id = {_ATTRIBUTE}",
        "DELETE FROM ml2_port_binding_levels WHERE port_id = %(id)s",
        "DELETE FROM ml2_port_bindings WHERE port_id = %(id)s",
        f"DELETE FROM standardattributes WHERE id = {_ATTRIBUTE}",  # the port goes with it
    ),
}
# By kind: administrative state, whether it is bound, served (no agent's block stands), and ours.
_SELECT = {
    "network": """
SELECT n.id, n.status, n.admin_state_up, TRUE, TRUE,
    NOT EXISTS (SELECT 1 FROM externalnetworks e WHERE e.network_id = n.id)
FROM networks n""",
    "router": "SELECT id, status, admin_state_up, TRUE, TRUE, TRUE FROM routers",
    "port": """
SELECT p.id, p.status, p.admin_state_up, b.vif_type <> 'unbound', NOT EXISTS
        (SELECT 1 FROM provisioningblocks WHERE (standard_attr_id, entity) = (p.standard_attr_id, 'DHCP')),
    p.device_owner <> 'network:floatingip' AND (b.vif_type = 'unbound' OR EXISTS
        (SELECT 1 FROM ml2_port_binding_levels l WHERE l.port_id = p.id AND l.driver = 'nsx'))
FROM ports p JOIN ml2_port_bindings b ON b.port_id = p.id""",
}


class Rows:
    """Neutron's tables, as a user of the cloud changes them."""

    def __init__(self, port: int) -> None:
        self._port = port

    def act(self, what: str, details: Mapping[str, Any]) -> int:
        """One transaction; answer how many rows it touched. Raises pymysql.Error, if there is no database."""
        table = f"{details.get('kind', 'port')}s"
        values = {"mac": _mac(details["id"]), **details}
        bump = [] if what == "create" or details.get("quiet") else [_BUMP]
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            touched = sum(
                cursor.execute(statement.format(table=table), values) for statement in (*bump, *_ACTS[what])
            )
            connection.commit()
        return touched

    def set_apart(self, foreign: Sequence[str], external: Sequence[str]) -> None:
        """Make rows that nobody but others may write."""
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            half = len(foreign) // 2
            cursor.execute(
                "UPDATE ml2_port_binding_levels SET driver = 'ovn' WHERE port_id IN %s", [foreign[:half]]
            )
            cursor.execute(
                "UPDATE ports SET device_owner = 'network:floatingip', status = 'N/A' WHERE id IN %s",
                [foreign[half:]],
            )
            cursor.executemany("INSERT INTO externalnetworks (network_id) VALUES (%s)", external)
            connection.commit()

    def differing(self, api: str, words: Mapping[Key, Words]) -> dict[Key, tuple[str, str]]:
        """The rows that do not say what NSX has: their status, and what it ought to be."""
        wrong = {}
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            for kind, select in _SELECT.items():
                cursor.execute(select)
                for row_id, status, admin_up, bound, served, ours in cursor.fetchall():
                    wanted = meaning(api, kind, words.get((kind, row_id), ()), admin_up=bool(admin_up))
                    if (wanted == "ACTIVE" and not (bound and served)) or (wanted == "ERROR" and not bound):
                        wanted = None
                    if ours and wanted not in (None, status):
                        wrong[kind, row_id] = (status, wanted)
        return wrong

    def _connect(self) -> Any:
        return pymysql.connect(
            host="127.0.0.1",
            port=self._port,
            user=NEUTRON,
            password=NEUTRON,
            database="neutron",
            connect_timeout=5,
            read_timeout=20,
            write_timeout=20,
            init_command="SET SESSION innodb_lock_wait_timeout = 5",
        )


def _mac(row_id: str) -> str:
    return "02:" + hashlib.blake2b(row_id.encode(), digest_size=5).digest().hex(":")
