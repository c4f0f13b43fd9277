"""What the page's grid shows of a picture: plain values that a browser can draw."""

from collections.abc import Sequence
from dataclasses import dataclass

from cosmos_search.retrieval.explain import COLOURS
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.pictures.regions import Box
from indexer.store.records import PictureRecord
from ui.components.data_uri import encode_jpeg_uri
from ui.escape import replace_surrogates
from ui.files.thumbnails import Thumbnails

__all__ = ["Card", "Part", "get_colour", "get_edges", "list_facts", "make_hit_card", "make_parts", "make_picture_card"]


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence of the query: what it says, how well and where it is answered."""

    text: str
    score: float  # 0..1, the length of its bar
    figure: str  # the same for reading
    colour: str  # CSS
    box: tuple[float, float, float, float] | None  # left, top, right, bottom, 0..1; None for what should not be there


@dataclass(frozen=True, slots=True)
class Card:
    """One picture in the grid."""

    id: int
    name: str
    note: str  # date, copies
    figure: str  # the score; "" without a query
    alt: str
    width: int
    height: int
    thumbnail: str | None  # a data URI; None: the picture is gone
    parts: tuple[Part, ...] = ()


def make_hit_card(hit: Hit, thumbnails: Thumbnails) -> Card:
    """A picture that was found, with its evidence."""
    parts = make_parts(hit.evidence)
    return _make_card(hit.picture, thumbnails, figure=f"{hit.score:.2f}", parts=parts)


def make_picture_card(picture: PictureRecord, thumbnails: Thumbnails) -> Card:
    """A picture that nobody asked for."""
    return _make_card(picture, thumbnails, figure="", parts=())


def make_parts(evidence: Sequence[Evidence]) -> tuple[Part, ...]:
    """Each sentence in its colour."""
    return tuple(
        Part(
            text=("not: " if part.is_negative else "") + part.text,
            score=max(0.0, min(1.0, part.score)),
            figure=f"{part.score:.2f}",
            colour=get_colour(number),
            box=None if part.is_negative else get_edges(part.box),
        )
        for number, part in enumerate(evidence)
    )


def get_colour(number: int) -> str:
    """Of the sentence with that number, from 0."""
    return COLOURS[number % len(COLOURS)]


def get_edges(box: Box) -> tuple[float, float, float, float]:
    """left, top, right, bottom."""
    return box.left, box.top, box.right, box.bottom


def list_facts(picture: PictureRecord) -> list[tuple[str, str]]:
    """What is known of a picture, for a person: name and value."""
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


def _make_card(picture: PictureRecord, thumbnails: Thumbnails, figure: str, parts: tuple[Part, ...]) -> Card:
    data = thumbnails.get(picture)
    name = replace_surrogates(picture.paths[0].name)
    return Card(
        id=picture.id,
        name=name,
        note=_format_note(picture),
        figure=figure,
        alt=replace_surrogates(picture.facts.metadata.caption or name),
        width=picture.facts.width,
        height=picture.facts.height,
        thumbnail=None if data is None else encode_jpeg_uri(data),
        parts=parts,
    )


def _format_note(picture: PictureRecord) -> str:
    taken, n_copies = picture.facts.metadata.taken_at, len(picture.paths) - 1
    said = [f"{taken:%d %b %Y}"] if taken else []
    said += [f"{n_copies} more {'copy' if n_copies == 1 else 'copies'}"] if n_copies else []
    return " · ".join(said)
