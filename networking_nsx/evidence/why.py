"""Why a row got its status: the first rule that led there, in words. Pure."""

from collections.abc import Callable, Sequence

from networking_nsx.model import Change, Health, Status

Rule = tuple[Callable[[Change], bool], str]

# In this order: what decides whatever NSX says of the object comes first.
RULES: Sequence[Rule] = (
    (lambda change: change.observation.health is Health.ABSENT, "absent: not found in three ways"),
    (
        lambda change: not change.row.facts.admin_up and change.status is Status.DOWN,
        "admin_state_up is false",
    ),
    (lambda change: bool(change.row.follows) and change.status is Status.ACTIVE, "its router is up"),
    (lambda change: bool(change.row.follows), "its router is down"),
    (lambda change: change.observation.health is Health.FAILED, "realization failed"),
    (lambda change: change.observation.health is Health.DOWN, "NSX says it is down"),
    (lambda change: change.observation.health is Health.UP, "NSX says it is up"),
)


def why(change: Change) -> str:
    return next((told for applies, told in RULES if applies(change)), "NSX does not say")
