"""Several reads at a time, because NSX takes its time for each; their answers in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

Asked = TypeVar("Asked")
Told = TypeVar("Told")

Executors = Callable[[int], Executor]  # makes one that works on so many at a time
THREADS: Executors = ThreadPoolExecutor


def several(
    executors: Executors, number: int, read: Callable[[Asked], Told], asked: Iterable[Asked]
) -> Iterator[Told]:
    """What `read` says of each, lazily. Raises what it raises; nothing is begun after the last one taken."""
    pool = executors(number)
    pending: deque[Future[Told]] = deque()
    try:
        for one in asked:
            if len(pending) == 2 * number:
                yield pending.popleft().result()
            pending.append(pool.submit(read, one))
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
