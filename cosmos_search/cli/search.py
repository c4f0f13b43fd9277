"""The command `search`."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.filters import FilterTexts, describe_town, filter_options, name_conditions, parse_filter_options
from cosmos_search.cli.group import TEXT, UserPath, decode_argument
from cosmos_search.cli.index_option import index_option, server_option
from cosmos_search.cli.query_words import QueryCommand
from cosmos_search.cli.results import Output, output_options, print_hits, print_pictures
from cosmos_search.cli.suggest import suggest
from cosmos_search.cli.terminal import escape, say
from indexer.places import Place

if TYPE_CHECKING:
    from cosmos_search.cli.served import ServedLibrary
    from cosmos_search.retrieval.hits import Hit
    from cosmos_search.retrieval.query import Query
    from indexer.pictures.regions import Box
    from indexer.store.filter_record import Filters

__all__ = ["search"]

F = TypeVar("F", bound=Callable[..., Any])

MAX_LISTED = 10**9  # pictures; more than an index has, and a number that the database takes

GRAMMAR = """\
\b
A dog on a sofa. A red lamp.     sentences; each finds its best region
a building + a tower - a rocket  with and without; also -rocket; not in x-ray
2:dog + 0.5:cat                  weights
a car @left. a church @top-right places: left right top bottom centre,
                                 corners, or @x0,y0,x1,y1 (0..1)
"a - b. c: d @ e"                text in quotes is taken literally
text:"exit 12" -text:draft       words read in the picture, in its caption,
                                 keywords, folder or file name
"""

OPTIONS = (
    click.option("--similar-to", "--like", metavar="FILE", type=UserPath(), help="Find pictures similar to this one."),
    click.option(
        "--box", type=TEXT, metavar="L,T,R,B", help="Only this part of that picture, in fractions: 0.1,0.2,0.5,0.7"
    ),
    click.option("--all", "include_unlikely", is_flag=True, help="Also show unlikely matches."),
    click.option(
        "--explain",
        metavar="DIR",
        type=UserPath(),
        help="Write a picture for each hit: boxes, heat maps.",
    ),
)


def _search_options(command: F) -> F:
    """Add the options of a search to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return filter_options(output_options(command))


@click.command(cls=QueryCommand, short_help="Find the pictures that match words or an example.")
@click.argument("query", nargs=-1)
@click.option("-n", "--top", default=10, help="How many pictures to show.")
@_search_options
@index_option
@server_option
def search(query: tuple[str, ...], top: int, place: Place | None, server: str | None, **options: Any) -> None:
    from cosmos_search.cli.served import ServedLibrary

    with _pause_collection(), ServedLibrary(place, server) as library:
        _search_and_print(library, query, top, **options)


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


@contextmanager
def _pause_collection() -> Iterator[None]:
    """Collect no garbage in this block, nor later of what was created in it: for a process that ends after one search.

    Otherwise a fifth of its time goes into collections of the imported modules, most of them when the process ends.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _search_and_print(
    library: "ServedLibrary",
    words: Sequence[str],
    top: int,
    *,
    similar_to: Path | None,
    box: str | None,
    include_unlikely: bool,
    explain: Path | None,
    as_json: bool,
    as_paths: bool,
    as_null: bool,
    preview: bool,
    in_viewer: bool,
    **filters: str | None,
) -> None:
    """Search and print the hits, or that nothing matches. Filters without a query list the pictures that pass."""
    from indexer.errors import UsageError
    from indexer.store.filter_record import Filters

    if box is not None and similar_to is None:
        raise UsageError("A --box is a part of a picture; name that too: --similar-to FILE --box 0.1,0.2,0.5,0.7")
    if explain is not None and explain.exists() and not explain.is_dir():
        raise UsageError(f"--explain writes into a directory, and {explain} is not one; choose another: --explain why/")
    output = Output(as_json, as_paths, as_null, preview, in_viewer)
    wanted = parse_filter_options(filters)
    if town := describe_town(filters):
        say(town, err=True)
    text = decode_argument(" ".join(words))
    query = _parse_texts(text)
    passing = wanted if query is None else wanted.with_texts(query.texts, query.without_texts)
    has_words = bool(text.strip()) if query is None else bool(query.terms)
    if not has_words and similar_to is None and passing != Filters():
        if explain is not None:
            raise UsageError("--explain shows where a picture matches words; add some, such as: a dog")
        if not _list_and_print(library, passing, top, output):
            _say_what_excludes_all(library, passing, filters, query)
        return
    answer = library.ask(
        text,
        top,
        similar_to=similar_to,
        box=_parse_box(box) if box is not None else None,
        filters=wanted,
        include_unlikely=include_unlikely,
    )
    hits = answer.hits
    if answer.warning is not None:
        say(str(answer.warning), err=True)
    print_hits(hits, output)
    if not hits and not _say_what_excludes_all(library, passing, filters, query):
        nearest = "" if include_unlikely else " The nearest are shown with: --all -n 3"
        say(f"Nothing here matches.{nearest}", err=not output.is_table)
    if answer.note:
        say(f"{answer.note} Encoders for many languages: cosmos-search models", err=True)
    if wanted.near is None:
        _mention_place(library, text, wanted)
    if hits and explain is not None:
        _explain(library, hits, explain)


def _parse_box(text: str) -> "Box":
    from cosmos_search.retrieval.query import parse_box  # few searches have one, and in a server's it is not needed

    return parse_box(text)


def _parse_texts(text: str) -> "Query | None":
    """The query if it may demand or exclude texts; others are parsed where they are answered."""
    if "text:" not in text.casefold():
        return None
    from cosmos_search.retrieval.query import parse_query

    return parse_query(text)


def _list_and_print(library: "ServedLibrary", filters: "Filters", top: int, output: Output) -> bool:
    """Print the newest pictures that pass the filters, and how many others do; False if none passes."""
    from cosmos_search.retrieval.errors import HitCountError

    if top < 1:
        raise HitCountError(top)
    pictures = library.browse(filters, n=min(top, MAX_LISTED))
    print_pictures(pictures, output)
    if pictures and (n := library.n_matching(filters)) > len(pictures):
        say(f"The newest {len(pictures)} of {n}; for more of them: -n {min(n, MAX_LISTED)}", err=True)
    return bool(pictures)


def _say_what_excludes_all(
    library: "ServedLibrary", filters: "Filters", options: FilterTexts, query: "Query | None"
) -> bool:
    """Say which condition no picture passes, and which texts were not read; False if some pictures pass the filters."""
    from cosmos_search.retrieval.no_match import explain_no_match, find_unread_texts, name_texts

    conditions = name_conditions(options) | (name_texts(query.texts, query.without_texts) if query is not None else {})
    if not conditions:
        return False
    failure = explain_no_match(library, filters, conditions, more=f": {suggest('cosmos-search facets')}")
    if failure is None:
        return False
    say(escape(failure), err=True)  # names of folders may contain newlines
    if (unread := find_unread_texts(library, filters)) is not None:
        from cosmos_search.cli.advice import add_advice

        say(add_advice(unread), err=True)
    return True


def _mention_place(library: "ServedLibrary", text: str, wanted: "Filters") -> None:
    """Say how to filter by the town that the query ends with, if pictures were taken near it."""
    from cosmos_search.retrieval.place_in_query import find_place_in_query

    place = find_place_in_query(text)
    n = 0 if place is None else library.n_matching(replace(wanted, near=place.near))
    if place is not None and n:
        pictures = f"{n} {'picture was' if n == 1 else 'pictures were'}"
        words = f"{quote(place.text)} " if place.text else ""
        say(f"{pictures} taken near {place.name}; to find only those: {words}--near {quote(place.near_text)}", err=True)


def _explain(library: "ServedLibrary", hits: "Sequence[Hit]", folder: Path) -> None:
    from cosmos_search.cli.pictures_table import format_path
    from cosmos_search.retrieval.explain import save_explanations

    paths = save_explanations(hits, library.encoder, folder)
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    say(f"Why: {format_path(paths[0])}{more}", err=True)
