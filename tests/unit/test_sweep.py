"""One complete pass over a world in memory: what is written, what is left alone, what survives."""

import pytest
from worlds import OURS, START, Heart, World, expired

from networking_nsx.errors import CursorExpired, Malformed, Rejected, StoreError, Throttled, Unavailable
from networking_nsx.model import Health, Key, Kind
from networking_nsx.sync.ledger import LedgerSettings
from networking_nsx.sync.misses import MissingSettings

UP, DOWN, UNKNOWN = Health.UP, Health.DOWN, Health.UNKNOWN
EVERYTHING = {"network": 3, "router": 2, "port": 60}


def gateway(world: World, name: str, router: str, status: str = "DOWN") -> Key:
    """A port that follows its router: it has no object of its own."""
    facts = OURS._replace(expects_twin=False)
    return world.add(Kind.PORT, name, status, None, facts=facts, follows=router)


def test_a_settled_world_is_left_alone():
    """Nothing differs: nothing is written and nothing is looked at."""
    world = World(**EVERYTHING)
    summary = Heart(world).sweep(3)

    assert summary.counts["observed"] == 65
    assert (world.writes, world.looks) == ([], [])


@pytest.mark.parametrize(
    ("kind", "expected"), [(Kind.NETWORK, "DOWN"), (Kind.PORT, "DOWN"), (Kind.ROUTER, "ERROR")]
)
def test_a_change_on_nsx_reaches_neutron(kind, expected):
    """And so does the way back."""
    world = World(**EVERYTHING)
    heart = Heart(world)
    world.flip(kind, DOWN, 1)
    heart.sweep(2)
    down = world.neutron[Key(kind, f"{kind}-00000")].status
    world.flip(kind, UP)
    heart.sweep()

    assert down == expected
    assert set(world.statuses(kind)) == {"ACTIVE"}


def test_a_status_changed_in_neutron_by_anything_else_is_repaired():
    """NSX did not change at all: it's compared with Neutron, not with its own past."""
    world = World(**EVERYTHING)
    heart = Heart(world)
    heart.sweep(2)
    for kind in Kind:
        key = Key(kind, f"{kind}-00001")
        world.neutron[key] = world.neutron[key]._replace(status="ERROR", revision=9)
    heart.sweep()

    assert [set(world.statuses(kind)) for kind in Kind] == [{"ACTIVE"}] * 3


def test_an_object_seen_before_its_row_is_judged_when_the_row_comes():
    """The original cached it, and the row kept its first status for ever."""
    world = World(port=10)
    heart = Heart(world)
    world.nsx[Kind.PORT]["/port/new"] = ("new", DOWN)
    orphans = heart.sweep().counts["orphans"]
    key = world.add(Kind.PORT, "new", health=None)
    heart.sweep()

    assert orphans == 1
    assert world.neutron[key].status == "DOWN"


def test_absence_needs_two_sweeps_and_a_look():
    """Nothing after the first sweep, ERROR after the second one and its direct read."""
    world = World(**EVERYTHING)
    heart = Heart(world)
    for kind in Kind:
        world.vanish(kind, 1)
    first = heart.sweep()
    after_one = list(world.writes)
    heart.sweep()

    assert first.unsettled == 3
    assert after_one == []
    assert {Key(kind, f"{kind}-00000") for kind in Kind} < set(world.looks)
    assert len(world.looks) == 6  # and a witness of each kind, that NSX has not forgotten everything
    assert [world.neutron[Key(kind, f"{kind}-00000")].status for kind in Kind] == ["ERROR"] * 3


def _testify(world: World, verdicts: list[Health]) -> None:
    """Direct reads of what is there say this, one after the other."""
    look, waiting = world.look, iter(verdicts)

    def testified(sought):
        for answer in look(sought):
            there = [seen for seen in answer if seen.health is not Health.ABSENT]
            yield [seen._replace(health=next(waiting, UNKNOWN)) for seen in there] or answer

    world.look = testified


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([UP], "ERROR"),
        ([UNKNOWN, DOWN], "ERROR"),
        ([UNKNOWN, Health.ABSENT, UP], "ACTIVE"),
        ([UNKNOWN, UNKNOWN, UNKNOWN, Health.ABSENT], "ERROR"),
    ],
)
def test_where_a_witness_tells_nothing_certain_another_one_is_asked(verdicts, status):
    """Three at most; the first that is found, or not, decides. Else it suffices that they are there."""
    world = World(port=60)
    heart = Heart(world)
    world.vanish(Kind.PORT, 1)
    heart.sweep()
    _testify(world, verdicts)
    heart.sweep()

    assert world.neutron[Key(Kind.PORT, "port-00000")].status == status


def test_nothing_is_absent_while_nsx_does_not_find_what_it_has_just_listed():
    """An inventory that is lost between the last page and the looks: all three ways agree, and all lie."""
    world = World(port=100)
    heart = Heart(world)
    world.vanish(Kind.PORT, 3)
    heart.sweep()
    look = world.look
    world.relook(health=Health.ABSENT, path="")
    lost = heart.sweep()
    after = list(world.writes)
    world.look = look
    heart.sweep()

    assert (lost.counts["held"], after) == (3, [])
    assert world.statuses(Kind.PORT) == {"ACTIVE": 97, "ERROR": 3}


@pytest.mark.parametrize("kind", [Kind.NETWORK, Kind.ROUTER])
def test_a_look_that_finds_nothing_is_no_proof_of_absence(kind):
    """What a listing has just shown and a look does not find keeps its status."""
    world = World(network=20, router=20)
    heart = Heart(world)
    key = world.add(kind, "better", "DOWN" if kind is Kind.NETWORK else "ERROR")
    look = world.look
    world.relook(health=Health.ABSENT)
    heart.sweep(3)
    before = world.neutron[key].status
    world.look = look
    heart.sweep()

    assert before in ("DOWN", "ERROR")
    assert world.neutron[key].status == "ACTIVE"
    assert len(world.writes) == 1


def test_a_network_becomes_active_only_after_a_direct_look():
    """The listing may have left out the switch that is down: nobody but NSX knows how many there are."""
    world = World(network=20)
    heart = Heart(world)
    world.nsx[Kind.NETWORK]["/network/part"] = ("network-00003", DOWN)
    heart.sweep()
    world.hide("/network/part")
    heart.restart()
    heart.sweep(3)
    hidden = world.statuses(Kind.NETWORK)
    del world.nsx[Kind.NETWORK]["/network/part"]
    heart.sweep()

    assert hidden == {"ACTIVE": 19, "DOWN": 1}
    assert world.statuses(Kind.NETWORK) == {"ACTIVE": 20}


def test_an_object_that_the_listing_missed_is_not_absent():
    """The look finds it: the row keeps its status, and gets the right one if that differs."""
    world = World(port=100)
    heart = Heart(world)
    world.hide("/port/port-00007")
    world.nsx[Kind.PORT]["/port/port-00007"] = ("port-00007", DOWN)
    heart.sweep(2)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 99, "DOWN": 1}


def test_a_row_that_changed_lately_is_not_missing():
    """Its object may still be on the way (`missing_grace`)."""
    world = World(port=10)
    key = world.add(Kind.PORT, "young", health=None, changed_at=START - 100)
    heart = Heart(world)
    heart.sweep(5)
    young = world.neutron[key].status
    world.time += 300
    heart.sweep(2)

    assert young == "ACTIVE"
    assert world.neutron[key].status == "ERROR"


def test_absence_needs_sweeps_that_are_far_apart():
    """However many miss the row: an index may not have heard of its object yet (`missing_apart`)."""
    world = World(port=10)
    heart = Heart(world, ledger_settings=LedgerSettings(MissingSettings(apart=60.0)))
    world.vanish(Kind.PORT, 1)
    unsettled = [heart.sweep(seconds=20.0).unsettled for _ in range(3)]
    early = list(world.writes)
    heart.sweep()

    assert (unsettled, early, world.looks[:1]) == ([1, 1, 1], [], [Key(Kind.PORT, "port-00000")])
    assert world.statuses(Kind.PORT) == {"ACTIVE": 9, "ERROR": 1}


def test_a_row_that_was_met_meanwhile_is_missed_anew():
    """The time between the sweeps that miss it begins again, too."""
    world = World(port=10)
    heart = Heart(world, ledger_settings=LedgerSettings(MissingSettings(apart=60.0)))
    there = dict(world.nsx[Kind.PORT])
    world.vanish(Kind.PORT, 1)
    heart.sweep(seconds=20.0)
    world.nsx[Kind.PORT] = dict(there)
    heart.sweep(seconds=20.0)
    world.vanish(Kind.PORT, 1)
    heart.sweep(3, seconds=20.0)
    early = list(world.writes)
    heart.sweep()

    assert early == []
    assert world.statuses(Kind.PORT) == {"ACTIVE": 9, "ERROR": 1}


@pytest.mark.parametrize(
    "facts", [OURS._replace(expects_twin=False), OURS._replace(in_scope=False, expects_twin=False)]
)
def test_a_row_that_expects_no_twin_is_never_missing(facts):
    """Unbound ports, ports of other drivers, floating IPs, ports on external networks."""
    world = World(port=10)
    world.add(Kind.PORT, "lonely", "DOWN", None, facts=facts)
    summary = Heart(world).sweep(5)

    assert summary.counts["missing"] == 0
    assert (world.writes, world.looks) == ([], [])


def test_an_incomplete_listing_says_nothing_of_absence():
    """A sweep that fails in the middle of the ports counts no misses."""
    world = World(port=1000)
    heart = Heart(world)
    world.vanish(Kind.PORT, 1)
    for _ in range(3):
        world.page_errors = {len(world.requests) + 3: Rejected("no")}
        with pytest.raises(Rejected):
            heart.sweep()

    assert heart.sweep().unsettled == 1
    assert world.writes == []


@pytest.mark.parametrize("error", [Unavailable("500"), Throttled("429"), Malformed("cut short")])
@pytest.mark.parametrize("request_number", range(5))
def test_a_failed_page_is_asked_for_again(error, request_number):
    """With the same cursor: nothing is lost, nothing seen twice, whichever request it was."""
    world = World(network=3, router=2, port=1200)
    heart = Heart(world)
    world.page_errors = {request_number: error}
    world.flip(Kind.PORT, DOWN, 20)
    summary = heart.sweep()

    assert (summary.counts["failures"], summary.counts["observed"]) == (1, 1205)
    assert world.statuses(Kind.PORT) == {"ACTIVE": 1180, "DOWN": 20}
    assert heart.sweep().counts["observed"] == 1205


def test_a_page_that_fails_for_good_fails_the_sweep():
    """After five attempts; what was settled before stays, and the next sweep is complete."""
    world = World(network=3, port=1200)
    heart = Heart(world)
    world.flip(Kind.NETWORK, DOWN, 1)
    world.page_errors = {n: Unavailable("500") for n in range(3, 8)}
    with pytest.raises(Unavailable):
        heart.sweep()

    assert world.statuses(Kind.NETWORK) == {"ACTIVE": 2, "DOWN": 1}
    assert heart.sweep().counts["observed"] == 1203


def test_an_expired_cursor_begins_its_kind_again():
    """Only that kind, and the rows are read anew."""
    world = World(network=3, port=1200)
    heart = Heart(world)
    world.page_errors = {4: expired()}
    summary = heart.sweep()

    assert summary.counts["restarts"] == 1
    assert [kind.value for kind, cursor, _ in world.requests if cursor is None] == [
        "network",
        "router",
        "port",
        "port",
    ]
    assert summary.counts["missing"] == 0


def test_cursors_that_keep_expiring_fail_the_sweep():
    """Three times in one kind."""
    world = World(port=1200)
    heart = Heart(world)
    world.page_errors = {n: expired() for n in (3, 5, 7)}
    with pytest.raises(Unavailable, match="expired 3 times"):
        heart.sweep()


def test_a_listing_that_leads_in_a_circle_is_begun_again():
    """A cursor that comes back would never end."""
    world = World(port=1200)
    page = world.page
    circles = iter([True])

    def circling(kind, cursor, length):
        found = page(kind, cursor, length)
        if cursor is not None and found.cursor is None and next(circles, False):
            return found._replace(cursor="/port/port-00499")
        return found

    world.page = circling
    summary = Heart(world).sweep()

    assert summary.counts["restarts"] == 1


@pytest.mark.parametrize("length", [1, 7, 499, 500, 5000])
def test_an_object_created_behind_the_cursor_is_met_by_the_next_sweep(length):
    """And one deleted before the cursor hides nobody."""
    world = World(port=600)
    heart = Heart(world)
    steps = heart.sweeper.sweep(lambda: length)
    for _ in range(5):
        next(steps)
    world.add(Kind.PORT, "port--created", "DOWN")
    world.vanish(Kind.PORT, 1)
    list(steps)
    heart.sweep(3, length=length)

    assert world.statuses(Kind.PORT)["ACTIVE"] == 600


def test_a_row_changed_by_a_request_during_the_sweep_is_looked_at_again():
    """The write is refused, never forced; the row is read and looked at anew at once."""
    world = World(port=10)
    key = Key(Kind.PORT, "port-00003")
    world.flip(Kind.PORT, DOWN, 10)

    def api_request():
        world.neutron[key] = world.neutron[key]._replace(revision=7, changed_at=START - 1)

    world.before_write = [api_request]
    summary = Heart(world).sweep()

    assert (summary.counts["refused"], world.looks) == (1, [key])
    assert world.statuses(Kind.PORT) == {"DOWN": 10}
    assert world.neutron[key].revision == 8


def test_a_row_deleted_during_the_sweep_is_gone():
    """It is neither an error nor missing."""
    world = World(port=10)
    world.flip(Kind.PORT, DOWN, 10)
    world.before_write = [lambda: world.neutron.pop(Key(Kind.PORT, "port-00003"))]
    summary = Heart(world).sweep()

    assert (summary.counts["gone"], summary.counts["missing"]) == (1, 0)
    assert world.statuses(Kind.PORT) == {"DOWN": 9}


def test_an_observation_older_than_the_row_is_left_for_the_next_sweep():
    """A row changed after the request went out is not touched (promise 2)."""
    world = World(port=10)
    key = world.add(Kind.PORT, "fresh", "DOWN", changed_at=START + 5)
    heart = Heart(world)
    first = heart.sweep()
    status = world.neutron[key].status
    heart.sweep()

    assert (first.counts["early"], status) == (1, "DOWN")
    assert world.neutron[key].status == "ACTIVE"


@pytest.mark.parametrize("order", [(DOWN, UP), (UP, DOWN)])
def test_a_network_of_several_switches_is_judged_on_all_of_them(order):
    """Whatever their order and however they fall on pages; repaired when all are up."""
    world = World(network=1)
    heart = Heart(world)
    for i, health in enumerate(order):
        world.nsx[Kind.NETWORK][f"/network/part-{i}"] = ("network-00000", health)
    heart.sweep(length=1)
    down = world.statuses(Kind.NETWORK)
    world.flip(Kind.NETWORK, UP)
    summary = heart.sweep(length=1)

    assert down == {"DOWN": 1}
    assert world.statuses(Kind.NETWORK) == {"ACTIVE": 1}
    assert summary.counts["duplicates"] == 0


@pytest.mark.parametrize("kind", [Kind.PORT, Kind.ROUTER])
@pytest.mark.parametrize("second", ["0-before", "z-after"])
def test_of_two_objects_with_one_id_the_worst_decides(kind, second):
    """The original took the last one listed. They are reported, and rest in the worse status."""
    world = World(port=10, router=3)
    heart = Heart(world)
    world.nsx[kind][f"/{kind}/{second}"] = (f"{kind}-00001", DOWN)
    summary = heart.sweep(3, length=2)
    status = world.neutron[Key(kind, f"{kind}-00001")].status
    writes = len(world.writes)
    heart.sweep(3, length=2)

    assert summary.counts["duplicates"] == 1
    assert status == ("DOWN" if kind is Kind.PORT else "ERROR")
    assert len(world.writes) == writes


def test_a_duplicate_that_goes_away_leaves_the_other_one_in_charge():
    """After one sweep with a single object the row is judged by it again."""
    world = World(port=10)
    heart = Heart(world)
    world.nsx[Kind.PORT]["/port/z"] = ("port-00001", DOWN)
    heart.sweep(2)
    del world.nsx[Kind.PORT]["/port/z"]
    heart.sweep(2)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 10}


def test_an_object_repeated_on_two_pages_is_no_duplicate():
    """The same path twice is the same object."""
    world = World(port=10)
    page = world.page
    world.page = lambda *asked: (found := page(*asked))._replace(observations=found.observations * 2)

    assert Heart(world).sweep().counts["duplicates"] == 0


def test_a_router_is_error_only_after_two_looks():
    """One in each sweep; a router that was back at the first of them is left alone."""
    world = World(router=2)
    heart = Heart(world)
    world.flip(Kind.ROUTER, DOWN, 1)
    heart.sweep()
    first = list(world.writes)
    world.flip(Kind.ROUTER, UP)
    heart.sweep()
    world.flip(Kind.ROUTER, DOWN, 1)
    heart.sweep()
    again = list(world.writes)
    heart.sweep()

    assert (first, again) == ([], [])
    assert world.statuses(Kind.ROUTER) == {"ACTIVE": 1, "ERROR": 1}


def test_a_gateway_port_follows_its_router():
    """It has no object of its own: its router speaks for it, once direct looks have settled that."""
    world = World(router=2, port=5)
    key = gateway(world, "gateway", "router-00000")
    heart = Heart(world)
    heart.sweep()
    statuses = [world.neutron[key].status]
    world.flip(Kind.ROUTER, DOWN, 1)
    for _ in range(2):
        heart.sweep()
        statuses.append(world.neutron[key].status)

    assert statuses == ["ACTIVE", "ACTIVE", "DOWN"]


def test_a_gateway_port_does_not_follow_what_a_listing_alone_says():
    """A look that finds the router up keeps its ports up as well."""
    world = World(router=2, port=5)
    key = gateway(world, "gateway", "router-00000")
    heart = Heart(world)
    heart.sweep()
    world.flip(Kind.ROUTER, DOWN, 1)
    world.relook(health=UP)
    heart.sweep(3)

    assert world.neutron[key].status == "ACTIVE"


def test_an_unknown_word_changes_nothing_and_is_counted():
    """By word, so that it can be logged once."""
    world = World(port=10)
    world.flip(Kind.PORT, UNKNOWN, 4)
    summary = Heart(world).sweep()

    assert world.writes == []
    assert summary.words == {"unknown": 4}


def test_a_port_unknown_for_too_long_is_down_where_asked_for():
    """`unknown_after`; a port that was known in between starts anew."""
    world = World(port=100)
    heart = Heart(world, ledger_settings=LedgerSettings(unknown_after=60))
    world.flip(Kind.PORT, UNKNOWN, 2)
    heart.sweep(4)
    world.nsx[Kind.PORT]["/port/port-00001"] = ("port-00001", UP)
    heart.sweep()
    world.nsx[Kind.PORT]["/port/port-00001"] = ("port-00001", UNKNOWN)
    heart.sweep(4)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 99, "DOWN": 1}
    assert world.neutron[Key(Kind.PORT, "port-00000")].status == "DOWN"
    assert [change.observation.word for change in world.writes] == ["unknown for longer than unknown_after"]


def test_only_the_selected_kinds_are_swept():
    """`kinds`: nothing is asked of the others."""
    world = World(**EVERYTHING)
    for kind in Kind:
        world.flip(kind, DOWN, 1)
    Heart(world, kinds=(Kind.PORT,)).sweep(2)

    assert {kind for kind, _, _ in world.requests} == {Kind.PORT}
    assert {change.row.kind for change in world.writes} == {Kind.PORT}


def test_looks_are_capped_per_sweep():
    """What cannot be looked at now waits for the next sweep."""
    world = World(port=1000)
    heart = Heart(world, looks=20)
    world.vanish(Kind.PORT, 50)
    heart.sweep()
    looked = [heart.sweep().counts["looked"] for _ in range(4)]

    assert looked == [21, 21, 11, 0]  # each with a witness
    assert world.statuses(Kind.PORT) == {"ACTIVE": 950, "ERROR": 50}


def test_looks_that_fail_leave_the_rows_for_the_next_sweep():
    """Counted, and never fatal: the original's loop died of one."""
    world = World(port=100)
    heart = Heart(world)
    world.vanish(Kind.PORT, 3)
    heart.sweep()
    world.look_errors = [Unavailable("timeout")] * 3
    failed = heart.sweep()
    after = list(world.writes)
    heart.sweep()

    assert (failed.counts["failures"], failed.unsettled, after) == (3, 3, [])
    assert world.statuses(Kind.PORT) == {"ACTIVE": 97, "ERROR": 3}


def test_a_store_that_fails_fails_the_sweep():
    """Nothing is recorded that was not written; the next sweep repairs."""
    world = World(port=10)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 5)

    def broken():
        raise StoreError("no database")

    world.before_write = [broken]
    with pytest.raises(StoreError):
        heart.sweep()
    heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 5, "DOWN": 5}


def test_the_paths_of_rows_that_are_gone_are_forgotten():
    """Memory follows the rows."""
    world = World(port=10)
    heart = Heart(world)
    heart.sweep()
    world.neutron.clear()
    heart.sweep()

    assert heart.ledger.sought(World(port=1).neutron[Key(Kind.PORT, "port-00000")]).path == ""
    assert "ports=0" in repr(heart.ledger)


def test_a_circle_of_cursors_names_the_kind():
    """The message helps whoever reads the log."""
    world = World(port=1200)
    world.page_errors = {3: CursorExpired("x"), 4: CursorExpired("x"), 5: CursorExpired("x")}
    with pytest.raises(Unavailable, match="port listing"):
        Heart(world).sweep()


def test_one_poisoned_object_starves_no_other_row():
    """A look that always fails costs its own row; it comes last in the next sweep."""
    world = World(network=20)
    for key in list(world.neutron):
        world.neutron[key] = world.neutron[key]._replace(status="DOWN")
    world.poisoned = {Key(Kind.NETWORK, f"network-{i:05}"): Unavailable("500") for i in range(4)}
    heart = Heart(world, looks=10)
    summary = heart.sweep()
    heart.sweep(3)

    assert summary.counts["failures"] == 4
    assert world.statuses(Kind.NETWORK) == {"ACTIVE": 16, "DOWN": 4}
    assert any(step.errors for step in heart.steps)


def test_looks_stop_when_nsx_is_in_trouble():
    """Five failures in a row: the others are not tried in this sweep, and the pass ends."""
    world = World(port=100)
    heart = Heart(world)
    world.vanish(Kind.PORT, 10)
    heart.sweep()
    world.look_errors = [Unavailable("timeout")] * 99
    summary = heart.sweep()

    assert (summary.counts["failures"], summary.unsettled) == (5, 10)


def test_a_kind_whose_listing_fails_does_not_keep_the_others_waiting():
    """The sweep fails in the end, after everything else was settled."""
    world = World(network=3, router=2, port=60)
    heart = Heart(world)
    world.flip(Kind.PORT, DOWN, 5)
    world.page_errors = {1: Rejected("no routers today")}
    with pytest.raises(Rejected):
        heart.sweep()

    assert world.statuses(Kind.PORT) == {"ACTIVE": 55, "DOWN": 5}


def test_looks_are_made_in_lots():
    """Between two lots the caller may stop: a stop is not kept waiting for 200 slow reads."""
    world = World(network=40)
    for key in list(world.neutron):
        world.neutron[key] = world.neutron[key]._replace(status="DOWN")
    heart = Heart(world)
    heart.sweep()

    assert max(step.counts.get("looked", 0) for step in heart.steps) == 10


def test_a_listing_of_empty_pages_comes_to_an_end():
    """Ever new cursors and never an object: begun again, and in the end failed."""
    world = World(port=10)
    numbers = iter(range(10**6))
    page = world.page
    world.page = lambda kind, _, length: page(kind, None, length)._replace(
        observations=[], cursor=str(next(numbers))
    )
    with pytest.raises(Unavailable, match="expired 3 times"):
        Heart(world, kinds=(Kind.PORT,)).sweep()

    assert len(world.requests) < 1000


@pytest.mark.parametrize("second", ["0-before", "z-after"])
def test_a_duplicate_port_stays_down_after_a_restart(second):
    """A port that gets better waits, in a process's first sweep, for a second object that may follow."""
    world = World(port=10)
    heart = Heart(world)
    world.nsx[Kind.PORT][f"/port/{second}"] = ("port-00001", DOWN)
    heart.sweep(2)
    writes = len(world.writes)
    heart.restart()
    heart.sweep(3, length=2)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 9, "DOWN": 1}
    assert len(world.writes) == writes


def test_a_listing_that_was_begun_again_makes_no_object_known():
    """What it showed before is no reason to expect no second object of a port."""
    world = World(port=10)
    world.nsx[Kind.PORT]["/port/z-after"] = ("port-00001", DOWN)
    key = Key(Kind.PORT, "port-00001")
    world.neutron[key] = world.neutron[key]._replace(status="DOWN")
    world.page_errors[3] = expired()
    Heart(world, kinds=(Kind.PORT,)).sweep(2, length=2)

    assert not world.page_errors
    assert world.writes == []


def test_a_refused_duplicate_is_looked_at_with_all_its_objects():
    """The object that is up was met last: the other one decides."""
    world = World(port=10)
    heart = Heart(world)
    world.nsx[Kind.PORT]["/port/a"] = ("port-00001", DOWN)
    heart.sweep(2)
    key = Key(Kind.PORT, "port-00001")
    world.neutron[key] = world.neutron[key]._replace(status="BUILD", revision=5)
    world.before_write = [
        lambda: world.neutron.update({key: world.neutron[key]._replace(revision=6, changed_at=START)})
    ]
    summary = heart.sweep()

    assert (summary.counts["refused"], summary.counts["written"]) == (1, 1)
    assert world.neutron[key].status == "DOWN"


@pytest.mark.parametrize("hidden", ["0-before", "z-after"])
def test_a_duplicate_that_listings_leave_out_still_decides(hidden):
    """No listing proves that it is gone: a port known to have two objects improves only after a look."""
    world = World(port=10)
    heart = Heart(world)
    world.nsx[Kind.PORT][f"/port/{hidden}"] = ("port-00001", DOWN)
    heart.sweep(2)
    world.hide(f"/port/{hidden}")
    heart.sweep(5)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 9, "DOWN": 1}


def test_a_port_found_elsewhere_gets_better_only_when_the_listing_has_been_read():
    """The object that it had may follow, and be down still."""
    world = World(port=10)
    heart = Heart(world)
    world.nsx[Kind.PORT]["/port/z"] = ("port-00001", DOWN)
    world.hide("/port/port-00001")
    heart.sweep(2)
    del world.page  # nothing is hidden any more
    writes = len(world.writes)
    heart.sweep(3, length=2)

    assert world.statuses(Kind.PORT) == {"ACTIVE": 9, "DOWN": 1}
    assert len(world.writes) == writes


def test_a_gateway_port_gets_better_only_with_its_routers_row():
    """A listing that hides the router object that is down makes neither of them ACTIVE."""
    world = World(router=2)
    heart = Heart(world)
    world.nsx[Kind.ROUTER]["/router/twin"] = ("router-00000", DOWN)
    gateway(world, "gw", "router-00000")
    heart.sweep(2)
    world.hide("/router/twin")
    heart.sweep(3)

    assert world.statuses(Kind.ROUTER) == {"ACTIVE": 1, "ERROR": 1}
    assert world.statuses(Kind.PORT) == {"DOWN": 1}


def test_a_gateway_port_of_a_router_that_is_gone_is_down():
    """Its router is ERROR, proven absent."""
    world = World(router=20)
    heart = Heart(world)
    gateway(world, "gw", "router-00000", "ACTIVE")
    world.vanish(Kind.ROUTER, 1)
    heart.sweep(3)

    assert world.statuses(Kind.ROUTER) == {"ACTIVE": 19, "ERROR": 1}
    assert world.statuses(Kind.PORT) == {"DOWN": 1}


def test_gateway_ports_are_sampled_by_their_routers():
    """Thirty routers truly down: the brake's sample looks at them, not at ports that have no object."""
    world = World(router=30)
    heart = Heart(world)
    for i in range(30):
        gateway(world, f"gw-{i:05}", f"router-{i:05}", "ACTIVE")
    world.flip(Kind.ROUTER, DOWN)
    heart.sweep(3)

    assert world.statuses(Kind.PORT) == {"DOWN": 30}


@pytest.mark.parametrize("known", [Health.UNKNOWN, None])
def test_a_router_of_which_nothing_is_known_denies_no_gateway_port(known):
    """Its row is ERROR, which is why its port is held; that NSX is silent now does not speak for it."""
    world = World()
    for i in range(30):
        world.add(Kind.ROUTER, f"router-{i:05}", "ERROR", known if i < 4 else DOWN)
        gateway(world, f"gw-{i:05}", f"router-{i:05}", "ACTIVE")
    Heart(world).sweep(3)

    assert world.statuses(Kind.PORT) == {"DOWN": 30}
