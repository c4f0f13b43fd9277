"""Changed copies of photos, as people have them: smaller, re-encoded, cropped, brighter, turned, with a border."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from indexer.pictures.images import open_picture, reading_pictures

__all__ = ["KINDS", "Copy", "make_copies"]

Change = Callable[[Image.Image, np.random.Generator], Image.Image]
QUALITY = 65  # of JPEG, lower than that of most photos, as a copy has it


@dataclass(frozen=True, slots=True)
class Copy:
    """A changed copy of a photo."""

    path: Path
    original: Path
    kind: str  # of KINDS


def make_copies(photos: Sequence[Path], folder: Path, per_photo: int, seed: int = 0) -> list[Copy]:
    """Write changed copies of each photo, each of another kind; all kinds are equally frequent."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    kinds, copies = list(KINDS), []
    with reading_pictures():
        for i, path in enumerate(photos):
            with path.open("rb") as file:
                image = open_picture(file, min_side=10_000).image
            for j in range(per_photo):
                kind = kinds[(i * per_photo + j) % len(kinds)]
                suffix = ".png" if kind == "as PNG" else ".jpg"
                target = folder / f"{path.stem}.{kind.replace(' ', '-').replace('%', '')}{suffix}"
                quality = int(rng.integers(30, 91)) if kind == "re-encoded" else QUALITY
                KINDS[kind](image, rng).save(target, quality=quality)  # which PNG ignores
                copies.append(Copy(target, path, kind))
    return copies


def _keep(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image


def _resize(factor: float) -> Change:
    def resize(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
        return image.resize(size, Image.Resampling.LANCZOS)

    return resize


def _crop(n_sides: int, least: float, most: float) -> Change:
    def crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        shares = np.zeros(4)
        shares[rng.permutation(4)[:n_sides]] = rng.uniform(least, most, n_sides)
        left, top, right, bottom = shares
        width, height = image.size
        return image.crop(
            (round(width * left), round(height * top), round(width * (1 - right)), round(height * (1 - bottom)))
        )

    return crop


def _enhance(enhancer: Callable[[Image.Image], ImageEnhance._Enhance], least: float, most: float) -> Change:
    return lambda image, rng: enhancer(image).enhance(rng.uniform(least, most))


def _turn(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    turns = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270
    return image.transpose(turns[rng.integers(3)])


def _stamp(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A semi-transparent text in a corner, a fifth to a third of the width."""
    stamped = image.copy()
    draw = ImageDraw.Draw(stamped, "RGBA")
    size = image.width * rng.uniform(0.03, 0.05)
    left, top, right, bottom = draw.textbbox((0, 0), "holiday 2024", font_size=size)
    x = rng.choice([0.02 * image.width, 0.98 * image.width - (right - left)])
    y = rng.choice([0.02 * image.height, 0.96 * image.height - (bottom - top)])
    draw.text((x, y), "holiday 2024", fill=(255, 255, 255, 190), font_size=size)
    return stamped


def _frame(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width = round(min(image.size) * rng.uniform(0.02, 0.06))
    return ImageOps.expand(image, width, fill=("white", "black")[rng.integers(2)])


def _send(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Several small changes at once: cropped, brighter or darker, and smaller."""
    changed = _crop(2, 0.02, 0.06)(image, rng)
    changed = ImageEnhance.Brightness(changed).enhance(rng.uniform(0.85, 1.15))
    return _resize(rng.uniform(0.4, 0.8))(changed, rng)


KINDS: dict[str, Change] = {
    "half the size": _resize(0.5),
    "a quarter of the size": _resize(0.25),
    "re-encoded": _keep,  # at quality 30 to 90; the others at QUALITY
    "as PNG": _keep,
    "cropped at one side by 2-15%": _crop(1, 0.02, 0.15),
    "cropped at each side by 2-8%": _crop(4, 0.02, 0.08),
    "cropped at each side by 8-15%": _crop(4, 0.08, 0.15),
    "brighter by 10-40%": _enhance(ImageEnhance.Brightness, 1.1, 1.4),
    "darker by 10-40%": _enhance(ImageEnhance.Brightness, 0.6, 0.9),
    "less contrast": _enhance(ImageEnhance.Contrast, 0.6, 0.9),
    "more contrast": _enhance(ImageEnhance.Contrast, 1.1, 1.5),
    "other colours": _enhance(ImageEnhance.Color, 0.3, 1.8),
    "gray": lambda image, rng: ImageOps.grayscale(image).convert("RGB"),
    "mirrored": lambda image, rng: ImageOps.mirror(image),
    "turned": _turn,  # by 90, 180 or 270 degrees
    "stamped": _stamp,
    "framed": _frame,
    "cropped, brighter, smaller": _send,
}
