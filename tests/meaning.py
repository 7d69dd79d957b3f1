"""What a status means, written a second time: laws judge by this, and not by what they judge.

Design section 5, and docs/explanation/statuses.md. Nothing here is imported from `networking_nsx.sync`.
"""

from collections.abc import Iterable, Iterator

from networking_nsx.model import Change, Health, Key, Kind, Row

# A health without an entry proves nothing.
SWITCHED_ON = {
    (Kind.NETWORK, Health.UP): "ACTIVE",
    (Kind.NETWORK, Health.DOWN): "DOWN",
    (Kind.NETWORK, Health.FAILED): "ERROR",
    (Kind.ROUTER, Health.UP): "ACTIVE",
    (Kind.ROUTER, Health.DOWN): "ERROR",  # Neutron cannot read back a router that is DOWN
    (Kind.ROUTER, Health.FAILED): "ERROR",
    (Kind.PORT, Health.UP): "ACTIVE",
    (Kind.PORT, Health.DOWN): "DOWN",
    (Kind.PORT, Health.FAILED): "DOWN",  # never ERROR: Nova gives up what it builds
}
SWITCHED_OFF = {
    (kind, health): "DOWN"
    for kind in (Kind.NETWORK, Kind.PORT)
    for health in (Health.UP, Health.DOWN, Health.FAILED)
}


def meant(row: Row, health: Health) -> str | None:
    """The status that a row ought to have; None to leave it as it is."""
    facts = row.facts
    if not facts.in_scope:
        return None
    if health is Health.ABSENT:
        return "ERROR" if facts.expects_twin else None
    status = (SWITCHED_ON if facts.admin_up else SWITCHED_OFF).get((row.kind, health))
    return None if status == "ACTIVE" and not facts.may_activate else status


def worst(healths: Iterable[Health]) -> Health:
    """What several objects of one row amount to; ABSENT where there is none."""
    found = set(healths)
    for health in (Health.FAILED, Health.DOWN, Health.UNKNOWN, Health.UP):
        if health in found:
            return health
    return Health.ABSENT


def worsens(change: Change) -> bool:
    return _rank(change.status) > _rank(change.row.status)


def untrue(world) -> Iterator[tuple[Key, str, str]]:
    """The rows that ought to have another status, with the one they have and that one."""
    healths: dict[Key, list[Health]] = {}
    for kind, objects in world.nsx.items():
        for name, health in objects.values():
            healths.setdefault(Key(kind, name), []).append(health)
    for key, row in world.neutron.items():
        status = meant(row, worst(healths.get(key, ())))
        if status not in (None, row.status):
            yield key, str(row.status), status


def _rank(status: str) -> int:
    """From good to bad; a word that is not ours is worse than ACTIVE."""
    return {"ACTIVE": 0, "DOWN": 2, "ERROR": 3}.get(status, 1)
