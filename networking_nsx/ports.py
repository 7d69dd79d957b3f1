"""The seams: what the heart asks of the world. Each has a real implementation and a test double."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from networking_nsx.errors import NsxError
from networking_nsx.model import Answer, Change, Key, Kind, Observation, Outcome, Page, Row, Sought

T = TypeVar("T")


class Index(Protocol):
    """What the pages of a kind come from, where that may lag behind NSX or leave objects out."""

    kind: Kind
    reach: int  # objects of one query that it lets anybody read

    @property
    def largest(self) -> int:
        """Objects of the largest query that the last listing needed."""
        ...

    def find(self, ids: Sequence[str]) -> list[Observation]:
        """What the index has of these rows; nothing for a row that it does not have. Raises NsxError."""
        ...


class Source(Protocol):
    """One NSX, read."""

    page_maximum: int  # objects that one page may ask for

    @property
    def index(self) -> Index | None:
        """None where pages are what NSX says itself."""
        ...

    def page(self, kind: Kind, cursor: str | None, length: int) -> Page:
        """Fetch one page, the first when `cursor` is None.

        Raises Retryable (ask again with the same cursor), CursorExpired, or another NsxError.
        """
        ...

    def look(self, sought: Sequence[Sought]) -> Iterator[list[Observation] | NsxError]:
        """Read the objects of these rows directly, lazily, and answer row by row in their order.

        The answer is one observation per NSX object of the row, or a single one of Health.ABSENT when
        every way to find an object says that there is none, or the error that this row met.
        """
        ...


class Explained(Source, Protocol):
    """An NSX that can say why an object is not up: that costs requests of its own, so only a person asks."""

    def reasons(self, seen: Observation) -> list[str]:
        """What NSX says of the object that was seen, a line each; also what could not be asked."""
        ...


class Store(Protocol):
    """Neutron's rows."""

    def recorded(self, kind: Kind) -> Iterator[Row]:
        """Every row of a kind, lazily. Raises StoreError."""
        ...

    def rows(self, keys: Sequence[Key]) -> list[Row]:
        """These rows as they are now; a row that does not exist is left out. Raises StoreError."""
        ...

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        """Write each change whose row still is as it was read. One outcome per change.

        Raises StoreError when nothing more can be written; what was committed before stays.
        """
        ...


class Hint(Protocol):
    """Whoever looks at single rows soon."""

    def __call__(self, key: Key, after: float = ..., /) -> object:
        """Look at this row, in so many seconds. Never waits and never raises."""
        ...


class Told(Protocol):
    """Whoever follows what Nova is told of ports."""

    def __call__(self, answer: Answer, event: str, port_id: str, committed_at: float, /) -> object:
        """One event has come to its end. `committed_at`: when Neutron's row was written, since the epoch.

        Called by any thread, while others wait. Never waits and never raises.
        """
        ...


class Metrics(Protocol):
    """Whoever counts what the edges do. Called by any thread; never waits and never raises."""

    def asked(self, manager: str, purpose: str, code: str, seconds: float) -> None:
        """A request has ended, so long after it was sent. `code` is its status, or that it has no answer."""
        ...

    def waited(self, manager: str, seconds: float) -> None:
        """A request waits for so long until the budget of its manager allows it."""
        ...

    def transacted(self, operation: str, seconds: float) -> None:
        """Neutron's database was read or written, whatever came of it."""
        ...


class Unmeasured:
    """Nobody counts."""

    def asked(self, manager: str, purpose: str, code: str, seconds: float) -> None: ...

    def waited(self, manager: str, seconds: float) -> None: ...

    def transacted(self, operation: str, seconds: float) -> None: ...


UNMEASURED = Unmeasured()


class Clock(Protocol):
    """Time. `sleep` returns early when the process is asked to stop."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for durations."""
        ...

    def sleep(self, seconds: float) -> None: ...


class Random(Protocol):
    """Chance: the part of `random.Random` that is used."""

    def uniform(self, a: float, b: float) -> float: ...

    def sample(self, population: Sequence[T], k: int) -> list[T]: ...
