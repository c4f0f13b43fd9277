"""Draw the explanation of a hit: boxes, heat maps, labels."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import shorten

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.retrieval.boxes import find_box
from cosmos_search.retrieval.errors import ExplanationError, UnreadableHitError
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.errors import CosmosSearchError
from indexer.files import open_file, replace_file
from indexer.pictures.images import open_picture, reading_pictures
from indexer.pictures.regions import WHOLE
from indexer.store.records import TextLine

__all__ = [
    "COLOURS",
    "TEXT_COLOUR",
    "colour_heat",
    "draw_boxes",
    "draw_heat",
    "explain",
    "heat_map",
    "refine",
    "refine_evidence",
    "save_explanations",
]

# One for each term; distinguishable with any colour vision (Okabe and Ito 2008).
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2", "#999999")
TEXT_COLOUR = "#ff5fd2"  # of texts in the picture
HEAT = np.array([(0, 34, 78), (86, 92, 108), (163, 154, 120), (254, 232, 56)], dtype=np.float32)  # along cividis
SIDE = 720  # pixels, the longer side of a panel
GAP = 12
OPACITY = 0.55  # of a heat map over a grey picture


def explain(hit: Hit, encoder: Encoder) -> Image.Image:
    """An image with the hit and a refined box for each term, and next to it a heat map for each sentence.

    Raises UnreadableHitError if the file cannot be read any more.
    """
    picture = _read_hit(hit)
    maps = {part.text: heat_map(encoder, picture, part.text) for part in hit.evidence if not part.is_example}
    panels = [draw_boxes(picture, [refine_evidence(part, maps.get) for part in hit.evidence], hit.texts)]
    for number, part in enumerate(hit.evidence):
        if not part.is_example and (heat := maps[part.text]) is not None:
            panels.append(draw_heat(picture, heat, _make_label(part), _get_colour(number)))
    sheet = Image.new("RGB", (sum(p.width + GAP for p in panels) - GAP, panels[0].height), "white")
    left = 0
    for panel in panels:
        sheet.paste(panel, (left, 0))
        left += panel.width + GAP
    return sheet


def refine(hit: Hit, encoder: Encoder) -> Hit:
    """The hit with the box of each sentence fitted to the sentence's heat map, for which the picture is read.

    A box stays as it is if the term is the example image, if it is the whole picture, if it is refined already, or if
    the encoder has no heat maps. Raises UnreadableHitError if the file cannot be read any more.
    """
    picture = _read_hit(hit)
    evidence = (refine_evidence(part, lambda text: heat_map(encoder, picture, text)) for part in hit.evidence)
    return replace(hit, evidence=tuple(evidence))


def refine_evidence(evidence: Evidence, make_map: Callable[[str], NDArray[np.float32] | None]) -> Evidence:
    """The same as `refine`, for one term. make_map: from the text to its heat map, called only if it is needed."""
    if evidence.is_example or evidence.is_refined or evidence.box == WHOLE:
        return evidence
    heat = make_map(evidence.text)
    return evidence if heat is None else replace(evidence, box=find_box(heat, evidence.box), is_refined=True)


def _read_hit(hit: Hit) -> Image.Image:
    """The upright picture of a hit, with SIDE pixels on its longer side. Raises UnreadableHitError."""
    try:
        with reading_pictures(), open_file(hit.path) as file:
            picture = open_picture(file, min_side=SIDE, max_pixels=None).image
    except (OSError, CosmosSearchError) as error:
        raise UnreadableHitError(hit.path, str(error)) from error
    scale = SIDE / max(picture.size)
    return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))


def heat_map(encoder: Encoder, picture: Image.Image, text: str) -> NDArray[np.float32] | None:
    """Cosine of each place of a picture with a text: (rows, columns); None if the encoder has no local features."""
    return encoder.activation(picture, encoder.encode_texts([text])[0])


def draw_boxes(picture: Image.Image, evidence: Sequence[Evidence], texts: Sequence[TextLine] = ()) -> Image.Image:
    """The picture with the box of each term as it is (see `refine`), and labels with text and score.

    A term whose box is the whole picture has only a label, and so have texts that do not stand in the picture.
    """
    drawn = picture.copy()
    pen, font = ImageDraw.Draw(drawn), _load_font()
    line = max(2, round(max(picture.size) / 240))
    corners = []
    for number, part in enumerate(evidence):
        left, top, right, bottom = part.box.pixels(*picture.size)
        inset = line * (1 + 2 * number)  # boxes of several sentences may be the same
        outline = (left + inset, top + inset, right - inset - 1, bottom - inset - 1)
        if part.box != WHOLE and outline[0] < outline[2] and outline[1] < outline[3]:
            pen.rectangle(outline, outline=_get_colour(number), width=line)
        corners.append((left + inset, top + inset))
    taken: list[tuple[float, float, float, float]] = []
    for text in texts:
        left, top, right, bottom = text.box.pixels(*picture.size)
        if text.box != WHOLE:
            pen.rectangle((left, top, right - 1, bottom - 1), outline=TEXT_COLOUR, width=line)
        label = replace(text, text=shorten(text.text, 40, placeholder="…") or text.text[:40]).describe()
        _draw_label(pen, (left, bottom if text.box != WHOLE else 0), label, TEXT_COLOUR, font, taken, picture.size)
    for number, (part, corner) in enumerate(zip(evidence, corners, strict=True)):
        label = _make_label(part) + (" (whole picture)" if part.box == WHOLE else "")
        _draw_label(pen, corner, label, _get_colour(number), font, taken, picture.size)
    return drawn


def draw_heat(picture: Image.Image, heat: NDArray[np.float32], label: str, colour: str) -> Image.Image:
    """The picture with a map (rows, columns) over it, from blue for its lowest value to yellow for its highest."""
    drawn = Image.blend(picture.convert("L").convert("RGB"), colour_heat(heat, picture.size), OPACITY)
    _draw_label(ImageDraw.Draw(drawn), (4, 4), label, colour, _load_font(), [], picture.size)
    return drawn


def colour_heat(heat: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """A map (rows, columns) as an image of this size, from blue for its lowest value to yellow for its highest."""
    spread = (heat - heat.min()) / max(float(heat.max() - heat.min()), 1e-6)
    smooth = Image.fromarray((255 * spread).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    steps = np.linspace(0, 255, len(HEAT))
    levels = np.arange(256)
    table = np.stack([np.interp(levels, steps, HEAT[:, channel]) for channel in range(3)], axis=1).astype(np.uint8)
    return Image.fromarray(table[np.asarray(smooth)])


def save_explanations(hits: Sequence[Hit], encoder: Encoder, folder: Path) -> list[Path]:
    """Write a PNG for each hit, named by rank and file name; returns the paths.

    Raises ExplanationError if a file cannot be written, UnreadableHitError if a picture cannot be read.
    """
    paths = []
    for hit in hits:
        sheet = explain(hit, encoder)
        paths.append(folder / f"{hit.rank:02}-{_make_file_name(hit.path.stem)}.png")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(paths[-1], partial(sheet.save, format="PNG"))
        except OSError as error:
            raise ExplanationError(paths[-1], error.strerror or str(error)) from error
    return paths


def _make_file_name(name: str) -> str:
    """A name that every file system and encoding supports, of at most 240 bytes."""
    text = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:60]
    return text.encode(sys.getfilesystemencoding(), "replace").decode(sys.getfilesystemencoding()).replace("?", "_")


def _get_colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _make_label(evidence: Evidence) -> str:
    text = evidence.text if len(evidence.text) <= 40 else evidence.text[:39] + "…"
    return f"{'not: ' if evidence.is_negative else ''}{text}  {evidence.score:.2f}"


def _load_font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(16)


def _draw_label(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    colour: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    taken: list[tuple[float, float, float, float]],
    size: tuple[int, int],
) -> None:
    """Draw a label inside the picture, below the labels that it would overlap."""
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    width, height = right - left + 8, bottom - top + 8
    x, y = max(0.0, min(place[0], size[0] - width)), place[1]
    while any(x < r and left_ < x + width and y < b and t < y + height for left_, t, r, b in taken):
        y += height
    y = min(y, size[1] - height)
    taken.append((x, y, x + width, y + height))
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + 4 - left, y + 4 - top), text, fill="black", font=font)
