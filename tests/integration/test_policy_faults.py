"""Faults of NSX Policy, each seen three ways: it fired, rows are as expected, a later sweep completes.

The oracle: whatever happens, a row says what it said before or what NSX has; after the fault, what NSX has.
"""

import pytest
from line import Line, differing, settled

from networking_nsx.errors import NsxError
from networking_nsx.nsx.codec_policy import Tags
from networking_nsx.nsx.http import HttpSettings
from networking_nsx.nsx.listing_policy import PolicySettings
from networking_nsx.simulator import Simulator

SEARCH = {"match": "/api/v1/search"}
INFRA = {"match": "/policy/api/v1/infra"}
# (name, parameters): each is armed for a few sweeps while objects change.
EVERY = [
    *((f"http-{code}", SEARCH) for code in (400, 403, 404, 409, 429, 500, 502, 503, 504)),
    *((f"http-{code}", INFRA) for code in (400, 403, 404, 409, 429, 500, 503)),
    *((name, SEARCH) for name in ("reset", "truncate", "invalid-json", "empty-body")),
    *((name, INFRA) for name in ("reset", "truncate", "invalid-json", "empty-body")),
    ("timeout", SEARCH | {"seconds": 0.3}),
    ("slow", SEARCH | {"seconds": 0.3}),
    ("cursor-expired", INFRA),
    ("skip-object", SEARCH),
    ("skip-object", INFRA),
    ("repeat-object", SEARCH),
    ("wrong-total", SEARCH | {"by": 5}),
    ("wrong-total", SEARCH | {"by": -5}),
    ("empty-page-with-cursor", SEARCH),
    ("malformed-object", SEARCH),
    ("malformed-object", INFRA),
    ("node-down", {"node": 1}),
    ("session-dropped", {}),
    ("inventory-lost", {}),
    ("index-lag", {"seconds": 60.0}),
    ("index-drop", {"fraction": 0.3}),
    ("index-rebuilding", {}),
    ("search-timeout", {}),
    ("index-out-of-sync", {}),
    ("password-changed", {}),
    ("licence-expired", {}),
    ("tag-tampered", {"variant": "removed", "fraction": 0.2}),
    ("tag-tampered", {"variant": "other-id", "fraction": 0.2}),
    ("tag-tampered", {"variant": "other-deployment", "fraction": 0.2}),
    ("duplicate-port", {"fraction": 0.2}),
]
# What an NSX that really says so is believed: the second objects are down.
BELIEVED = {"duplicate-port"}


MANY = {"networks": 6, "ports": 60, "routers": 6}
FEW = {"networks": 7, "ports": 24, "routers": 7}  # where very many faults meet them


@pytest.fixture
def sim(request):
    sizes = getattr(request, "param", MANY)
    with Simulator(api="policy", nodes=3, client_rate_limit=0, **sizes) as simulator:
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    policy = PolicySettings(tags=Tags(deployment="sim"), index_lag=2.0)
    with settled(sqlite, sim, page=5, policy=policy, http=HttpSettings(request_rate=1000, retries=1)) as line:
        yield line


def shake(sim):
    """Some of everything goes down, and some of it vanishes."""
    for kind, fraction in (("port", 0.1), ("network", 0.2), ("router", 0.2)):
        sim.set_status(kind, "down", fraction=fraction, seed=1)
    sim.delete("port", fraction=0.05, seed=2)


def swept(line, times):
    """Sweeps that may fail."""
    for _ in range(times):
        try:
            line.sweep()
        except NsxError:
            line.clock.sleep(10)


def swept_until(line, expected, most):
    """Sweeps until the rows are as they ought to be, and one more: they stay so."""
    for _ in range(most):
        swept(line, 1)
        if line.statuses() == expected:
            break
    swept(line, 1)


def gone(sim, before):
    """Rows whose object NSX has no more."""
    there = {(item.kind, item.neutron_id) for item in sim.inventory()}
    return before.keys() - there


@pytest.mark.parametrize(
    ("name", "parameters"), EVERY, ids=[f"{name}-{number}" for number, (name, _) in enumerate(EVERY)]
)
@pytest.mark.parametrize("sim", [FEW], indirect=True, ids=["few"])
def test_no_status_is_falsified(sim, line, name, parameters):
    before = line.statuses()
    shake(sim)
    rule = sim.faults.add(name, **{"count": None, **parameters})
    swept(line, 3)
    fired, during = rule.fired, line.statuses()
    truth = line.truth(before)
    lost = gone(sim, before) if name != "inventory-lost" else set()
    sim.faults.clear()
    line.clock.sleep(1000)
    expected = line.truth(before) | dict.fromkeys(gone(sim, before), "ERROR")
    swept_until(line, expected, 5)

    assert fired > 0
    if name not in BELIEVED:
        wrong = {
            key: (before[key], said, truth.get(key))
            for key, said in during.items()
            if said not in (before[key], truth.get(key), "ERROR" if key in lost else None)
        }
        assert wrong == {}
    assert differing(line.statuses(), expected) == {}


def test_a_password_that_was_changed_locks_no_account(sim, line):
    """Two attempts, then slow ones; the first sweep after it was changed back needs no operator."""
    before = line.statuses()
    sim.faults.add("password-changed")
    swept(line, 20)
    summary = sim.accounts.summary()

    assert 1 <= summary["refused_logins"] <= 4
    assert summary["locked"] == []
    assert line.statuses() == before


def test_a_node_that_goes_down_in_mid_sweep_ends_no_sweep(sim, line):
    before = line.statuses()
    shake(sim)
    rule = sim.faults.add("node-down", node=0, after=2)
    summary = line.sweep()

    assert rule.fired
    assert summary.counts["failures"] == 0
    assert summary.counts["written"] >= 5  # ports; the others need a second look
    assert {kind for kind, _ in differing(line.statuses(), line.truth(before))} <= {"network", "router"}


def test_a_vip_that_moves_costs_a_login(sqlite, sim):
    """The session was one of the other manager."""
    with Line(sqlite, sim, vip=True, http=HttpSettings(request_rate=1000)) as line:
        line.sweep()
        before, logins = line.statuses(), sim.requests.summary()["logins"]
        rule = sim.faults.add("vip-moved", to_node=2, after=3)
        sim.set_status("port", "down", fraction=0.1, seed=1)
        line.clock.sleep(700)
        line.sweep(2)

        assert rule.fired == 1
        assert sim.requests.summary()["logins"] == logins + 1
        assert differing(line.statuses(), line.truth(before)) == {}


def test_an_inventory_restored_to_an_older_state_is_followed(sim, line):
    """What the backup has, Neutron gets; what it has not is missing, and in the end absent."""
    before = line.statuses()
    new = sim.create("port", count=5)
    line.add_rows()
    line.sweep()
    line.clock.sleep(700)
    sim.set_status("port", "down", fraction=0.1, seed=3)
    line.sweep()
    line.clock.sleep(700)
    rule = sim.faults.add("inventory-restored")
    line.sweep(5)
    statuses = line.statuses()

    assert rule.fired == 1
    assert {statuses["port", row_id] for row_id in new} == {"ERROR"}
    assert differing({key: statuses[key] for key in before}, line.truth(before)) == {}


def test_objects_that_come_and_go_while_a_cursor_walks(sim, line):
    """Pages shift under the offsets: nobody is taken for absent, nobody gets another one's status."""
    before = line.statuses()
    walked = [
        sim.faults.before(
            "/api/v1/search", after, lambda seed=after: sim.delete("port", fraction=0.017, seed=seed)
        )
        for after in range(1, 6)
    ]
    born = [sim.faults.before("/api/v1/search", after, lambda: sim.create("port")) for after in range(2, 9)]
    line.sweep(5)
    line.clock.sleep(700)
    line.sweep(3)
    there = {(item.kind, item.neutron_id) for item in sim.inventory()}
    expected = {key: "ACTIVE" if key in there else "ERROR" for key in before}

    assert all(rule.fired for rule in [*walked, *born])
    assert line.statuses() == expected


def test_a_429_storm_is_survived_at_half_the_pace(sim, line):
    before = line.statuses()
    shake(sim)
    rule = sim.faults.add("http-429", match="/", count=30)
    swept(line, 4)

    assert rule.fired == 30
    assert differing(
        line.statuses(), line.truth(before) | dict.fromkeys(gone(sim, before), "ERROR")
    ).keys() <= gone(sim, before) | {key for key in before if key[0] != "port"}

    line.sweep(3)
    assert differing(line.statuses(), line.truth(before) | dict.fromkeys(gone(sim, before), "ERROR")) == {}


def test_a_silent_drop_is_noticed_and_statuses_stay_true(sim, line):
    """Five in a hundred are missing from search: two sweeps later, ports are read directly."""
    before = line.statuses()
    rule = sim.faults.add("index-drop", fraction=0.2, seed=5)
    line.sweep(2)
    sim.set_status("port", "down", fraction=0.3, seed=6)
    summary = line.sweep()

    assert rule.fired
    assert line.canary.distrust
    assert summary.counts["direct"] == 60
    assert differing(line.statuses(), line.truth(before)) == {}

    sim.faults.clear()
    direct = [line.sweep().counts["direct"] for _ in range(5)]
    assert direct[-1] == 0
    assert not line.canary.distrust


def test_a_network_made_of_several_segments_is_as_well_as_its_worst(sim, line):
    """As in NSX-MH; here drivers make one, but nothing forbids more."""
    network = sim.inventory("network")[0].neutron_id
    sim.create("network", ids=[network], status="error")
    line.sweep()
    once = line.statuses()["network", network]
    line.sweep()
    worse = line.statuses()["network", network]
    sim.set_status("network", "up", [network])
    line.clock.sleep(100)
    line.sweep(2)

    assert (once, worse) == ("ACTIVE", "ERROR")  # two looks, one in each sweep
    assert line.statuses()["network", network] == "ACTIVE"
