"""How fast: laws for any inventory, options and course of events."""

import itertools
import math
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from networking_nsx.model import Kind, Progress
from networking_nsx.sync.pacing import Backoff, Pacer, PacingSettings, chunk_count, chunk_size


@given(
    total=st.integers(0, 400_000),
    interval=st.integers(1, 600),
    delay=st.integers(0, 600),
    minimum=st.integers(1, 5000),
    seconds=st.floats(0, 2),
)
@settings(max_examples=200)
def test_the_pacer_covers_all_and_is_never_too_fast(total, interval, delay, minimum, seconds):
    """For any inventory and options: all is fetched, no page is too long, no chunk starts too early."""
    options = PacingSettings(interval, delay, max(minimum, total // 300 + 1))
    pacer = Pacer(options, Random(0))
    now, fetched, starts = 0.0, 0, [0.0]
    pacer.begin(now)
    chunk = 0
    while fetched < total:
        room = pacer.room()
        assert 1 <= room <= options.page_maximum
        got = min(room, total - fetched)
        fetched, chunk, now = fetched + got, chunk + got, now + seconds
        wait = pacer.delay(
            Progress(Kind.PORT, {"pages": 1, "observed": got}, total, goes_on=fetched < total), now
        )
        assert chunk <= max(options.chunk, chunk_size(total, options))
        if (
            pacer.room() == min(options.page_maximum, chunk_size(total, options))
            and fetched < total
            and wait >= 0
        ):
            full = chunk >= chunk_size(total, options)
            if full:
                now, chunk = now + wait, 0
                starts.append(now)

    assert all(later - earlier >= delay - 1e-6 for earlier, later in itertools.pairwise(starts))
    assert len(starts) <= chunk_count(total, options) + 1
    if delay and delay <= interval:
        assert (chunk_count(total, options) - 1) * delay <= interval
    assert chunk_size(total, options) >= math.ceil(total * delay / interval) or not delay or delay > interval


@given(
    total=st.integers(0, 400_000),
    interval=st.integers(1, 600),
    delay=st.integers(1, 600),
    minimum=st.integers(1, 5000),
)
def test_the_chunks_of_a_sweep_are_whole_and_hold_all(total, interval, delay, minimum):
    """The original's were fractions, in Python 3: its loop never came to the end of a cycle."""
    options = PacingSettings(interval, delay, minimum)
    chunks, size = chunk_count(total, options), chunk_size(total, options)

    assert isinstance(chunks, int)
    assert isinstance(size, int)
    assert (chunks - 1) * size < max(1, total) <= max(1, chunks * size)


@given(pages=st.lists(st.floats(0, 3), min_size=2, max_size=40), interval=st.integers(1, 60))
def test_no_chunk_begins_too_early_however_slow_the_pages_are(pages, interval):
    """A page that took longer than its share does not let the next ones crowd."""
    delay = max(1, interval // 7)
    pacer = Pacer(PacingSettings(interval, delay, 10), Random(0))
    now, begun = 0.0, [0.0]
    pacer.begin(now)
    for took in pages:
        now += took
        now += pacer.delay(Progress(Kind.PORT, {"pages": 1, "observed": 10_000}, 400, goes_on=True), now)
        begun.append(now)

    assert all(later - earlier >= delay - 1e-6 for earlier, later in itertools.pairwise(begun))


@given(st.lists(st.booleans(), max_size=40))
def test_the_back_off_is_one_second_after_a_success_and_doubles_to_64(failures):
    """Whatever came before."""
    backoff = Backoff()
    expected = 1.0
    for failed in failures:
        if failed:
            assert backoff.failed() == expected
            expected = min(2 * expected, 64.0)
        else:
            backoff.succeeded()
            expected = 1.0
    waits = [backoff.failed() for _ in range(8)]

    assert waits[-1] == 64.0
