"""Suppress the messages that libtiff writes to file descriptor 2."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import _imaging

__all__ = ["quiet_libtiff"]

SETTERS = ("TIFFSetWarningHandler", "TIFFSetErrorHandler")


@contextmanager
def quiet_libtiff() -> Iterator[None]:
    """Remove the message handlers of the libtiff that Pillow is linked with. Pillow still sees its errors.

    The handlers are those of the entire process. Redirecting file descriptor 2 would also suppress the messages of
    other threads; and where standard error is closed, descriptor 2 may be any open file. If the library's functions
    can't be found (Pillow without libtiff, or linked statically), nothing is changed.
    """
    before = []
    for name in SETTERS:
        try:
            setter = getattr(ctypes.CDLL(_imaging.__file__), name)  # also finds functions of linked libraries
        except (OSError, AttributeError):
            continue
        setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        before.append((setter, setter(None)))
    try:
        yield
    finally:
        for setter, handler in before:
            setter(handler)
