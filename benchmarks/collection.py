"""The stored vectors of all pictures of a folder, indexed by the product, to score every one of them exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import cosmos_search
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.retrieval.scoring import EncodedTerm, PictureScore, score_pictures
from indexer.pictures.regions import WHOLE, Box, Regions, whole_and_regions
from indexer.store.index import Index

__all__ = ["Collection", "index_pictures", "score_query", "score_sentences"]

BLOCK = 256  # sentences of which all cosines are in memory at once


@dataclass(frozen=True, slots=True)
class Collection:
    """The stored vectors of every picture.

    starts: the first row of each picture, which is its global vector. boxes: of each row of a picture.
    """

    names: list[str]
    rows: NDArray[np.float32]  # (n, dim)
    starts: NDArray[np.int64]  # (pictures,)
    boxes: list[tuple[Box, ...]]

    def without_regions(self) -> "Collection":
        """The same pictures with their global vectors only."""
        starts = np.arange(len(self.names))
        return Collection(self.names, self.rows[self.starts], starts, [(WHOLE,)] * len(self.names))


def index_pictures(folder: Path, place: Path, encoder: Encoder, regions: Regions | None = None) -> Collection:
    """Index the pictures of a folder, print the speed, and read their vectors back. regions: by default the encoder's.

    Pictures with the same content are one, with the name of one of its files.
    """
    with cosmos_search.open(place, encoder=encoder) as library:
        report = library.add(folder, regions=regions)
        print(f"indexed at {report.images_per_second:.1f} pictures/s")
    index = Index.open(place)
    with index.snapshot() as snapshot:
        assert snapshot is not None
        ids = snapshot.catalog.vector_ids(snapshot.encoder.id).tolist()
        (row_ids, data), *_ = snapshot.catalog.vectors_of(ids, snapshot.encoder)
        pictures = snapshot.catalog.pictures(ids)
        kind = snapshot.encoder.regions
    index.close()
    _, starts = np.unique(row_ids, return_index=True)
    facts = [pictures[i].facts for i in ids]
    boxes = [whole_and_regions(kind, f.width, f.height) for f in facts]
    return Collection([pictures[i].paths[0].name for i in ids], data.astype(np.float32), starts, boxes)


def score_query(
    sentences: Sequence[tuple[str, Box | None]], collection: Collection, encoder: Encoder
) -> list[PictureScore]:
    """The scores of all pictures for sentences with places; their ids are their numbers in the collection."""
    vectors = encoder.encode_texts([text for text, _ in sentences])
    terms = [EncodedTerm(vector, place=place) for vector, (_, place) in zip(vectors, sentences, strict=True)]
    return score_pictures(terms, range(len(collection.names)), collection.rows, collection.starts, collection.boxes)


def score_sentences(collection: Collection, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The score of every picture for each sentence alone: (pictures, sentences). vectors: (sentences, dim).

    These are the scores of `combine_scores` for a query of one sentence without a place; those of a query of several
    sentences are the mean. BLAS computes them, so that thousands of sentences take seconds.
    """
    blocks = [vectors[i : i + BLOCK] for i in range(0, len(vectors), BLOCK)]
    best = [np.maximum.reduceat(collection.rows @ block.T, collection.starts) for block in blocks]
    return np.concatenate(best, axis=1)
