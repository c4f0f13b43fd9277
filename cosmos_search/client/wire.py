"""Searches and answers as JSON, without loss: scores are the same to the last bit on the other side."""

from dataclasses import astuple, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_search.cluster_errors import MissingShardsError
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import Box
from indexer.store.filter_record import Filters
from indexer.store.records import PictureFacts, PictureRecord, TextLine

if TYPE_CHECKING:  # few searches need these
    from cosmos_search.retrieval.example_image import ExampleImage
    from indexer.store.albums import Album
    from indexer.store.facets import Facets

__all__ = [
    "MAX_HITS",
    "Answer",
    "Search",
    "answer_to_dict",
    "filters_to_dict",
    "parse_album",
    "parse_answer",
    "parse_facets",
    "parse_picture",
]

MAX_HITS = 10_000  # of one search, with those before its offset


@dataclass(frozen=True, slots=True)
class Search:
    """The arguments of a search, for those who answer it."""

    text: str = ""
    top: int = 10
    example: "ExampleImage | None" = None
    filters: Filters | None = None
    include_unlikely: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a search."""

    hits: list[Hit]
    warning: MissingShardsError | None = None  # some pictures were not searched
    note: str | None = None  # one sentence about the query, such as that the encoder does not read its language


def filters_to_dict(filters: Filters) -> dict[str, str | int | list[str]]:
    """The values from which `cosmos_search.retrieval.filters.parse_filters` makes these filters again."""
    near, pixels = filters.near, filters.min_pixels
    texts = {
        "after": filters.after and filters.after.isoformat(),
        "before": filters.before and filters.before.isoformat(),
        "folder": filters.folder,
        "directory": filters.directory,
        "camera": filters.camera,
        "near": near and ",".join(map(_format_number, (near.latitude, near.longitude, near.radius_km))) + "km",
        "min_size": None if pixels is None else f"{pixels}x1",
        "orientation": filters.orientation,
    }
    lists = {"texts": list(filters.texts), "without_texts": list(filters.without_texts)}
    album = {} if filters.album is None else {"album": filters.album}
    return {name: value for name, value in (texts | lists).items() if value} | album


def answer_to_dict(answer: Answer, offset: int = 0) -> dict[str, Any]:
    """Values for JSON. offset: leave out this many hits."""
    warning = answer.warning
    return {
        "hits": [_hit_to_dict(hit) for hit in answer.hits[offset:]],
        "note": answer.note,
        "missing_shards": None if warning is None else {"missing": list(warning.missing), "n_shards": warning.n_shards},
    }


def parse_answer(values: Any) -> Answer:
    """The answer with these values. Raises ValueError, LookupError or TypeError."""
    found = values["missing_shards"]
    answer = Answer([_parse_hit(hit) for hit in values["hits"]], note=values["note"])
    if found is None:
        return answer
    return replace(answer, warning=MissingShardsError(tuple(found["missing"]), found["n_shards"]))


def parse_picture(values: Any) -> PictureRecord:
    """The record with the values of `PictureRecord.to_dict`. Raises ValueError, LookupError or TypeError."""
    when = values["taken_at"]
    metadata = Metadata(
        datetime.fromisoformat(when) if when is not None else None,
        values["latitude"],
        values["longitude"],
        values["camera"],
        values["caption"],
        tuple(values["keywords"]),
    )
    paths = tuple(Path(path) for path in (values["path"], *values["copies"]))
    facts = PictureFacts(values["width"], values["height"], metadata)
    return PictureRecord(values["id"], values["fingerprint"], paths, facts, values.get("position_ms"))


def parse_album(values: Any) -> "Album":
    """The album with these values. Raises ValueError, LookupError or TypeError."""
    from indexer.store.albums import Album  # imports SQLAlchemy, which most calls do not need

    return Album(**values)


def parse_facets(values: Any) -> "Facets":
    """The facets with the values of `Facets.to_dict`. Raises ValueError, LookupError or TypeError."""
    from indexer.store.facets import Count, Facets  # imports SQLAlchemy, too

    names = ("cameras", "years", "orientations", "directories", "sizes")
    return Facets(**{name: tuple(Count(str(c["value"]), int(c["n"])) for c in values[name]) for name in names})


def _format_number(number: float) -> str:
    """The shortest decimal text of the number, without an exponent."""
    from decimal import Decimal

    return format(Decimal(repr(float(number))), "f")


def _hit_to_dict(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "score": hit.score,
        "picture": hit.picture.to_dict(),
        "evidence": [
            part.to_dict() | {"score": part.score, "cosine": part.cosine, "is_example": part.is_example}
            for part in hit.evidence
        ],
        "texts": [
            {"kind": line.kind, "text": line.text, "box": list(astuple(line.box)), "confidence": line.confidence}
            for line in hit.texts
        ],
    }


def _parse_hit(values: Any) -> Hit:
    evidence = tuple(
        Evidence(
            part["text"],
            float(part["score"]),
            part["cosine"],
            Box(*part["box"]),
            is_negative=part["is_negative"],
            is_example=part["is_example"],
        )
        for part in values["evidence"]
    )
    texts = tuple(
        TextLine(line["kind"], line["text"], Box(*line["box"]), line["confidence"]) for line in values["texts"]
    )
    return Hit(int(values["rank"]), float(values["score"]), parse_picture(values["picture"]), evidence, texts)
