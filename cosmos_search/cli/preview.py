"""Thumbnails in terminals that can show pictures: by kitty's protocol, iTerm2's, or sixel."""

import io
import os
import re
import sys
from base64 import b64encode
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from select import select
from typing import TYPE_CHECKING, Literal

from cosmos_search.cli.terminal import write_bytes
from cosmos_search.extras import install_command
from indexer.errors import CosmosSearchError, UsageError
from indexer.files import open_file

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Protocol", "choose_protocol", "show_thumbnail"]

Protocol = Literal["kitty", "iterm2", "sixel"]
ROWS = 8  # lines of text that a thumbnail is as high as
SIDE = 320  # pixels, the longer side of what is sent
STATUS, READY = b"\x1b[5n", b"\x1b[0n"  # a question that every terminal answers, after the earlier ones
TIMEOUT_S = 2.0
CHUNK = 4096  # bytes of base64 that kitty takes in one sequence


def choose_protocol() -> Protocol:
    """What the terminal says that it can show, in its environment variables, or for sixel in its answer to a query.

    Raises UsageError if there is none.
    """
    environment = os.environ
    name = environment.get("TERM", "")
    is_multiplexed = name.startswith(("screen", "tmux")) or "TMUX" in environment  # passes sixel on, if anything
    if sys.stdout.isatty() and not is_multiplexed:
        if name in ("xterm-kitty", "xterm-ghostty") or environment.keys() & {"KITTY_WINDOW_ID", "KONSOLE_VERSION"}:
            return "kitty"
        programs = environment.get("TERM_PROGRAM"), environment.get("LC_TERMINAL")
        if {"iTerm.app", "iTerm2", "WezTerm", "mintty"}.intersection(programs):
            return "iterm2"
    if sys.stdout.isatty() and _has_sixel():
        return "sixel"
    raise UsageError(
        "--preview needs a terminal that shows pictures: kitty, Ghostty, Konsole, iTerm2, WezTerm, mintty, or one with "
        f"sixel, for which the extra is needed: {install_command('preview')}"
    )


def show_thumbnail(path: Path, protocol: Protocol) -> None:
    """Write a thumbnail of the picture below the current line.

    Nothing if the picture can't be read any more, or is narrower than a character in a thumbnail's height.
    """
    try:
        encoded = ENCODERS[protocol](_read_thumbnail(path))
    except (OSError, ValueError, CosmosSearchError):
        return
    write_bytes(encoded)


def _has_sixel() -> bool:
    """Ask the terminal for its attributes, of which 4 is sixel. Prepares the library if it has it."""
    needed = ("textual_image", "termios")  # an extra, and a part of Python that Windows lacks
    if any(find_spec(name) is None for name in needed) or not sys.stdin.isatty():
        return False
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        attributes = re.search(rb"\x1b\[\?([\d;]*)c", _ask_terminal(b"\x1b[c"))
        has_sixel = attributes is not None and b"4" in attributes[1].split(b";")
        if has_sixel:
            from PIL import Image

            _encode_sixel(Image.new("RGB", (SIDE, SIDE)))  # its import, and its first use, ask the terminal as well
            _ask_terminal(b"")
        return has_sixel
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _ask_terminal(question: bytes) -> bytes:
    """All answers that the terminal has not given yet: also to earlier questions, which would be taken for keys."""
    write_bytes(question + STATUS)
    answers = b""
    while not answers.endswith(READY) and select([sys.stdin], [], [], TIMEOUT_S)[0]:
        if not (part := os.read(sys.stdin.fileno(), 1024)):
            break
        answers += part
    return answers


def _read_thumbnail(path: Path) -> "Image.Image":
    from indexer.pictures.images import open_picture, reading_pictures

    with reading_pictures(), open_file(path) as file:
        picture = open_picture(file, min_side=SIDE, max_pixels=None).image
    picture.thumbnail((SIDE, SIDE))
    return picture


def _encode_kitty(thumbnail: "Image.Image") -> bytes:
    """Its graphics protocol: PNG in chunks; m is 1 if more follow."""
    data = b64encode(_to_png(thumbnail))
    chunks = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
    first, *more = chunks
    parts = [b"\x1b_Ga=T,f=100,q=2,r=%d,m=%d;%b\x1b\\" % (ROWS, bool(more), first)]
    parts += [b"\x1b_Gm=%d;%b\x1b\\" % (i < len(more), chunk) for i, chunk in enumerate(more, 1)]
    return b"".join(parts) + b"\n"


def _encode_iterm2(thumbnail: "Image.Image") -> bytes:
    """Its inline images protocol."""
    png = _to_png(thumbnail)
    return b"\x1b]1337;File=inline=1;size=%d;height=%d:%b\a\n" % (len(png), ROWS, b64encode(png))


def _encode_sixel(thumbnail: "Image.Image") -> bytes:
    from rich.console import Console
    from textual_image.renderable.sixel import Image as Sixels

    console = Console(file=io.StringIO(), force_terminal=True)
    console.print(Sixels(thumbnail, height=ROWS))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().encode()


def _to_png(thumbnail: "Image.Image") -> bytes:
    buffer = io.BytesIO()
    thumbnail.save(buffer, "PNG")
    return buffer.getvalue()


ENCODERS: dict[Protocol, Callable[["Image.Image"], bytes]] = {
    "kitty": _encode_kitty,
    "iterm2": _encode_iterm2,
    "sixel": _encode_sixel,
}
