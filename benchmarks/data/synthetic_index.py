"""An index of synthetic vectors, and queries for it: vectors are clustered by picture, and pictures by theme."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.vectors import unit_rows
from cosmos_search.encoders.calibration import Calibration
from cosmos_search.retrieval.query import Query, Term
from indexer.pictures.metadata import Metadata
from indexer.pictures.regions import pyramid
from indexer.pictures.walk import FoundFile
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, IndexedPicture, PictureFacts

__all__ = ["SHAPE", "SyntheticTexts", "fill_index", "make_queries", "make_themes"]

DIM = 512
N_THEMES = 2000
SHAPE = (1000, 750)
CHUNK = 2000


class SyntheticTexts:
    """A text encoder with given vectors: a "text" is the number of a row of `vectors`, (texts, dim)."""

    name, version, dim = "synthetic", "1", DIM
    calibration: Calibration | None = None

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors

    def fits(self, text: str) -> bool:
        """Always true."""
        return True

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dim), unit rows."""
        return self.vectors[[int(text) for text in texts]]

    def record(self, regions: str) -> EncoderRecord:
        """The record of an encoder with the same name, version and dim."""
        return EncoderRecord(0, self.name, self.version, self.dim, regions)


def make_themes(rng: np.random.Generator) -> NDArray[np.float32]:
    """Unit rows, (N_THEMES, DIM)."""
    return unit_rows(rng.standard_normal((N_THEMES, DIM)))


def make_queries(
    n: int, n_sentences: int, themes: NDArray[np.float32], rng: np.random.Generator
) -> tuple[list[Query], SyntheticTexts]:
    """n queries of n_sentences each, at a distance from the themes, and an encoder that returns their vectors."""
    n_texts = n * n_sentences
    noise = 1.5 * unit_rows(rng.standard_normal((n_texts, DIM)))
    texts = SyntheticTexts(unit_rows(themes[rng.integers(0, len(themes), n_texts)] + noise))
    queries = [Query(tuple(Term(str(i * n_sentences + j)) for j in range(n_sentences))) for i in range(n)]
    return queries, texts


def fill_index(
    place: Path,
    n: int,
    themes: NDArray[np.float32],
    encoder: EncoderRecord,
    rng: np.random.Generator,
    file: Callable[[int], tuple[Path, bytes]] = lambda number: (
        Path(f"/made/up/{number}.jpg"),
        number.to_bytes(16, "big"),
    ),
) -> Index:
    """Create an index of n pictures of SHAPE, with vectors as if from `encoder` (whose id is not used).

    themes: (themes, dim), unit rows. file: the path and the fingerprint of a picture by its number, from 0.
    """
    index = Index.create(place)
    with index.writing() as catalog:
        record = catalog.add_encoder(encoder.name, encoder.version, encoder.dim, encoder.regions)
        catalog.switch_to(record)
        folder_id = catalog.add_folder(file(0)[0].parent)
    facts, n_rows = PictureFacts(*SHAPE, Metadata()), 1 + len(pyramid(encoder.regions, *SHAPE))
    for start in range(0, n, CHUNK):
        numbers = range(start, min(n, start + CHUNK))
        files = []
        for number, vectors in zip(numbers, _make_vectors(len(numbers), n_rows, themes, rng), strict=True):
            path, fingerprint = file(number)
            files.append(IndexedPicture(folder_id, FoundFile(path, 1, 1, 1), fingerprint, facts, vectors))
        with index.writing() as catalog:
            catalog.put(files, record.id)
    index.save_vectors()
    return index


def _make_vectors(n: int, r: int, themes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float16]:
    """Unit vectors of n pictures with r vectors each: (n, r, dim)."""
    dim = themes.shape[1]
    centres = themes[rng.integers(0, len(themes), n)] + 0.7 * unit_rows(rng.standard_normal((n, dim), dtype=np.float32))
    spread = unit_rows(rng.standard_normal((n, r, dim), dtype=np.float32))
    return unit_rows(unit_rows(centres)[:, None] + 0.8 * spread).astype(np.float16)
