"""Answers that are worth keeping: the last few, by what was asked."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

__all__ = ["AnswerCache"]

T = TypeVar("T")


class AnswerCache:
    """At most `size` answers; those not asked for longest go first. Safe from several threads.

    Two who ask the same at once wait for one answer.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._asking: dict[Hashable, Lock] = {}
        self._guard = Lock()

    def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        """The answer to `key`; what `ask` raises is raised, and nothing is kept."""
        with self._guard:
            asking = self._asking.setdefault(key, Lock())
        try:
            with asking:
                with self._guard:
                    if key in self._answers:
                        self._answers.move_to_end(key)
                        found: T = self._answers[key]
                        return found
                answer = ask()
                with self._guard:
                    self._answers[key] = answer
                    while len(self._answers) > self.size:
                        self._answers.popitem(last=False)
                return answer
        finally:
            with self._guard:
                self._asking.pop(key, None)
