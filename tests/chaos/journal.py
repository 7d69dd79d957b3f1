"""Every change of a row, as the database itself tells of it: triggers write, nobody else can.

A trigger's line is part of the transaction that made it: what is rolled back leaves none, and the lines of
one row come in the order in which its lock was held.
"""

from datetime import UTC
from typing import Any

from chaos.judge import Entry

WRITER, NEUTRON = "nsx", "neutron"  # database users: the synchronizer's, and the Neutron user's

_TABLE = """
CREATE TABLE chaos.journal (
    number BIGINT AUTO_INCREMENT PRIMARY KEY, at DATETIME(6), who VARCHAR(80), attribute BIGINT,
    kind VARCHAR(10), id VARCHAR(36), old VARCHAR(16), new VARCHAR(16),
    admin_up BOOL, bound BOOL, ours BOOL, blocked BOOL)
"""
_SETUP = (
    "CREATE DATABASE chaos",
    _TABLE,
    f"CREATE USER {WRITER} IDENTIFIED BY '{WRITER}'",
    f"CREATE USER {NEUTRON} IDENTIFIED BY '{NEUTRON}'",
    f"GRANT ALL ON neutron.* TO {WRITER}",
    f"GRANT ALL ON neutron.* TO {NEUTRON}",
    # Rows are to change also while the synchronizer cannot write.
    f"GRANT READ ONLY ADMIN ON *.* TO {NEUTRON}",
)
_WHO = "SUBSTRING_INDEX(USER(), '@', 1)"
_COLUMNS = "at, who, attribute, kind, id, old, new, admin_up, bound, ours, blocked"
_INSERT = f"INSERT INTO chaos.journal ({_COLUMNS}) VALUES (SYSDATE(6), {_WHO},"
# A user's change that leaves the status alone is no status written.
_NEW = f"IF(OLD.status <=> NEW.status AND {_WHO} <> '{WRITER}', '', COALESCE(NEW.status, ''))"
_EXTERNAL = "(SELECT COUNT(*) FROM neutron.externalnetworks e WHERE e.network_id = NEW.id)"

_PORT = """
DECLARE vif VARCHAR(64);
DECLARE levels, blocks INT;
SELECT MAX(vif_type) INTO vif FROM neutron.ml2_port_bindings WHERE port_id = NEW.id AND status = 'ACTIVE';
SELECT COUNT(*) INTO levels FROM neutron.ml2_port_binding_levels WHERE port_id = NEW.id AND driver = 'nsx';
SELECT COUNT(*) INTO blocks FROM neutron.provisioningblocks WHERE standard_attr_id = NEW.standard_attr_id;
"""
_BOUND = "COALESCE(vif, 'unbound') NOT IN ('unbound', 'binding_failed')"
_OURS = f"(NEW.device_owner <> 'network:floatingip' AND (levels > 0 OR NOT {_BOUND}))"

# By kind: statements before, then whether the row is bound, ours to write, and blocked.
_FACTS = {
    "network": ("", "TRUE", f"{_EXTERNAL} = 0", "FALSE"),
    "router": ("", "TRUE", "TRUE", "FALSE"),
    "port": (_PORT, _BOUND, _OURS, "blocks > 0"),
}
_NO_FACTS = "TRUE, TRUE, TRUE, FALSE"


def _triggers() -> dict[str, str]:
    """By name."""
    made = {}
    for kind, (before, *facts) in _FACTS.items():
        who = f"{_INSERT} NEW.standard_attr_id, '{kind}', NEW.id,"
        told = f"COALESCE(OLD.status, ''), {_NEW}, NEW.admin_state_up, {', '.join(facts)}"
        made[f"chaos_update_{kind}"] = f"AFTER UPDATE ON neutron.{kind}s", f"{before} {who} {told})"
        made[f"chaos_insert_{kind}"] = f"AFTER INSERT ON neutron.{kind}s", f"{who} '', '', {_NO_FACTS})"
    touch = f"IF {_WHO} <> '{WRITER}' THEN {_INSERT} NEW.id, '', '', '', '', {_NO_FACTS}); END IF"
    made["chaos_touch"] = "AFTER UPDATE ON neutron.standardattributes", touch
    return {
        name: f"CREATE TRIGGER neutron.{name} {when} FOR EACH ROW BEGIN {body}; END"
        for name, (when, body) in made.items()
    }


def install(cursor: Any) -> None:
    """Make the journal, its triggers and the two users."""
    for statement in (*_SETUP, *_triggers().values()):
        cursor.execute(statement)


def remove(cursor: Any) -> None:
    """Leave no trace, for whoever uses the same server later."""
    for name in _triggers():
        cursor.execute(f"DROP TRIGGER neutron.{name}")
    cursor.execute(f"DROP USER {WRITER}, {NEUTRON}")
    cursor.execute("DROP DATABASE chaos")


def read(cursor: Any) -> list[Entry]:
    """All lines so far, in their order. What tells of an attribute only is told of its row."""
    cursor.execute("SELECT * FROM chaos.journal ORDER BY number")
    lines = list(cursor.fetchall())
    rows = {line[3]: line[4:6] for line in lines if line[4]}
    cursor.execute(
        " UNION ".join(f"SELECT standard_attr_id, '{kind}', id FROM neutron.{kind}s" for kind in _FACTS)
    )
    rows |= {attribute: (kind, row_id) for attribute, kind, row_id in cursor.fetchall()}
    return [_entry(line, rows) for line in lines if line[4] or line[3] in rows]


def _entry(line: tuple[Any, ...], rows: dict[int, tuple[str, str]]) -> Entry:
    _, at, who, attribute, kind, row_id, old, new, *facts = line
    kind, row_id = (kind, row_id) if kind else rows[attribute]
    return Entry(at.replace(tzinfo=UTC).timestamp(), who, kind, row_id, old, new, *map(bool, facts))
