"""An index of made vectors: a picture's regions lie around its own centre, and pictures around themes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.pictures.metadata import Metadata
from indexer.pictures.regions import pyramid
from indexer.pictures.walk import FoundFile
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, IndexedPicture, PictureFacts

__all__ = ["SHAPE", "filled_index", "unit"]

SHAPE = (1000, 750)
CHUNK = 2000


def filled_index(
    place: Path,
    n: int,
    themes: NDArray[np.float32],
    made: EncoderRecord,
    rng: np.random.Generator,
    file: Callable[[int], tuple[Path, bytes]] = lambda number: (
        Path(f"/made/up/{number}.jpg"),
        number.to_bytes(16, "big"),
    ),
) -> Index:
    """n pictures, all of SHAPE, as if `made` (its id is not used) had seen them.

    themes: (themes, dim), unit rows. file: a picture's path and fingerprint by its number, from 0.
    """
    index = Index.create(place)
    with index.writing() as catalog:
        record = catalog.add_encoder(made.name, made.version, made.dim, made.regions)
        catalog.switch_to(record)
        folder_id = catalog.add_folder(file(0)[0].parent)
    facts, n_rows = PictureFacts(*SHAPE, Metadata()), 1 + len(pyramid(made.regions, *SHAPE))
    for start in range(0, n, CHUNK):
        numbers = range(start, min(n, start + CHUNK))
        files = []
        for number, vectors in zip(numbers, _vectors(len(numbers), n_rows, themes, rng), strict=True):
            path, fingerprint = file(number)
            files.append(IndexedPicture(folder_id, FoundFile(path, 1, 1, 1), fingerprint, facts, vectors))
        with index.writing() as catalog:
            catalog.put(files, record.id)
    index.save_vectors()
    return index


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows of length 1."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / lengths).astype(np.float32)
    return scaled


def _vectors(n: int, r: int, themes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float16]:
    """(n, r, dim)."""
    dim = themes.shape[1]
    centres = themes[rng.integers(0, len(themes), n)] + 0.7 * unit(rng.standard_normal((n, dim), dtype=np.float32))
    spread = unit(rng.standard_normal((n, r, dim), dtype=np.float32))
    return unit(unit(centres)[:, None] + 0.8 * spread).astype(np.float16)
