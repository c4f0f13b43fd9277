"""First step of a search: encode the query. It is the only step that needs the encoder."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.retrieval.example_image import ExampleImage
from cosmos_search.retrieval.query import Query, Term
from cosmos_search.retrieval.scoring import EncodedTerm, ScoreCurve, combine_levels

__all__ = ["EncodedQuery", "encode"]

# Of a negative term, from which on it lowers the score. On Flickr8k ("a dog - water"), 0.05 keeps 0.70 right of the
# first ten hits, as a margin of 0.2 does, and more of them above the cut-off than a margin of 0.1; 0.3 keeps 0.68.
NEGATIVE_PROBABILITY = 0.05


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """The vectors of a query. It contains only arrays and texts, so that it can be sent to another process."""

    encoder_name: str
    encoder_version: str
    terms: tuple[EncodedTerm, ...]  # the example image first, then the terms of the query in order
    texts: tuple[str, ...] = ()  # that have to stand in or around the picture
    without_texts: tuple[str, ...] = ()  # that must not
    curve: ScoreCurve | None = None  # None: scores are not calibrated


def encode(encoder: Encoder, query: Query | None, example: ExampleImage | None = None) -> EncodedQuery:
    """Encode the texts of a query and an example image. At least one of the two is required."""
    terms: list[EncodedTerm] = []
    if example is not None:
        part = example.picture.crop(example.box.pixels(*example.picture.size))
        terms.append(EncodedTerm(encoder.encode_images([encoder.prepare(part)])[0][0]))
    for term in query.terms if query is not None else ():
        terms.append(_encode_term(encoder, term))
    assert terms, (query, example)
    texts, without = (query.texts, query.without_texts) if query is not None else ((), ())
    # With an example image, scores are not those of texts, for which the calibration was fitted.
    calibration = encoder.calibration if example is None else None
    curve = ScoreCurve(calibration.slope, calibration.middle + combine_levels(terms)) if calibration else None
    return EncodedQuery(encoder.name, encoder.version, tuple(terms), texts, without, curve)


def _encode_term(encoder: Encoder, term: Term) -> EncodedTerm:
    vector = _encode_text(encoder, term.text)
    encoded = EncodedTerm(vector, term.weight, term.is_negative, term.place, term.text)
    if (calibration := encoder.calibration) is None:
        return encoded
    level = calibration.level(vector)
    return replace(encoded, level=level, margin=calibration.score(NEGATIVE_PROBABILITY, level))


def _encode_text(encoder: Encoder, text: str) -> NDArray[np.float32]:
    """Unit vector of a text: (dim,). For a text that is too long for the encoder, the mean of the parts' vectors."""
    mean = encoder.encode_texts(_split(encoder, text)).mean(axis=0)
    unit: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit


def _split(encoder: Encoder, text: str) -> list[str]:
    """Parts of a text that are short enough for the encoder, split in halves between words if there are any."""
    if encoder.fits(text) or len(text) < 2:
        return [text]
    words = text.split()
    if len(words) == 1:  # a single word that is too long
        return _split(encoder, text[: len(text) // 2]) + _split(encoder, text[len(text) // 2 :])
    middle = len(words) // 2
    return _split(encoder, " ".join(words[:middle])) + _split(encoder, " ".join(words[middle:]))
