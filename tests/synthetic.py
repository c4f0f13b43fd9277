"""Fill an index with pictures that exist only in its catalog, with random vectors, dates, places and twins."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.scoring import EncodedTerm
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import Box, whole_and_regions
from indexer.pictures.walk import FoundFile
from indexer.store.records import IndexedPicture, PictureFacts

__all__ = ["DIM", "NAME", "fill", "make_queries"]

DIM, NAME, REGIONS = 32, "synthetic", "fast"
SIZES = ((64, 48), (48, 64), (50, 50), (300, 80))
BATCH = 100


def fill(index, n, n_twins=0, seed=0):
    """Add n pictures, of which the last 2 * n_twins are pairs with equal vectors in different directories."""
    rng = np.random.default_rng(seed)
    with index.writing() as catalog:
        encoder = catalog.encoder() or catalog.add_encoder(NAME, "1", DIM, REGIONS)
        catalog.switch_to(encoder)
        folder_id = catalog.add_folder(Path("/photos"))
    pictures, before = [], None
    for number in range(n):
        width, height = SIZES[number // 2 % len(SIZES)]
        vectors = unit(rng.normal(size=(len(whole_and_regions(REGIONS, width, height)), DIM)))
        is_second_twin = number >= n - 2 * n_twins and number % 2 == 1
        before = vectors = before if is_second_twin and before is not None else vectors
        path = Path(f"/photos/{'even' if number % 2 == 0 else 'Odd Ä'}/{seed}-{number}.jpg")
        facts = PictureFacts(width, height, make_metadata(number))
        fingerprint = rng.bytes(16)
        pictures.append(IndexedPicture(folder_id, FoundFile(path, 1, 1, 1), fingerprint, facts, vectors.astype("<f2")))
    for start in range(0, n, BATCH):
        with index.writing() as catalog:
            catalog.put(pictures[start : start + BATCH], encoder.id)


def make_metadata(number):
    if number % 5 == 0:
        return Metadata()
    when = datetime(2020, 1, 1) + timedelta(days=number)
    return Metadata(when, 48.0 + number / 1000, 11.5, ("Canon EOS", "NIKON D5")[number % 2])


def make_queries(seed=1):
    """Queries of one term, several, with a negative one, and with a place."""
    vectors = unit(np.random.default_rng(seed).normal(size=(8, DIM))).astype(np.float32)
    left = Box(0.0, 0.0, 0.5, 1.0)
    terms = {
        "one": (EncodedTerm(vectors[0]),),
        "three": tuple(
            EncodedTerm(vector, weight) for vector, weight in zip(vectors[:3], (1.0, 2.0, 0.3), strict=True)
        ),
        "negative": (EncodedTerm(vectors[3]), EncodedTerm(vectors[4], is_negative=True)),
        "place": (EncodedTerm(vectors[5], place=left), EncodedTerm(vectors[6])),
        "many": tuple(
            EncodedTerm(vector, 0.7, i % 3 == 2, left if i == 1 else None) for i, vector in enumerate(vectors)
        ),
    }
    return {name: EncodedQuery(NAME, "1", query) for name, query in terms.items()}


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)
