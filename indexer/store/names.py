"""Match names of folders and cameras in any case, composed or decomposed, in any encoding."""
# Paths are handled as typed text here, because pathlib drops a slash at the end:
# ruff: noqa: PTH100, PTH111, PTH112

import os
from functools import lru_cache
from unicodedata import normalize

__all__ = ["contains_folded", "encode_part", "encode_path", "expand_folder", "fold", "fold_name"]


def fold(text: str) -> str:
    """A form that is equal for all spellings of one name: casefolded and composed."""
    return normalize("NFC", normalize("NFD", text).casefold())


def expand_folder(folder: str) -> set[str]:
    """The texts that select a directory: its path, with a slash at the end, must contain one of them.

    They are the text of `folder`, and if it is a path to a directory (starting with a slash, ./, ../ or ~) the absolute
    path and the real path. Several slashes and "/./" are equal to one slash; a slash at the end is the end of a name.
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


def encode_part(text: str) -> bytes:
    """The second argument of `contains_folded`.

    It is bytes, because SQLite refuses lone surrogates, which represent undecodable bytes.
    """
    return fold(text).encode("utf-8", "surrogatepass")


def contains_folded(value: bytes | str | None, part: bytes) -> bool:
    """True if a directory's path (bytes) or a name contains a text, in any spelling; see `fold`. Called from SQL."""
    return value is not None and part.decode("utf-8", "surrogatepass") in fold_name(value)


def encode_path(path: str) -> bytes:
    """A path as the operating system stores it; for an impossible path, bytes that no path has."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:  # a lone surrogate, or a character that the system's encoding lacks
        return path.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=4096)
def fold_name(value: bytes | str) -> str:
    """The text in which `contains_folded` searches: a directory's path (bytes) ends with a slash."""
    return fold(value if isinstance(value, str) else os.fsdecode(value) + "/")
