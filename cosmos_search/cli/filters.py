"""The options that choose pictures by their properties: of searches, lists and counts."""

from collections.abc import Callable
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.group import TEXT, decode_argument
from cosmos_search.cli.suggest import suggest
from cosmos_search.cli.terminal import escape
from indexer.plural import count

if TYPE_CHECKING:
    from cosmos_search.cli.served import ServedLibrary
    from indexer.store.facets import Count, Facets
    from indexer.store.filter_record import Filters

__all__ = ["FilterTexts", "describe_failure", "describe_town", "filter_options", "list_facets", "parse_filter_options"]

F = TypeVar("F", bound=Callable[..., Any])
FilterTexts = dict[str, str | None]  # the values of the options, by the names that `parse_filters` has for them
N_VALUES = 6  # that a sentence lists
EVERYWHERE_KM = 20_040  # from any point of the earth to all others
MISSING = {"camera": "a camera in its metadata", "taken": "a date"}

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


def describe_failure(library: "ServedLibrary", texts: FilterTexts) -> str | None:
    """Which option no picture passes, and what it can be instead; None if some pictures pass all."""
    if library.n_matching(parse_filter_options(texts)):
        return None
    given = {name: text for name, text in texts.items() if text is not None}
    passing = {name: library.n_matching(parse_filter_options({name: text})) for name, text in given.items()}
    of_all = f"0 of {count(library.n_matching(), 'picture')} pass"
    for name, n in passing.items():
        if n == 0:
            return f"{of_all} {_format_option(name, given[name])}{_list_values(library, name)}"
    parts = [
        f"{_format_option(name, text)} ({count(passing[name], 'picture', 'passes', 'pass')} it alone)"
        for name, text in given.items()
    ]
    return f"{of_all} {' and '.join(parts)}."


def list_facets(facets: "Facets") -> "dict[str, tuple[Count, ...]]":
    """The values that each filter can be set to, by the name of its option."""
    return {
        "camera": facets.cameras,
        "taken": facets.years,
        "folder": facets.directories,
        "orientation": facets.orientations,
        "min-size": facets.sizes,
    }


def _format_option(name: str, text: str) -> str:
    return f"--{name.replace('_', '-')} {quote(escape(text))}"


def _list_values(library: "ServedLibrary", name: str) -> str:
    """The end of the sentence: the values that this option can have."""
    from indexer.store.filter_record import Filters, Near

    if name == "near":
        return f"; pictures with a place: {library.n_matching(Filters(near=Near(0, 0, EVERYWHERE_KM)))}"
    option = {"after": "taken", "before": "taken"}.get(name, name.replace("_", "-"))
    values = list_facets(library.facets())[option]
    if not values:
        return f"; none has {MISSING[option]}." if option in MISSING else "."
    shown = ", ".join(f"{escape(count.value)} ({count.n})" for count in values[:N_VALUES])
    more = f" and {len(values) - N_VALUES} more: {suggest('cosmos-search facets')}" if len(values) > N_VALUES else ""
    return f"; there are: {shown}{more}"
