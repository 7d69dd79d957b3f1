"""NSX and Neutron change between two pages: nothing that exists is lost, nothing newer overwritten."""

import pytest
from cloud import Cloud
from line import differing, settled

from networking_nsx.simulator import Simulator

KINDS = ("network", "router", "port")
LISTS = {"network": "/ws.v1/lswitch", "router": "/ws.v1/lrouter", "port": "/ws.v1/lswitch/*/lport"}
OBJECTS = 40
PAGE = 10
MIDDLE = 2  # two pages of the kind are through, two are to come


@pytest.fixture(params=["keyed", "positional"])
def sim(request):
    with Simulator(networks=OBJECTS, routers=OBJECTS, ports=OBJECTS, cursor=request.param) as simulator:
        yield simulator


@pytest.fixture
def line(sqlite, sim):
    """Half of the objects of each kind are not as Neutron says."""
    with settled(sqlite, sim, page=PAGE) as line:
        yield line


def in_the_middle(sim, kind, callback, **parameters):
    """Before the third page of this kind, once, or for ever with `count=None`."""
    query = "tag_scope=quantum&"  # a page of a listing, not a direct look
    return sim.before(LISTS[kind], MIDDLE, callback, query=query, **parameters)


def only(line, kind):
    """Without ports where networks go, which would take theirs with them."""
    if kind == "network":
        line.sim.delete("port")
        for table in ("ml2_port_binding_levels", "ml2_port_bindings", "ports"):
            line.execute(f"DELETE FROM {table}")


def sides(items, of):
    """The ids of these objects that lie before, and behind, the cursor of the third page."""
    cursor = of[MIDDLE * PAGE - 1].nsx_id
    before = [item.neutron_id for item in items if item.nsx_id <= cursor]
    return before, [item.neutron_id for item in items if item.nsx_id > cursor]


def kind_of(table, kind):
    return {key: status for key, status in table.items() if key[0] == kind}


@pytest.mark.parametrize("kind", KINDS)
def test_objects_created_in_mid_sweep(sim, line, kind):
    """Before and behind the cursor: what was there is judged by this sweep, the new ones by the next."""
    old = sim.inventory(kind)
    new = []

    def create():
        new.extend(sim.create(kind, count=12))

    rule = in_the_middle(sim, kind, create)
    line.sweep()
    kept = line.statuses()
    line.add_rows([item for item in sim.inventory() if item.neutron_id in new])
    line.sweep()
    items = [item for item in sim.inventory(kind) if item.neutron_id in new]

    assert rule.fired == 1
    assert all(sides(items, old))
    assert differing(kept, line.truth(kept)) == {}
    assert {line.statuses()[kind, row_id] for row_id in new} == {"ACTIVE"}


@pytest.mark.parametrize("kind", KINDS)
def test_objects_deleted_in_mid_sweep(sim, line, kind):
    """Before and behind the cursor: only what was deleted becomes ERROR, and only after two more sweeps.

    A positional cursor skips as many objects as went before it: those keep their status.
    """
    items = sim.inventory(kind)
    only(line, kind)
    gone = [item.neutron_id for item in (*items[3:6], *items[-3:])]
    before = line.statuses()
    rule = in_the_middle(sim, kind, lambda: sim.delete(kind, gone))
    line.sweep()
    first = line.statuses()
    line.sweep(2)

    assert rule.fired == 1
    assert first == before
    expected = line.truth(before) | {(kind, row_id): "ERROR" for row_id in gone}
    assert differing(line.statuses(), expected) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_churn_in_every_sweep_hides_nothing_for_good(sim, line, kind):
    """Sweep after sweep two objects go before the cursor and two come: what stays is never ERROR."""
    gone: list[str] = []
    only(line, kind)

    def churn():
        chosen = [item.neutron_id for item in sim.inventory(kind)[1:3]]
        gone.extend(sim.delete(kind, chosen))
        sim.create(kind, count=2)

    rules = []
    for _ in range(4):
        before = line.statuses()
        rules.append(in_the_middle(sim, kind, churn))
        line.sweep()
        sim.faults.clear()
        now = line.statuses()
        assert {key: now[key] for key in now if key[1] not in gone and now[key] != before[key]} == {}
    line.sweep(3)
    found = kind_of(line.statuses(), kind)

    assert [rule.fired for rule in rules] == [1] * 4
    assert {status for (_, row_id), status in found.items() if row_id not in gone} == {"ACTIVE"}
    assert {status for (_, row_id), status in found.items() if row_id in gone} == {"ERROR"}


@pytest.mark.parametrize("place", [5, -5])
def test_a_port_deleted_in_neutron_in_mid_sweep(sqlite, sim, line, place):
    """Its row is gone when the page comes that has it: it stays gone, and the others are written."""
    item = sim.inventory("port")[place]
    sim.set_status("port", "down", [each.neutron_id for each in sim.inventory("port")[-8:]])
    before = line.statuses()
    rule = in_the_middle(sim, "port", lambda: Cloud(sqlite).delete(item.neutron_id))
    summary = line.sweep()
    del before["port", item.neutron_id]

    assert rule.fired == 1
    assert (summary.counts["gone"], summary.counts["written"]) == ((1, 7) if place < 0 else (0, 8))
    assert differing(line.statuses(), line.truth(before)) == {}
    assert line.sweep().counts["orphans"] == 1
    assert differing(line.statuses(), line.truth(before)) == {}


def test_a_port_changed_by_the_api_in_mid_sweep(sim, line):
    """Switched off while its page is on the way: not ACTIVE, whatever was observed; the next sweep agrees."""
    port = sim.inventory("port")[-5].neutron_id
    line.execute("UPDATE ports SET status = 'DOWN' WHERE id = :id", id=port)
    before = line.statuses()

    def switch_off():
        api_update(line, port, "admin_state_up = 0")

    rule = in_the_middle(sim, "port", switch_off)
    summary = line.sweep()

    assert rule.fired == 1
    assert summary.counts["refused"] == 1
    assert line.statuses() == before
    assert line.sweep(2).counts["written"] == 0


def test_a_status_written_by_the_api_in_mid_sweep(sim, line):
    """The write that was on its way is refused and NSX looked at once more; the next sweep has the truth."""
    down, up = (sim.inventory("port")[place].neutron_id for place in (-5, -4))
    sim.set_status("port", "down", [down])
    line.execute("UPDATE ports SET status = 'DOWN' WHERE id = :id", id=up)

    def both():
        api_update(line, down, "name = 'renamed'")
        api_update(line, up, "status = 'ERROR'")

    rule = in_the_middle(sim, "port", both)
    summary = line.sweep()
    line.sweep()
    found = line.statuses()

    assert rule.fired == 1
    assert summary.counts["refused"] == 2
    assert (found["port", down], found["port", up]) == ("DOWN", "ACTIVE")
    assert differing(found, line.truth(found)) == {}


def test_a_row_changed_a_moment_before_its_page_was_asked_for(sim, line):
    """Neutron keeps whole seconds; but whatever was read has changed before that, hence before the page."""
    port = sim.inventory("port")[0].neutron_id

    def change():
        line.clock.sleep(1 - line.clock.now() % 1)  # a second begins: there is time enough in it
        api_update(line, port, "status = 'DOWN'")

    rule = sim.before(LISTS["router"], 3, change)  # the last page before the ports'
    summary = line.sweep()

    assert rule.fired == 1
    assert (summary.counts["early"], summary.unsettled) == (0, 0)
    assert line.statuses()["port", port] == "ACTIVE"


def test_nova_hears_of_a_port_once(sim, line):
    """However often NSX is restarted in mid-listing: an event follows a write, never a page."""
    line.ear.events.clear()
    ids = [item.neutron_id for item in sim.inventory("port")[-3:]]
    sim.set_status("port", "down", ids)
    rule = sim.faults.add("cursor-expired", match=LISTS["port"], after=3)
    line.sweep(3)

    assert rule.fired == 1
    assert sorted(event.port_id for event in line.ear.events) == sorted(ids)


def api_update(line, port, values):
    """What an API request does to a port: the change, its revision and its date in one transaction."""
    line.execute(f"UPDATE ports SET {values} WHERE id = :id", id=port)
    line.execute(
        "UPDATE standardattributes SET revision_number = revision_number + 1,"
        " updated_at = strftime('%Y-%m-%d %H:%M:%S.000000', :now, 'unixepoch')"
        " WHERE id = (SELECT standard_attr_id FROM ports WHERE id = :id)",
        id=port,
        now=int(line.clock.now()),
    )
