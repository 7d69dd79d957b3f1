"""Errors by what the caller can do about them.

Policy: an edge (`nsx/http.py`, `neutron/store.py`) translates what its library raises into one of
these, once, chained with `from`. Nobody above catches a library's exception. A sweep catches only
`Retryable` (the page is asked for again) and `CursorExpired` (the kind is begun again); the runner
alone catches everything, counts it and backs off. A command prints the message of an `NsxError`,
`StoreError` or `ConfigurationError` without a traceback: it must say what to do.
"""


class NsxError(Exception):
    """NSX could not be asked, or its answer is of no use."""


class Retryable(NsxError):
    """The same request may succeed later."""


class Unavailable(Retryable):
    """No manager answered: connection, timeout, 5xx, an answer cut short."""


class Throttled(Retryable):
    """NSX asks for fewer requests (429, or 503 for the concurrency limit)."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds; 0 when NSX did not say


class Malformed(Retryable):
    """A whole answer could not be read. A malformed object costs only that object instead."""


class IndexUnavailable(Retryable):
    """NSX's search cannot answer for now: its index is being built, or behind, or too slow."""


class CursorExpired(NsxError):
    """The cursor of a listing is no longer known: begin that listing again."""


class NotFound(NsxError):
    """NSX says that the object does not exist."""


class Rejected(NsxError):
    """NSX understood and refuses (400, 409, ...): asking again will not help."""


class PageTooLarge(Rejected):
    """The answer would be too large: ask for fewer objects at a time."""


class Unauthorized(Rejected):
    """User, password, certificate or token were not accepted, or lack the right to this."""


class StoreError(Exception):
    """Neutron's database could not be used."""


class ConfigurationError(Exception):
    """The configuration cannot work; the message names the option and the file."""


class LeaseTaken(Exception):
    """Another process is already synchronizing this NSX."""


class StateError(Exception):
    """What outlives the process cannot be read or kept; the message names the file and what to do."""


class InMaintenance(Exception):
    """What is asked for is not done during a maintenance."""


class NotSettled(Exception):
    """The daemon has taken a row and goes on with it, but nothing has come of it yet."""


class NotAcknowledged(Exception):
    """No daemon has acknowledged a command; the message names the socket."""
