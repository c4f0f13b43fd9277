"""Kinds of searches, and their recall against exhaustive exact scoring and their time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.synthetic_index import FIRST_DATE
from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.query import PLACES
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.scoring import EncodedTerm, combine_scores
from indexer.pictures.regions import whole_and_regions
from indexer.store.filter_record import Filters
from indexer.store.index import Index
from indexer.store.picture_rows import find_starts

__all__ = ["CASES", "CHUNK", "SHAPE", "TOP", "Case", "CaseResult", "measure_searches"]

TOP = 10
SHAPE = (300, 300)  # of the pictures, which have the regions of a square
CHUNK = 1000  # pictures
ROUNDING = 1e-5


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of query."""

    name: str
    terms: Callable[[Sequence[EncodedTerm]], Sequence[EncodedTerm]]  # from three terms
    share: float = 1.0  # of the pictures that pass the filter
    start: int = 0  # of the queries that are used
    step: int = 1

    @property
    def filters(self) -> Filters | None:
        """A filter by date that passes this share."""
        return None if self.share == 1 else Filters(before=FIRST_DATE + timedelta(days=round(1000 * self.share)))


CASES = (
    Case("1 sentence", lambda terms: terms[:1]),
    Case("3 sentences", lambda terms: terms),
    Case("weights 3, 1, 0.5", lambda terms: [replace(t, weight=w) for t, w in zip(terms, (3, 1, 0.5), strict=True)]),
    Case("a place", lambda terms: [replace(terms[0], place=PLACES["left"]), *terms[1:]]),
    Case("a negative sentence", lambda terms: [*terms[:2], replace(terms[2], is_negative=True)]),
    *(Case(f"1 sentence, {share:.1%} pass", lambda terms: terms[:1], share) for share in (0.5, 0.05, 0.01, 0.001)),
    *(Case(f"3 sentences, {share:.1%} pass", lambda terms: terms, share) for share in (0.5, 0.05, 0.01, 0.001)),
)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The searches of one kind: milliseconds and recall@TOP of each query. exact_s: of scoring all pictures for one."""

    case: Case
    ms: NDArray[np.float64]
    recalls: NDArray[np.float64]
    exact_s: float


def measure_searches(index: Index, queries: NDArray[np.float32], cases: Sequence[Case]) -> list[CaseResult]:
    """A result for each case. queries: (n, 3, dim), of pictures of SHAPE."""
    terms = {
        case: [case.terms([EncodedTerm(vector) for vector in query]) for query in queries[case.start :: case.step]]
        for case in cases
    }
    found: dict[Case, list[NDArray[np.float64]]] = {}
    times: dict[Case, list[float]] = {}
    for case, encoded in terms.items():
        found[case], times[case] = [], []
        for turn in (0, 1):  # the first turn reads the files
            for query in encoded:
                started = perf_counter()
                with index.snapshot() as snapshot:
                    assert snapshot is not None
                    scores = rank(snapshot, EncodedQuery("", "", tuple(query)), TOP, case.filters)
                if turn:
                    times[case].append(perf_counter() - started)
                    found[case].append(np.array([score.score for score in scores]))
    started = perf_counter()
    exact = _score_every_picture(index, terms)
    exact_s = (perf_counter() - started) / sum(map(len, terms.values()))
    results = []
    for case in cases:
        recalls = [
            np.sum(scores >= best[-1] - ROUNDING) / len(best) if len(best) else 1.0
            for scores, best in zip(found[case], exact[case], strict=True)
        ]
        results.append(CaseResult(case, 1e3 * np.array(times[case]), np.array(recalls), exact_s))
    return results


def _score_every_picture(
    index: Index, terms: dict[Case, list[Sequence[EncodedTerm]]]
) -> dict[Case, list[NDArray[np.float32]]]:
    """For each case and query the TOP highest scores among the pictures that pass, highest first."""
    best = {case: [np.zeros(0, dtype=np.float32)] * len(queries) for case, queries in terms.items()}
    with index.snapshot() as snapshot:
        assert snapshot is not None
        boxes = whole_and_regions(snapshot.encoder.regions, *SHAPE)
        allowed = {case: snapshot.matching(case.filters) for case in terms if case.filters is not None}
        ids = snapshot.catalog.vector_ids(snapshot.encoder.id)
        for start in range(0, len(ids), CHUNK):
            for row_ids, data in snapshot.read_rows(ids[start : start + CHUNK]):
                rows, starts = data.astype(np.float32), find_starts(row_ids)
                row_boxes = [boxes] * len(starts)
                for case, queries in terms.items():
                    among = allowed.get(case)
                    passes = slice(None) if among is None else np.isin(row_ids[starts], among)
                    for i, query in enumerate(queries):
                        has_places = any(term.place is not None for term in query)
                        scores = combine_scores(query, rows, starts, row_boxes if has_places else None)[passes]
                        best[case][i] = -np.sort(-np.concatenate([best[case][i], scores]))[:TOP]
    return best
