"""The command line: each command parses, calls the library, prints."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.duplicates import KINDS, Kind, Output, print_duplicates
from cosmos_search.cli.evaluate import evaluate
from cosmos_search.cli.facets import facets
from cosmos_search.cli.group import TEXT, ExtensibleCommands, UserPath
from cosmos_search.cli.index_option import index_option, open_library
from cosmos_search.cli.mcp import mcp
from cosmos_search.cli.models import models
from cosmos_search.cli.query_words import QueryCommand
from cosmos_search.cli.search import GRAMMAR, pause_collection, search_and_print, search_options
from cosmos_search.cli.serve import serve
from cosmos_search.cli.style import choose_style
from cosmos_search.cli.terminal import json_line, log_to_stderr, say
from cosmos_search.cli.watch import watch
from cosmos_search.encoders.devices import DEVICES, PRECISIONS, Device, Precision
from indexer.pictures.regions import REGIONS, Regions
from indexer.places import Place
from indexer.plural import count

if TYPE_CHECKING:
    from cosmos_search.library import Library
    from indexer.ingest.shared_work import Distribute

__all__ = ["main"]

F = TypeVar("F", bound=Callable[..., Any])
MAX_LIMIT = 10**12  # the largest value of --max-pixels, in pixels


@click.group(cls=ExtensibleCommands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="cosmos-search")
def main() -> None:
    """Find pictures by what is in them.

    \b
    Examples:
      cosmos-search index ~/Pictures
      cosmos-search search "a cup of coffee"
    """
    log_to_stderr()


def _runtime_options(command: F) -> F:
    device = click.option("--device", type=click.Choice(DEVICES), default="auto", help="Where the encoder runs.")
    precision = click.option(
        "--precision", type=click.Choice(PRECISIONS), default="auto", help="Number format of the encoder."
    )
    return device(precision(command))


def _json_option(help_text: str) -> Callable[[F], F]:
    return click.option("--json", "as_json", is_flag=True, help=help_text)


def _parse_max_pixels(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    limit = value.strip().lower()
    if limit == "none":
        return None
    try:
        n_pixels = int(float(limit.removesuffix("mp")) * 1_000_000)
    except (ValueError, OverflowError):
        n_pixels = 0
    if not 1 <= n_pixels <= MAX_LIMIT:
        raise click.BadParameter(f"{value!r} is not a number of megapixels up to 1000000, such as 250MP, or none")
    return n_pixels


@main.command()
@click.argument("folders", nargs=-1, type=UserPath())
@index_option
@click.option(
    "--model",
    type=TEXT,
    metavar="NAME",
    help="Encoder of a new index, or with --rebuild another encoder for this index.",
)
@_runtime_options
@click.option("--rebuild", is_flag=True, help="Embed every picture again. Searches use the old vectors until then.")
@click.option(
    "--regions",
    type=click.Choice(REGIONS),
    help="Regions of a picture with their own vectors: 0, 14 or 34 in a square one; for a new index or --rebuild.",
)
@click.option("--max-pixels", default="250MP", callback=_parse_max_pixels, help="Skip larger pictures. none: no limit.")
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out files and folders whose name, or end of path, matches: thumbs, '*_small.jpg', 'raw/*.png'. Can be "
    "repeated. Stored for later runs until given again ('': leave out nothing). For patterns that lie beside the "
    "pictures, write a file .cosmosignore, with the syntax of .gitignore. What is left out leaves the index.",
)
@click.option(
    "--forget-missing",
    is_flag=True,
    help="Remove missing files from the index, also those on disks that are not mounted.",
)
@click.option(
    "--text",
    "with_texts",
    is_flag=True,
    help="Then read the words in the pictures, such as those on signs: for all pictures that were not read yet. Takes "
    "about half a second a picture and core; can be interrupted.",
)
@click.option(
    "--cluster",
    type=TEXT,
    metavar="ADDRESS",
    help="Index on all machines of a Ray cluster: auto (that of this machine) or ray://HOST:10001. The index must be "
    "on a PostgreSQL server.",
)
@_json_option("Print the summary as one JSON object.")
def index(
    folders: tuple[Path, ...],
    place: Place | None,
    model: str | None,
    device: Device,
    precision: Precision,
    rebuild: bool,
    regions: Regions | None,
    max_pixels: int | None,
    exclude: tuple[str, ...],
    forget_missing: bool,
    with_texts: bool,
    cluster: str | None,
    as_json: bool,
) -> None:
    """Index the pictures in FOLDERS. Run it again to index what has changed.

    Without FOLDERS: every folder that is indexed already. Your pictures are only read, never written to.

    \b
    Examples:
      cosmos-search index ~/Pictures /mnt/camera
      cosmos-search index                      # look for changes
      cosmos-search index --text               # and read the words in pictures
    """
    from cosmos_search.cli.output import format_report, format_text_report, report_to_dict
    from cosmos_search.cli.progress import index_with_progress, read_texts_with_progress
    from cosmos_search.extras import require_extra

    style = choose_style(sys.stdout)
    if with_texts:
        require_extra("Reading texts in pictures", "text", "rapidocr")
    with open_library(place, model, device, precision) as library:
        distribute = _connect_to_cluster(library, cluster, device, precision) if cluster is not None else None
        report = index_with_progress(
            library, folders, rebuild, regions, max_pixels, exclude or None, forget_missing, distribute
        )
        if not as_json:
            say(format_report(report, style), styled=True)
        texts = read_texts_with_progress(library, max_pixels) if with_texts and not report.is_stopped else None
    if as_json:
        say(json_line(report_to_dict(report) | ({} if texts is None else {"texts": texts.to_dict()})))
    elif texts is not None:
        say(format_text_report(texts, style), styled=True)
    if report.is_stopped or (texts is not None and texts.is_stopped):
        say("Stopped. Everything counted above is stored; to resume, run the same command again.", err=True)
        sys.exit(130)


@main.command(cls=QueryCommand)
@click.argument("query", nargs=-1)
@click.option("-n", "--top", default=10, help="How many pictures to show.")
@search_options
@index_option
@click.option(
    "--server",
    type=TEXT,
    metavar="URL",
    help="Ask this server, whose token is in COSMOS_SEARCH_TOKEN. A server of the same index on this machine is found "
    "without it.",
)
def search(query: tuple[str, ...], top: int, place: Place | None, server: str | None, **options: Any) -> None:
    from cosmos_search.cli.served import ServedLibrary

    with pause_collection(), ServedLibrary(place, server) as library:
        search_and_print(library, query, top, **options)


search.help = f"""Find the pictures that match QUERY, and the matching part of each.

QUERY needs no quotes, unless it has characters that the shell takes for itself. Without a QUERY, filters list the
pictures that pass them, newest first.

{GRAMMAR}
\b
Examples:
  cosmos-search search a cup of coffee -n 5
  cosmos-search search "A dog on a sofa. A red lamp." --explain why/
  cosmos-search search --similar-to photo.jpg "at night" --after 2024-06
  cosmos-search search --after 2024 --camera X100
  cosmos-search search a cat -0 | xargs -0 cp -t cats/
"""


@main.command()
@index_option
@_json_option("Print one JSON object.")
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


@main.command()
@click.argument("folder", type=UserPath())
@index_option
def remove(folder: Path, place: Place | None) -> None:
    """Remove FOLDER from the index. The files themselves are not changed.

    \b
    Example:
      cosmos-search remove /mnt/camera
    """
    from cosmos_search.cli.output import format_path

    with open_library(place) as library:
        n_files = library.remove(folder)
    say(f"Forgot {format_path(folder)} and the {count(n_files, 'file')} in it. The files themselves are unchanged.")


@main.command()
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
        print_duplicates(library, kind, output or "table")


def _connect_to_cluster(library: "Library", address: str, device: Device, precision: Precision) -> "Distribute":
    """Raises CosmosSearchError if the cluster or this index can't be used for it."""
    from cosmos_search.cluster_errors import ClusterPlaceError
    from cosmos_search.encoders.load import load_encoder

    if isinstance(library.place, Path):
        raise ClusterPlaceError(library.place)
    from cluster.connect import connect

    connect(address)
    from cluster.index_workers import ClusterWorkers  # imports Ray

    return ClusterWorkers(library.place, partial(load_encoder, library.encoder.name, device, precision))


main.add_command(evaluate)
main.add_command(mcp)
main.add_command(facets)
main.add_command(watch)
main.add_command(models)
main.add_command(serve)
