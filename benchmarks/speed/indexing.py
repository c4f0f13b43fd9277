"""Pictures a second of indexing camera-sized JPEGs: the full run, decoding alone, encoding alone, and the bound.

    python -m benchmarks.speed.indexing [--photos 200] [--megapixels 12] [--regions fine] [--precision fp32]

Where the same cores decode and encode, the bound is 1 / (1 / decode + 1 / encode). The baseline in the same run works
as a common alternative does: full decoding in two threads, the encoder's session on all cores, batches of 8.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

import cosmos_search
from benchmarks.data.camera_photos import make_photos
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from benchmarks.timing import measure_seconds
from cosmos_search.encoders.mini.encoder import MiniEncoder
from indexer.cores import available_cores
from indexer.ingest.threads import ordered_map, split_batches, workers
from indexer.pictures.images import open_picture
from indexer.pictures.regions import REGIONS, Regions, pyramid

N_ROUNDS = 3
BATCH = 8


def main() -> None:
    """Print the table of rates."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--regions", default="none", choices=REGIONS, help="none is what alternatives do")
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "int8"], help="of the encoder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "photos")
        paths = make_photos(folder, options.photos, options.megapixels)
        size_mb = np.mean([path.stat().st_size for path in paths]) / 1e6
        encoder = MiniEncoder(precision=options.precision)
        places = [Path(scratch, f"index{i}") for i in range(N_ROUNDS)]
        rates = [_measure_round(encoder, paths, folder, place, options.regions) for place in places]
    decode, encode, full, baseline = np.median(np.array(rates), axis=0)
    bound = 1 / (1 / decode + 1 / encode)
    print(describe_machine("onnxruntime", "pillow"))
    photos = f"{options.photos} JPEGs of {options.megapixels:g} MP ({size_mb:.1f} MB each)"
    print(f"{photos}, {options.regions} regions, {encoder.device}, median of {N_ROUNDS} rounds")
    rows = [
        ("decoding alone, all cores", f"{decode:.1f}", ""),
        ("encoding alone, all cores", f"{encode:.1f}", ""),
        ("bound: the same cores do both", f"{bound:.1f}", "1.00"),
        ("cosmos-search index", f"{full:.1f}", f"{full / bound:.2f}"),
        ("baseline", f"{baseline:.1f}", f"{baseline / bound:.2f}"),
    ]
    print_table(["", "pictures/s", "share of the bound"], rows)
    print(f"\nagainst the baseline: {full / baseline:.1f}x")


def _measure_round(
    encoder: MiniEncoder, paths: list[Path], folder: Path, place: Path, regions: Regions
) -> tuple[float, float, float, float]:
    """Pictures a second: decoding alone, encoding alone, the full run, the baseline."""
    n_cores = available_cores()

    def prepare(path: Path) -> Any:
        with path.open("rb") as file:
            picture = open_picture(file, min_side=encoder.min_side)
        return encoder.prepare(picture.image, pyramid(regions, picture.width, picture.height))

    with workers(n_cores) as pool:
        prepared: list[Any] = []
        decode_s = measure_seconds(lambda: prepared.extend(ordered_map(pool, prepare, paths, ahead=4 * BATCH)))
        encoder.encode_images(prepared[:1])  # opens the session, which is not timed
        encode_s = measure_seconds(
            lambda: list(ordered_map(pool, encoder.encode_images, split_batches(prepared, BATCH), ahead=n_cores))
        )
    with cosmos_search.open(place, encoder=encoder) as library:
        full = library.add(folder, regions=regions).images_per_second
    return len(paths) / decode_s, len(paths) / encode_s, full, len(paths) / _measure_baseline(paths, encoder)


def _measure_baseline(paths: list[Path], encoder: MiniEncoder) -> float:
    """Seconds for all pictures."""
    session = onnxruntime.InferenceSession(encoder.image_graph())

    def prepare(path: Path) -> Any:
        with Image.open(path) as image:
            return encoder.prepare(image.convert("RGB")).whole

    def index() -> None:
        with workers(2) as pool:
            for batch in split_batches(ordered_map(pool, prepare, paths, ahead=2 * BATCH), BATCH):
                session.run(["features"], {"pixels": np.stack(batch)})

    return measure_seconds(index)


if __name__ == "__main__":
    main()
