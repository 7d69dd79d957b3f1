"""`neutron-nsx status`: which rows have which status, and where; from Neutron's database alone."""

import json

import pytest
from checking import DEAD, Checks, simulated


@pytest.fixture
def status(command, sqlite, tmp_path):
    """The lines, by kind and id. No manager of NSX is there, and none is missed."""
    with simulated(sqlite) as nsx:
        checks = Checks(command, sqlite, tmp_path)

        def run(*words: str) -> dict[tuple[str, str], dict]:
            file = checks.configuration(nsx, managers=DEAD)
            done = command("status", "--config-file", str(file), "-f", "json", *words)
            assert done.returncode == 0, done.stderr
            return {(line["kind"], line["id"]): line for line in json.loads(done.stdout)}

        yield run
        assert nsx.requests.summary()["total"] == 0


def execute(sqlite, *statements: str) -> None:
    with sqlite.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def move(sqlite, host: str, ports) -> None:
    """They are bound there."""
    named = ", ".join(f"'{port}'" for port in ports)
    tables = ("ml2_port_bindings", "ml2_port_binding_levels")
    execute(sqlite, *(f"UPDATE {table} SET host = '{host}' WHERE port_id IN ({named})" for table in tables))


def test_ports_by_host_the_worst_first(status, sqlite):
    """`other` are those whose status is none of ours."""
    with sqlite.connect() as neutron:
        ids = neutron.exec_driver_sql("SELECT id FROM ports ORDER BY id").scalars().all()
    move(sqlite, "esx-17", ids[:2])
    move(sqlite, "esx-18", ids[2:3])
    execute(
        sqlite,
        "UPDATE ports SET status = 'ACTIVE'",
        f"UPDATE ports SET status = 'DOWN' WHERE id IN ('{ids[0]}', '{ids[1]}')",
        f"UPDATE ports SET status = 'BUILD' WHERE id = '{ids[2]}'",
    )
    found = status("--by", "host")
    first = next(iter(found.values()))

    assert (first["kind"], first["id"], first["down"], first["total"]) == ("port", "esx-17", 2, 2)
    assert (found["port", "esx-18"]["other"], found["port", "esx-18"]["down"]) == (1, 0)
    assert sum(line["total"] for line in found.values()) == 6


def test_only_those_with_one_status(status, sqlite):
    """A host that has none of them is left out."""
    execute(sqlite, "UPDATE ports SET status = 'ACTIVE'")

    assert status("--status", "DOWN") == {}
    assert sum(line["active"] for line in status("--status", "ACTIVE").values()) == 6


def test_networks_and_routers_by_project(status, sqlite):
    """Each kind has its own line."""
    execute(
        sqlite,
        "UPDATE networks SET project_id = 'p', status = 'ERROR'",
        "UPDATE routers SET project_id = 'p'",
    )
    found = status("--by", "project")

    assert [kind for kind, _ in found] == ["port", "network", "router"]
    assert found["network", "p"]["error"] == 3
    assert found["router", "p"]["active"] == 1


def test_segments_have_the_name_of_their_network(status, sqlite):
    """It is text only, whoever has chosen it."""
    execute(sqlite, "UPDATE networks SET name = 'web' || char(27) || '[2J'")
    found = status("--by", "segment")

    assert {line["name"] for line in found.values()} == {"web [2J"}
    assert sum(line["down"] for line in found.values()) == 6
