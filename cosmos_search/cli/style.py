"""Colours and links on terminals: escape sequences around texts whose own control characters were escaped before."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

__all__ = ["PLAIN", "Style", "choose_style"]

BOLD, DIM, RED = "1", "2", "1;31"


@dataclass(frozen=True, slots=True)
class Style:
    """What the reader of the output can show. Texts given to its methods are escaped already, see `terminal.escape`."""

    has_colour: bool = False
    has_links: bool = False
    width: int | None = None  # of the terminal, in cells; None: lines may have any length

    def bold(self, text: str) -> str:
        return self._wrap(text, BOLD)

    def dim(self, text: str) -> str:
        return self._wrap(text, DIM)

    def red(self, text: str) -> str:
        return self._wrap(text, RED)

    def link(self, text: str, path: Path) -> str:
        """The text as a link to a file (OSC 8). The host keeps a terminal from opening it on another machine."""
        if not self.has_links:
            return text
        from urllib.parse import quote

        url = f"file://{_read_host()}{quote(os.fsencode(path))}"
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"

    def _wrap(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colour and text else text


PLAIN = Style()


def choose_style(stream: TextIO) -> Style:
    """Colours, links and a width on a terminal, none elsewhere. NO_COLOR and CLICOLOR_FORCE overrule it for colours."""
    is_terminal = stream.isatty()
    is_capable = is_terminal and os.environ.get("TERM") != "dumb"
    is_forced = os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0")
    return Style(
        has_colour=(is_capable or is_forced) and not os.environ.get("NO_COLOR"),
        has_links=is_capable and os.environ.get("TERM") != "linux",
        width=_read_width(stream) if is_terminal else None,
    )


def _read_width(stream: TextIO) -> int | None:
    """As shutil.get_terminal_size, whose import takes 10 ms."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def _read_host() -> str:
    from urllib.parse import quote

    return quote(os.uname().nodename) if hasattr(os, "uname") else ""
