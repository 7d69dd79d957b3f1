"""What a status means, row by row of design section 5."""

import pytest
from worlds import OURS, START

from networking_nsx.model import Health, Kind, Observation, Row
from networking_nsx.sync import rules

UP, DOWN, FAILED, UNKNOWN, ABSENT = Health.UP, Health.DOWN, Health.FAILED, Health.UNKNOWN, Health.ABSENT


def row(kind: Kind, status: str = "ACTIVE", **facts: bool) -> Row:
    return Row(kind, "x", "", status, 1, START, OURS._replace(**facts))


def seen(health: Health, as_of: float = START + 1, path: str = "/x") -> Observation:
    return Observation(Kind.PORT, "x", health, as_of, path, "word")


@pytest.mark.parametrize(
    ("kind", "health", "expected"),
    [
        (Kind.PORT, UP, "ACTIVE"),
        (Kind.PORT, DOWN, "DOWN"),
        (Kind.PORT, FAILED, "DOWN"),
        (Kind.PORT, UNKNOWN, None),
        (Kind.PORT, ABSENT, "ERROR"),
        (Kind.NETWORK, UP, "ACTIVE"),
        (Kind.NETWORK, DOWN, "DOWN"),
        (Kind.NETWORK, FAILED, "ERROR"),
        (Kind.NETWORK, UNKNOWN, None),
        (Kind.NETWORK, ABSENT, "ERROR"),
        (Kind.ROUTER, UP, "ACTIVE"),
        (Kind.ROUTER, DOWN, "ERROR"),
        (Kind.ROUTER, FAILED, "ERROR"),
        (Kind.ROUTER, UNKNOWN, None),
        (Kind.ROUTER, ABSENT, "ERROR"),
    ],
)
def test_each_health_has_one_status_per_kind(kind, health, expected):
    """The table of design section 5."""
    assert expected == rules.desired(row(kind), health)


@pytest.mark.parametrize(
    ("kind", "expected"), [(Kind.PORT, "DOWN"), (Kind.NETWORK, "DOWN"), (Kind.ROUTER, None)]
)
def test_admin_down_makes_ports_and_networks_down_and_leaves_routers(kind, expected):
    """admin_state_up = false decides, however healthy the object is."""
    assert expected == rules.desired(row(kind, admin_up=False), UP)


@pytest.mark.parametrize("health", list(Health))
@pytest.mark.parametrize("kind", list(Kind))
def test_a_row_out_of_scope_never_gets_a_status(kind, health):
    """Only our own rows are written (promise 9)."""
    assert rules.desired(row(kind, in_scope=False), health) is None


def test_a_port_that_may_not_be_activated_still_goes_down():
    """An unbound port, or one whose binding failed, never becomes ACTIVE."""
    unbound = row(Kind.PORT, may_activate=False)

    assert rules.desired(unbound, UP) is None
    assert rules.desired(unbound, DOWN) == "DOWN"


def test_a_row_that_is_right_needs_no_change():
    """NSX is compared with Neutron, so an agreeing row is left alone."""
    assert rules.change(row(Kind.PORT, "DOWN"), seen(DOWN)) is None


def is_awaited(age: float = 0.0, ahead: float = 0.0) -> bool:
    return rules.is_awaited(row(Kind.PORT)._replace(changed_at=START - age, ahead=ahead), START)


def test_a_build_waits_for_a_port_until_300_seconds_after_its_last_change():
    """Unless its date lies so far ahead that it says nothing."""
    ages = [is_awaited(age=age) for age in (0, 299, 300)]

    assert ages == [True, True, False]
    assert [is_awaited(ahead=ahead) for ahead in (0, 299, 300)] == [True, True, False]


def test_an_observation_no_later_than_the_row_is_early():
    """What was observed when the row changed, or before, says nothing of it (promise 2)."""
    found = [rules.change(row(Kind.PORT), seen(DOWN, as_of)) for as_of in (START - 1, START, START + 0.1)]

    assert [rules.is_early(change) for change in found] == [True, True, False]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ACTIVE", DOWN, True),
        ("BUILD", DOWN, True),
        ("DOWN", ABSENT, True),
        ("ERROR", DOWN, False),
        ("ERROR", UP, False),
        ("BUILD", UP, False),
    ],
)
def test_worsening_goes_from_active_over_others_to_down_and_error(old, new, expected):
    """The order that the brake judges by."""
    assert rules.worsens(rules.change(row(Kind.PORT, old), seen(new))) is expected


@pytest.mark.parametrize(
    ("healths", "expected"),
    [
        ([UP, UP], UP),
        ([UP, DOWN], DOWN),
        ([DOWN, UP], DOWN),
        ([DOWN, FAILED], FAILED),
        ([UP, UNKNOWN], UNKNOWN),
        ([UNKNOWN, DOWN], DOWN),
        ([ABSENT], ABSENT),
    ],
)
def test_the_worst_of_several_objects_decides(healths, expected):
    """Whatever their order; an unknown one keeps the row from ACTIVE."""
    folded = rules.fold([seen(health, START + i, f"/{i}") for i, health in enumerate(healths)])

    assert [(expected, START)] == [(one.health, one.as_of) for one in folded]
