"""First step of a search: the parts of a query as vectors. The only step that needs the encoder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.retrieval.query import Query
from cosmos_search.retrieval.scoring import EncodedTerm
from indexer.pictures.regions import WHOLE, Box

__all__ = ["EncodedQuery", "ExampleImage", "encode"]


@dataclass(frozen=True, slots=True)
class ExampleImage:
    """An image to find similar pictures to, or a part of it."""

    picture: Image.Image  # upright, RGB
    box: Box = WHOLE


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """Arrays and texts only: it can be sent to another process."""

    encoder_name: str
    encoder_version: str
    terms: tuple[EncodedTerm, ...]  # the example first, then the query's parts in order


def encode(encoder: Encoder, query: Query | None, example: ExampleImage | None = None) -> EncodedQuery:
    """Encode the texts of a query, and an example; one of the two is given."""
    terms: list[EncodedTerm] = []
    if example is not None:
        part = example.picture.crop(example.box.pixels(*example.picture.size))
        terms.append(EncodedTerm(encoder.encode_images([encoder.prepare(part)])[0][0]))
    for term in query.terms if query is not None else ():
        vector = _encode_text(encoder, term.text)
        terms.append(EncodedTerm(vector, term.weight, term.is_negative, term.place, term.text))
    assert terms, (query, example)
    return EncodedQuery(encoder.name, encoder.version, tuple(terms))


def _encode_text(encoder: Encoder, text: str) -> NDArray[np.float32]:
    """A text's vector; of one that is too long for the encoder the mean of its parts' vectors."""
    mean = encoder.encode_texts(_split(encoder, text)).mean(axis=0)
    unit: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit


def _split(encoder: Encoder, text: str) -> list[str]:
    if encoder.fits(text) or len(text) < 2:
        return [text]
    words = text.split()
    if len(words) == 1:  # one endless word
        return _split(encoder, text[: len(text) // 2]) + _split(encoder, text[len(text) // 2 :])
    middle = len(words) // 2
    return _split(encoder, " ".join(words[:middle])) + _split(encoder, " ".join(words[middle:]))
