"""Threads for the work of requests: a bounded number, and a bounded number of requests that wait for one."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from cosmos_search.server.errors import BusyError, StoppingError

__all__ = ["Workers"]

T = TypeVar("T")


class Workers:
    """Runs functions in threads, at most `n_threads` at a time. Its methods are called in one event loop."""

    def __init__(self, n_threads: int, max_waiting: int) -> None:
        self.n_active = 0  # running or waiting
        self.is_closed = False  # no more work is started: that of those who wait neither
        self._n_threads = n_threads
        self._max_waiting = max_waiting
        self._limiter = CapacityLimiter(n_threads)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`. Raises BusyError at once if `max_waiting` others are waiting, and StoppingError."""

        def begin() -> T:
            if self.is_closed:
                raise StoppingError
            return work()

        if self.n_active >= self._n_threads + self._max_waiting:
            raise BusyError(self._max_waiting)
        self.n_active += 1
        try:
            return await to_thread.run_sync(begin, limiter=self._limiter)
        finally:
            self.n_active -= 1
