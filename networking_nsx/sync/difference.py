"""How Neutron and NSX differ: a listing compared with rows raises suspicions, a direct look settles them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from networking_nsx.errors import NsxError
from networking_nsx.model import PLURAL, Health, Key, Kind, Observation, Page, Row, Sought, Status
from networking_nsx.sync import rules


class Way(StrEnum):
    """How Neutron and NSX can differ."""

    STATUS = "status"  # Neutron's status is not what NSX's object asks for
    MISSING = "missing"  # NSX has no object for a row that ought to have one
    ORPHAN = "orphan"  # an NSX object of ours whose row does not exist
    DUPLICATE = "duplicate"  # several NSX objects where one is expected


class Difference(NamedTuple):
    """One difference, as it is reported."""

    kind: Kind
    id: str
    difference: Way
    neutron: str  # the row's status; "" when there is no row
    nsx: str  # what NSX says: up, down, failed, unknown or absent
    path: str  # where on NSX; "" when not known
    detail: str


class Suspicion(NamedTuple):
    """What a listing alone says."""

    way: Way
    row: Row | None
    observation: Observation

    @property
    def sought(self) -> Sought:
        """Where to look. With a path only where one object is expected: who finds it asks for no other."""
        row, path = self.row, self.observation.path
        if row is None or self.way is Way.DUPLICATE:
            return Sought(self.observation.key, row.parent_id if row else "")
        if row.follows:
            return Sought(Key(Kind.ROUTER, row.follows), path=path)
        return Sought(row.key, row.parent_id, path, met=self.way is Way.STATUS)


class Comparison:
    """One kind: pages and rows in, suspicions out."""

    def __init__(self, kind: Kind, routers: Mapping[str, Observation]) -> None:
        """`routers`: what was seen of the routers whose health some ports share."""
        self.kind = kind
        self.suspicions: dict[str, Suspicion] = {}  # by Neutron id
        self.folded: dict[str, Observation] = {}  # the worst seen of each row that may have several objects
        self._routers = routers
        self._met: dict[str, int] = {}  # a hash of the path by id: paths are long
        self._as_of = float("inf")

    def page(self, page: Page, rows: Iterable[Row]) -> None:
        """Compare a page with the rows that it names, as they are now."""
        known = {row.id: row for row in rows}
        self._as_of = min(self._as_of, page.as_of)
        for observation in page.observations:
            self._meet(observation, known.get(observation.id))

    def end(self, rows: Iterable[Row]) -> None:
        """At the end of the listing, compare it with every row."""
        for row in rows:
            seen = self.folded.get(row.id) or self._routers.get(row.follows)
            if seen:
                self._judge(row, seen._replace(kind=row.kind, id=row.id))
            elif row.facts.expects_twin and row.id not in self._met and self._as_of > row.changed_at:
                absent = Observation(*row.key, Health.ABSENT, self._as_of, "", "not in the listing")
                self.suspicions[row.id] = Suspicion(Way.MISSING, row, absent)

    def _meet(self, observation: Observation, row: Row | None) -> None:
        row_id, place = observation.id, hash(observation.path)
        again = self._met.setdefault(row_id, place) != place
        if row is None:
            self.suspicions.setdefault(row_id, Suspicion(Way.ORPHAN, None, observation))
        elif row.facts.in_scope and not row.follows:
            if again and self.kind is not Kind.NETWORK:
                self.suspicions[row_id] = Suspicion(Way.DUPLICATE, row, observation)
            if self.kind in PLURAL:
                self.folded[row_id] = rules.worst([*self._folded_before(row_id), observation])
            else:
                self._judge(row, observation)

    def _folded_before(self, row_id: str) -> Iterator[Observation]:
        if row_id in self.folded:
            yield self.folded[row_id]

    def _judge(self, row: Row, observation: Observation) -> None:
        if rules.change(row, observation):  # also of a row that is newer: the look is newer still
            self.suspicions.setdefault(row.id, Suspicion(Way.STATUS, row, observation))


def settled(
    suspicion: Suspicion, row: Row | None, answer: Sequence[Observation] | NsxError
) -> Iterator[Difference]:
    """The differences between a row as it is now and what a look has found; none when they agree."""
    if isinstance(answer, NsxError):
        yield unconfirmed(suspicion, str(answer))
        return
    seen = rules.worst(answer)
    if row is None:
        yield from _orphans(suspicion, answer)
    elif suspicion.way is Way.MISSING and seen.health is Health.UNKNOWN:
        yield unconfirmed(suspicion, seen.word)
    else:
        places = () if suspicion.sought.path else _there(answer)
        yield from _differing(row, seen._replace(kind=row.kind, id=row.id), sorted(places))


def as_read(row: Row, answer: Sequence[Observation] | NsxError) -> Iterator[Difference]:
    """The differences between a row that nothing was suspected of and what a look has found."""
    if isinstance(answer, NsxError):  # that it is absent cannot be told without an index, either
        unread = Observation(*row.key, Health.ABSENT, 0.0, "", "not read")
        yield unconfirmed(Suspicion(Way.MISSING, row, unread), str(answer))
    else:
        yield from _differing(row, rules.worst(answer), sorted(_there(answer)))


def unconfirmed(suspicion: Suspicion, why: str) -> Difference:
    """What only the listing says."""
    way, row, observation = suspicion
    return _difference(way, row, observation, f"{_said(way, row, observation)}; not confirmed: {why}")


def _orphans(suspicion: Suspicion, answer: Sequence[Observation]) -> Iterator[Difference]:
    """A difference for each object that is there. A row that has gone since asks for no object."""
    if suspicion.way is not Way.ORPHAN:
        return
    there = _there(answer)
    for observation in there.values():
        yield _difference(Way.ORPHAN, None, observation, _said(Way.ORPHAN, None, observation))
    if not there and rules.worst(answer).health is Health.UNKNOWN:
        yield unconfirmed(suspicion, rules.worst(answer).word)


def _differing(row: Row, seen: Observation, paths: Sequence[str]) -> Iterator[Difference]:
    if not row.facts.in_scope or seen.as_of <= row.changed_at:
        return
    absent = seen.health is Health.ABSENT
    ways = {
        Way.MISSING: absent and row.facts.expects_twin,
        Way.DUPLICATE: len(paths) > 1 and row.kind is not Kind.NETWORK and not row.follows,
        Way.STATUS: not absent and rules.change(row, seen) is not None,
    }
    for way in (way for way, differs in ways.items() if differs):
        others = f": {', '.join(paths)}" if way is Way.DUPLICATE else ""
        yield _difference(way, row, seen, _said(way, row, seen) + others)


def _difference(way: Way, row: Row | None, seen: Observation, detail: str) -> Difference:
    return Difference(
        seen.kind, seen.id, way, row.status if row else "", seen.health.value, seen.path, detail
    )


def _said(way: Way, row: Row | None, seen: Observation) -> str:
    wanted = row and rules.desired(row, seen.health)
    words = {
        Way.STATUS: f"should be {wanted}, as NSX says {seen.word!r}",
        Way.MISSING: seen.word + ("; Neutron says so already" if row and row.status == Status.ERROR else ""),
        Way.ORPHAN: f"Neutron has no {seen.kind} of this id",
        Way.DUPLICATE: "NSX has several objects for it",
    }
    return words[way]


def _there(answer: Iterable[Observation]) -> dict[str, Observation]:
    """The objects that a look has found, by path. A doubt that there may be more has no path of its own."""
    return {each.path: each for each in answer if each.path and each.health is not Health.ABSENT}
