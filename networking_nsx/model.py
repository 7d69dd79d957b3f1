"""What every layer speaks of: frozen values that hold no behaviour and do no I/O.

Identity is Neutron's: an id here is always the id of a Neutron row. Where a thing lies on NSX is
evidence (`Observation.path`), never identity. Times are seconds since the epoch.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """A kind of Neutron resource, in the order in which a sweep visits them."""

    __hash__ = str.__hash__  # Enum's own is a function in Python, and a sweep hashes a hundred thousand times

    NETWORK = "network"
    ROUTER = "router"
    PORT = "port"


# A row of these may have several NSX objects (chained switches, duplicates), and the worst of them decides:
# they are judged together, when all have been read.
PLURAL = frozenset({Kind.NETWORK, Kind.ROUTER})


class Status(StrEnum):
    """The statuses that are ever written to Neutron."""

    __hash__ = str.__hash__

    ACTIVE = "ACTIVE"
    DOWN = "DOWN"
    ERROR = "ERROR"


class Health(Enum):
    """What NSX says of an object, whatever the words of the API that said it."""

    UP = "up"
    DOWN = "down"
    FAILED = "failed"  # realization failed: more than down
    UNKNOWN = "unknown"  # proves nothing
    ABSENT = "absent"  # only ever the answer to a direct look


class Key(NamedTuple):
    """The identity of one Neutron row."""

    kind: Kind
    id: str


class Facts(NamedTuple):
    """What Neutron knows of a row that decides which status it may get."""

    in_scope: bool  # ours to write
    expects_twin: bool  # NSX ought to have an object for it: only such a row can be missing
    admin_up: bool
    may_activate: bool  # False for a port that is not bound, or whose binding failed


class Row(NamedTuple):
    """What Neutron has. `revision` and `status` together guard every write."""

    kind: Kind
    id: str
    parent_id: str  # a port's network; "" for the others
    status: str  # any word that Neutron holds, not only ours
    revision: int
    changed_at: float  # no earlier than the last change of the row
    facts: Facts
    follows: str = ""  # id of the router whose health this port shares, having no twin of its own
    ahead: float = 0.0  # seconds by which the date of its last change lay in the future when it was read

    @property
    def key(self) -> Key:
        return Key(self.kind, self.id)


class Observation(NamedTuple):
    """What NSX said of one object, and the evidence for it."""

    kind: Kind
    id: str
    health: Health
    as_of: float  # the latest moment that it surely describes: a direct read's start
    path: str  # where on NSX, e.g. "/ws.v1/lswitch/<uuid>/lport/<uuid>"
    word: str  # NSX's own word, e.g. "true", for the log and for whoever asks why

    @property
    def key(self) -> Key:
        return Key(self.kind, self.id)


class Page(NamedTuple):
    """One page of one kind's listing."""

    kind: Kind
    observations: list[Observation]
    cursor: str | None  # where the next page begins; None after the last one
    total: int | None  # objects in the whole listing; only the first page knows
    as_of: float
    malformed: int = 0  # objects that could not be read, each one skipped
    foreign: int = 0  # objects without the tag that names a Neutron row
    turns: int = 1  # listings in which each object is read at least once


class Sought(NamedTuple):
    """A row to be looked at directly, with all that helps to find its NSX object."""

    key: Key
    parent_id: str = ""
    path: str = ""  # where NSX last reported it; "" if never seen
    met: bool = False  # the object at this path is known to be its own: whose it is need not be asked


class Change(NamedTuple):
    """A row whose status should become another one, and the observation that says so."""

    row: Row
    status: Status
    observation: Observation


class Verdict(Enum):
    """What became of a change."""

    __hash__ = object.__hash__

    WRITTEN = "written"
    WITHHELD = "withheld"  # report mode: it would have been written
    REFUSED = "refused"  # the row has changed since it was read
    BLOCKED = "blocked"  # somebody else's provisioning block still stands
    DELAYED = "delayed"  # the port was written too often lately
    DEFERRED = "deferred"  # it would have become worse during a maintenance
    GONE = "gone"  # the row is no more


class Outcome(NamedTuple):
    """A change after the attempt to write it."""

    change: Change
    verdict: Verdict
    stands: Row | None  # what Neutron has now; None when the row is gone
    wait: float = 0.0  # seconds until a delayed one may be written


class Answer(StrEnum):
    """What became of an event that Nova was to be told of a port."""

    ACKNOWLEDGED = "acknowledged"
    GONE = "gone"  # Nova has no such instance any more
    REFUSED = "refused"  # and would be again
    GIVEN_UP = "given up"  # it was not taken while a build waits for it, or too many waited


class Finding(NamedTuple):
    """What looking at one row came to."""

    row: Row | None  # as it stands now; None when Neutron has no such row
    observation: Observation | None = None  # what NSX says
    outcome: Outcome | None = None  # None when there was nothing to write
    waits: str = ""  # why it is looked at again; "" when that makes no sense
    left: str = ""  # why what should change is left to the sweep


class Progress(NamedTuple):
    """One step of a sweep, or of settling: what it met since the one before. The caller waits in between."""

    kind: Kind
    counts: Mapping[str, int]  # by the names in `COUNTS`
    total: int = 0  # objects of this kind, as far as is known
    outcomes: tuple[Outcome, ...] = ()
    words: Mapping[str, int] = {}  # words of NSX that prove nothing, each with its count
    errors: tuple[Exception, ...] = ()  # of direct reads; the rows wait for the next sweep
    failure: Exception | None = None  # the step failed and will be tried again after the wait
    goes_on: bool = False  # another page will be asked for after this step
    notices: tuple[str, ...] = ()  # what whoever runs this must know
    findings: Mapping[Key, Finding] = {}  # when settling: of each row that was taken
    bound: float = 0.0  # seconds that a status of this kind can get old, where that is more than a sweep
    behind: float = 0.0  # seconds since the oldest look that a status of this kind rests on, likewise
    waited: float = 0.0  # seconds since every row of this kind had its turn, where they are read in turn
    statuses: Mapping[str, int] | None = None  # Neutron's rows of this kind, at the end of a pass over it
    turns: int = 1  # sweeps in which every object of this kind is read


COUNTS: Mapping[str, str] = {
    "pages": "pages fetched",
    "failures": "requests that failed after all their attempts",
    "observed": "NSX objects that carry the id of a Neutron row",
    "malformed": "NSX objects that could not be read",
    "foreign": "NSX objects without a tag of ours",
    "orphans": "of those observed, the ones whose Neutron row does not exist",
    "outside": "of those observed, the ones whose row is out of scope",
    "duplicates": "rows with more than one NSX object, where one is expected",
    "unknown": "observations that prove nothing",
    "early": "changes left alone because the row is newer than the observation",
    "written": "statuses written",
    "withheld": "statuses that would have been written (report mode)",
    "refused": "writes refused because the row had changed",
    "blocked": "ports left alone for another provisioning block",
    "delayed": "port writes put off: the port has been written four times within a minute",
    "deferred": "changes for the worse that wait for the end of a maintenance",
    "gone": "writes whose row is no more",
    "missing": "rows without the NSX object that they should have, and not ERROR yet",
    "looked": "rows looked at directly",
    "absent": "rows proven absent from NSX",
    "held": "changes held by the brake",
    "unsettled": "suspicions that need another sweep",
    "restarts": "listings begun again after a cursor expired",
    "compared": "rows looked up in NSX's search index and read directly, to see that both agree",
    "disagreed": "of those, the rows that count against the index",
    "direct": "rows read directly because the index is not believed",
}
