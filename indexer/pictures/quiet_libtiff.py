"""libtiff without its messages, which it writes to file descriptor 2 itself."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import _imaging

__all__ = ["quiet_libtiff"]

SETTERS = ("TIFFSetWarningHandler", "TIFFSetErrorHandler")


@contextmanager
def quiet_libtiff() -> Iterator[None]:
    """While inside, the libtiff that Pillow is linked with reports to nobody; Pillow sees its errors all the same.

    The handlers are the whole process's. Sending file descriptor 2 elsewhere would be as well, and would take the
    other threads' messages with it; and where standard error is closed, descriptor 2 may be any file, even the index.
    Where the library's functions can't be found (Pillow without libtiff, or linked statically), nothing is changed.
    """
    before = []
    for name in SETTERS:
        try:
            setter = getattr(ctypes.CDLL(_imaging.__file__), name)  # found in what this module is linked with
        except (OSError, AttributeError):
            continue
        setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        before.append((setter, setter(None)))
    try:
        yield
    finally:
        for setter, handler in before:
            setter(handler)
