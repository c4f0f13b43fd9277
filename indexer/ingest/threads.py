"""Run work in several threads, with a bounded number of items in progress, and results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

__all__ = ["ordered_map", "split_batches", "workers"]

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def workers(n_threads: int) -> Iterator[Executor]:
    """A thread pool. On leaving, pending work is cancelled and running work is waited for."""
    pool = ThreadPoolExecutor(n_threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def ordered_map(executor: Executor, work: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """`work(item)` for each item, in order. At most `ahead` items are submitted before their result is needed."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(executor.submit(work, item))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def split_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, like itertools.batched of Python 3.12; the last may be shorter."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
