"""The output of pictures that were found: a table, with thumbnails or without, JSON, or paths."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.style import choose_style
from cosmos_search.cli.terminal import escape, json_line, say, write_bytes
from indexer.errors import UsageError

if TYPE_CHECKING:
    from cosmos_search.retrieval.hits import Hit
    from indexer.store.records import PictureRecord

__all__ = ["Output", "output_options", "print_hits", "print_pictures"]

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line: path, score, evidence, ..."),
    click.option("--paths", "as_paths", is_flag=True, help="Print only the paths, one a line."),
    click.option("-0", "--null", "as_null", is_flag=True, help="Print only the paths, each with a NUL after it."),
    click.option("--preview", is_flag=True, help="Show thumbnails, in terminals that can (kitty, iTerm2, sixel, ...)."),
    click.option("--open", "in_viewer", is_flag=True, help="Open the first 10 in the default viewer."),
)


@dataclass(frozen=True, slots=True)
class Output:
    """How results are printed. Raises UsageError for options that exclude each other."""

    as_json: bool
    as_paths: bool
    as_null: bool
    preview: bool
    in_viewer: bool

    def __post_init__(self) -> None:
        if self.as_json and (self.as_paths or self.as_null):
            raise UsageError("The output is either --json or --paths.")
        if self.preview and not self.is_table:
            raise UsageError("--preview shows thumbnails in a table; leave out --json and --paths.")

    @property
    def is_table(self) -> bool:
        """True if it is for a person."""
        return not (self.as_json or self.as_paths or self.as_null)


def output_options(command: F) -> F:
    """Add the options to a command, which gets their values as `Output`'s fields."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def print_hits(hits: "Sequence[Hit]", output: Output) -> None:
    """Print the results of a search; nothing if there are none."""
    from cosmos_search.cli.pictures_table import format_hits

    _print_records(hits, [hit.picture for hit in hits], output, format_hits)


def print_pictures(pictures: "Sequence[PictureRecord]", output: Output) -> None:
    """Print pictures that no query was compared with; nothing if there are none."""
    from cosmos_search.cli.pictures_table import format_pictures

    _print_records(pictures, pictures, output, format_pictures)


def _print_records(
    records: Sequence[Any],
    pictures: "Sequence[PictureRecord]",
    output: Output,
    format_records: Callable[..., list[str]],
) -> None:
    """records: what is printed of each of the pictures."""
    show_below = _choose_preview() if output.preview else None
    if output.as_json:
        _print_json([record.to_dict() for record in records])
    elif output.as_paths or output.as_null:
        _print_paths(pictures, output)
    elif records:
        header, *texts = format_records(records, choose_style(sys.stdout))
        say(header, styled=True)
        for text, picture in zip(texts, pictures, strict=True):
            say(text, styled=True)
            if show_below is not None:
                show_below(picture.paths[0])
    if output.in_viewer:
        from cosmos_search.cli.viewer import open_in_viewer

        open_in_viewer([picture.paths[0] for picture in pictures])


def _print_json(values: Sequence[dict[str, Any]]) -> None:
    """One object a line, with the town where the picture was taken, if it is known."""
    if any(one["latitude"] is not None for one in values):
        from cosmos_search.retrieval.nearest_town import add_towns  # imports NumPy

        add_towns(values)
    for one in values:
        say(json_line(one))


def _choose_preview() -> Callable[[Path], None]:
    """Shows the thumbnail of a file. Raises UsageError if the terminal can't."""
    from cosmos_search.cli.preview import choose_protocol, show_thumbnail

    protocol = choose_protocol()
    return lambda path: show_thumbnail(path, protocol)


def _print_paths(pictures: "Sequence[PictureRecord]", output: Output) -> None:
    """Absolute paths: for programs the bytes that the disk has, for a terminal without control characters."""
    paths = [picture.paths[0] for picture in pictures]
    if output.as_null or not sys.stdout.isatty():
        end = b"\0" if output.as_null else b"\n"
        write_bytes(b"".join(os.fsencode(path) + end for path in paths))
    elif paths:
        say("\n".join(escape(str(path)) for path in paths))
