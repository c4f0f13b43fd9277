"""Names of folders and cameras, found as people write them: in any case, composed or decomposed, in any encoding."""
# Paths here are texts as typed, in which a slash at the end says something:
# ruff: noqa: PTH100, PTH111, PTH112

import os
from functools import lru_cache
from unicodedata import normalize

__all__ = ["fold", "folder_parts", "holds", "path_bytes", "searched"]


def fold(text: str) -> str:
    """The same for all spellings that a reader takes for one name."""
    return normalize("NFC", normalize("NFD", text).casefold())


def folder_parts(folder: str) -> set[str]:
    """What the path of a directory, ended by a slash, may contain to be meant by `folder`.

    That is its text, and where it leads if it is a path to a directory: it begins with a slash, ./, ../ or ~. Several
    slashes and "/./" stand for one slash; one at the end is the end of a directory's name.
    """
    path = os.path.expanduser(folder)
    is_dotted = path in (".", "..") or path.startswith(("./", "../"))
    places = set()
    if (is_dotted or path.startswith("/")) and os.path.isdir(path):
        end = "/" if is_dotted or path.endswith("/") else ""
        places = {place.rstrip("/") + end for place in (os.path.abspath(path), os.path.realpath(path))}
        if is_dotted:
            return places
    steps = [step for step in path.split("/") if step not in ("", ".")]
    begin, end = "/" if path.startswith("/") else "", "/" if path.endswith("/") and steps else ""
    return {begin + "/".join(steps) + end, *places}


def searched(text: str) -> bytes:
    """A text as `holds` takes it: SQLite takes no lone surrogates, which stand for odd bytes in names."""
    return fold(text).encode("utf-8", "surrogatepass")


def holds(value: bytes | str | None, part: bytes) -> bool:
    """Whether a directory's path (as the system's bytes) or a name contains a text; a function of the database."""
    return value is not None and part.decode("utf-8", "surrogatepass") in _folded(value)


def path_bytes(path: str) -> bytes:
    """A path as the system knows it; bytes that no path has for one that can't be."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:  # a lone surrogate, or a letter that the system's encoding lacks
        return path.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=4096)
def _folded(value: bytes | str) -> str:
    return fold(value if isinstance(value, str) else os.fsdecode(value) + "/")
