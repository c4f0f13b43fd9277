"""Why no picture passes the filters of a search: which of them excludes all, and what it can be instead."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from cosmos_search.retrieval.errors import UnreadTextsError
from indexer.plural import count
from indexer.store.filter_record import Filters, Near

if TYPE_CHECKING:  # imports SQLAlchemy, which the client of a server does not need
    from indexer.store.facets import Facets

__all__ = ["PictureCounts", "explain_no_match", "find_unread_texts", "name_texts"]

N_VALUES = 6  # that a sentence lists
EVERYWHERE = Near(0, 0, 20_040)  # from any point of the earth to all others
# The facet with the values of each filter, and what a picture without a value lacks.
FACETS = {
    "after": ("years", "a date"),
    "before": ("years", "a date"),
    "folder": ("directories", None),
    "directory": ("directories", None),
    "camera": ("cameras", "a camera in its metadata"),
    "orientation": ("orientations", None),
    "min_pixels": ("sizes", None),
}


class PictureCounts(Protocol):
    """What the explanation needs of a `Library` or of a client."""

    def n_matching(self, filters: Filters | None = None) -> int:
        """Number of pictures that pass the filters."""

    def n_texts_read(self) -> int:
        """Number of pictures whose texts were read."""

    def facets(self, filters: Filters | None = None) -> "Facets":
        """The values of filters, with their numbers of pictures."""


def explain_no_match(
    library: PictureCounts, filters: Filters, conditions: Mapping[str, Filters], more: str = ""
) -> str | None:
    """Which condition no picture passes, and what it can be instead; None if some pictures pass the filters.

    conditions: the parts of the filters, each with its name in the sentence, such as "--camera X100".
    more: follows "and 3 more", if not all possible values are listed.
    """
    if library.n_matching(filters):
        return None
    of_all = f"0 of {count(library.n_matching(), 'picture')} pass"
    passing = {name: library.n_matching(condition) for name, condition in conditions.items()}
    for name, n in passing.items():
        if n == 0:
            return f"{of_all} {name}{_list_values(library, conditions[name], more)}"
    parts = [f"{name} ({count(n, 'picture', 'passes', 'pass')} it alone)" for name, n in passing.items()]
    return f"{of_all} {' and '.join(parts)}."


def name_texts(texts: Sequence[str], without_texts: Sequence[str]) -> dict[str, Filters]:
    """The conditions that a query has with `text:` and `-text:`."""
    demanded = {f"text:{_quote(text)}": Filters(texts=(text,)) for text in texts}
    return demanded | {f"-text:{_quote(text)}": Filters(without_texts=(text,)) for text in without_texts}


def find_unread_texts(library: PictureCounts, filters: Filters) -> UnreadTextsError | None:
    """That the texts of pictures were not read which the filters demand; None if they demand none, or all were read."""
    if not filters.texts:
        return None
    n_read, n_pictures = library.n_texts_read(), library.n_matching()
    return UnreadTextsError(n_read, n_pictures) if n_read < n_pictures else None


def _list_values(library: PictureCounts, condition: Filters, more: str) -> str:
    """The end of the sentence: the values that this condition can have."""
    if condition.near is not None:
        return f"; pictures with a place: {library.n_matching(Filters(near=EVERYWHERE))}"
    field = next((name for name in FACETS if getattr(condition, name) is not None), None)
    if field is None:
        return "."
    facet, lacking = FACETS[field]
    values = getattr(library.facets(), facet)
    if not values:
        return "." if lacking is None else f"; none has {lacking}."
    shown = ", ".join(f"{one.value} ({one.n})" for one in values[:N_VALUES])
    return f"; there are: {shown}" + (f" and {len(values) - N_VALUES} more{more}" if len(values) > N_VALUES else "")


def _quote(text: str) -> str:
    return text if text.isalnum() else f'"{text}"'
