"""Scenes with ground truth: cut-outs with captions, pasted on photo backgrounds at known positions.

The cut-outs are Tux Paint's photo stamps (package tuxpaint-stamps-default; public domain and GPL-2+, according to its
copyright file), the backgrounds nature photos of mate-backgrounds (GPL-2+). They are used for evaluation only, never
for training. Scenes are determined by the seed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageEnhance

from benchmarks.data.debian import unpack_package
from benchmarks.data.stamps import Stamp, load_stamps
from indexer.pictures.regions import Box

__all__ = ["Scene", "SceneSet", "Thing", "make_scenes"]

BACKGROUNDS = "mate-backgrounds"
PHOTOS = ("Aqua", "Blinds", "Dune", "Garden", "GreenMeadow", "RainDrops", "Storm", "Wood")  # without prominent objects
SIZE = (1024, 768)
MAX_THINGS = 6
SHARE_ABSENT = 0.15  # of the stamps: in no scene
MAX_SCALE = 2.0  # of a stamp
MIN_PHOTO_COLOURS = 300  # drawings have fewer


Kind = Literal["original", "moved", "exchanged"]


@dataclass(frozen=True, slots=True)
class Thing:
    """One object in a scene."""

    caption: str
    box: Box
    stamp: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture of the collection.

    kind: "original"; "moved": the original's things at other positions; "exchanged": one thing is replaced.
    """

    name: str
    kind: Kind
    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class SceneSet:
    """The scenes of a collection, and captions of things that are in none of them."""

    scenes: tuple[Scene, ...]
    absent: tuple[str, ...]


def make_scenes(folder: Path, n_originals: int, seed: int = 0) -> SceneSet:
    """Write the scenes as JPEGs into a folder. Every original has a moved and an exchanged variant."""
    rng = np.random.default_rng(seed)
    stamps = _select_photos(load_stamps())
    order = rng.permutation(len(stamps))
    n_absent = round(SHARE_ABSENT * len(stamps))
    absent, present = [stamps[i] for i in order[:n_absent]], [stamps[i] for i in order[n_absent:]]
    backgrounds = _load_backgrounds()
    folder.mkdir(parents=True, exist_ok=True)
    scenes: list[Scene] = []
    for number in range(n_originals):
        background = _crop_background(backgrounds, rng)
        chosen = [present[i] for i in rng.choice(len(present), 1 + number % MAX_THINGS, replace=False)]
        other = list(chosen)
        other[rng.integers(len(chosen))] = present[rng.integers(len(present))]
        boxes = _sample_boxes(len(chosen), rng)
        variants: tuple[tuple[Kind, list[Stamp], list[Box]], ...] = (
            ("original", chosen, boxes),
            ("moved", chosen, _sample_boxes(len(chosen), rng)),
            ("exchanged", other, boxes),
        )
        for kind, things, cells in variants:
            scenes.append(_paint(folder / f"{number:04}-{kind}.jpg", kind, background, things, cells))
    return SceneSet(tuple(scenes), tuple(stamp.caption for stamp in absent))


def _select_photos(stamps: Sequence[Stamp]) -> list[Stamp]:
    """Photos with short captions, without drawings and tiny pictures; one for each caption, its final dot removed."""
    found: dict[str, Stamp] = {}
    for stamp in stamps:
        caption = re.sub(r"[.!]+$", "", stamp.caption).strip()
        box = stamp.picture.getchannel("A").getbbox()
        if box is None or min(box[2] - box[0], box[3] - box[1]) < 60 or len(caption) > 60 or "." in caption:
            continue
        if _count_colours(stamp.picture) >= MIN_PHOTO_COLOURS:
            found.setdefault(caption.lower(), Stamp(stamp.name, stamp.picture.crop(box), caption))
    return list(found.values())


def _count_colours(picture: Image.Image) -> int:
    """How many colours the opaque pixels have, in steps of 8 levels."""
    pixels = np.asarray(picture)
    opaque = pixels[pixels[..., 3] > 200][:, :3] // 8
    return len(np.unique(opaque, axis=0))


def _load_backgrounds() -> list[Image.Image]:
    nature = unpack_package(BACKGROUNDS) / "usr/share/backgrounds/mate/nature"
    return [Image.open(nature / f"{name}.jpg").convert("RGB") for name in PHOTOS]


def _crop_background(backgrounds: Sequence[Image.Image], rng: np.random.Generator) -> Image.Image:
    """A random part of a random background, mirrored half of the time."""
    photo: Image.Image = backgrounds[int(rng.integers(len(backgrounds)))]
    scale = rng.uniform(0.5, 1.0)
    width = int(min(photo.width, photo.height * SIZE[0] / SIZE[1]) * scale)
    height = int(width * SIZE[1] / SIZE[0])
    left, top = int(rng.uniform(0, photo.width - width)), int(rng.uniform(0, photo.height - height))
    part = photo.crop((left, top, left + width, top + height)).resize(SIZE, Image.Resampling.BICUBIC)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part


def _sample_boxes(n: int, rng: np.random.Generator) -> list[Box]:
    """n squares with an IoU below 0.08, with sides of 0.18 to 0.42 of the width (0.34 if there are more than three)."""
    largest = 0.42 if n <= 3 else 0.34
    while True:
        boxes: list[Box] = []
        for _ in range(300):
            side = rng.uniform(0.18, largest)
            width, height = side, side * SIZE[0] / SIZE[1]
            left, top = rng.uniform(0.01, 0.99 - width), rng.uniform(0.01, 0.99 - height)
            box = Box(left, top, left + width, top + height)
            if all(box.iou(other) < 0.08 for other in boxes):
                boxes.append(box)
            if len(boxes) == n:
                return boxes


def _paint(path: Path, kind: Kind, background: Image.Image, stamps: Sequence[Stamp], boxes: Sequence[Box]) -> Scene:
    canvas = background.copy()
    rng = np.random.default_rng(list(path.name.encode()))
    things = []
    for stamp, box in zip(stamps, boxes, strict=True):
        picture = _fit(stamp.picture, box)
        left, top = _find_corner(picture, box)
        lit = ImageEnhance.Brightness(picture).enhance(rng.uniform(0.85, 1.15))
        canvas.paste(lit.convert("RGB"), (left, top), picture.getchannel("A"))
        right, bottom = left + picture.width, top + picture.height
        tight = Box(left / SIZE[0], top / SIZE[1], right / SIZE[0], bottom / SIZE[1])
        things.append(Thing(stamp.caption, tight, stamp.name))
    canvas.save(path, quality=90)
    return Scene(path.name, kind, tuple(things))


def _fit(picture: Image.Image, box: Box) -> Image.Image:
    """The picture scaled to its box, but to at most MAX_SCALE times its size."""
    width, height = (box.right - box.left) * SIZE[0], (box.bottom - box.top) * SIZE[1]
    scale = min(width / picture.width, height / picture.height, MAX_SCALE)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _find_corner(picture: Image.Image, box: Box) -> tuple[int, int]:
    """The left and top pixel of a picture that is centred in its box."""
    x, y = (box.left + box.right) / 2 * SIZE[0], (box.top + box.bottom) / 2 * SIZE[1]
    return max(0, round(x - picture.width / 2)), max(0, round(y - picture.height / 2))
