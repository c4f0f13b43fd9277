"""Indexes of vectors without pictures: made around themes, or those of real photos repeated with noise."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.vectors import unit_rows
from cosmos_search.encoders.calibration import Calibration
from cosmos_search.retrieval.query import Query, Term
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.walk import FoundFile
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, IndexedPicture, PictureFacts

__all__ = [
    "FIRST_DATE",
    "SHAPE",
    "SyntheticTexts",
    "add_pictures",
    "date_of",
    "fill_index",
    "make_mixed_vectors",
    "make_queries",
    "make_themed_vectors",
    "make_themes",
    "repeat_photos",
]

DIM = 512
N_THEMES = 2000
SHAPE = (1000, 750)
CHUNK = 2000
FIRST_DATE = datetime(2000, 1, 1)


class SyntheticTexts:
    """A text encoder with given vectors: a "text" is the number of a row of `vectors`, (texts, dim)."""

    name, version = "synthetic", "1"
    calibration: Calibration | None = None

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors
        self.dim = vectors.shape[1]

    def fits(self, text: str) -> bool:
        """Always true."""
        return True

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dim), unit rows."""
        return self.vectors[[int(text) for text in texts]]

    def record(self, regions: str) -> EncoderRecord:
        """The record of an encoder with the same name, version and dim."""
        return EncoderRecord(0, self.name, self.version, self.dim, regions)


def make_themes(rng: np.random.Generator, n: int = N_THEMES, dim: int = DIM) -> NDArray[np.float32]:
    """Unit rows, (n, dim)."""
    return unit_rows(rng.standard_normal((n, dim)))


def make_queries(
    n: int, n_sentences: int, themes: NDArray[np.float32], rng: np.random.Generator
) -> tuple[list[Query], SyntheticTexts]:
    """n queries of n_sentences each, at a distance from the themes, and an encoder that returns their vectors."""
    n_texts = n * n_sentences
    noise = 1.5 * unit_rows(rng.standard_normal((n_texts, themes.shape[1])))
    texts = SyntheticTexts(unit_rows(themes[rng.integers(0, len(themes), n_texts)] + noise))
    queries = [Query(tuple(Term(str(i * n_sentences + j)) for j in range(n_sentences))) for i in range(n)]
    return queries, texts


def make_themed_vectors(
    n: int, n_rows: int, themes: NDArray[np.float32], rng: np.random.Generator
) -> Iterator[NDArray[np.float16]]:
    """Unit vectors of n pictures, each about one theme, in chunks: (pictures, n_rows, dim)."""
    dim = themes.shape[1]
    for size in _chunk_sizes(n):
        around = 0.7 * unit_rows(rng.standard_normal((size, dim), dtype=np.float32))
        centres = unit_rows(themes[rng.integers(0, len(themes), size)] + around)
        spread = unit_rows(rng.standard_normal((size, n_rows, dim), dtype=np.float32))
        yield unit_rows(centres[:, None] + 0.8 * spread).astype(np.float16)


def make_mixed_vectors(
    n: int, n_rows: int, themes: NDArray[np.float32], rng: np.random.Generator, n_own: int = 4
) -> Iterator[NDArray[np.float16]]:
    """Unit vectors of n pictures, each row about one of the picture's n_own themes: (pictures, n_rows, dim)."""
    for size in _chunk_sizes(n):
        own = rng.integers(0, len(themes), (size, n_own))
        centres = themes[np.take_along_axis(own, rng.integers(0, n_own, (size, n_rows)), axis=1)]
        yield unit_rows(centres + unit_rows(rng.standard_normal(centres.shape, dtype=np.float32))).astype(np.float16)


def repeat_photos(photos: NDArray[np.float16], n: int, rng: np.random.Generator) -> Iterator[NDArray[np.float16]]:
    """Unit vectors of n pictures: those of photos (photos, rows, dim), again and again, with noise after the first.

    The noise moves the rows of a picture together, so that as many of them are alike as in a photo: of 1,000 photos
    × 15, 0.51 of the rows were distinct with noise and 0.50 without.
    """
    numbers = np.arange(n)
    for start in range(0, n, CHUNK):
        chunk = numbers[start : start + CHUNK]
        rows = photos[chunk % len(photos)].astype(np.float32)
        a_picture = unit_rows(rng.standard_normal((len(chunk), 1, rows.shape[2]), dtype=np.float32))
        a_row = unit_rows(rng.standard_normal(rows.shape, dtype=np.float32))
        noise = np.where((chunk < len(photos))[:, None, None], 0, 0.4 * a_picture + 0.1 * a_row)
        yield unit_rows(rows + noise).astype(np.float16)


def name_file(number: int) -> tuple[Path, bytes]:
    """The path and the fingerprint of a picture that does not exist."""
    return Path(f"/made/up/{number}.jpg"), number.to_bytes(16, "big")


def fill_index(
    place: Path,
    chunks: Iterator[NDArray[np.float16]],
    encoder: EncoderRecord,
    shape: tuple[int, int] = SHAPE,
    file: Callable[[int], tuple[Path, bytes]] = name_file,
    place_of: Callable[[int], tuple[float, float]] | None = None,
) -> Index:
    """Create an index of pictures of a shape, with vectors as if from `encoder` (whose id is not used).

    file: the path and the fingerprint of a picture by its number, from 0. Pictures are dated, see `date_of`.
    place_of: latitude and longitude of a picture; None: pictures have no place.
    """
    index = Index.create(place)
    with index.writing() as catalog:
        catalog.switch_to(catalog.add_encoder(encoder.name, encoder.version, encoder.dim, encoder.regions))
        catalog.add_folder(file(0)[0].parent)
    add_pictures(index, chunks, shape, file, place_of=place_of)
    return index


def add_pictures(
    index: Index,
    chunks: Iterator[NDArray[np.float16]],
    shape: tuple[int, int] = SHAPE,
    file: Callable[[int], tuple[Path, bytes]] = name_file,
    first: int = 0,
    place_of: Callable[[int], tuple[float, float]] | None = None,
) -> None:
    """Add pictures to an index that `fill_index` made. first: the number of the first one."""
    with index.reading() as catalog:
        encoder, (folder, *_) = catalog.encoder(), catalog.folders()
    assert encoder is not None, index.place
    number = first
    for chunk in chunks:
        files = []
        for vectors in chunk:
            path, fingerprint = file(number)
            place = (None, None) if place_of is None else place_of(number)
            facts = PictureFacts(*shape, Metadata(date_of(number), *place))
            files.append(IndexedPicture(folder.id, FoundFile(path, 1, 1, 1), fingerprint, facts, vectors))
            number += 1
        with index.writing() as catalog:
            catalog.put(files, encoder.id)
    index.save_vectors()


def date_of(number: int) -> datetime:
    """The date of a picture: on one of 1000 days, in no order; a filter by date passes any share of the pictures."""
    return FIRST_DATE + timedelta(days=number * 617 % 1000)


def _chunk_sizes(n: int) -> list[int]:
    return [min(CHUNK, n - start) for start in range(0, n, CHUNK)]
