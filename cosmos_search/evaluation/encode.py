"""Pictures in batches, and their global vectors, for the evaluations."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
from PIL import Image

from cosmos_search.encoders.protocol import Encoder
from indexer.encoder import Vectors

__all__ = ["Encoders", "OnProgress", "encode_pictures", "largest_min_side", "split_batches"]

Encoders = Mapping[str, Encoder]  # by a name for the results, so that several share one pass over the pictures
OnProgress = Callable[[int], None]  # called with the number of pictures done so far

BATCH = 64  # decoded pictures in memory at once

T = TypeVar("T")


def split_batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Lists of up to BATCH consecutive items."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def encode_pictures(encoder: Encoder, pictures: Sequence[Image.Image]) -> Vectors:
    """The global vector of each upright RGB picture: (n, dim), unit rows, n above 0."""
    size = max(1, encoder.batch_size)
    prepared = [encoder.prepare(picture) for picture in pictures]
    parts = [encoder.encode_images(prepared[i : i + size]) for i in range(0, len(prepared), size)]
    return np.stack([vectors[0] for part in parts for vectors in part])


def largest_min_side(encoders: Encoders) -> int:
    """The shorter side, in pixels, that pictures should keep when they are decoded for all of these encoders."""
    return max(encoder.min_side for encoder in encoders.values())
