"""The vectors of picture files, as an index holds them: global vectors and those of regions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.evaluation.encode import OnProgress
from indexer.cores import available_cores
from indexer.encoder import Vectors
from indexer.errors import CosmosSearchError, PictureError
from indexer.files import open_file
from indexer.ingest.threads import ordered_map, split_batches, workers
from indexer.pictures.images import open_picture, reading_pictures
from indexer.pictures.regions import Box, Regions, pyramid, whole_and_regions

__all__ = ["EncodedFiles", "encode_files"]


@dataclass(frozen=True, slots=True)
class EncodedFiles:
    """The vectors of a few files, one after the other.

    start: the number of the first of them. sizes: width and height in pixels, upright.
    """

    start: int
    global_vectors: Vectors  # (files, dim), as the encoder computed them
    rows: NDArray[np.float16]  # (n, dim), of each file the global vector and its regions, as in an index
    starts: NDArray[np.int64]  # (files,), the first row of each
    boxes: tuple[tuple[Box, ...], ...]  # of each file, one for each of its rows
    sizes: tuple[tuple[int, int], ...]


def encode_files(
    encoder: Encoder, paths: Sequence[Path], regions: Regions, on_progress: OnProgress = lambda n_done: None
) -> Iterator[EncodedFiles]:
    """The vectors of these files in order, a few at a time; they are decoded and encoded in several threads.

    Raises CosmosSearchError for a file that can't be read: figures without it could not be compared with others.
    """
    encode = partial(_encode_batch, encoder, regions)
    n_threads = available_cores()
    start = 0
    with reading_pictures(), workers(n_threads) as pool:
        batches = split_batches(paths, max(1, encoder.batch_size))
        for rows, boxes, sizes in ordered_map(pool, encode, batches, ahead=2 * n_threads):
            counts = np.array([len(own) for own in rows])
            starts = np.cumsum(counts) - counts
            global_vectors = np.stack([own[0] for own in rows])
            yield EncodedFiles(start, global_vectors, np.concatenate(rows).astype("<f2"), starts, boxes, sizes)
            start += len(rows)
            on_progress(start)


def _encode_batch(
    encoder: Encoder, regions: Regions, paths: Sequence[Path]
) -> tuple[list[Vectors], tuple[tuple[Box, ...], ...], tuple[tuple[int, int], ...]]:
    prepared: list[Any] = []
    sizes = []
    for path in paths:
        try:
            with open_file(path) as file:
                picture = open_picture(file, min_side=encoder.min_side)
        except (PictureError, OSError) as error:
            raise CosmosSearchError(f"The picture {path} can't be read ({error}).") from error
        sizes.append((picture.width, picture.height))
        prepared.append(encoder.prepare(picture.image, pyramid(regions, *sizes[-1])))
    boxes = tuple(whole_and_regions(regions, *size) for size in sizes)
    return encoder.encode_images(prepared), boxes, tuple(sizes)
