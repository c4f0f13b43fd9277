"""The command `duplicates`: list copies of pictures, and bursts, with the one to keep."""

import csv
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

from cosmos_search.cli.group import Command
from cosmos_search.cli.index_option import index_option, open_library
from cosmos_search.cli.terminal import escape, json_line, say
from indexer.places import Place
from indexer.plural import count

if TYPE_CHECKING:
    from cosmos_search.explore.duplicate_groups import DuplicateGroup
    from cosmos_search.library import Library

__all__ = ["duplicates"]

Kind = Literal["copies", "bursts", "all"]
Output = Literal["table", "json", "csv", "paths"]
KINDS: tuple[Kind, ...] = ("copies", "bursts", "all")


@click.command(cls=Command, short_help="List copies of pictures, and bursts.")
@click.option("--kind", type=click.Choice(KINDS), default="copies", help="Which groups: copies, bursts, or all.")
@click.option("--json", "output", flag_value="json", help="Print one JSON object a group.")
@click.option("--csv", "output", flag_value="csv", help="Print a row for each file.")
@click.option("--paths", "output", flag_value="paths", help="Print only the paths of the files that are not kept.")
@index_option
def duplicates(kind: Kind, output: Output | None, place: Place | None) -> None:
    """List copies of the same picture, and which of them is the best one. Nothing is ever deleted.

    Copies are smaller, re-encoded, slightly cropped, brighter or turned; each is verified on its pixels. A burst is
    photos of one scene by one camera, seconds apart: different pictures.

    \b
    Examples:
      cosmos-search duplicates
      cosmos-search duplicates --paths > others.txt
    """
    with open_library(place) as library:
        _print_duplicates(library, kind, output or "table")


def _print_duplicates(library: "Library", kind: Kind, output: Output) -> None:
    """Find the groups with a progress line on a terminal, and print them."""
    is_terminal = sys.stderr.isatty()

    def show(share: float) -> None:
        if is_terminal:
            click.echo(f"\rComparing pictures: {share:.0%} ", err=True, nl=False)

    found = library.near_duplicates(on_progress=show)
    if is_terminal:
        click.echo("\r" + " " * 30 + "\r", err=True, nl=False)
    wanted = {"copies": ("copies",), "bursts": ("burst",), "all": ("copies", "burst")}[kind]
    groups = [group for group in found.groups if group.kind in wanted]
    if output == "json":
        for group in groups:
            say(json_line(group.to_dict()))
    elif output == "csv":
        say(_format_csv(groups))
    elif output == "paths":
        _write_paths(groups)
    else:
        say(_format_groups(groups))
    if found.n_unreadable:
        left_out = count(found.n_unreadable, "picture", "was", "were")
        say(f"{left_out} left out, whose files can't be read any more.", err=True)


def _write_paths(groups: Sequence["DuplicateGroup"]) -> None:
    """Write the paths of the other files as bytes, one a line."""
    paths = [path for group in groups for path in group.other_paths]
    for path in paths:
        if "\n" in str(path):  # programs would read it as two paths
            say(f"Left out, its name has a line break: {path}", err=True)
        else:
            sys.stdout.buffer.write(os.fsencode(path) + b"\n")
    sys.stdout.flush()


def _format_groups(groups: Sequence["DuplicateGroup"]) -> str:
    """A block of lines for each group, the file to keep first."""
    from cosmos_search.cli.pictures_table import format_path

    lines = []
    for group in groups:
        why = f" ({', '.join(group.reasons)})" if group.reasons else ""
        lines.append(f"{'Copies' if group.kind == 'copies' else 'Burst'}: keep {format_path(group.keep)}{why}")
        lines += [f"  other  {format_path(path)}" for path in group.other_paths]
    n_others = sum(len(group.other_paths) for group in groups)
    if not groups:
        return "No duplicates found."
    counts = f"{count(len(groups), 'group')}, {count(n_others, 'other file')}"
    return "\n".join([*lines, f"{counts}. Nothing was deleted."])


def _format_csv(groups: Sequence["DuplicateGroup"]) -> str:
    """A row for each file: group, kind, keep or other, why, path."""
    from cosmos_search.explore.duplicate_groups import list_files

    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["group", "kind", "file", "reasons", "path"])
    table.writerows([*values, escape(str(path))] for *values, path in list_files(groups))
    return text.getvalue().rstrip("\n")
