"""Small scenes of coloured objects on photo backgrounds, with captions of several sentences, to train on.

A scene has one or two groups of objects on a grid of four cells. Its caption states each group's kind, colour and
number, the positions of single objects, the relation of two of them, the background, and the number of objects.
A fifth of the pairs of kind and colour, and a fifth of the layouts (which kind is in which cell), are reserved for
held-out scenes: each of these has a pair and a layout that no training scene has. Scenes are determined by the seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.data.debian import unpack_package
from benchmarks.data.emoji import NAMES, load_drawing
from indexer.pictures.regions import Box

__all__ = [
    "COLOURS", "Group", "Scene", "generate_scenes", "list_true_sentences", "paint", "state_existence", "state_relation",
    "write_folder",
]  # fmt: skip

SIDE = 96  # pixels
CELLS = 2  # a side
COLOURS = {
    "red": (225, 30, 30), "yellow": (250, 230, 20), "green": (40, 170, 50), "blue": (40, 80, 230),
    "purple": (140, 40, 190),
}  # fmt: skip
PLACES = ("at the top left", "at the top right", "at the bottom left", "at the bottom right")
NUMBERS = ("no", "one", "two")
BACKGROUNDS = {
    "water": "Aqua", "sand": "Dune", "flowers": "Garden", "grass": "GreenMeadow", "rain": "RainDrops",
    "clouds": "Storm", "wood": "Wood",
}  # fmt: skip
HELD_OUT = 5  # one in five pairs, and one in five layouts


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one kind and colour. cells: 0 to 3, row by row from the top left."""

    name: str
    colour: str
    cells: tuple[int, ...]

    @property
    def text(self) -> str:
        """Colour and kind of one object, such as "red cat"."""
        return f"{self.colour} {self.name}"

    @property
    def box(self) -> Box:
        """The cell of the first object."""
        row, column = divmod(self.cells[0], CELLS)
        return Box(column / CELLS, row / CELLS, (column + 1) / CELLS, (row + 1) / CELLS)


@dataclass(frozen=True, slots=True)
class Scene:
    """The content of a picture, and its caption."""

    name: str
    seed: int
    groups: tuple[Group, ...]
    background: str
    sentences: tuple[str, ...]  # in the caption's order

    @property
    def caption(self) -> str:
        """The sentences as one text."""
        return ". ".join(self.sentences)


def generate_scenes(n: int, seed: int, *, held_out: bool) -> Iterator[Scene]:
    """n scenes, either for training or held out from it."""
    rng = np.random.default_rng([seed, held_out])
    for i in range(n):
        while True:
            groups = _sample_groups(rng)
            if _is_held_out(groups) if held_out else _is_for_training(groups):
                break
        background = str(rng.choice(list(BACKGROUNDS)))
        sentences = _write_sentences(groups, background)
        order = rng.permutation(len(sentences))
        yield Scene(f"{i:06}", int(rng.integers(2**31)), groups, background, tuple(sentences[j] for j in order))


def list_true_sentences(scene: Scene) -> frozenset[str]:
    """All sentences that are true of a scene: those of its caption, and "a red cat" also where there are two."""
    return frozenset((*scene.sentences, *(state_existence(group, n=1) for group in scene.groups)))


def state_existence(group: Group, n: int) -> str:
    """The sentence that there are n objects of this kind and colour, such as "two red cats"."""
    return f"{NUMBERS[n]} {_pluralize(group.text)}" if n > 1 else f"a {group.text}"


def state_relation(one: Group, other: Group) -> str:
    """The sentence that `one` is left of or above `other`; "" unless they share a row or a column in that order."""
    (row, column), (its_row, its_column) = (divmod(group.cells[0], CELLS) for group in (one, other))
    if row == its_row and column < its_column:
        return f"a {one.text} left of a {other.text}"
    if column == its_column and row < its_row:
        return f"a {one.text} above a {other.text}"
    return ""


def paint(scene: Scene) -> Image.Image:
    """The picture of a scene, SIDE pixels square."""
    rng = np.random.default_rng(scene.seed)
    canvas = _crop_background(scene.background, rng)
    for group in scene.groups:
        drawing = _tint_drawing(group.name, group.colour)
        for cell in group.cells:
            size = int(rng.integers(44, 48))
            scaled = ImageOps.contain(drawing, (size, size), Image.Resampling.BICUBIC)
            row, column = divmod(cell, CELLS)
            left = column * SIDE // CELLS + int(rng.integers(0, SIDE // CELLS - scaled.width + 1))
            top = row * SIDE // CELLS + int(rng.integers(0, SIDE // CELLS - scaled.height + 1))
            canvas.paste(scaled.convert("RGB"), (left, top), scaled.getchannel("A"))
    return canvas


def write_folder(scenes: Iterator[Scene], folder: Path) -> None:
    """Write each scene as a JPEG, with its caption in a text file of the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        paint(scene).save(folder / f"{scene.name}.jpg", quality=92)
        (folder / f"{scene.name}.txt").write_text(scene.caption + "\n", encoding="utf-8")


def _sample_groups(rng: np.random.Generator) -> tuple[Group, ...]:
    """One group of one or two objects, or two groups of one object each, of different kinds and colours."""
    n = int(rng.integers(1, 3))
    names, colours = rng.choice(NAMES, n, replace=False), rng.choice(list(COLOURS), n, replace=False)
    counts = rng.choice([1, 2] if n == 1 else [1], n)
    cells = iter(rng.permutation(CELLS**2).tolist())
    groups = []
    for name, colour, count in zip(names, colours, counts, strict=True):
        groups.append(Group(str(name), str(colour), tuple(sorted(next(cells) for _ in range(count)))))
    return tuple(groups)


def _is_for_training(groups: tuple[Group, ...]) -> bool:
    return not any(_is_reserved(group.text) for group in groups) and not _is_reserved(_describe_layout(groups))


def _is_held_out(groups: tuple[Group, ...]) -> bool:
    return any(_is_reserved(group.text) for group in groups) and _is_reserved(_describe_layout(groups))


def _describe_layout(groups: tuple[Group, ...]) -> str:
    """Which kind is in which cell."""
    return str(sorted((cell, group.name) for group in groups for cell in group.cells))


def _is_reserved(text: str) -> bool:
    """True if this pair of kind and colour, or this layout, is for held-out scenes."""
    return sha256(text.encode()).digest()[0] % HELD_OUT == 0


def _write_sentences(groups: tuple[Group, ...], background: str) -> list[str]:
    single = [group for group in groups if len(group.cells) == 1]
    sentences = [state_existence(group, n=len(group.cells)) for group in groups]
    sentences += [f"a {group.text} {PLACES[group.cells[0]]}" for group in single]
    sentences += [text for one in single for other in single if one != other and (text := state_relation(one, other))]
    n_things = sum(len(group.cells) for group in groups)
    sentences.append("one thing" if n_things == 1 else f"{NUMBERS[n_things]} things")
    return [*sentences, f"a background of {background}"]


def _pluralize(text: str) -> str:
    return text + ("es" if text.endswith("s") else "s")


@cache
def _tint_drawing(name: str, colour: str) -> Image.Image:
    """The drawing in shades of one colour: its median tone maps to the colour, black to black, white to a pale tint."""
    picture = load_drawing(name)
    shades, opaque = np.asarray(picture.convert("L")), np.asarray(picture.getchannel("A")) > 128
    middle = int(np.clip(np.median(shades[opaque]), 60, 200))
    pale = tuple((255 + level) // 2 for level in COLOURS[colour])
    tinted = ImageOps.colorize(Image.fromarray(shades), (15, 15, 15), pale, COLOURS[colour], midpoint=middle)
    tinted.putalpha(picture.getchannel("A"))
    return tinted


def _crop_background(name: str, rng: np.random.Generator) -> Image.Image:
    """A random square of the photo, 0.3 to 1 of its shorter side, faded so that objects stand out."""
    photo = _load_photo(name)
    side = int(min(photo.size) * rng.uniform(0.3, 1.0))
    left, top = (int(rng.integers(0, length - side + 1)) for length in photo.size)
    part = photo.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return Image.blend(part, Image.new("RGB", part.size, (235, 235, 235)), 0.6)


@cache
def _load_photo(name: str) -> Image.Image:
    nature = unpack_package("mate-backgrounds") / "usr/share/backgrounds/mate/nature"
    photo = Image.open(nature / f"{BACKGROUNDS[name]}.jpg").convert("RGB")
    return ImageOps.contain(photo, (480, 480))
