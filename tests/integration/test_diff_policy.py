"""`neutron-nsx diff` against an NSX with the Policy API, whose search index may be late or wrong."""

import json

import pytest
from checking import Checks, simulated


@pytest.fixture
def diff(command, sqlite, tmp_path):
    checks = Checks(command, sqlite, tmp_path)

    def run(nsx, *words: str) -> list[tuple[str, str, str]]:
        file = checks.configuration(nsx, api="policy")
        done = command("diff", "--config-file", str(file), "-f", "json", *words)
        rows = json.loads(done.stdout)
        run.told = done.stderr
        assert done.returncode == (3 if rows else 0)
        run.unconfirmed = [row["id"] for row in rows if "not confirmed" in row["detail"]]
        return sorted((row["difference"], row["kind"], row["id"]) for row in rows)

    return run


def settle(engine) -> None:
    """Neutron says what NSX says, and has for an hour."""
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ports SET status = 'ACTIVE'")


@pytest.fixture
def nsx(sqlite):
    with simulated(sqlite, api="policy", nodes=2) as simulator:
        settle(sqlite)
        yield simulator


def test_a_settled_cloud_has_no_difference(diff, nsx):
    """Nothing is looked at but a sample of the ports."""
    assert diff(nsx) == []
    assert not [
        path for path in nsx.requests.summary()["by_path"] if path.endswith("/tier-1s/{gateway}/state")
    ]


@pytest.mark.parametrize("kind", ["network", "port"])
def test_every_difference_is_listed(diff, nsx, kind):
    """A status, a missing object and an orphan."""
    first, second, *_ = sorted(item.neutron_id for item in nsx.inventory(kind))
    nsx.set_status(kind, "error" if kind == "network" else "down", [first])
    if kind == "port":
        nsx.delete(kind, [second])
    (orphan,) = nsx.create(kind, count=1)
    expected = [("orphan", kind, orphan), ("status", kind, first)]

    assert diff(nsx, "--kind", kind) == sorted([*expected, *([("missing", kind, second)] * (kind == "port"))])
    assert diff.unconfirmed == []


def test_a_duplicate_port_is_listed(diff, nsx):
    """Its second object is down: the status differs as well."""
    port = min(item.neutron_id for item in nsx.inventory("port"))
    nsx.create("port", ids=[port], status="down")

    assert diff(nsx) == [("duplicate", "port", port), ("status", "port", port)]


def test_an_index_that_is_late_is_no_difference(diff, sqlite):
    """It still says what was before; Neutron says already what is."""
    with simulated(sqlite, api="policy", index_delay=3600.0) as nsx:
        down = nsx.set_status("port", "down", fraction=0.5, seed=1)
        settle(sqlite)
        with sqlite.begin() as connection:
            for port in down:
                connection.exec_driver_sql("UPDATE ports SET status = 'DOWN' WHERE id = ?", (port,))

        assert len(down) == 3
        assert diff(nsx) == []


def test_an_index_that_lacks_objects_is_no_difference(diff, nsx):
    """They are found directly."""
    nsx.faults.add("index-drop", fraction=0.5)

    assert diff(nsx, "--kind", "port") == []
    assert nsx.requests.summary()["by_path"]["GET /api/v1/search/query"]["200"] > 1


def test_an_index_that_is_built_anew_is_done_without(diff, nsx, sqlite):
    """Every row is read directly: what differs is found, but for what has no row; absence is not proven."""
    down, gone, *_ = sorted(item.neutron_id for item in nsx.inventory("port"))
    nsx.set_status("port", "down", [down])
    nsx.delete("port", [gone])
    nsx.create("port", count=1)
    rule = nsx.faults.add("index-rebuilding")

    assert diff(nsx, "--kind", "port") == [("missing", "port", gone), ("status", "port", down)]
    assert rule.fired
    assert diff.unconfirmed == [gone]


def test_what_an_index_hides_may_be_found_nevertheless(diff, sqlite):
    """It still says what Neutron says; a sample, here all of them, is read directly."""
    with simulated(sqlite, api="policy", index_delay=3600.0) as nsx:
        settle(sqlite)
        down = nsx.set_status("port", "down", fraction=0.5, seed=1)

        assert diff(nsx, "--kind", "port") == sorted(("status", "port", port) for port in down)
        assert "search index shows no difference" in diff.told
