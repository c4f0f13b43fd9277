"""A small real encoder for tests: the vector of a picture is its mean colour, and texts are colour names."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

import cosmos_search
from cosmos_search.encoders.base import BaseEncoder
from indexer.encoder import Vectors
from indexer.pictures.images import compute_fingerprint
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import Box
from indexer.store.records import PictureFacts, PictureRecord

COLOURS = ("red", "lime", "blue", "yellow", "cyan", "magenta", "white", "black")


class ColourEncoder(BaseEncoder):
    """Unit vectors of 4 numbers: red, green, blue, and a small constant, so that black has a direction as well.

    log: a file to which the size of each batch is appended. seconds: how long each batch takes.
    """

    dim = 4
    min_side = 8

    def __init__(self, name: str = "colour", version: str = "1", log: Path | None = None, seconds: float = 0.0) -> None:
        self.name = name
        self.version = version
        self._log = log
        self._seconds = seconds

    def prepare(self, picture: Image.Image, regions: Sequence[Box] = ()) -> np.ndarray:
        parts = [picture, *(picture.crop(box.pixels(*picture.size)) for box in regions)]
        return np.stack([np.asarray(part.resize((1, 1), Image.Resampling.BOX)).reshape(3) for part in parts])

    def encode_images(self, prepared: Sequence[np.ndarray]) -> list[Vectors]:
        if self._log is not None:
            with self._log.open("a") as log:
                log.write(f"{len(prepared)}\n")
        time.sleep(self._seconds)
        return [_unit(one) for one in prepared]

    def activation(self, picture: Image.Image, query: np.ndarray) -> np.ndarray:
        small = np.asarray(picture.resize((8, 6), Image.Resampling.BOX)).reshape(-1, 3)
        cosines: np.ndarray = _unit(small) @ query
        return cosines.reshape(6, 8)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return _unit(np.array([ImageColor.getrgb(text.strip().split()[-1]) for text in texts]))


def paint(path: Path, colour: str, size: tuple[int, int] = (16, 16), seed: int | None = None) -> Path:
    """Write a picture of one colour; a seed adds noise, so that its content is unique."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, colour)
    if seed is not None:
        rgb = np.asarray(image).astype(int) + np.random.default_rng(seed).integers(-9, 10, (size[1], size[0], 3))
        image = Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
    image.save(path)
    return path


def paint_photos(
    folder: Path, colours: Sequence[str] = COLOURS, size: tuple[int, int] = (16, 16), suffix: str = "png"
) -> Path:
    """The folder, with a picture of each colour that has the colour's name."""
    for i, colour in enumerate(colours):
        paint(folder / f"{colour}.{suffix}", colour, size, seed=i)
    return folder


def dated(when: str, latitude: float | None = None, longitude: float = 0.0, camera: str | None = None) -> Image.Exif:
    """EXIF with a date such as "2024:06:15 12:00:00", a position in degrees and a camera."""
    exif = Image.Exif()
    exif[0x8769] = {0x9003: when}
    if camera:
        exif[0x0110] = camera
    if latitude is not None:
        exif[0x8825] = {
            1: "N" if latitude >= 0 else "S", 2: (abs(latitude), 0.0, 0.0),
            3: "E" if longitude >= 0 else "W", 4: (abs(longitude), 0.0, 0.0),
        }  # fmt: skip
    return exif


def record(*paths):
    """The record of a picture with these files, whose content is that of the first."""
    with paths[0].open("rb") as file:
        content = compute_fingerprint(file).hex()
    return PictureRecord(1, content, paths, PictureFacts(16, 16, Metadata()))


def _unit(rgb: np.ndarray) -> Vectors:
    raw = np.concatenate([rgb / 255, np.full((len(rgb), 1), 0.1)], axis=1).astype(np.float32)
    unit: Vectors = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":  # python -m tests.colour INDEX FOLDER LOG: index in a process that can be killed
    place, folder, log = sys.argv[1], *map(Path, sys.argv[2:])
    with cosmos_search.open(place, encoder=ColourEncoder(log=log, seconds=0.02)) as library:
        print("ready", flush=True)
        library.add(folder)
