"""Whether objects are freed."""

import gc
import weakref


def is_freed_at_once(create):
    """True if what `create` returns is freed as soon as nothing refers to it, so that it is in no reference cycle."""
    gc.disable()
    try:
        return weakref.ref(create())() is None
    finally:
        gc.enable()
