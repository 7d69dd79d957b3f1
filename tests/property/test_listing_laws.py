"""Laws of a walk over a listing, for any pages that fail (hypothesis)."""

from hypothesis import given
from hypothesis import strategies as st
from worlds import World

from networking_nsx.errors import Unavailable
from networking_nsx.model import Kind, Page
from networking_nsx.sync.walk import PAGE_ATTEMPTS, pages


@given(objects=st.integers(0, 12), length=st.integers(1, 5), failing=st.sets(st.integers(0, 20)))
def test_a_walk_brings_every_object_once_or_says_that_it_failed(objects, length, failing):
    """No page is left out, whichever requests fail: only a listing read to its end says what is absent."""
    world = World(port=objects)
    world.page_errors = {number: Unavailable("503") for number in failing}
    met, failures = [], 0
    try:
        for page in pages(world, Kind.PORT, lambda: length):
            failures = 0 if isinstance(page, Page) else failures + 1
            met += [one.path for one in page.observations] if isinstance(page, Page) else []
    except Unavailable:
        assert failures == PAGE_ATTEMPTS - 1
    else:
        assert met == sorted(world.nsx[Kind.PORT])
