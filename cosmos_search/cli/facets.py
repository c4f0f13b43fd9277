"""The command `facets`: what filters can be set to."""

import sys
from typing import TYPE_CHECKING

import click

from cosmos_search.cli.filters import describe_town, filter_options, list_facets, parse_filter_options
from cosmos_search.cli.index_option import index_option, server_option
from cosmos_search.cli.served import ServedLibrary
from cosmos_search.cli.style import choose_style
from cosmos_search.cli.terminal import json_line, say
from indexer.places import Place
from indexer.plural import count

if TYPE_CHECKING:
    from indexer.store.facets import Facets

__all__ = ["facets"]


@click.command(short_help="List what filters can be set to.")
@click.option("-n", "--top", default=10, type=click.IntRange(min=1), help="How many values of a filter to show.")
@filter_options
@index_option
@server_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all values.")
def facets(top: int, place: Place | None, server: str | None, as_json: bool, **filters: str | None) -> None:
    """List what filters can be set to, with the number of pictures of each value.

    With filters: of the pictures that pass them. Each list leaves out its own filter, so it shows the alternatives.

    \b
    Examples:
      cosmos-search facets
      cosmos-search facets --taken 2024 --json | jq .cameras
    """
    wanted = parse_filter_options(filters)
    if town := describe_town(filters):
        say(town, err=True)
    with ServedLibrary(place, server) as library:
        found, n = library.facets(wanted), library.n_matching(wanted)
    if as_json:
        say(json_line({"pictures": n} | found.to_dict()))
    else:
        say("\n".join(_format_facets(found, n, top)), styled=True)


def _format_facets(found: "Facets", n_pictures: int, top: int) -> list[str]:
    from cosmos_search.cli.table import format_table

    style = choose_style(sys.stdout)
    lines = [count(n_pictures, "picture")]
    for name, counts in list_facets(found).items():
        if counts:
            rows = [("pictures", f"--{name}"), *((str(count.n), count.value) for count in counts[:top])]
            lines += ["", *format_table(rows, {0}, style)]
        if len(counts) > top:
            lines.append(style.dim(f"          and {len(counts) - top} more; all of them: -n {len(counts)}"))
    return lines
