"""Processor time of decoding a JPEG at a reduced scale: Pillow, simplejpeg (TurboJPEG) and libvips, in one run.

    pip install simplejpeg pyvips[binary]   # not needed by cosmos-search; rows of missing packages are left out
    python -m benchmarks.speed.decoding [--photos 8] [--megapixels 12]

Each decodes to the smallest scale of 1, 1/2, 1/4 and 1/8 whose shorter side has the pixels that cosmos-mini needs; the
last column includes the resizing to the square of the regions. libvips runs in one thread.
"""

import argparse
import io
import os
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any

from PIL import Image

from benchmarks.data.camera_photos import make_photos
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from cosmos_search.encoders.mini.config import MiniConfig
from cosmos_search.encoders.mini.image_tower import prepare_picture
from indexer.pictures.images import open_picture
from indexer.pictures.regions import WHOLE

N_ROUNDS = 5
MIN_SIDE = 520  # of cosmos-mini

Decode = Callable[[bytes], Image.Image]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=8)
    parser.add_argument("--megapixels", type=float, default=12)
    options = parser.parse_args()
    os.environ["VIPS_CONCURRENCY"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        photos = [path.read_bytes() for path in make_photos(Path(scratch), options.photos, options.megapixels)]
    decoders: dict[str, Decode] = {"cosmos-search, with metadata": _decode_here, "Pillow, draft": _decode_with_pillow}
    if find_spec("simplejpeg"):
        decoders["simplejpeg"] = _decode_with_simplejpeg
    if find_spec("pyvips"):
        decoders["libvips, shrink"] = _decode_with_vips
    rounds = [{name: _measure(decode, photos) for name, decode in decoders.items()} for _ in range(N_ROUNDS)]
    best = {name: [min(times[name][i] for times in rounds) for i in (0, 1)] for name in decoders}
    pillow = best["Pillow, draft"][1]
    print(describe_machine("pillow", "simplejpeg", "pyvips"))
    rows = [(name, f"{a:.1f} ms", f"{b:.1f} ms", f"{b / pillow:.2f}") for name, (a, b) in best.items()]
    print_table([f"{options.megapixels:g} MP, processor time", "decoding", "and resizing", "against Pillow"], rows)


def _measure(decode: Decode, photos: list[bytes]) -> tuple[float, float]:
    """Milliseconds of processor time a photo: of decoding, and of decoding and resizing."""
    started = process_time()
    pictures = [decode(photo) for photo in photos]
    decoded = process_time()
    for picture in pictures:
        prepare_picture(picture, [WHOLE], MiniConfig())
    resized = process_time()
    return 1000 * (decoded - started) / len(photos), 1000 * (resized - started) / len(photos)


def _decode_here(photo: bytes) -> Image.Image:
    return open_picture(io.BytesIO(photo), min_side=MIN_SIDE).image


def _decode_with_pillow(photo: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(photo))
    divisor = _choose_divisor(image.size)
    image.draft("RGB", (image.width // divisor, image.height // divisor))
    image.load()
    return image


def _decode_with_simplejpeg(photo: bytes) -> Image.Image:
    decode: Any = import_module("simplejpeg").decode_jpeg
    return Image.fromarray(decode(photo, "RGB", min_height=MIN_SIDE, min_width=MIN_SIDE, min_factor=1))


def _decode_with_vips(photo: bytes) -> Image.Image:
    vips: Any = import_module("pyvips").Image
    header = vips.jpegload_buffer(photo)
    divisor = _choose_divisor((header.width, header.height))
    return Image.fromarray(vips.jpegload_buffer(photo, shrink=divisor, access="sequential").numpy())


def _choose_divisor(size: tuple[int, int]) -> int:
    return max(divisor for divisor in (1, 2, 4, 8) if min(size) // divisor >= MIN_SIDE or divisor == 1)


if __name__ == "__main__":
    main()
