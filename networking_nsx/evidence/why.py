"""Why a row got its status: the first rule that led there, in words. Pure."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from networking_nsx.model import Change, Health, Status


class Case(NamedTuple):
    """All that a rule looks at."""

    health: Health
    status: Status  # that was decided
    admin_up: bool
    follows: bool  # a port that shares the health of a router


Rule = tuple[Callable[[Case], bool], str]

# In this order: what decides whatever NSX says of the object comes first.
RULES: Sequence[Rule] = (
    (lambda case: case.health is Health.ABSENT, "absent: not found in three ways"),
    (
        lambda case: not case.admin_up and case.status is Status.DOWN,
        "admin_state_up is false",
    ),
    (lambda case: case.follows and case.status is Status.ACTIVE, "its router is up"),
    (lambda case: case.follows, "its router is down"),
    (lambda case: case.health is Health.FAILED, "realization failed"),
    (lambda case: case.health is Health.DOWN, "NSX says it is down"),
    (lambda case: case.health is Health.UP, "NSX says it is up"),
)


def why(change: Change) -> str:
    row, status, seen = change
    return _why(seen.health, status, row.facts.admin_up, bool(row.follows))


@cache  # asked 100,000 times when a cloud is adopted, of some twenty cases
def _why(health: Health, status: Status, admin_up: bool, follows: bool) -> str:
    case = Case(health, status, admin_up, follows)
    return next((told for applies, told in RULES if applies(case)), "NSX does not say")
