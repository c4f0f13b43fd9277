"""Cards of the picture grid: plain values for the browser."""

from collections.abc import Sequence
from dataclasses import dataclass

from cosmos_search.retrieval.explain import COLOURS, TEXT_COLOUR
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.pictures.regions import WHOLE, Box
from indexer.store.records import PictureRecord, TextLine
from ui.components.data_uri import encode_jpeg_uri
from ui.escape import replace_surrogates
from ui.files.thumbnails import Thumbnails

__all__ = [
    "Card",
    "Part",
    "get_colour",
    "get_edges",
    "list_facts",
    "make_hit_card",
    "make_parts",
    "make_picture_card",
    "make_text_parts",
]


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence of the query with its score and its region in the picture, or a text that has words of the query."""

    text: str
    score: float  # 0..1, the length of its bar
    score_text: str  # the score as text; "" for a box without a score, and for a text
    colour: str  # CSS
    box: (
        tuple[float, float, float, float] | None
    )  # left, top, right, bottom, 0..1; None: excluded, or the whole picture


@dataclass(frozen=True, slots=True)
class Card:
    """One picture in the grid."""

    id: int
    name: str
    note: str  # date, copies
    score_text: str  # "" without a query
    alt: str
    width: int
    height: int
    thumbnail: str | None  # a data URI; None: the file is missing
    parts: tuple[Part, ...] = ()


def make_hit_card(hit: Hit, thumbnails: Thumbnails) -> Card:
    """The card of a search result, with its evidence."""
    parts = (*make_parts(hit.evidence), *make_text_parts(hit.texts))
    return _make_card(hit.picture, thumbnails, score_text=f"{hit.score:.2f}", parts=parts)


def make_picture_card(picture: PictureRecord, thumbnails: Thumbnails) -> Card:
    """A card without search evidence."""
    return _make_card(picture, thumbnails, score_text="", parts=())


def make_parts(evidence: Sequence[Evidence]) -> tuple[Part, ...]:
    """The sentences of a search result, each with a colour of its own."""
    return tuple(
        Part(
            text=("not: " if part.is_negative else "") + part.text,
            score=max(0.0, min(1.0, part.score)),
            score_text=f"{part.score:.2f}",
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
        ("Place", f"{m.latitude:.5f}, {m.longitude:.5f}" if m.latitude is not None and m.longitude is not None else ""),
        ("Caption", m.caption or ""),
        ("Keywords", ", ".join(m.keywords)),
    ]
    return [(name, value) for name, value in rows if value]


def _make_card(picture: PictureRecord, thumbnails: Thumbnails, score_text: str, parts: tuple[Part, ...]) -> Card:
    data = thumbnails.get(picture)
    name = replace_surrogates(picture.paths[0].name)
    return Card(
        id=picture.id,
        name=name,
        note=_format_note(picture),
        score_text=score_text,
        alt=replace_surrogates(picture.facts.metadata.caption or name),
        width=picture.facts.width,
        height=picture.facts.height,
        thumbnail=None if data is None else encode_jpeg_uri(data),
        parts=parts,
    )


def _format_note(picture: PictureRecord) -> str:
    taken, n_copies = picture.facts.metadata.taken_at, len(picture.paths) - 1
    notes = [f"{taken:%d %b %Y}"] if taken else []
    notes += [f"{n_copies} more {'copy' if n_copies == 1 else 'copies'}"] if n_copies else []
    return " · ".join(notes)
