"""Wait for other processes."""

from threading import Event
from time import monotonic

__all__ = ["DEADLINE_S", "wait_until"]

DEADLINE_S = 240


def wait_until(is_met, describe=lambda: None):
    """Return when the condition is met; between two looks the other processes have the processor."""
    started = monotonic()
    while not is_met():
        assert monotonic() - started < DEADLINE_S, describe()
        Event().wait(0.02)
