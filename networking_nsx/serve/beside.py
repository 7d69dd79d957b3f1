"""A thread beside the main one, for as long as a block lasts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(name: str, run: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Run this in a thread; at the end of the block tell it to stop, and wait until its step has ended."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()
