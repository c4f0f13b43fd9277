"""Third step of a search: from scores and ids to hits with records, evidence and calibrated scores."""

import os
from collections.abc import Sequence
from dataclasses import replace
from math import inf

from cosmos_search.encoders.calibration import Calibration
from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.hits import Evidence, Hit
from cosmos_search.retrieval.query import Query
from cosmos_search.retrieval.scoring import PictureScore, combine_levels
from cosmos_search.retrieval.similarity import find_levels
from cosmos_search.retrieval.text_matches import choose_lines
from indexer.pictures.regions import whole_and_regions
from indexer.store.filter_record import Filters
from indexer.store.protocol import Records
from indexer.store.records import PictureRecord

__all__ = ["find_floor", "present", "present_newest"]

EXAMPLE = "the example"  # Evidence.text of the example image


def present(
    snapshot: Records,
    encoded: EncodedQuery,
    scores: Sequence[PictureScore],
    calibration: Calibration | None,
    *,
    include_unlikely: bool = False,
) -> list[Hit]:
    """The hits of these scores, in their order; those below the cut-off only with `include_unlikely`.

    calibration: None: the scores are not changed. Then there is a cut-off only for an example image without a text, if
    it was measured for the encoder.
    """
    level = combine_levels(encoded.terms)
    cut_off = calibration.cut_off if calibration is not None else _find_example_cut_off(encoded)
    rated = [(calibration.probability(one.score, level) if calibration else min(one.score, 1.0), one) for one in scores]
    if cut_off is not None and not include_unlikely:
        rated = [(value, score) for value, score in rated if value >= cut_off]
    records = snapshot.pictures([score.picture_id for _, score in rated])
    lines = snapshot.texts_of([s.picture_id for _, s in rated if s.text_probability > 0 or encoded.texts])
    hits: list[Hit] = []
    for value, score in rated:
        record = records.get(score.picture_id)
        if record is None:
            continue
        boxes = whole_and_regions(snapshot.encoder.regions, record.facts.width, record.facts.height)
        evidence = tuple(
            Evidence(
                text=EXAMPLE if term.text is None else term.text,
                score=calibration.probability(cosine, term.level) if calibration else min(cosine, 1.0),
                cosine=min(cosine, 1.0),  # half precision may give a little more
                box=boxes[region],
                is_negative=term.is_negative,
                is_example=term.text is None,
            )
            for term, cosine, region in zip(encoded.terms, score.cosines, score.regions, strict=True)
        )
        texts = choose_lines(encoded, lines.get(score.picture_id, []))
        hits.append(Hit(len(hits) + 1, value, _sort_paths(record), evidence, texts))
    return hits


def present_newest(snapshot: Records, query: Query, filters: Filters | None, top: int) -> list[Hit]:
    """The hits of a query without terms: the newest pictures that pass. All match, so they have the score 1."""
    passing = (filters or Filters()).with_texts(query.texts, query.without_texts)
    return [Hit(rank, 1.0, _sort_paths(one), ()) for rank, one in enumerate(snapshot.newest(passing, 0, top), 1)]


def find_floor(encoded: EncodedQuery, calibration: Calibration | None) -> float:
    """The score below which a picture that matches by its looks alone is left out; -inf if there is none."""
    if calibration is None:
        cut_off = _find_example_cut_off(encoded)
        return -inf if cut_off is None else cut_off
    if calibration.slope <= 0 or not 0 < calibration.cut_off < 1:
        return -inf
    return calibration.score(calibration.cut_off, combine_levels(encoded.terms))


def _sort_paths(record: PictureRecord) -> PictureRecord:
    """The record with existing files first: others may have been moved, or be on a disk that is not mounted."""
    return replace(record, paths=tuple(sorted(record.paths, key=lambda path: not os.path.exists(path))))  # noqa: PTH110


def _find_example_cut_off(encoded: EncodedQuery) -> float | None:
    is_example_alone = all(term.text is None for term in encoded.terms)
    levels = find_levels(encoded.encoder_name) if is_example_alone else None
    return None if levels is None else levels.somewhat
