"""What grows is found, what wavers is not."""

import os

from chaos.gauges import LONG_ENOUGH, WARMING, Sample, growth, sample


def life(*parts: tuple[int, int, int], seconds=100):
    """Samples every second; the parts follow each other."""
    return [Sample(age, *parts[age * len(parts) // seconds]) for age in range(seconds)]


def test_a_steady_life_has_no_fault():
    """Warming up does not count."""
    warming = [Sample(age, 10, 1, 0) for age in range(int(WARMING))]
    steady = life((100_000, 5, 8), (102_000, 21, 40), seconds=40)[int(WARMING) :]

    assert growth(warming + steady).fault == ""


def test_each_sort_of_growth_is_named():
    """From the third quarter to the last; what was taken before that is what it takes."""
    found = growth(life((50_000, 5, 8), (50_000, 5, 8), (100_000, 5, 8), (120_000, 24, 45)))
    early = growth(life((50_000, 5, 8), (120_000, 23, 40), (120_000, 23, 40), (120_000, 23, 40)))

    assert found.fault == "memory 100000 -> 120000, threads 5 -> 24, sockets 8 -> 45"
    assert early.fault == ""


def test_more_threads_or_sockets_than_can_be_of_use_are_a_fault():
    """Also where they grew slowly."""
    assert growth(life((100_000, 31, 8))).fault == "threads 31 -> 31"
    assert growth(life((100_000, 5, 61))).fault == "sockets 61 -> 61"


def test_a_short_life_says_nothing():
    """Whatever it took."""
    short = [Sample(tick / 4, 1, 1, 1) for tick in range(int(4 * (WARMING + LONG_ENOUGH)))]

    assert growth(short) is None
    assert growth([*short, Sample(WARMING + LONG_ENOUGH, 1, 1, 1)])


def test_a_process_is_measured():
    """Our own has memory, a thread and perhaps sockets."""
    found = sample(os.getpid(), 3.0)

    assert found.age == 3.0
    assert found.memory > 1000
    assert found.threads >= 1
    assert sample(2**30, 0.0) is None
