"""The options of the command `search`, and the output of its hits: as a table, as JSON, or as pictures."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.group import TEXT, UserPath, decode_argument
from cosmos_search.cli.terminal import json_line, say

if TYPE_CHECKING:
    from cosmos_search.library import Library
    from cosmos_search.retrieval.hits import Hit
    from indexer.store.filters import Filters

__all__ = ["pause_collection", "search_and_print", "search_options"]

F = TypeVar("F", bound=Callable[..., Any])

GRAMMAR = """\
\b
A dog on a sofa. A red lamp.     sentences; each is compared with the whole picture and its regions
beach + sunset - people          with and without; a + or - inside a word is part of it
2:dog + 0.5:cat                  weights
a car @left. a church @top-right    places: left right top bottom centre, corners, or @x0,y0,x1,y1 (0..1)
"a - b. c: d @ e"                text in quotes is taken literally
text:"exit 12" -text:draft       words in or around the picture: read in it, caption, keyword, folder, file name
"""

OPTIONS = (
    click.option("--similar-to", "--like", metavar="FILE", type=UserPath(), help="Find pictures similar to this one."),
    click.option(
        "--box", type=TEXT, metavar="L,T,R,B", help="Only this part of that picture, in fractions: 0.1,0.2,0.5,0.7"
    ),
    click.option("--after", type=TEXT, metavar="DATE", help="Taken then or later: 2024, 2024-06 or 2024-06-30."),
    click.option("--before", type=TEXT, metavar="DATE", help="Taken earlier than that."),
    click.option("--folder", type=TEXT, metavar="TEXT", help="In a directory with this in its path."),
    click.option("--camera", type=TEXT, metavar="TEXT", help="With a camera of this name, or a part of it."),
    click.option("--near", type=TEXT, metavar="LAT,LON,KM", help="Taken there: 48.14,11.58,20km"),
    click.option("--min-size", type=TEXT, metavar="SIZE", help="At least as large: 2MP or 1920x1080."),
    click.option("--orientation", type=TEXT, metavar="NAME", help="portrait, landscape or square."),
    click.option("--all", "include_unlikely", is_flag=True, help="Also show unlikely matches."),
    click.option(
        "--explain",
        metavar="DIR",
        type=UserPath(),
        help="Write a picture for each hit: boxes, heat maps.",
    ),
)


def search_options(command: F) -> F:
    """Add the options of a search to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@contextmanager
def pause_collection() -> Iterator[None]:
    """Collect no garbage in this block, nor later of what was created in it: for a process that ends after one search.

    Otherwise a fifth of its time goes into collections of the imported modules, most of them when the process ends.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def search_and_print(
    library: "Library",
    query: str,
    top: int,
    *,
    similar_to: Path | None,
    box: str | None,
    include_unlikely: bool,
    explain: Path | None,
    as_json: bool,
    camera: str | None,
    **filters: str | None,
) -> None:
    """Search and print the hits, or that nothing matches."""
    from cosmos_search.cli.output import format_hits, format_path
    from cosmos_search.retrieval.filters import parse_filters
    from cosmos_search.retrieval.language import describe_language
    from cosmos_search.retrieval.query import parse_box
    from indexer.errors import UsageError

    if box is not None and similar_to is None:
        raise UsageError("A --box is a part of a picture; name that too: --similar-to FILE --box 0.1,0.2,0.5,0.7")
    if explain is not None and explain.exists() and not explain.is_dir():
        raise UsageError(f"--explain writes into a directory, and {explain} is not one; choose another: --explain why/")
    wanted = parse_filters(camera=decode_argument(camera) if camera is not None else None, **filters)
    hits = _search(
        library,
        decode_argument(query),
        top,
        similar_to=similar_to,
        box=parse_box(box) if box is not None else None,
        filters=wanted,
        include_unlikely=include_unlikely,
    )
    if as_json:
        for hit in hits:
            say(json_line(hit.to_dict()))
    elif hits:
        say(format_hits(hits))
    else:
        say("Nothing here matches." + ("" if include_unlikely else " The nearest are shown with: --all -n 3"))
    if note := describe_language(library.encoder, decode_argument(query)):
        say(f"{note} Encoders for many languages: cosmos-search models", err=True)
    if not hits:
        _warn_of_filters(library, wanted)
    elif explain is not None:
        from cosmos_search.retrieval.explain import save_explanations

        paths = save_explanations(hits, library.encoder, explain)
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        say(f"Why: {format_path(paths[0])}{more}", err=True)


def _search(library: "Library", text: str, top: int, **options: Any) -> "list[Hit]":
    """Ask the service of an index on a server if one is running, else search here. options: of `Library.search`."""
    if not isinstance(library.place, Path):
        from cluster.ask import ask_service

        answer = ask_service(library.place, text, top, **options)
        if answer is not None:
            if answer.warning is not None:
                say(str(answer.warning), err=True)
            return answer.hits
    return library.search(text, top, **options)


def _warn_of_filters(library: "Library", filters: "Filters") -> None:
    """Warn if no picture passes the filters, whatever the query is."""
    from indexer.store.filters import Filters

    if filters.folder is not None and not library.n_matching(Filters(folder=filters.folder)):
        say(
            f"No indexed picture is in a directory with {filters.folder!r} in its path; see which folders are "
            "indexed: cosmos-search info",
            err=True,
        )
    elif filters != Filters() and not library.n_matching(filters):
        say("No indexed picture passes these filters.", err=True)
