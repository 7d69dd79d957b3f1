"""Why a row got its status: the rule that led there."""

import pytest

from networking_nsx.evidence.why import why
from networking_nsx.model import Change, Facts, Health, Kind, Observation, Row, Status


def change(health, status, *, admin_up=True, follows=""):
    facts = Facts(in_scope=True, expects_twin=True, admin_up=admin_up, may_activate=True)
    row = Row(Kind.PORT, "p", "n", "BUILD", 1, 0.0, facts, follows)
    return Change(row, status, Observation(Kind.PORT, "p", health, 1.0, "/p", "word"))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (change(Health.UP, Status.ACTIVE), "NSX says it is up"),
        (change(Health.DOWN, Status.DOWN), "NSX says it is down"),
        (change(Health.FAILED, Status.DOWN), "realization failed"),
        (change(Health.ABSENT, Status.ERROR), "absent: not found in three ways"),
        (change(Health.UP, Status.DOWN, admin_up=False), "admin_state_up is false"),
        (change(Health.DOWN, Status.DOWN, admin_up=False), "admin_state_up is false"),
        (change(Health.ABSENT, Status.ERROR, admin_up=False), "absent: not found in three ways"),
        (change(Health.UP, Status.ACTIVE, follows="router"), "its router is up"),
        (change(Health.DOWN, Status.DOWN, follows="router"), "its router is down"),
    ],
)
def test_a_write_says_which_rule_led_there(found, told):
    """What decides whatever NSX says of the object comes first."""
    assert why(found) == told
