"""Index 200 camera-sized JPEGs: the whole run, decoding alone, encoding alone, and the share of what is possible.

    python -m benchmarks.speed.indexing [--photos 200] [--megapixels 12]

Where one set of cores both decodes and encodes, no run can be faster than 1 / (1 / decode + 1 / encode).
In the same run the way of a common peer: full decode in two threads, the encoder's session on all cores, batch 8.
"""

import argparse
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

import cosmos_search
from benchmarks.machine import describe, print_table
from cosmos_search.encoders.mini.encoder import MiniEncoder
from indexer.cores import available_cores
from indexer.ingest.threads import ordered_map, split_batches, workers
from indexer.pictures.images import open_picture
from indexer.pictures.regions import pyramid

SOURCES = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "hubble_deep_field.jpg")
N_ROUNDS = 3
BATCH = 8


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--regions", default="none", help="none (as peers do), fast or fine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "photos")
        size_mb = make_photos(folder, options.photos, options.megapixels) / options.photos / 1e6
        paths = sorted(folder.iterdir())
        rates = [_round(paths, folder, Path(scratch, f"index{i}"), options.regions) for i in range(N_ROUNDS)]
    decode, encode, whole, peer = np.median(np.array(rates), axis=0)
    bound = 1 / (1 / decode + 1 / encode)
    print(describe("onnxruntime", "pillow"))
    made_of = f"{options.photos} JPEGs of {options.megapixels:g} MP ({size_mb:.1f} MB each)"
    print(f"{made_of}, {options.regions} regions, median of {N_ROUNDS} rounds")
    rows = [
        ("decoding alone, all cores", f"{decode:.1f}", ""),
        ("encoding alone, all cores", f"{encode:.1f}", ""),
        ("bound: one set of cores does both", f"{bound:.1f}", "1.00"),
        ("cosmos-search index", f"{whole:.1f}", f"{whole / bound:.2f}"),
        ("a peer's way", f"{peer:.1f}", f"{peer / bound:.2f}"),
    ]
    print_table(["", "pictures/s", "share of the bound"], rows)
    print(f"\nagainst the peer's way: {whole / peer:.1f}x")


def make_photos(folder: Path, n: int, megapixels: float) -> int:
    """Real photos pasted side by side, each time other parts of them, with a sensor's noise. Returns the bytes."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    width, height = round((megapixels * 4 / 3) ** 0.5 * 1000), round((megapixels * 3 / 4) ** 0.5 * 1000)
    data = Path(next(iter(find_spec("skimage").submodule_search_locations))) / "data"  # type: ignore[union-attr,arg-type]
    photos = [Image.open(data / name).convert("RGB") for name in SOURCES]
    noise = rng.normal(0, 6, (height, width, 1)).astype(np.int16)
    for i in range(n):
        canvas = Image.new("RGB", (width, height))
        for column in range(2):
            photo = photos[rng.integers(len(photos))]
            left, top = rng.uniform(0, 0.3, 2) * photo.size
            part = photo.crop((int(left), int(top), photo.width, photo.height))
            canvas.paste(part.resize((width // 2 + 1, height), Image.Resampling.BICUBIC), (column * width // 2, 0))
        pixels = (np.asarray(canvas) + np.roll(noise, i * 7919, axis=1)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:04}.jpg", quality=90)
    return sum(path.stat().st_size for path in folder.iterdir())


def _round(paths: list[Path], folder: Path, place: Path, regions: str) -> tuple[float, float, float, float]:
    """Pictures a second: decoding alone, encoding alone, the whole run, the peer's way."""
    encoder = MiniEncoder()
    n_cores = available_cores()

    def prepare(path: Path) -> Any:
        with path.open("rb") as file:
            picture = open_picture(file, min_side=encoder.min_side)
        return encoder.prepare(picture.image, pyramid(regions, picture.width, picture.height))

    with workers(n_cores) as pool:
        started = perf_counter()
        prepared = list(ordered_map(pool, prepare, paths, ahead=4 * BATCH))
        decode = len(paths) / (perf_counter() - started)
        encoder.encode_images(prepared[:1])  # opened now, so that only the work is timed
        started = perf_counter()
        list(ordered_map(pool, encoder.encode_images, split_batches(prepared, BATCH), ahead=n_cores))
        encode = len(paths) / (perf_counter() - started)
    with cosmos_search.open(place, encoder=encoder) as library:
        whole = library.add(folder, regions=regions).images_per_second
    return decode, encode, whole, _peer(paths, encoder)


def _peer(paths: list[Path], encoder: MiniEncoder) -> float:
    session = onnxruntime.InferenceSession(encoder.image_graph())

    def prepare(path: Path) -> Any:
        with Image.open(path) as image:
            return encoder.prepare(image.convert("RGB")).whole

    started = perf_counter()
    with workers(2) as pool:
        for batch in split_batches(ordered_map(pool, prepare, paths, ahead=2 * BATCH), BATCH):
            session.run(["logits"], {"pixels": np.stack(batch)})
    return len(paths) / (perf_counter() - started)


if __name__ == "__main__":
    main()
