"""The options that choose pictures by their properties: of searches, lists and counts."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.group import TEXT, decode_argument

if TYPE_CHECKING:
    from indexer.store.filters import Filters

__all__ = ["filter_options", "parse_filter_options"]

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.option("--after", type=TEXT, metavar="DATE", help="Taken then or later: 2024, 2024-06 or 2024-06-30."),
    click.option("--before", type=TEXT, metavar="DATE", help="Taken earlier than that."),
    click.option("--folder", type=TEXT, metavar="TEXT", help="In a directory with this in its path."),
    click.option("--camera", type=TEXT, metavar="TEXT", help="With a camera of this name, or a part of it."),
    click.option("--near", type=TEXT, metavar="LAT,LON,KM", help="Taken there: 48.14,11.58,20km"),
    click.option("--min-size", type=TEXT, metavar="SIZE", help="At least as large: 2MP or 1920x1080."),
    click.option("--orientation", type=TEXT, metavar="NAME", help="portrait, landscape or square."),
)


def filter_options(command: F) -> F:
    """Add the options to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def parse_filter_options(*, camera: str | None, **filters: str | None) -> "Filters":
    """The filters that the options describe. Raises UsageError."""
    from cosmos_search.retrieval.filters import parse_filters

    return parse_filters(camera=decode_argument(camera) if camera is not None else None, **filters)
