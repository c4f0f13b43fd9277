"""Cards of the picture grid: plain values for the browser."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cosmos_search.retrieval.explain import COLOURS, TEXT_COLOUR
from cosmos_search.retrieval.hits import Evidence, Hit
from cosmos_search.retrieval.nearest_town import find_nearest_town
from cosmos_search.retrieval.similarity import Levels, describe_similarity
from cosmos_search.service.originals import is_available
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import WHOLE, Box
from indexer.store.records import PictureRecord, TextLine
from ui.escape import replace_surrogates

__all__ = ["Card", "Part", "get_colour", "get_edges", "get_version", "list_facts", "make_card", "make_parts",
           "make_text_parts"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence of the query with its score and its region in the picture, or a text that has words of the query."""

    text: str
    score: float  # 0..1, the length of its bar
    score_text: str  # the score as text; "" for a box without a score
    colour: str  # CSS
    # Left, top, right, bottom, 0..1; None: the sentence is excluded, or its region is the whole picture.
    box: tuple[float, float, float, float] | None
    is_text: bool = False  # in or around the picture; it has no score


@dataclass(frozen=True, slots=True)
class Card:
    """One picture in the grid. The browser requests its thumbnail by id and version."""

    id: int
    name: str
    note: str  # date, copies
    score_text: str  # "" without a query
    alt: str
    width: int
    height: int
    version: str  # of its content
    is_missing: bool  # no file of it is there; the browser may have its thumbnail nevertheless
    parts: tuple[Part, ...] = ()
    badge: str = ""  # over the thumbnail; the card is framed


def make_card(found: Hit | PictureRecord, levels: Levels | None = None) -> Card:
    """The card of a picture; that of a search result has its score and evidence.

    levels: for the score of a similar picture in words; None: all scores are numbers.
    """
    if isinstance(found, PictureRecord):
        return _make_card(found)
    parts, texts = make_parts(found.evidence, levels), make_text_parts(found.texts)
    card = replace(_make_card(found.picture), parts=texts + parts if found.is_found_by_texts else parts + texts)
    if levels is None or not all(part.is_example for part in found.evidence):
        return replace(card, score_text=f"{found.score:.2f}")
    words = describe_similarity(found.score, levels)
    return replace(card, note=" · ".join(filter(None, [words, card.note])))


def get_version(picture: PictureRecord) -> str:
    """The beginning of the fingerprint of a picture's content, for addresses."""
    return picture.fingerprint[:16]


def make_parts(evidence: Sequence[Evidence], levels: Levels | None = None) -> tuple[Part, ...]:
    """The sentences of a search result, each with a colour of its own.

    levels: for the score of the example picture in words; None: all scores are numbers.
    """
    return tuple(
        Part(
            text=("not: " if part.is_negative else "") + part.text,
            score=max(0.0, min(1.0, part.score)),
            score_text=describe_similarity(part.score, levels) if levels and part.is_example else f"{part.score:.2f}",
            colour=get_colour(number),
            box=None if part.is_negative or part.box == WHOLE else get_edges(part.box),
        )
        for number, part in enumerate(evidence)
    )


def make_text_parts(texts: Sequence[TextLine]) -> tuple[Part, ...]:
    """The texts of a search result: where each stands, and its box if it stands in the picture."""
    return tuple(
        Part(
            text=replace_surrogates(line.describe()),
            score=0.0,
            score_text="",
            colour=TEXT_COLOUR,
            box=None if line.box == WHOLE else get_edges(line.box),
            is_text=True,
        )
        for line in texts
    )


def get_colour(number: int) -> str:
    """CSS colour of a sentence or a cluster, counted from 0."""
    return COLOURS[number % len(COLOURS)]


def get_edges(box: Box) -> tuple[float, float, float, float]:
    """The box as left, top, right, bottom."""
    return box.left, box.top, box.right, box.bottom


def list_facts(picture: PictureRecord) -> list[tuple[str, str]]:
    """Known metadata of a picture as (label, text)."""
    m = picture.facts.metadata
    megapixels = picture.facts.width * picture.facts.height / 1e6
    rows = [
        ("Taken", f"{m.taken_at:%A, %d %B %Y, %H:%M}" if m.taken_at else ""),
        ("Camera", m.camera or ""),
        ("Size", f"{picture.facts.width} × {picture.facts.height} pixels, {megapixels:.1f} MP"),
        ("Place", _format_place(m)),
        ("Caption", m.caption or ""),
        ("Keywords", ", ".join(m.keywords)),
    ]
    return [(name, value) for name, value in rows if value]


def _format_place(m: Metadata) -> str:
    """The town, if the gazetteer is installed, and the degrees."""
    if m.latitude is None or m.longitude is None:
        return ""
    degrees, town = f"{m.latitude:.5f}, {m.longitude:.5f}", find_nearest_town(m.latitude, m.longitude)
    return degrees if town is None else f"{town} ({degrees})"


def _make_card(picture: PictureRecord) -> Card:
    name = replace_surrogates(picture.paths[0].name)
    return Card(
        id=picture.id,
        name=name,
        note=_format_note(picture),
        score_text="",
        alt=replace_surrogates(picture.facts.metadata.caption or name),
        width=picture.facts.width,
        height=picture.facts.height,
        version=get_version(picture),
        is_missing=not any(map(is_available, picture.paths)),
    )


def _format_note(picture: PictureRecord) -> str:
    taken, n_copies = picture.facts.metadata.taken_at, len(picture.paths) - 1
    notes = [f"{taken:%d %b %Y}"] if taken else []
    notes += [f"{n_copies} more {'copy' if n_copies == 1 else 'copies'}"] if n_copies else []
    return " · ".join(notes)
