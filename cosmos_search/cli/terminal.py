"""Write the output of commands: without control characters, in the terminal's encoding, also to closed streams."""

import codecs
import json
import logging
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from indexer.errors import CosmosSearchError

__all__ = ["escape", "flush_streams", "json_line", "log_to_stderr", "open_streams", "say", "write_bytes"]

JOINERS = "\u200c\u200d"  # parts of words and of emoji, invisible themselves
SIMILAR = {"×": "x", "…": "...", "→": "->", "“": '"', "”": '"', "’": "'", "°": " degrees"}
ERRORS = "cosmos-similar"  # the name of `_replace_unencodable` among the error handlers of codecs


def escape(text: str, *, keep: str = "") -> str:
    """The text with characters that are not printable written as \\x1b or \\u202e, such as terminal control sequences.

    keep: characters that are not escaped, such as the line ends of a table.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in JOINERS or c in keep else _escape_all(c) for c in text)


def say(text: str, *, err: bool = False, styled: bool = False) -> None:
    """Write lines of text: results to stdout, everything else (`err`) to stderr, which may be full or closed.

    styled: the text was escaped before and has escape sequences of `style.Style`, which are written.
    Raises CosmosSearchError if a result can't be written, BrokenPipeError if the reader has closed the pipe.
    """
    stream = sys.stderr if err else sys.stdout
    try:
        stream.write(escape(text, keep="\n\x1b" if styled else "\n") + "\n")
        stream.flush()
    except BrokenPipeError:
        if not err:
            raise
    except OSError as error:
        if not err:
            raise _cannot_write(error) from error


def write_bytes(data: bytes) -> None:
    """Write results to stdout as they are. Raises errors as `say` does."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _cannot_write(error) from error


def json_line(value: object) -> str:
    """One line of JSON, in ASCII and without control characters."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def open_streams() -> None:
    """Make the standard streams safe to write to.

    A closed one is opened on the null device, because otherwise the next opened file would get its number. Writing to
    a closed stdout fails. Characters that the encoding lacks are replaced by similar ones.
    """
    for number, name, way in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, way)  # gets the lowest free number, which is this one
            mode = "r" if number == 0 else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ERRORS)


def flush_streams() -> None:
    """Flush the streams; drop what cannot be written, because Python would fail at exit."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is None or stream.closed:
            continue
        try:
            stream.flush()
        except OSError:
            _redirect_to_null(stream)


def log_to_stderr() -> None:
    """Show warnings of all packages, and messages of this one."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Escaping("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("cosmos_search").setLevel(logging.INFO)
    logging.getLogger("cosmos_search.library").setLevel(logging.WARNING)  # commands give its hints, with advice


def _cannot_write(error: OSError) -> CosmosSearchError:
    return CosmosSearchError(f"The output can't be written: {error.strerror}.")


class _Escaping(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return escape(super().format(record), keep="\n")


def _redirect_to_null(stream: TextIO) -> None:
    with suppress(OSError, ValueError):  # a stream in memory has no file descriptor
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()


def _escape_all(text: str) -> str:
    return text.encode("unicode_escape", "surrogatepass").decode("ascii")


def _replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError), error
    odd: Any = error.object[error.start : error.end]
    return "".join(SIMILAR.get(c) or _escape_all(c) for c in odd), error.end


codecs.register_error(ERRORS, _replace_unencodable)
