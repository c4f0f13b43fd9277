"""The commands about the folders of an index: list them, remove one."""

import sys
from pathlib import Path

import click

from cosmos_search.cli.group import Command, UserPath
from cosmos_search.cli.index_option import index_option, open_library
from cosmos_search.cli.style import choose_style
from cosmos_search.cli.terminal import json_line, say
from indexer.places import Place
from indexer.plural import count

__all__ = ["info", "remove"]


@click.command(cls=Command, short_help="Show folders, pictures, failed files, model, sizes.")
@index_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(place: Place | None, as_json: bool) -> None:
    """Show what is indexed: folders, pictures, failed ones, model, sizes on disk.

    \b
    Example:
      cosmos-search info
    """
    from cosmos_search.cli.output import format_info

    with open_library(place) as library:
        about = library.info()
    if as_json:
        say(json_line(about.to_dict()))
    else:
        say(format_info(about, choose_style(sys.stdout)), styled=True)


@click.command(cls=Command)
@click.argument("folder", type=UserPath())
@index_option
def remove(folder: Path, place: Place | None) -> None:
    """Remove FOLDER from the index. The files themselves are not changed.

    \b
    Example:
      cosmos-search remove /mnt/camera
    """
    from cosmos_search.cli.pictures_table import format_path

    with open_library(place) as library:
        n_pictures = library.remove(folder)
    say(f"Forgot {format_path(folder)} and the {count(n_pictures, 'picture')} in it. The files are unchanged.")
