"""Repeat a transaction while a server restarts."""

import logging
from collections.abc import Callable, Sequence
from time import sleep
from typing import TypeVar

from indexer.store.errors import ServerError

__all__ = ["PAUSES_S", "retry"]

PAUSES_S = (0.5, 1, 2, 4, 8, 16)

log = logging.getLogger(__name__)

T = TypeVar("T")


def retry(attempt: Callable[[], T], pauses_s: Sequence[float] = PAUSES_S) -> T:
    """The result of `attempt`, which consists of whole transactions. Raises the last ServerError."""
    for seconds in pauses_s:
        try:
            return attempt()
        except ServerError as error:
            log.info("%s Next try in %g s.", error, seconds)
            sleep(seconds)
    return attempt()
