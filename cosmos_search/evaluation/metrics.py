"""Metrics of retrieval, classification and pointing."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.pictures.regions import Box

__all__ = ["RECALL_AT", "compute_cosines", "compute_retrieval_metrics", "contains_centre", "count_top_k_hits"]

RECALL_AT = (1, 5, 10)
BLOCK = 256  # rows that are multiplied in float64, or ranked, at a time


def compute_cosines(
    a: NDArray[np.float32], b: NDArray[np.float32], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """a: (n, dim), b: (m, dim), unit rows. Returns (n, m), in `out` if it is given.

    Computed in float64 and rounded to float32, so that equal vectors (the same caption of two pictures) have equal
    scores: in float32 the result of a matrix product also depends on the position of a row.
    """
    scores = np.empty((len(a), len(b)), dtype=np.float32) if out is None else out
    columns = b.T.astype(np.float64)
    for i in range(0, len(a), BLOCK):
        scores[i : i + BLOCK] = a[i : i + BLOCK].astype(np.float64) @ columns
    return scores


def compute_retrieval_metrics(
    similarity: NDArray[np.floating], captions_of: Mapping[int, Sequence[int]]
) -> dict[str, float]:
    """R@1, R@5, R@10, mean and median rank (from 1) of text→image and image→text, as OpenCLIP computes them.

    similarity: (images, texts), higher is nearer. captions_of: for each image the columns of its captions; the
    best-ranked one determines the image's rank.
    """
    image_of = {text: image for image, texts in captions_of.items() for text in texts}
    by_text = _compute_ranks(similarity.T, [[image_of[text]] for text in range(similarity.shape[1])])
    by_image = _compute_ranks(similarity, [captions_of[image] for image in range(len(similarity))])
    return _summarise("text_to_image", by_text) | _summarise("image_to_text", by_image)


def count_top_k_hits(scores: NDArray[np.floating], labels: Sequence[int], k: int) -> int:
    """For how many rows the column of the label is among the `k` highest.

    scores: (n, classes). Equal scores rank in the order of columns.
    """
    ranks = _compute_ranks(scores, [[label] for label in labels])
    return int((ranks < k).sum())


def contains_centre(true: Box, predicted: Box) -> bool:
    """The criterion of the pointing game: True if the centre of the predicted box lies in the true one."""
    x, y = (predicted.left + predicted.right) / 2, (predicted.top + predicted.bottom) / 2
    return true.left <= x <= true.right and true.top <= y <= true.bottom


def _compute_ranks(similarity: NDArray[np.floating], wanted: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """The rank, from 0, of the best wanted column of each row; equal scores rank in the order of columns.

    It is the number of columns with a higher score, or with the same score and before it. Counting needs less memory
    than sorting, for the tens of thousands of captions of a test set.
    """
    best = np.array([_find_best(row, columns) for row, columns in zip(similarity, wanted, strict=True)], dtype=np.int64)
    ranks = np.empty(len(best), dtype=np.int64)
    for i in range(0, len(best), BLOCK):
        scores, columns = np.asarray(similarity[i : i + BLOCK]), best[i : i + BLOCK, None]
        own = np.take_along_axis(scores, columns, axis=1)
        is_before = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) < columns))
        ranks[i : i + BLOCK] = is_before.sum(axis=1)
    return ranks


def _find_best(scores: NDArray[np.floating], columns: Sequence[int]) -> int:
    """The first of these columns with the highest score."""
    ascending = sorted(columns)
    return ascending[int(np.argmax(scores[ascending]))]


def _summarise(direction: str, ranks: NDArray[np.int64]) -> dict[str, float]:
    recalls = {f"{direction}_R@{k}": float((ranks < k).mean()) for k in RECALL_AT}
    return recalls | {
        f"{direction}_mean_rank": float(ranks.astype(np.float32).mean()) + 1,
        f"{direction}_median_rank": float(np.median(ranks)) // 1 + 1,
    }
