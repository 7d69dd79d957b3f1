"""What a signal asks for is done in a thread of its own: the main one may be anywhere, with any lock."""

import signal
import threading

import pytest

from networking_nsx.cli.common import stop_on_signals

PATIENCE = 10.0


@pytest.fixture(autouse=True)
def handlers():
    """Those of the test run, given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_although_the_main_thread_has_the_lock_that_this_takes(number):
    """As an event has one, also for who waits for it; the main thread goes on, and gives it back."""
    lock, stopped = threading.Lock(), threading.Event()

    def stop():
        if lock.acquire(timeout=PATIENCE):
            stopped.set()

    stop_on_signals([stop])
    with lock:
        signal.raise_signal(number)

    assert stopped.wait(PATIENCE)


def test_what_is_added_later_is_stopped_too_and_signals_may_be_repeated():
    """A second one finds the process ending."""
    calls, twice = [], threading.Event()
    stops = [lambda: calls.append("first")]
    stop_on_signals(stops)
    stops.append(lambda: calls.append("later"))
    stops.append(lambda: len(calls) == 4 and twice.set())
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)

    assert twice.wait(PATIENCE)
    assert calls == ["first", "later"] * 2
