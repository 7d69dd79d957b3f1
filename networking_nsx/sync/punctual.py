"""Punctual synchronization: one network, router or port, now, by direct reads."""

from networking_nsx.errors import NsxError
from networking_nsx.model import Change, Finding, Health, Key, Observation, Row, Verdict
from networking_nsx.ports import Clock, Source, Store
from networking_nsx.sync import rules
from networking_nsx.sync.ledger import is_doubtful

SECOND_LOOK = 0.5  # seconds between two looks that must agree on ERROR
ATTEMPTS = 3  # a row that changes under our hands is looked at again, this often


def look(key: Key, source: Source, store: Store) -> Finding:
    """What Neutron and NSX say of this row. Writes nothing. Raises NsxError, StoreError."""
    rows = store.rows([key])
    if not rows:
        return Finding(None)
    return Finding(rows[0], _observed(rows[0], source))


def synchronize(key: Key, source: Source, store: Store, clock: Clock) -> Finding:
    """Give this row the status that NSX has for it now. Raises NsxError, StoreError.

    An object that is not found changes nothing here: only complete sweeps prove absence.
    """
    for _ in range(ATTEMPTS):
        finding = look(key, source, store)
        change = _change(finding, source, clock)
        if change is None:
            return finding
        outcome = store.write([change])[0]
        finding = Finding(outcome.stands, change.observation, outcome)
        if outcome.verdict is not Verdict.REFUSED:
            return finding
    return finding


def _change(finding: Finding, source: Source, clock: Clock) -> Change | None:
    row, observation = finding.row, finding.observation
    if row is None or observation is None or observation.health is Health.ABSENT:
        return None
    change = rules.change(row, observation)
    if change is None or not is_doubtful(change):
        return change
    clock.sleep(SECOND_LOOK)
    again = rules.change(row, _observed(row, source))
    return again if again and again.status == change.status else None


def _observed(row: Row, source: Source) -> Observation:
    """The worst that NSX has for this row: its own objects, or those of the router that it follows."""
    answer = next(source.look([rules.sought(row)]))
    if isinstance(answer, NsxError):
        raise answer
    return rules.worst(answer)._replace(kind=row.kind, id=row.id)
