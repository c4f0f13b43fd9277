"""The command `index`: index folders, or look for changes in them."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.group import TEXT, Command, UserPath
from cosmos_search.cli.index_option import index_option, open_library
from cosmos_search.cli.style import choose_style
from cosmos_search.cli.terminal import json_line, say
from cosmos_search.encoders.devices import DEVICES, PRECISIONS, Device, Precision
from indexer.pictures.regions import REGIONS, Regions
from indexer.places import Place

if TYPE_CHECKING:
    from cosmos_search.library import Library
    from indexer.ingest.shared_work import Distribute

__all__ = ["index"]

F = TypeVar("F", bound=Callable[..., Any])
MAX_LIMIT = 10**12  # the largest value of --max-pixels, in pixels


def _runtime_options(command: F) -> F:
    device = click.option("--device", type=click.Choice(DEVICES), default="auto", help="Where the encoder runs.")
    precision = click.option(
        "--precision", type=click.Choice(PRECISIONS), default="auto", help="Number format of the encoder."
    )
    return device(precision(command))


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


@click.command(cls=Command)
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
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
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
