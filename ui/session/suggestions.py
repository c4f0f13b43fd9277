"""What the search box suggests: keywords, cameras, folders, months and places of the collection."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import PurePath

from cosmos_search.library import Library
from cosmos_search.retrieval.nearest_town import find_nearest_towns
from ui.counts import format_count
from ui.escape import replace_surrogates

__all__ = ["CHANGES", "Suggestion", "list_suggestions"]

N_KEYWORDS, N_CAMERAS, N_FOLDERS, N_MONTHS, N_TOWNS = 300, 30, 100, 60, 30
RADIUS_KM = 20  # around a town
CHANGES = frozenset({"camera", "folder", "after", "before", "near"})  # the filters that a suggestion can set


@dataclass(frozen=True, slots=True)
class Suggestion:
    """text: what the box shows. changes: the filters that it sets; none: it is searched for as it is."""

    text: str
    kind: str  # beside the text: what it is, and the number of pictures
    changes: dict[str, str] = field(default_factory=dict)


def list_suggestions(library: Library) -> list[Suggestion]:
    """All of them. Takes a second with 100,000 pictures, so cache it. Names that are no text are left out."""
    found = [Suggestion(word, "keyword") for word in library.keywords(N_KEYWORDS)]
    facets = library.facets()
    found += [_suggest(f"camera: {one.value}", one.n, camera=one.value) for one in facets.cameras[:N_CAMERAS]]
    found += [
        _suggest(f"folder: {'/'.join(PurePath(one.value).parts[-2:])}", one.n, folder=one.value)
        for one in facets.directories[:N_FOLDERS]
    ]
    found += islice(_list_months(library), N_MONTHS)
    found += islice(_list_places(library), N_TOWNS)
    by_text = {one.text: one for one in reversed(found)}  # of two folders with the same text, the larger one is kept
    return [one for one in found if by_text[one.text] is one and _is_text(one)]


def _list_months(library: Library) -> Iterator[Suggestion]:
    """The newest first."""
    dates = (shape.taken_at for shape in library.newest_shapes())
    counts = Counter((date.year, date.month) for date in dates if date is not None)
    for (year, month), n in counts.items():
        after, before = f"{year:04}-{month:02}", f"{year + month // 12:04}-{month % 12 + 1:02}"
        yield _suggest(f"{datetime(year, month, 1):%B %Y}", n, after=after, before=before)


def _list_places(library: Library) -> Iterator[Suggestion]:
    """Towns with most pictures first; none without the gazetteer."""
    towns = find_nearest_towns([(place.latitude, place.longitude) for place in library.places()])
    near = ((town.name, town.country) for town in towns if town is not None and town.distance_km <= RADIUS_KM)
    for (name, country), n in Counter(near).most_common():
        yield _suggest(f"near: {name}", n, near=f"{name}, {country}, {RADIUS_KM} km")


def _suggest(text: str, n: int, **changes: str) -> Suggestion:
    """A name that stands for filters, with the number of its pictures."""
    return Suggestion(text, format_count(n, "picture"), changes)


def _is_text(one: Suggestion) -> bool:
    """False for names of files with bytes that are not text: the browser could not send them back."""
    return all(text == replace_surrogates(text) for text in (one.text, *one.changes.values()))
