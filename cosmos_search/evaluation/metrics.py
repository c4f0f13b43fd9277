"""Retrieval figures: recall@k and ranks, both ways."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["retrieval_figures"]

RECALL_AT = (1, 5, 10)


def retrieval_figures(similarity: NDArray[np.floating], captions_of: Mapping[int, Sequence[int]]) -> dict[str, float]:
    """R@1, R@5, R@10, mean and median rank (from 1) of text→image and image→text, as OpenCLIP counts them.

    similarity: (images, texts), higher is nearer. captions_of: for each image the rows of its captions; an image
    counts by the best of them.
    """
    image_of = {text: image for image, texts in captions_of.items() for text in texts}
    by_text = _ranks(similarity.T, [[image_of[text]] for text in range(similarity.shape[1])])
    by_image = _ranks(similarity, [captions_of[image] for image in range(len(similarity))])
    return _figures("text_to_image", by_text) | _figures("image_to_text", by_image)


def _ranks(similarity: NDArray[np.floating], wanted: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """The rank, from 0, of the best wanted column of each row; equal scores rank in the order of columns."""
    order = np.argsort(-similarity, axis=1, kind="stable")
    places = np.argsort(order, axis=1)
    return np.array([places[row, list(columns)].min() for row, columns in enumerate(wanted)], dtype=np.int64)


def _figures(direction: str, ranks: NDArray[np.int64]) -> dict[str, float]:
    recalls = {f"{direction}_R@{k}": float((ranks < k).mean()) for k in RECALL_AT}
    middle = {
        f"{direction}_mean_rank": float(ranks.astype(np.float32).mean()) + 1,
        f"{direction}_median_rank": float(np.median(ranks)) // 1 + 1,
    }
    return recalls | middle
