"""The judge of the chaos runs catches false writes of each sort, and lets true ones be."""

import ast
from pathlib import Path

import pytest
from chaos.judge import NOTHING_KNOWN, Calm, Change, Entry, Law, Listings, judge, meaning

LAW = Law("mh", staleness=5.0, proof=4.0, grace=10.0)
POLICY = LAW._replace(api="policy")
UP, DOWN, GONE = ("up",), ("down",), ()


def write(at=100.0, new="ACTIVE", kind="port", **facts):
    return Entry(at, "nsx", kind, "a", "OLD", new, **facts)


def nsx(*moments: tuple[float, tuple[str, ...]], kind="port"):
    """What NSX had: (since, words), each change taking 0.1 s."""
    return [Change(kind, "a", since, since + 0.1, words) for since, words in moments]


def fault(one, changes, *, before=(), hindered=(), law=LAW, listings=NOTHING_KNOWN):
    """What the judge has against the last write."""
    return judge([*before, one], changes, hindered, law, listings)[-1].fault


def test_a_status_that_nsx_has_is_true():
    """Now, or until a moment ago."""
    assert fault(write(), nsx((0, UP))) == ""
    assert fault(write(), nsx((0, UP), (96, DOWN))) == ""


def test_a_status_that_nsx_never_had_is_false():
    """Nor is a word that proves nothing any evidence."""
    assert fault(write(), nsx((0, DOWN))) == "NSX had never said ACTIVE"
    assert fault(write(new="DOWN"), nsx((0, ("unknown",)))) == "NSX had never said DOWN"
    assert fault(write(), []) == "NSX had never said ACTIVE"


def test_a_status_that_nsx_gets_only_later_is_false():
    """Evidence comes before the write."""
    assert fault(write(), nsx((0, DOWN), (101, UP))) == "NSX had never said ACTIVE"


def test_a_stale_status_is_false():
    """It was true, longer ago than the staleness that is promised."""
    assert fault(write(), nsx((0, UP), (90, DOWN))) == "NSX had not said ACTIVE for 9.9 s"


def test_what_held_the_synchronizer_up_does_not_make_a_write_stale():
    """Ten seconds ago, eight of them stopped; but not where it was stopped for two of them."""
    changes = nsx((0, UP), (90, DOWN))

    assert fault(write(), changes, hindered=[(91, 99)]) == ""
    assert fault(write(), changes, hindered=[(91, 93)]) != ""


@pytest.mark.parametrize("who", ["neutron", "nsx"])
def test_evidence_from_before_the_rows_last_change_is_false(who):
    """The user's change, or the synchronizer's own write, is newer than what NSX said."""
    touch = Entry(98, who, "port", "a", "", "DOWN" if who == "nsx" else "")
    changes = nsx((0, DOWN), (90, UP), (97, DOWN))

    assert fault(write(), changes) == ""
    assert fault(write(), changes, before=[touch]) == "NSX said ACTIVE only before the row's last change"
    assert fault(write(), changes, before=[touch._replace(id="b")]) == ""


def test_what_a_user_writes_is_not_judged():
    """Only the synchronizer's writes are."""
    assert judge([write()._replace(who="neutron")], nsx((0, DOWN)), [], LAW) == []


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (write(ours=False), "the row was not ours to write"),
        (write(new="BUILD"), "BUILD is no status of ours"),
        (write(new="DOWN", kind="router"), "a router is never DOWN"),
        (write(admin_up=False), "the row was disabled"),
        (write(bound=False), "the port was not bound"),
        (write(blocked=True), "a provisioning block stood"),
    ],
)
def test_what_no_word_of_nsx_allows_is_false(one, said):
    """Whatever NSX said, at whatever time."""
    assert fault(one, nsx((0, UP), (99, DOWN), kind=one.kind)) == said


def test_a_disabled_row_is_down_while_it_has_an_object_that_is_known():
    """Up or down."""
    assert fault(write(new="DOWN", admin_up=False), nsx((0, UP))) == ""
    assert fault(write(new="DOWN", admin_up=False), nsx((0, ("unknown",)))) != ""


def test_error_for_an_object_that_is_there_is_false():
    """As long as it does not say so itself."""
    for kind in ("port", "network", "router"):
        assert (
            fault(write(new="ERROR", kind=kind), nsx((0, UP), kind=kind)) == "the object had never been gone"
        )
    assert fault(write(new="ERROR"), nsx((0, DOWN))) == "the object had never been gone"
    assert fault(write(new="ERROR", kind="router"), nsx((0, DOWN), kind="router")) == ""
    assert fault(write(new="ERROR", kind="network"), nsx((0, DOWN), kind="network"), law=POLICY) == ""


def test_error_for_an_object_that_was_gone_for_a_moment_is_false():
    """Too short for two looks."""
    moment = nsx((0, UP), (97, GONE), (99, UP))

    assert fault(write(new="ERROR"), moment).startswith("for less than 4.0 s, up to shortly before")
    assert fault(write(new="ERROR"), nsx((0, UP), (95, GONE))) == ""


def test_error_for_an_object_that_a_complete_sweep_has_seen_in_between_is_false():
    """It came back, and went again; where no sweep has seen that it was back, it was missed all the time."""
    back = nsx((0, UP), (90, GONE), (92, UP), (97, GONE))

    assert fault(write(new="ERROR"), back, listings=Listings(sweeps=[(93, 96)])) != ""
    assert fault(write(new="ERROR"), back, listings=Listings(sweeps=[(91, 96), (96, 99)])) == ""
    late = LAW._replace(lag=2.0)
    assert fault(write(new="ERROR"), back, law=late, listings=Listings(sweeps=[(93, 96)])) == ""


def test_error_for_an_object_that_was_hidden_before_it_went_is_true():
    """Listings were without it for as long as that takes; that it is gone, a look has found."""
    gone = nsx((0, UP), (98, GONE))

    assert fault(write(new="ERROR"), gone, listings=Listings(hidden=[(90, 96)])) == ""
    assert fault(write(new="ERROR"), gone, listings=Listings([(96.5, 97.5)], [(90, 96)])) != ""
    assert fault(write(new="ERROR"), nsx((0, UP)), listings=Listings(hidden=[(90, 99)])) != ""


def test_error_for_an_object_that_is_back_since_long_is_false():
    """The proof is as stale as any evidence."""
    back = nsx((0, UP), (80, GONE), (90, UP))

    assert fault(write(new="ERROR"), back) != ""
    assert fault(write(new="ERROR"), back, hindered=[(89, 99)]) == ""


def test_error_for_an_object_that_nsx_never_had_is_true():
    """Or has had only since."""
    assert fault(write(new="ERROR"), []) == ""
    assert fault(write(new="ERROR"), nsx((101, UP))) == ""
    assert fault(write(new="ERROR"), nsx((90, UP))) != ""


def test_a_change_of_which_no_revision_tells_does_not_keep_a_row_from_being_absent():
    """Nobody can know of it; the row's own next revision is another matter."""
    quiet = Entry(95.0, "neutron", "port", "a", "ACTIVE", "DOWN")
    bump = Entry(95.0, "neutron", "port", "a")

    assert fault(write(new="ERROR"), nsx((0, GONE)), before=[quiet]) == ""
    assert fault(write(new="ERROR"), nsx((0, GONE)), before=[bump, quiet]) != ""


def test_error_for_a_row_that_has_not_rested_is_false():
    """Its object may still be on the way."""
    touch = Entry(95, "neutron", "port", "a")

    assert fault(write(new="ERROR"), nsx((0, GONE)), before=[touch]) == "the row had rested for 5.0 s only"


def test_a_port_that_is_not_bound_cannot_be_missing():
    """Nobody has asked NSX for an object yet."""
    assert "cannot be missing" in fault(write(new="ERROR", bound=False), nsx((0, GONE)))


def test_the_worst_of_several_objects_decides():
    """A network with one switch down is not ACTIVE."""
    assert meaning("mh", "network", ("up", "down")) == "DOWN"
    assert meaning("mh", "network", ("up", "unknown")) is None
    assert meaning("mh", "network", ("up", "up")) == "ACTIVE"


def test_a_write_says_how_old_its_truth_was():
    """And whether anything held the synchronizer up."""
    (calm,) = judge([write()], nsx((0, UP), (97.9, DOWN)), [], LAW)
    (stopped,) = judge([write()], nsx((0, UP)), [(98, 99)], LAW)

    assert (round(calm.age, 1), calm.strict) == (2.0, True)
    assert (stopped.age, stopped.strict) == (0.0, False)


def test_calm_seconds_are_counted_around_what_hindered():
    """Overlapping intervals are one, also where one lies within the other."""
    assert Calm([(90, 99), (92, 93)]).before(100, 3) == 88
    calm = Calm([(90, 95), (92, 96), (80, 82)])

    assert calm.before(100, 3) == 97
    assert calm.before(100, 5) == 89
    assert calm.before(93, 1) == 89
    assert calm.before(100, 15) == 77


def test_nothing_here_is_the_synchronizers_own():
    """A mistake of the product is not repeated by who judges it."""
    sources = [ast.parse(path.read_text()) for path in Path(__file__).parent.glob("*.py")]
    nodes = [node for source in sources for node in ast.walk(source)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]

    assert "chaos.judge" in names
    assert [name for name in names if name.startswith("networking_nsx")] == []
