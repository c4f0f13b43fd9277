"""An LRU cache in memory for results of searches and other computations."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

__all__ = ["AnswerCache"]

T = TypeVar("T")


class AnswerCache:
    """An LRU cache of at most `size` values that computes each key once. Thread-safe.

    Threads that request the same key at the same time wait for one computation; other keys are not blocked.
    `st.cache_resource(max_entries=...)` also computes each key once, but it raises CacheReplayClosureError if the
    computation updates a progress bar on the page, as the search for near duplicates does. It also keeps a lock for
    each key that was ever requested.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._locks: dict[Hashable, Lock] = {}
        self._guard = Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value of `key`. Exceptions of `compute` are raised, and nothing is stored."""
        with self._guard:
            lock = self._locks.setdefault(key, Lock())
        try:
            with lock:
                with self._guard:
                    if key in self._values:
                        self._values.move_to_end(key)
                        found: T = self._values[key]
                        return found
                value = compute()
                with self._guard:
                    self._values[key] = value
                    while len(self._values) > self.size:
                        self._values.popitem(last=False)
                return value
        finally:
            with self._guard:
                self._locks.pop(key, None)

    def clear(self) -> None:
        """Forget all values, for a change that keys do not show."""
        with self._guard:
            self._values.clear()
