"""Made signs: texts in fonts of Debian, on plates, at all angles, blurred and noisy; alone or drawn on photos."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.data.debian import unpack_package

__all__ = ["FONT_PACKAGES", "Sign", "draw_plate", "list_fonts", "make_sign", "paste_sign"]

FONT_PACKAGES = ("fonts-dejavu-core", "fonts-liberation", "fonts-freefont-ttf")
TEXTS = (
    "EXIT 12", "NO PARKING", "Bakery", "RE16 TGK", "Platform 9", "Please ring twice", "Danger: high voltage",
    "Open 9-17", "Museum of Art", "Speed limit 30", "WET PAINT", "Gate B 24", "Fire escape", "Rue de la Paix",
    "Straße gesperrt", "Salida", "Market Square 1887", "Thank you for visiting", "Beware of the dog", "Room 4.107",
)  # fmt: skip
COLOURS = (
    ("white", "#a01010"),
    ("black", "#f4d020"),
    ("white", "#1c4f9c"),
    ("#202020", "#f2f2ee"),
    ("white", "#1d6b34"),
)


@dataclass(frozen=True, slots=True)
class Sign:
    """A picture with lines of text, in reading order, and how it was made."""

    picture: Image.Image
    lines: tuple[str, ...]
    height: int  # of the letters, in pixels
    angle: float  # degrees, to the left
    is_noisy: bool


def list_fonts() -> list[Path]:
    """The fonts for signs: sans, serif, narrow, bold and italic."""
    folders = [unpack_package(package) for package in FONT_PACKAGES]
    fonts = sorted(path for folder in folders for path in folder.rglob("*.ttf"))
    return [path for path in fonts if not any(word in path.name for word in ("Math", "Mono"))]


def draw_plate(lines: tuple[str, ...], font: ImageFont.FreeTypeFont, letters: str, background: str) -> Image.Image:
    """A plate with lines of text, with a margin."""
    text = "\n".join(lines)
    left, top, right, bottom = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    margin = round(font.size / 2)
    plate = Image.new("RGB", (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin), background)
    ImageDraw.Draw(plate).multiline_text((margin - left, margin - top), text, font=font, fill=letters)
    return plate


def paste_sign(photo: Image.Image, plate: Image.Image, angle: float, rng: np.random.Generator) -> Image.Image:
    """The photo with a turned plate on it, somewhere, all of it inside."""
    turned = plate.convert("RGBA").rotate(angle, Image.Resampling.BICUBIC, expand=True)
    if turned.width > photo.width or turned.height > photo.height:
        turned.thumbnail(photo.size)
    place = rng.integers(0, np.array(photo.size, np.int64) - np.array(turned.size, np.int64) + 1)
    made = photo.convert("RGB")
    made.paste(turned, (int(place[0]), int(place[1])), turned)
    return made


def make_sign(
    rng: np.random.Generator, fonts: list[Path], height: int, angle: float, *, is_noisy: bool, side: int = 1280
) -> Sign:
    """A sign of one to three lines on a background of coloured noise, with letters of a height in pixels."""
    lines = tuple(str(line) for line in rng.choice(TEXTS, size=int(rng.integers(1, 4)), replace=False))
    letters, background = COLOURS[int(rng.integers(len(COLOURS)))]
    plate = draw_plate(lines, ImageFont.truetype(fonts[int(rng.integers(len(fonts)))], height), letters, background)
    small = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    scene = Image.fromarray(small).resize((side, side * 3 // 4), Image.Resampling.BICUBIC)
    picture = paste_sign(scene, plate, angle, rng)
    if is_noisy:
        blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(height / 24)), dtype=np.float32)
        picture = Image.fromarray(np.clip(blurred + rng.normal(0, 18, blurred.shape), 0, 255).astype(np.uint8))
    return Sign(picture, lines, height, angle, is_noisy)
