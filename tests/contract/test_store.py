"""What every `ports.Store` on Neutron's tables promises: on each database that clouds use, and simulated."""

import logging
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from cloud import START, Cloud, Ear, HandClock, change, port_key
from simulation.cloud import MemoryCloud

from networking_nsx.model import Change, Facts, Health, Key, Kind, Observation, Status, Verdict
from networking_nsx.neutron.scope import Scope
from networking_nsx.neutron.store import NeutronStore, ReportStore
from networking_nsx.sync import rules

ACTIVE, DOWN, ERROR = Status.ACTIVE, Status.DOWN, Status.ERROR


@pytest.fixture
def engine(neutron_database):
    return neutron_database


@pytest.fixture(params=["sqlite", "mariadb", "simulated"])
def cloud(request):
    return _cloud(request)


@pytest.fixture(params=["sqlite", "simulated"])
def quick_cloud(request):
    """For what is the same in every database."""
    return _cloud(request)


def _cloud(request):
    return MemoryCloud() if request.param == "simulated" else Cloud(request.getfixturevalue(request.param))


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(cloud, ear, clock):
    return cloud.store(Scope(), ear, clock)


@pytest.fixture
def sql_cloud(engine):
    return Cloud(engine)


@pytest.fixture
def sql_store(sql_cloud, ear, clock):
    return sql_cloud.store(Scope(), ear, clock)


def _utc(text):
    return datetime.fromisoformat(text)


def port(store, port_id):
    (row,) = store.rows([port_key(port_id)])
    return row


class TestReading:
    def test_a_row_says_what_neutron_has(self, cloud, store):
        """Identity, parent, status and revision are the columns'; a change counts one second later."""
        network_id = cloud.network()
        port_id = cloud.port(network_id, status="BUILD", updated_at=_utc("2026-01-01T00:00:07"))

        (row,) = store.recorded(Kind.PORT)

        assert row[:5] == (Kind.PORT, port_id, network_id, "BUILD", 5)
        assert row.changed_at == datetime.fromisoformat("2026-01-01T00:00:08Z").timestamp()
        assert row.follows == ""

    def test_a_row_that_was_never_updated_counts_from_its_creation(self, cloud, store):
        """`updated_at` may be NULL."""
        cloud.network(created_at=_utc("2026-01-01T00:00:00"), updated_at=None)

        (row,) = store.recorded(Kind.NETWORK)

        assert row.changed_at == datetime.fromisoformat("2026-01-01T00:00:01Z").timestamp()

    def test_a_row_dated_in_the_future_has_changed_by_now(self, cloud, store):
        """The clock of an API server is ahead, or ours was set back: the row can be verified nevertheless."""
        port_id = cloud.port(updated_at=_utc("2031-01-01T00:00:00"))

        (recorded,) = store.recorded(Kind.PORT)

        assert recorded.changed_at == port(store, port_id).changed_at == START
        assert recorded.ahead == _utc("2031-01-01T00:00:00Z").timestamp() - START

    def test_what_is_seen_after_a_reading_is_later_than_the_rows_last_change(self, cloud, store, clock):
        """Also within the second of that change; of a later one the guard knows."""
        clock.time = START + 0.3
        row = port(store, cloud.port(updated_at=datetime.fromtimestamp(START, UTC).replace(tzinfo=None)))
        seen = Observation(*row.key, Health.UP, START + 0.31, "/ws.v1/somewhere", "true")

        assert not rules.is_early(Change(row, ACTIVE, seen))
        assert row.ahead == 0

    def test_every_row_is_read_over_many_pages(self, sql_cloud, sql_store):
        """No row is lost or repeated at the end of a page, and equal facts are one object."""
        count = 10_001
        lines = [{"kind": "network", "neutron_id": "n"}]
        lines += [{"kind": "port", "neutron_id": f"p{i}", "network_id": "n"} for i in range(count)]
        sql_cloud.populate(lines)

        rows = list(sql_store.recorded(Kind.PORT))

        assert [row.id for row in rows] == sorted(f"p{i}" for i in range(count))
        assert len({id(row.facts) for row in rows}) == 1

    def test_rows_answers_a_mix_of_kinds_and_leaves_out_what_is_gone(self, cloud, store):
        """A key without a row has no answer."""
        keys = [Key(Kind.NETWORK, cloud.network()), Key(Kind.ROUTER, cloud.router()), port_key(cloud.port())]

        rows = store.rows([*keys, port_key("nothing"), keys[0]])

        assert sorted(row.key for row in rows) == sorted(keys)

    def test_a_row_is_found_by_its_own_id_only(self, cloud, store):
        """MariaDB compares without regard to case, and to what its collation takes for the same."""
        port_id = "a0000000-0000-4000-8000-00000000000e"
        cloud.populate([{"kind": "network", "neutron_id": "n"}])
        cloud.populate([{"kind": "port", "neutron_id": port_id, "network_id": "n"}])
        spelled = (port_id.upper(), f"{port_id} ", port_id.replace("e", "é"))

        assert store.rows([port_key(each) for each in spelled]) == []
        assert [row.id for row in store.rows([port_key(port_id), port_key(spelled[0])])] == [port_id]

    def test_rows_answers_more_keys_than_a_statement_takes(self, cloud, store):
        """Many keys are asked for in several statements."""
        ids = [f"r{i}" for i in range(1201)]
        cloud.populate({"kind": "router", "neutron_id": router_id} for router_id in ids)

        rows = store.rows([Key(Kind.ROUTER, router_id) for router_id in ids])

        assert sorted(row.id for row in rows) == sorted(ids)

    def test_only_the_active_binding_counts(self, cloud, store):
        """During a live migration a port has a second, inactive binding: it is still one row, bound."""
        port_id = cloud.port()
        cloud.bind(port_id, "compute-2", vif_type="unbound", status="INACTIVE")

        (row,) = store.recorded(Kind.PORT)

        assert row.facts.may_activate

    def test_a_gateway_port_follows_its_router(self, cloud, store):
        """It has no object of its own on NSX and shares its router's health."""
        gateway = {"device_owner": "network:router_gateway", "device_id": "router-1"}
        cloud.port(cloud.network(external=True), vif_type="unbound", driver=None, **gateway)

        (row,) = store.recorded(Kind.PORT)

        assert row.follows == "router-1"


OUT = Facts(in_scope=False, expects_twin=False, admin_up=True, may_activate=False)
TWIN = Facts(in_scope=True, expects_twin=True, admin_up=True, may_activate=True)
OPTIONAL = TWIN._replace(expects_twin=False)
WAITING = OPTIONAL._replace(may_activate=False)


def _owner(name):
    return {"device_owner": f"network:{name}"}


def _segments(*types: str, on=None):
    return {"segments": tuple((network_type, on) for network_type in types)}


OURS = Scope(network_types=("geneve", "vlan"), drivers=("nsx",))


UNBOUND = {"vif_type": "unbound", "driver": None}
EXTERNAL = {"external": True}


@pytest.mark.parametrize(
    ("network", "columns", "facts"),
    [
        pytest.param({}, {}, TWIN, id="bound by us"),
        pytest.param({}, {"device_owner": "network:dhcp"}, TWIN, id="DHCP bound by us"),
        pytest.param(
            {}, {"admin_state_up": False}, TWIN._replace(admin_up=False), id="administratively down"
        ),
        pytest.param({}, {"driver": "openvswitch"}, OUT, id="bound by others"),
        pytest.param({}, {"driver": None}, OUT, id="bound by nobody that we know"),
        pytest.param({}, UNBOUND, WAITING, id="unbound"),
        pytest.param({}, {"vif_type": None}, WAITING, id="without a binding"),
        pytest.param({}, UNBOUND | {"vif_type": "binding_failed"}, WAITING, id="binding failed"),
        pytest.param({}, UNBOUND | _owner("router_interface"), OPTIONAL, id="router interface"),
        pytest.param(
            {}, UNBOUND | _owner("ha_router_replicated_interface"), OPTIONAL, id="HA router interface"
        ),
        pytest.param({}, UNBOUND | _owner("router_interface_distributed"), OPTIONAL, id="DVR interface"),
        pytest.param({}, _owner("router_interface") | {"driver": "l3"}, OUT, id="router interface of others"),
        pytest.param(EXTERNAL, UNBOUND | _owner("router_gateway"), OPTIONAL, id="gateway"),
        pytest.param(EXTERNAL, UNBOUND | _owner("floatingip"), OUT, id="floating IP"),
        pytest.param(EXTERNAL, {}, OPTIONAL, id="bound on an external network"),
        pytest.param(EXTERNAL, UNBOUND, WAITING, id="unbound on an external network"),
        pytest.param(_segments("vxlan"), {}, OUT, id="on a network of others"),
        pytest.param(_segments("vxlan", "vlan"), {}, TWIN, id="on a network with a segment of ours"),
    ],
)
def test_facts_of_ports(quick_cloud, ear, clock, network, columns, facts):
    """A port's facts come from its owner, its network and its binding."""
    quick_cloud.port(quick_cloud.network(**network), **columns)

    (row,) = quick_cloud.store(OURS, ear, clock).recorded(Kind.PORT)

    assert row.facts == facts


ON_TZ1 = Scope(physical_networks=("tz1",))
VLAN_ON_TZ1 = Scope(network_types=("vlan",), physical_networks=("tz1",))


@pytest.mark.parametrize(
    ("scope", "network", "facts"),
    [
        pytest.param(Scope(), {}, TWIN, id="no limits"),
        pytest.param(Scope(), _segments(), TWIN, id="no limits, no segment"),
        pytest.param(Scope(), EXTERNAL, OUT, id="external"),
        pytest.param(OURS, {}, TWIN, id="type of ours"),
        pytest.param(OURS, _segments("vxlan"), OUT, id="type of others"),
        pytest.param(OURS, _segments(), OUT, id="no segment"),
        pytest.param(ON_TZ1, _segments("vlan", on="tz1"), TWIN, id="physical network of ours"),
        pytest.param(ON_TZ1, _segments("vlan", on="tz2"), OUT, id="physical network of others"),
        pytest.param(
            VLAN_ON_TZ1, {"segments": (("vlan", "tz2"), ("flat", "tz1"))}, OUT, id="each half of ours"
        ),
        pytest.param(Scope(kinds=frozenset({Kind.PORT})), {}, OUT, id="kind not selected"),
    ],
)
def test_facts_of_networks(cloud, ear, clock, scope, network, facts):
    """A network is ours by one of its segments; external ones have no status of ours."""
    cloud.network(**network)

    (row,) = cloud.store(scope, ear, clock).recorded(Kind.NETWORK)

    assert row.facts == facts


@pytest.mark.parametrize(
    ("scope", "facts"),
    [(OURS, TWIN), (Scope(kinds=frozenset({Kind.ROUTER})), TWIN), (Scope(kinds=frozenset({Kind.PORT})), OUT)],
)
def test_facts_of_routers(quick_cloud, ear, clock, scope, facts):
    """A router is ours wherever its kind is."""
    quick_cloud.router()

    (row,) = quick_cloud.store(scope, ear, clock).recorded(Kind.ROUTER)

    assert row.facts == facts


class TestWriting:
    @pytest.mark.parametrize(
        ("kind", "before", "after"),
        [
            (Kind.PORT, "DOWN", ACTIVE),
            (Kind.PORT, "ACTIVE", DOWN),
            (Kind.PORT, "ERROR", ACTIVE),
            (Kind.PORT, "ACTIVE", ERROR),
            (Kind.NETWORK, "ACTIVE", DOWN),
            (Kind.NETWORK, "DOWN", ACTIVE),
            (Kind.ROUTER, "ACTIVE", ERROR),
            (Kind.ROUTER, "ERROR", ACTIVE),
        ],
    )
    def test_a_status_is_written_with_its_revision(self, cloud, store, clock, kind, before, after):
        """The outcome is what stands: status, the next revision, and no earlier change than was stored."""
        key = Key(kind, getattr(cloud, kind)(status=before))
        (row,) = store.rows([key])
        clock.time = START + 0.9

        (outcome,) = store.write([change(row, after)])

        assert outcome.verdict is Verdict.WRITTEN
        assert outcome.stands == row._replace(status=after, revision=6, changed_at=START + 0.9)
        assert store.rows([key]) == [outcome.stands]

    def test_each_change_is_logged_with_its_evidence(self, sql_cloud, sql_store, caplog):
        """At DEBUG: what became of it, and what NSX said where."""
        caplog.set_level(logging.DEBUG, "networking_nsx")
        row = port(sql_store, sql_cloud.port())

        sql_store.write([change(row, ACTIVE)])

        assert f"port {row.id}: DOWN -> ACTIVE: written (/ws.v1/somewhere says 'true')" in caplog.text

    def test_outcomes_keep_the_order_of_their_changes(self, cloud, store):
        """Kinds and statuses are written batch by batch, but answered in order."""
        for status in ("ACTIVE", "DOWN", "ACTIVE"):
            cloud.port(status=status)
        cloud.router()
        rows = [*store.recorded(Kind.ROUTER), *store.recorded(Kind.PORT)]
        wanted = {(Kind.ROUTER, "ACTIVE"): ERROR, (Kind.PORT, "ACTIVE"): DOWN, (Kind.PORT, "DOWN"): ACTIVE}
        changes = [change(row, wanted[row.kind, row.status]) for row in rows]

        outcomes = store.write(changes)

        assert [outcome.change for outcome in outcomes] == changes
        assert {outcome.verdict for outcome in outcomes} == {Verdict.WRITTEN}

    @pytest.mark.parametrize(
        "meanwhile",
        [{"status": "BUILD"}, {"status": "ACTIVE"}, {"bump": True}],
        ids=["another status", "the same status", "another revision"],
    )
    def test_a_row_that_changed_since_it_was_read_is_left_alone(self, cloud, store, ear, meanwhile):
        """The answer is the row as it is now, and Nova hears nothing."""
        row = port(store, cloud.port())
        cloud.update("ports", row.id, **meanwhile)
        stands = port(store, row.id)

        (outcome,) = store.write([change(row, ACTIVE)])

        assert (outcome.verdict, outcome.stands) == (Verdict.REFUSED, stands)
        assert port(store, row.id) == stands
        assert ear.events == []

    def test_a_row_that_was_deleted_is_gone(self, cloud, store):
        """Nothing stands where a row was deleted; the others of its batch are written."""
        rows = [port(store, cloud.port()) for _ in range(2)]
        cloud.delete(rows[0].id)

        gone, written = store.write([change(row, ACTIVE) for row in rows])

        assert (gone.verdict, gone.stands) == (Verdict.GONE, None)
        assert written.verdict is Verdict.WRITTEN

    @pytest.mark.parametrize(
        "columns",
        [
            {"admin_state_up": False},
            {"vif_type": "unbound"},
            {"vif_type": "binding_failed"},
            {"device_owner": "network:floatingip"},
        ],
        ids=["administratively down", "unbound", "binding failed", "never ours"],
    )
    def test_a_port_that_may_not_become_active_does_not(self, cloud, store, columns):
        """Whoever asks for it."""
        row = port(store, cloud.port(**columns))

        (outcome,) = store.write([change(row, ACTIVE)])

        assert outcome.verdict is Verdict.REFUSED
        assert cloud.statuses() == {row.id: "DOWN"}

    @pytest.mark.parametrize(
        ("vif_type", "verdict"), [("ovs", Verdict.WRITTEN), ("unbound", Verdict.REFUSED)]
    )
    def test_only_a_port_that_still_expects_an_object_can_be_absent(self, cloud, store, vif_type, verdict):
        """A port that was unbound just before the write, without a new revision, misses nothing."""
        row = port(store, cloud.port(status="ACTIVE"))
        cloud.rebind(row.id, vif_type)
        gone = change(row, ERROR)

        (outcome,) = store.write([gone._replace(observation=gone.observation._replace(health=Health.ABSENT))])

        assert outcome.verdict is verdict

    def test_an_unbound_router_interface_becomes_active(self, cloud, store):
        """Neutron never binds it, so nothing but us activates it."""
        row = port(
            store, cloud.port(vif_type="unbound", driver=None, device_owner="network:router_interface")
        )

        (outcome,) = store.write([change(row, ACTIVE)])

        assert outcome.verdict is Verdict.WRITTEN

    def test_a_router_is_never_down(self, cloud, store):
        """Neutron 29 could not read it back: it is an error of the program, and nothing is written."""
        port_id, router_id = cloud.port(), cloud.router()
        rows = store.rows([port_key(port_id), Key(Kind.ROUTER, router_id)])

        with pytest.raises(ValueError, match="never DOWN"):
            store.write([change(row, ACTIVE if row.kind is Kind.PORT else DOWN) for row in rows])

        assert cloud.statuses() == {port_id: "DOWN"}

    def test_many_changes_are_written_in_batches(self, cloud, store):
        """More rows than a transaction takes, each written once."""
        network_id = cloud.network()
        cloud.populate({"kind": "port", "neutron_id": f"p{i}", "network_id": network_id} for i in range(1203))

        outcomes = store.write([change(row, ACTIVE) for row in store.recorded(Kind.PORT)])

        assert {outcome.verdict for outcome in outcomes} == {Verdict.WRITTEN}
        assert set(cloud.statuses().values()) == {"ACTIVE"}
        assert {row.revision for row in store.recorded(Kind.PORT)} == {2}

    @pytest.mark.parametrize(
        "blocks", [(), ("L2",), ("L2", "DHCP")], ids=["no blocks", "our blocks", "mixed blocks"]
    )
    def test_a_change_costs_few_statements(self, engine, sql_cloud, sql_store, blocks):
        """At most 10 statements for 500 ports, SQLite's BEGIN included."""
        network_id = sql_cloud.network()
        ids = [f"p{i}" for i in range(500)]
        sql_cloud.populate(
            {"kind": "port", "neutron_id": port_id, "network_id": network_id} for port_id in ids
        )
        for entity in blocks:
            for port_id in ids[:: 2 if entity == "DHCP" else 1][:20]:
                sql_cloud.block(port_id, entity)
        changes = [change(row, ACTIVE) for row in sql_store.recorded(Kind.PORT)]
        statements = []
        sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

        sql_store.write(changes)

        assert len(statements) <= 10, statements

    def test_nobody_writes_between_the_guard_and_the_write(self, engine, sql_cloud, sql_store):
        """Another connection, which tries just before our UPDATE, has to wait for our commit."""
        row = port(sql_store, sql_cloud.port())
        refused = []

        @sa.event.listens_for(engine, "before_cursor_execute")
        def meddle(_connection, _cursor, statement, _parameters, _context, _many):
            if statement.startswith("UPDATE ports SET status=") and "coalesce" in statement and not refused:
                other = _impatient(engine)
                with pytest.raises(sa.exc.OperationalError) as error, other.begin() as connection:
                    connection.execute(sa.text("UPDATE ports SET status = 'BUILD'"))
                refused.append(error)
                other.dispose()

        (outcome,) = sql_store.write([change(row, ACTIVE)])

        assert refused
        assert outcome.verdict is Verdict.WRITTEN

    def test_a_port_that_went_down_is_not_blocked_again(self, cloud, store):
        """Neutron adds a block when it provisions a port, not when the port loses its connection."""
        row = port(store, cloud.port(status="ACTIVE"))

        store.write([change(row, DOWN)])

        assert cloud.blocks(row.id) == set()


def _impatient(engine):
    """Make an engine that hardly waits for locks."""
    if engine.dialect.name == "sqlite":
        return sa.create_engine(f"{engine.url}?timeout=0.1")
    other = sa.create_engine(engine.url)
    sa.event.listen(
        other, "connect", lambda connection, _: connection.query("SET innodb_lock_wait_timeout = 0")
    )
    return other


class TestProvisioningBlocks:
    def test_our_own_block_is_completed(self, cloud, store):
        """The port becomes ACTIVE and its block is gone."""
        row = port(store, cloud.port(blocks=("L2",)))

        (outcome,) = store.write([change(row, ACTIVE)])

        assert (outcome.verdict, outcome.stands.status) == (Verdict.WRITTEN, "ACTIVE")
        assert cloud.blocks(row.id) == set()

    def test_another_block_keeps_a_port_from_becoming_active(self, cloud, store, ear):
        """Ours is completed nevertheless, so that the other entity activates the port."""
        row = port(store, cloud.port(blocks=("DHCP", "L2")))

        (outcome,) = store.write([change(row, ACTIVE)])

        assert (outcome.verdict, outcome.stands) == (Verdict.BLOCKED, row)
        assert cloud.blocks(row.id) == {"DHCP"}
        assert ear.events == []

    def test_free_ports_of_a_batch_are_written_beside_blocked_ones(self, cloud, store):
        """A block stops its own port only."""
        rows = [port(store, cloud.port(blocks=blocks)) for blocks in ((), ("L2",), ("DHCP",), ("DHCP", "L2"))]

        outcomes = store.write([change(row, ACTIVE) for row in rows])

        assert [outcome.verdict.name for outcome in outcomes] == ["WRITTEN", "WRITTEN", "BLOCKED", "BLOCKED"]

    def test_a_block_of_a_changed_port_stays(self, cloud, store):
        """A port that changed may have been bound anew: its new block is not for us to complete."""
        row = port(store, cloud.port(blocks=("L2",)))
        cloud.update("ports", row.id, bump=True)

        (outcome,) = store.write([change(row, ACTIVE)])

        assert outcome.verdict is Verdict.REFUSED
        assert cloud.blocks(row.id) == {"L2"}

    @pytest.mark.parametrize("status", [DOWN, ERROR])
    def test_blocks_matter_to_activation_only(self, cloud, store, status):
        """A blocked port may go down or fail, and keeps its block."""
        row = port(store, cloud.port(status="ACTIVE", blocks=("L2", "DHCP")))

        (outcome,) = store.write([change(row, status)])

        assert outcome.verdict is Verdict.WRITTEN
        assert cloud.blocks(row.id) == {"L2", "DHCP"}


class TestReport:
    @pytest.fixture
    def report(self, store):
        return ReportStore(store)

    def test_nothing_is_written(self, cloud, report, ear):
        """The answer is what would have been written, and would stand then."""
        row = port(report, cloud.port(blocks=("L2",)))

        (outcome,) = report.write([change(row, ACTIVE)])

        assert (outcome.verdict, outcome.stands) == (Verdict.WITHHELD, row._replace(status=ACTIVE))
        assert list(report.recorded(Kind.PORT)) == [row]
        assert cloud.blocks(row.id) == {"L2"}
        assert ear.events == []

    def test_what_would_be_refused_is_told(self, cloud, report):
        """Changed and deleted rows are told apart, as a write would."""
        rows = [port(report, cloud.port()) for _ in range(2)]
        cloud.update("ports", rows[0].id, bump=True)
        cloud.delete(rows[1].id)

        outcomes = report.write([change(row, ACTIVE) for row in rows])

        assert [outcome.verdict for outcome in outcomes] == [Verdict.REFUSED, Verdict.GONE]


def test_the_contract_holds_on_postgresql(postgresql, ear, clock):
    """Read, write, guard and blocks, once through: as far as Neutron itself supports it."""
    cloud = Cloud(postgresql)
    store = NeutronStore(postgresql, OURS, ear, clock)
    rows = [port(store, cloud.port(blocks=blocks)) for blocks in ((), ("L2",), ("DHCP",), ())]
    cloud.update("ports", rows[3].id, bump=True)

    outcomes = store.write([change(row, ACTIVE) for row in rows])

    assert [outcome.verdict.name for outcome in outcomes] == ["WRITTEN", "WRITTEN", "BLOCKED", "REFUSED"]
    assert sorted(store.recorded(Kind.PORT)) == sorted(outcome.stands for outcome in outcomes)
    assert {row.facts for row in store.recorded(Kind.NETWORK)} == {TWIN}
