"""Searches and answers as JSON, without loss: scores are the same to the last bit on the other side."""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_search.cluster_errors import MissingShardsError
from cosmos_search.retrieval.example_image import MIN_SIDE, ExampleImage
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.errors import PictureError, UsageError
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import Box
from indexer.store.filters import Filters, Near
from indexer.store.records import PictureFacts, PictureRecord, TextLine

if TYPE_CHECKING:  # a search for a text needs no Pillow
    from PIL import Image

__all__ = ["Answer", "Search", "decode_answer", "decode_search", "encode_answer", "encode_search"]


@dataclass(frozen=True, slots=True)
class Search:
    """The arguments of a search."""

    text: str = ""
    top: int = 10
    example: ExampleImage | None = None
    filters: Filters | None = None
    include_unlikely: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits, and a warning if some pictures were not searched."""

    hits: list[Hit]
    warning: MissingShardsError | None = None


def encode_search(search: Search) -> bytes:
    """JSON with "text", "top", "filters", "include_unlikely" and "image", a PNG in base64."""
    filters = {name: value for name, value in asdict(search.filters or Filters()).items() if value is not None}
    image = None
    if search.example is not None:
        file, picture = BytesIO(), search.example.picture
        picture.crop(search.example.box.pixels(*picture.size)).save(file, "PNG")
        image = b64encode(file.getvalue()).decode()
    values = {"text": search.text, "top": search.top, "include_unlikely": search.include_unlikely, "image": image}
    return json.dumps(values | {"filters": filters}, default=datetime.isoformat).encode()


def decode_search(data: bytes) -> Search:
    """The search in this JSON; members that are missing have their defaults. Raises UsageError."""
    try:
        values = json.loads(data)
        filters = dict(values.get("filters") or {})
        for name in filters.keys() & {"after", "before"}:
            filters[name] = datetime.fromisoformat(filters[name])
        if "near" in filters:
            filters["near"] = Near(**{name: float(value) for name, value in filters["near"].items()})
        for name in filters.keys() & {"texts", "without_texts"}:
            filters[name] = tuple(str(text) for text in filters[name])
        image, text, top = values.get("image"), values.get("text", ""), values.get("top", 10)
        if not isinstance(text, str) or type(top) is not int:
            raise TypeError("text is a string, and top a number")
        example = None if image is None else ExampleImage(_open_image(b64decode(image, validate=True)))
        return Search(text, top, example, Filters(**filters), bool(values.get("include_unlikely")))
    except PictureError as error:
        raise UsageError(f"The picture of the search can't be used: {error}.") from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UsageError(f"The search is not valid ({' '.join(str(error).split())}).") from error


def encode_answer(answer: Answer) -> bytes:
    """JSON with "hits", and with "missing" and "n_shards" if some shards did not answer."""
    hits = [
        {
            "rank": hit.rank,
            "score": hit.score,
            "picture": hit.picture.to_dict(),
            "evidence": _list_evidence(hit),
            "texts": [asdict(line) for line in hit.texts],
        }
        for hit in answer.hits
    ]
    values: dict[str, Any] = {"hits": hits}
    if answer.warning is not None:
        values |= {"missing": answer.warning.missing, "n_shards": answer.warning.n_shards}
    return json.dumps(values).encode()


def decode_answer(data: bytes) -> Answer:
    """The answer in this JSON. Raises ValueError, LookupError or TypeError."""
    values = json.loads(data)
    warning = MissingShardsError(tuple(values["missing"]), values["n_shards"]) if "missing" in values else None
    return Answer([_decode_hit(hit) for hit in values["hits"]], warning)


def _open_image(data: bytes) -> "Image.Image":
    from indexer.pictures.images import open_picture, reading_pictures

    with reading_pictures():
        return open_picture(BytesIO(data), min_side=MIN_SIDE).image


def _list_evidence(hit: Hit) -> list[dict[str, Any]]:
    return [asdict(part) for part in hit.evidence]


def _decode_hit(values: dict[str, Any]) -> Hit:
    picture, evidence = values["picture"], values["evidence"]
    return Hit(
        values["rank"],
        values["score"],
        _decode_record(picture),
        tuple(Evidence(**(part | {"box": Box(**part["box"])})) for part in evidence),
        tuple(TextLine(**(line | {"box": Box(**line["box"])})) for line in values["texts"]),
    )


def _decode_record(values: dict[str, Any]) -> PictureRecord:
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
    return PictureRecord(values["id"], values["fingerprint"], paths, facts)
