"""A listing, walked page by page: who walks it waits, and decides what a page amounts to.

It promises: a page that fails is asked for again with the same cursor, and only then given up; a listing that
does not come to an end is told by its cursors.
"""

from collections.abc import Callable, Iterator

from networking_nsx.errors import CursorExpired, IndexUnavailable, Retryable
from networking_nsx.model import Kind, Page
from networking_nsx.ports import Source

PAGE_ATTEMPTS = 5  # then the listing has failed
INDEX_ATTEMPTS = 2  # of an index that says itself that it is of no use
RESTARTS = 3  # of one listing, after expired cursors
EMPTY_PAGES = 100  # a listing that has more of them than objects does not come to an end


def pages(
    source: Source, kind: Kind, room: Callable[[], int], attempts: int = PAGE_ATTEMPTS
) -> Iterator[Page | Retryable]:
    """Every page in turn, and in between why one failed: it is asked for again at the next step.

    `room` says how many objects the next page may bring. Raises CursorExpired, or what ends the listing.
    """
    cursor, asked, failures, met = None, set[str](), 0, 0
    while True:
        try:
            page = source.page(kind, cursor, room())
        except Retryable as error:
            failures += 1
            if failures >= (INDEX_ATTEMPTS if isinstance(error, IndexUnavailable) else attempts):
                raise
            yield error
            continue
        failures = 0
        met += len(page.observations) + page.malformed + page.foreign
        yield page
        cursor = page.cursor
        if cursor is None:
            return
        if cursor in asked or len(asked) > EMPTY_PAGES + met:
            raise CursorExpired(f"the {kind} listing does not come to an end, at {cursor!r}")
        asked.add(cursor)
