"""What a status means: from an observation and a row's facts to the status that the row ought to have."""

from collections.abc import Iterable, Mapping, Sequence

from networking_nsx.model import Change, Health, Key, Kind, Observation, Row, Sought, Status

# Design section 5. A health without an entry (UNKNOWN) proves nothing: the row keeps its status.
# Neutron 29 cannot read back a router that is DOWN (its versioned object knows ACTIVE, ALLOCATING and
# ERROR only), so a router that is down becomes ERROR. A port is never ERROR while it exists: Nova takes a
# failed vif-plugged event as final.
_STATUS: Mapping[Kind, Mapping[Health, Status]] = {
    Kind.NETWORK: {
        Health.UP: Status.ACTIVE,
        Health.DOWN: Status.DOWN,
        Health.FAILED: Status.ERROR,
        Health.ABSENT: Status.ERROR,
    },
    Kind.ROUTER: {
        Health.UP: Status.ACTIVE,
        Health.DOWN: Status.ERROR,
        Health.FAILED: Status.ERROR,
        Health.ABSENT: Status.ERROR,
    },
    Kind.PORT: {
        Health.UP: Status.ACTIVE,
        Health.DOWN: Status.DOWN,
        Health.FAILED: Status.DOWN,
        Health.ABSENT: Status.ERROR,
    },
}

# With admin_state_up = false only these change: a router keeps its status, whatever its health.
_ADMIN_DOWN: Mapping[Kind, Status | None] = {
    Kind.NETWORK: Status.DOWN,
    Kind.ROUTER: None,
    Kind.PORT: Status.DOWN,
}

# From good to bad. A word that is not ours (BUILD, ALLOCATING, ...) stands between ACTIVE and DOWN.
_BADNESS: Mapping[str, int] = {Status.ACTIVE: 0, Status.DOWN: 2, Status.ERROR: 3}
_BADNESS_OF_OTHERS = 1

_PATIENCE = 300.0  # seconds

# Several NSX objects of one row: the first of these that any of them has.
_WORST_FIRST = (Health.FAILED, Health.DOWN, Health.UNKNOWN, Health.ABSENT, Health.UP)


def desired(row: Row, health: Health) -> Status | None:
    """The status that this row ought to have; None to leave it as it is."""
    facts = row.facts
    if not facts.in_scope:
        return None
    status = _STATUS[row.kind].get(health)
    if status is None or health is Health.ABSENT:
        return status
    if not facts.admin_up:
        return _ADMIN_DOWN[row.kind]
    if status is Status.ACTIVE and not facts.may_activate:
        return None
    return status


def change(row: Row, observation: Observation) -> Change | None:
    """The change that brings this row to what was observed; None when it is there already."""
    status = desired(row, observation.health)
    if status is None or status == row.status:
        return None
    return Change(row, status, observation)


def improves(row: Row, health: Health) -> bool:
    """Whether this health would make the row better."""
    status = desired(row, health)
    return status is not None and badness(status) < badness(row.status)


def is_early(found: Change) -> bool:
    """Whether the row may have changed after the moment that was observed (promise 2)."""
    return found.observation.as_of <= found.row.changed_at


def is_awaited(row: Row, now: float) -> bool:
    """Whether a build may wait for this port: it gives up 300 s after it was bound (vif_plugging_timeout).

    A date further ahead than that says nothing: the port would be waited for until then.
    """
    return now - row.changed_at < _PATIENCE and row.ahead < _PATIENCE


def sought(row: Row) -> Sought:
    """What to look at for this row: an object of its own, or the router whose health it shares."""
    return Sought(Key(Kind.ROUTER, row.follows) if row.follows else row.key, row.parent_id)


def worsens(found: Change) -> bool:
    return badness(found.status) > badness(found.row.status)


def badness(status: str) -> int:
    return _BADNESS.get(status, _BADNESS_OF_OTHERS)


def fold(observations: Iterable[Observation]) -> list[Observation]:
    """One observation per row: the worst, as old as the oldest. The order of the rows is kept."""
    by_id: dict[str, list[Observation]] = {}
    for observation in observations:
        by_id.setdefault(observation.id, []).append(observation)
    return [worst(same) for same in by_id.values()]


def worst(same: Sequence[Observation]) -> Observation:
    """The worst of several observations of one row, as old as the oldest of them."""
    found = min(same, key=lambda observation: _WORST_FIRST.index(observation.health))
    return found._replace(as_of=min(observation.as_of for observation in same))
