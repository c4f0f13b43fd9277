"""JPEGs of a camera's size that take as long to decode as real ones; existing files are reused."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from benchmarks.data.package_photos import list_photos
from indexer.cores import available_cores
from indexer.files import replace_file

__all__ = ["make_photos"]

N_DISTINCT = 20  # the other files are copies with a JPEG comment, so that their digests differ


def make_photos(folder: Path, n: int, megapixels: float) -> list[Path]:
    """The paths of n JPEGs: the photos in the package, enlarged, with noise like that of a sensor."""
    paths = [folder / f"{i:04}.jpg" for i in range(n)]
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(available_cores()) as pool:
        missing = [path for path in paths[:N_DISTINCT] if not path.exists()]
        list(pool.map(partial(_make_photo, megapixels=megapixels), missing))
    for i, path in enumerate(paths):
        if not path.exists():
            copy = _add_comment(paths[i % N_DISTINCT].read_bytes(), f"copy {i}")
            replace_file(path, partial(_write, copy))
    return paths


def _make_photo(path: Path, megapixels: float) -> None:
    rng = np.random.default_rng(int(path.stem))
    sources = list_photos()
    width, height = round((megapixels * 4 / 3) ** 0.5 * 1000), round((megapixels * 3 / 4) ** 0.5 * 1000)
    with Image.open(sources[int(path.stem) % len(sources)]) as photo:
        large = photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.integers(-10, 11, (height, width, 1), dtype=np.int16)
    pixels = (np.asarray(large) + noise).clip(0, 255).astype(np.uint8)
    replace_file(path, lambda file: Image.fromarray(pixels).save(file, "JPEG", quality=90))


def _add_comment(jpeg: bytes, text: str) -> bytes:
    """The same JPEG with a COM segment after the start marker."""
    comment = text.encode("ascii")
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)
