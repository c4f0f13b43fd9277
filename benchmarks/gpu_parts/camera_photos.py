"""JPEGs of a camera's size, made once and found again, that cost what real ones cost to decode."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.cores import available_cores

__all__ = ["make_photos"]

N_PICTURES = 20  # really made; the others differ in a comment, so that their content is another


def make_photos(folder: Path, n: int, megapixels: float) -> list[Path]:
    """The paths of n JPEGs: the package's photos enlarged, with a sensor's noise."""
    paths = [folder / f"{i:04}.jpg" for i in range(n)]
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(available_cores()) as pool:
        made = [path for path in paths[:N_PICTURES] if not path.exists()]
        list(pool.map(partial(_make_photo, megapixels=megapixels), made))
    for i, path in enumerate(paths):
        if not path.exists():
            _replace(path, _with_comment(paths[i % N_PICTURES].read_bytes(), f"copy {i}"))
    return paths


def _make_photo(path: Path, megapixels: float) -> None:
    rng = np.random.default_rng(int(path.stem))
    sources = sorted(Path(str(files("cosmos_search") / "data/photos")).glob("*.jpg"))
    width, height = round((megapixels * 4 / 3) ** 0.5 * 1000), round((megapixels * 3 / 4) ** 0.5 * 1000)
    with Image.open(sources[int(path.stem) % len(sources)]) as photo:
        large = photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.integers(-10, 11, (height, width, 1), dtype=np.int16)
    pixels = (np.asarray(large) + noise).clip(0, 255).astype(np.uint8)
    draft = path.with_suffix(".partial")
    Image.fromarray(pixels).save(draft, "JPEG", quality=90)
    draft.replace(path)


def _with_comment(jpeg: bytes, text: str) -> bytes:
    """The same picture with a COM segment behind the start marker."""
    comment = text.encode("ascii")
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".partial")
    draft.write_bytes(content)
    draft.replace(path)
