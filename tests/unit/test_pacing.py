"""The chunk law and the back-off, with the worked numbers of the original where they were right."""

from random import Random

import pytest

from networking_nsx.model import Kind, Progress
from networking_nsx.sync.pacing import Backoff, Pacer, PacingSettings, chunk_count, chunk_size


@pytest.mark.parametrize(
    ("total", "minimum", "interval", "delay", "chunk", "chunks"),
    [
        (300, 500, 10, 1, 500, 1),
        (1200, 500, 10, 1, 500, 3),
        (5000, 500, 10, 1, 500, 10),
        (5001, 500, 10, 1, 501, 10),
        (20000, 500, 10, 1, 2000, 10),
        (60000, 500, 10, 1, 6000, 10),
        (50000, 500, 120, 10, 4167, 12),
        (1000, 100, 10, 3, 334, 3),  # the original: 4 chunks 2.5 s apart, below its own delay
        (0, 500, 10, 1, 500, 1),
        (7, 1, 10, 0, 1, 7),  # no delay: as many chunks as the minimum makes
        (100, 10, 1, 5, 100, 1),  # a delay longer than the interval: one chunk
    ],
)
def test_the_chunk_law(total, minimum, interval, delay, chunk, chunks):
    """A chunk is as small as the delay between chunks and the interval allow, in integers."""
    settings = PacingSettings(interval, delay, minimum)

    assert (chunk, chunks) == (chunk_size(total, settings), chunk_count(total, settings))


def page(objects: int, total: int, kind: Kind = Kind.PORT, *, goes_on: bool = True) -> Progress:
    return Progress(kind, {"pages": 1, "observed": objects}, total, goes_on=goes_on)


def pacer(**settings: int) -> Pacer:
    made = Pacer(PacingSettings(**settings), Random(0))
    made.begin(100.0)
    return made


def test_a_chunk_is_spread_over_pages_of_the_page_maximum():
    """6,000 objects in a chunk are asked for as 5,000 and 1,000, without a pause between them."""
    paced = pacer()
    paced.delay(page(0, 60000), 100.0)

    assert paced.room() == 5000
    assert paced.delay(page(5000, 60000), 100.5) == 0
    assert paced.room() == 1000
    assert paced.delay(page(1000, 60000), 100.6) == pytest.approx(0.4)


def test_a_chunk_goes_on_with_the_next_kind():
    """The room that one kind leaves belongs to the next one: no pause, no extra request."""
    paced = pacer(chunk=500)

    assert paced.delay(page(40, 40, Kind.NETWORK), 100.0) == 0
    assert paced.room() == 460


def test_chunks_start_on_their_share_of_the_interval_whatever_the_work_took():
    """The time that a chunk's work took is deducted; a late chunk is made up for, down to the delay."""
    paced = pacer(chunk=500)

    assert paced.delay(page(500, 2000), 101.0) == pytest.approx(1.5)  # due at 102.5
    assert paced.delay(page(500, 2000), 106.0) == 0  # due at 105: late
    assert paced.delay(page(500, 2000), 106.2) == pytest.approx(1.3)  # due at 107.5, over 1 s after 106


def test_chunks_never_start_closer_than_the_delay():
    """The interval yields: nine chunks late by far still start one delay apart."""
    paced = pacer(chunk=500)
    paced.delay(page(500, 5000), 150.0)

    assert [paced.delay(page(500, 5000), 150.0 + i) for i in (0, 1, 2)] == [1.0, 1.0, 1.0]


def test_the_last_page_is_followed_by_no_pause():
    """What had to wait for the end of a kind is judged at once."""
    assert pacer().delay(page(500, 500, goes_on=False), 100.0) == 0


def test_the_chunk_follows_the_inventory_down_again():
    """The original kept the largest chunk that it ever had."""
    paced = pacer()
    paced.delay(page(0, 20000), 100.0)
    large = paced.room()
    paced.begin(110.0)
    paced.delay(page(0, 100), 110.0)

    assert (large, paced.room()) == (2000, 500)


def test_the_next_sweep_begins_one_interval_after_this_one():
    """Whatever is left of the interval is waited; nothing when the sweep took longer."""
    paced = pacer()

    assert paced.rest(103.0) == pytest.approx(7.0)
    assert paced.rest(120.0) == 0


def test_the_jitter_is_not_capped_by_the_interval():
    """The original lost it with a single chunk: servers restarted together stayed in step."""
    waits = [pacer(jitter=30).rest(100.0)] + [
        Pacer(PacingSettings(jitter=30), Random(i)).rest(0) for i in range(50)
    ]

    assert max(waits) > 20
    assert all(10 <= wait <= 40 for wait in waits)


def test_a_wrong_page_size_never_asks_for_nothing():
    """A server that sends more than was asked for leaves room for one."""
    paced = pacer(chunk=500)
    paced.delay(page(900, 1000, goes_on=False), 100.0)

    assert paced.room() == 1


def test_the_backoff_doubles_to_64_and_starts_again_after_a_success():
    """1, 2, 4 ... 64, 64; the original never started again."""
    backoff = Backoff()
    waits = [backoff.failed() for _ in range(9)]
    backoff.succeeded()

    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert backoff.failed() == 1
