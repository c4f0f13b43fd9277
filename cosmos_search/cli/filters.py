"""The options that choose pictures by their properties: of searches, lists and counts."""

from collections.abc import Callable
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.group import TEXT, decode_argument

if TYPE_CHECKING:
    from indexer.store.facets import Count, Facets
    from indexer.store.filter_record import Filters

__all__ = ["FilterTexts", "describe_town", "filter_options", "list_facets", "name_conditions", "parse_filter_options"]

F = TypeVar("F", bound=Callable[..., Any])
FilterTexts = dict[str, str | None]  # the values of the options, by the names that `parse_filters` has for them

OPTIONS = (
    click.option(
        "--taken", type=TEXT, metavar="PERIOD", help="Taken in it: 2024, 2024-06, 2023..2024, yesterday, last-week."
    ),
    click.option(
        "--after",
        type=TEXT,
        metavar="DATE",
        help="Taken then or later: 2024-06-30, 2024-06-30T18:00, last-year, 3-days (ago).",
    ),
    click.option("--before", type=TEXT, metavar="DATE", help="Taken earlier than that."),
    click.option("--folder", type=TEXT, metavar="TEXT", help="In a directory with this in its path."),
    click.option("--camera", type=TEXT, metavar="TEXT", help="With a camera of this name, or a part of it."),
    click.option("--near", type=TEXT, metavar="PLACE,KM", help="Taken there: Munich,20km or 48.14,11.58,20km"),
    click.option("--min-size", type=TEXT, metavar="SIZE", help="At least as large: 2MP or 1920x1080."),
    click.option("--orientation", type=TEXT, metavar="NAME", help="portrait, landscape or square."),
)


def filter_options(command: F) -> F:
    """Add the options to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def parse_filter_options(texts: FilterTexts) -> "Filters":
    """The filters that the options describe. Raises UsageError."""
    given = {name: text for name, text in texts.items() if text is not None}
    if not given:
        from indexer.store.filter_record import Filters

        return Filters()
    from cosmos_search.retrieval.filters import parse_filters

    # A folder is compared with paths, which Python decodes as it does arguments.
    decoded: dict[str, Any] = {n: text if n == "folder" else decode_argument(text) for n, text in given.items()}
    return parse_filters(**decoded)


def describe_town(texts: FilterTexts) -> str | None:
    """Which of several towns of one name --near is about, and how to choose another; None if there is one, or none."""
    near = decode_argument(texts.get("near") or "")
    if not near:
        return None
    from cosmos_search.retrieval.filters import find_town_of

    town = find_town_of(near)
    if town is None or town.n_same == 1:
        return None
    radius = near.rpartition(",")[2].strip()
    other = town.others[0] if town.others else "LATITUDE,LONGITUDE"
    example = f"--near {quote(f'{other}, {radius}' if town.others else f'{other},{radius}')}"
    return f"Near {town.name} in {town.area}, the largest of {town.n_same} towns of this name; for another: {example}"


def name_conditions(texts: FilterTexts) -> "dict[str, Filters]":
    """Each of the filters alone, by its option: "--camera X100"."""
    return {
        f"--{name.replace('_', '-')} {quote(text)}": parse_filter_options({name: text})
        for name, text in texts.items()
        if text is not None
    }


def list_facets(facets: "Facets") -> "dict[str, tuple[Count, ...]]":
    """The values that each filter can be set to, by the name of its option."""
    return {
        "camera": facets.cameras,
        "taken": facets.years,
        "folder": facets.directories,
        "orientation": facets.orientations,
        "min-size": facets.sizes,
    }
