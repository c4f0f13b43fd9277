"""Answer a query: candidates from the index, an exact score for each, and the evidence for it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.encoders.calibration import Calibration
from cosmos_search.encoders.protocol import Encoder, require_made_by
from cosmos_search.retrieval.query import Query
from cosmos_search.retrieval.scoring import Scored, Scoring, Wanted, score_pictures
from indexer.errors import UsageError
from indexer.pictures.regions import WHOLE, Box, whole_and_regions
from indexer.store.filters import Filters
from indexer.store.index import Index, no_pictures
from indexer.store.records import EncoderRecord, PictureFacts, PictureRecord
from indexer.store.snapshot import Snapshot

__all__ = ["Evidence", "Example", "Hit", "search"]

# Pictures that are scored exactly: so many at least, and more the more there are, or the recall falls
# (benchmarks/speed/latency.py; at 300,000 pictures 200 candidates gave 0.80, 400 0.98, 800 1.00).
MIN_CANDIDATES = 200
ROWS_FOR_ONE = 6000
EXAMPLE = "the example"  # what evidence calls it


@dataclass(frozen=True, slots=True)
class Example:
    """A picture to find the like of, or a part of it."""

    picture: Image.Image  # upright, RGB
    box: Box = WHOLE


@dataclass(frozen=True, slots=True)
class Evidence:
    """What answers one sentence: the region that is nearest to it."""

    text: str  # the sentence, or "the example"
    score: float  # on the scale of Hit.score
    cosine: float  # -1..1
    box: Box
    is_negative: bool
    is_example: bool = False  # not a text: what answers the example


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that was found."""

    rank: int  # from 1
    path: Path
    score: float  # 0..1 by the encoder's calibration, the higher the better; without a calibration a sum of cosines
    evidence: tuple[Evidence, ...]  # one for each part of the query, in its order
    copies: tuple[Path, ...]  # other files with the same content
    facts: PictureFacts
    id: int  # of the picture in its index
    fingerprint: str  # of its content, hexadecimal

    @property
    def picture(self) -> PictureRecord:
        """As `Library.picture` gives it."""
        return PictureRecord(self.id, self.fingerprint, (self.path, *self.copies), self.facts)


def search(
    index: Index,
    encoder: Encoder,
    query: Query | None,
    *,
    example: Example | None = None,
    top: int = 10,
    filters: Filters | None = None,
    everything: bool = False,
    scoring: Scoring | None = None,
) -> list[Hit]:
    """The best `top` pictures, best first; equal scores keep one order. An empty list: nothing here matches.

    everything: also what is less likely a match than not. Raises UsageError for a `top` below 1, CosmosSearchError
    when another encoder made the index.
    """
    if top < 1:
        raise UsageError(f"{top} hits can't be shown; ask for 1 or more: -n 10")
    scoring = scoring or encoder.scoring
    with index.snapshot() as snapshot:
        _checked(snapshot, index, encoder)
    wanted, texts = _wanted(encoder, query, example)  # the slow part, while nothing is held
    whole = query.whole if query is not None and scoring.whole else None
    whole_vector = None if whole is None else _text_vector(encoder, whole)
    with index.snapshot() as snapshot:
        snapshot = _checked(snapshot, index, encoder)
        candidates = _candidates(snapshot, wanted, top, filters)
        scored = _scored(snapshot, candidates, wanted, whole_vector, scoring)
        best = sorted(scored, key=lambda item: (-item[1].score, item[0]))[:top]
        pictures = snapshot.catalog.pictures([id_ for id_, _ in best])
        best = [(id_, scored) for id_, scored in best if id_ in pictures]
    curve = encoder.calibration if example is None else None
    hits = [_hit(i, pictures[id_], s, texts, wanted, snapshot.encoder, curve) for i, (id_, s) in enumerate(best, 1)]
    return hits if everything or curve is None else [hit for hit in hits if hit.score >= curve.cut_off]


def _candidates(snapshot: Snapshot, wanted: Sequence[Wanted], top: int, filters: Filters | None) -> NDArray[np.int64]:
    """The pictures that are worth an exact score, by id."""
    sought = [w for w in wanted if not w.is_negative]
    queries, weights = np.stack([w.vector for w in sought]), np.array([w.weight for w in sought], dtype=np.float32)
    allowed = snapshot.catalog.matching(filters) if filters is not None else None
    n_pictures = max(MIN_CANDIDATES, 5 * top, len(snapshot.vectors) // ROWS_FOR_ONE)
    return snapshot.candidates(queries, weights, n_pictures, allowed)


def _checked(snapshot: Snapshot | None, index: Index, encoder: Encoder) -> Snapshot:
    """Raise CosmosSearchError unless this encoder made the index, and there is something in it."""
    if snapshot is None or not len(snapshot.vectors):
        raise no_pictures(index.place)
    require_made_by(encoder, snapshot.encoder)
    return snapshot


def _wanted(encoder: Encoder, query: Query | None, example: Example | None) -> tuple[list[Wanted], list[str | None]]:
    """The parts of the query as vectors, and their texts; the example has none."""
    wanted: list[Wanted] = []
    texts: list[str | None] = []
    if example is not None:
        part = example.picture.crop(example.box.pixels(*example.picture.size))
        wanted.append(Wanted(encoder.encode_images([encoder.prepare(part)])[0][0]))
        texts.append(None)
    for term in query.terms if query is not None else ():
        wanted.append(Wanted(_text_vector(encoder, term.text), term.weight, term.is_negative, term.place))
        texts.append(term.text)
    return wanted, texts


def _text_vector(encoder: Encoder, text: str) -> NDArray[np.float32]:
    """A text's vector; of one that is too long for the encoder the mean of its parts' vectors."""
    mean = encoder.encode_texts(_parts(encoder, text)).mean(axis=0)
    unit: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit


def _parts(encoder: Encoder, text: str) -> list[str]:
    if encoder.fits(text) or len(text) < 2:
        return [text]
    words = text.split()
    if len(words) == 1:  # one endless word
        return _parts(encoder, text[: len(text) // 2]) + _parts(encoder, text[len(text) // 2 :])
    middle = len(words) // 2
    return _parts(encoder, " ".join(words[:middle])) + _parts(encoder, " ".join(words[middle:]))


def _scored(
    snapshot: Snapshot,
    candidates: NDArray[np.int64],
    wanted: Sequence[Wanted],
    whole: NDArray[np.float32] | None,
    scoring: Scoring,
) -> list[tuple[int, Scored]]:
    """Each candidate's exact score, from the stored vectors."""
    shapes = snapshot.catalog.shapes(candidates.tolist())
    kind = snapshot.encoder.regions
    scored: list[tuple[int, Scored]] = []
    for row_ids, data in snapshot.catalog.vectors_of(candidates.tolist(), snapshot.encoder):
        ids, starts = np.unique(row_ids, return_index=True)
        boxes = [whole_and_regions(kind, *shapes[int(id_)]) for id_ in ids]
        scores = score_pictures(wanted, whole, data.astype(np.float32), starts, boxes, scoring)
        scored += zip(ids.tolist(), scores, strict=True)
    return scored


def _hit(
    rank: int,
    picture: PictureRecord,
    scored: Scored,
    texts: Sequence[str | None],
    wanted: Sequence[Wanted],
    encoder: EncoderRecord,
    curve: Calibration | None,
) -> Hit:
    boxes = whole_and_regions(encoder.regions, picture.facts.width, picture.facts.height)
    evidence = tuple(
        Evidence(
            text=EXAMPLE if text is None else text,
            score=curve.probability(cosine) if curve else cosine,
            cosine=cosine,
            box=boxes[region],
            is_negative=w.is_negative,
            is_example=text is None,
        )
        for text, w, cosine, region in zip(texts, wanted, scored.cosines, scored.regions, strict=True)
    )
    # Of several files with this content the first that is there: others may have been moved or lie on a disk apart.
    first, *copies = sorted(picture.paths, key=lambda path: not os.path.exists(path))  # noqa: PTH110
    score = curve.probability(scored.score) if curve else scored.score
    return Hit(rank, first, score, evidence, tuple(copies), picture.facts, picture.id, picture.fingerprint)
