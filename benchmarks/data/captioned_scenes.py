"""Small scenes of coloured things on photo backgrounds, with captions of many sentences: data to learn from.

A scene has one or two groups of things on a grid of four cells. Its caption names each group's kind, colour and
number, where single things are, how two of them lie to each other, the background, and how many things there are.
A fifth of the pairs of kind and colour, and a fifth of the layouts (which kind is in which cell), are kept for held-out
scenes: each of these has a pair and a layout that no training scene has. The same seed makes the same scenes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.data.debian import unpacked
from benchmarks.data.emoji import NAMES, drawing
from indexer.pictures.regions import Box

__all__ = ["COLOURS", "Group", "Scene", "existence", "facts", "paint", "relation", "scenes", "write_folder"]

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
HELD_OUT = 5  # one in so many


@dataclass(frozen=True, slots=True)
class Group:
    """Things of one kind and colour. cells: 0 to 3, row by row from the top left."""

    name: str
    colour: str
    cells: tuple[int, ...]

    @property
    def text(self) -> str:
        """ "red cat", for one of them."""
        return f"{self.colour} {self.name}"

    @property
    def box(self) -> Box:
        """The first thing's cell."""
        row, column = divmod(self.cells[0], CELLS)
        return Box(column / CELLS, row / CELLS, (column + 1) / CELLS, (row + 1) / CELLS)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is in a picture, and what is said of it."""

    name: str
    seed: int
    groups: tuple[Group, ...]
    background: str
    sentences: tuple[str, ...]  # in the caption's order

    @property
    def caption(self) -> str:
        """The sentences as one text."""
        return ". ".join(self.sentences)


def scenes(n: int, seed: int, *, held_out: bool) -> Iterator[Scene]:
    """n scenes, either for training or held out from it."""
    rng = np.random.default_rng([seed, held_out])
    for i in range(n):
        while True:
            groups = _groups(rng)
            if _is_new(groups) if held_out else _is_usual(groups):
                break
        background = str(rng.choice(list(BACKGROUNDS)))
        sentences = _sentences(groups, background)
        order = rng.permutation(len(sentences))
        yield Scene(f"{i:06}", int(rng.integers(2**31)), groups, background, tuple(sentences[j] for j in order))


def facts(scene: Scene) -> frozenset[str]:
    """All sentences that are true of it: its own, and that there is one where there are several."""
    return frozenset((*scene.sentences, *(existence(group, n=1) for group in scene.groups)))


def existence(group: Group, n: int) -> str:
    """That there are n of them."""
    return f"{NUMBERS[n]} {_plural(group.text)}" if n > 1 else f"a {group.text}"


def relation(one: Group, other: Group) -> str:
    """Left before right and above before below, where the cells leave no doubt; else nothing."""
    (row, column), (its_row, its_column) = (divmod(group.cells[0], CELLS) for group in (one, other))
    if row == its_row and column < its_column:
        return f"a {one.text} left of a {other.text}"
    if column == its_column and row < its_row:
        return f"a {one.text} above a {other.text}"
    return ""


def paint(scene: Scene) -> Image.Image:
    """The picture, SIDE pixels square."""
    rng = np.random.default_rng(scene.seed)
    canvas = _background(scene.background, rng)
    for group in scene.groups:
        thing = _coloured(group.name, group.colour)
        for cell in group.cells:
            size = int(rng.integers(44, 48))
            scaled = ImageOps.contain(thing, (size, size), Image.Resampling.BICUBIC)
            row, column = divmod(cell, CELLS)
            left = column * SIDE // CELLS + int(rng.integers(0, SIDE // CELLS - scaled.width + 1))
            top = row * SIDE // CELLS + int(rng.integers(0, SIDE // CELLS - scaled.height + 1))
            canvas.paste(scaled.convert("RGB"), (left, top), scaled.getchannel("A"))
    return canvas


def write_folder(some: Iterator[Scene], folder: Path) -> None:
    """As pictures with their captions beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in some:
        paint(scene).save(folder / f"{scene.name}.jpg", quality=92)
        (folder / f"{scene.name}.txt").write_text(scene.caption + "\n", encoding="utf-8")


def _groups(rng: np.random.Generator) -> tuple[Group, ...]:
    """One or two, of different kinds and colours; one thing each, or of a kind alone two."""
    n = int(rng.integers(1, 3))
    names, colours = rng.choice(NAMES, n, replace=False), rng.choice(list(COLOURS), n, replace=False)
    counts = rng.choice([1, 2] if n == 1 else [1], n)
    cells = iter(rng.permutation(CELLS**2).tolist())
    groups = []
    for name, colour, count in zip(names, colours, counts, strict=True):
        groups.append(Group(str(name), str(colour), tuple(sorted(next(cells) for _ in range(count)))))
    return tuple(groups)


def _is_usual(groups: tuple[Group, ...]) -> bool:
    return not any(_is_kept(group.text) for group in groups) and not _is_kept(_layout(groups))


def _is_new(groups: tuple[Group, ...]) -> bool:
    return any(_is_kept(group.text) for group in groups) and _is_kept(_layout(groups))


def _layout(groups: tuple[Group, ...]) -> str:
    """Which kind is in which cell."""
    return str(sorted((cell, group.name) for group in groups for cell in group.cells))


def _is_kept(text: str) -> bool:
    return sha256(text.encode()).digest()[0] % HELD_OUT == 0


def _sentences(groups: tuple[Group, ...], background: str) -> list[str]:
    single = [group for group in groups if len(group.cells) == 1]
    said = [existence(group, n=len(group.cells)) for group in groups]
    said += [f"a {group.text} {PLACES[group.cells[0]]}" for group in single]
    said += [text for one in single for other in single if one != other and (text := relation(one, other))]
    n_things = sum(len(group.cells) for group in groups)
    said.append("one thing" if n_things == 1 else f"{NUMBERS[n_things]} things")
    return [*said, f"a background of {background}"]


def _plural(text: str) -> str:
    return text + ("es" if text.endswith("s") else "s")


@cache
def _coloured(name: str, colour: str) -> Image.Image:
    """The drawing in shades of one colour: its middle tone becomes the colour, from black to a pale tint."""
    picture = drawing(name)
    shades, opaque = np.asarray(picture.convert("L")), np.asarray(picture.getchannel("A")) > 128
    middle = int(np.clip(np.median(shades[opaque]), 60, 200))
    pale = tuple((255 + level) // 2 for level in COLOURS[colour])
    tinted = ImageOps.colorize(Image.fromarray(shades), (15, 15, 15), pale, COLOURS[colour], midpoint=middle)
    tinted.putalpha(picture.getchannel("A"))
    return tinted


def _background(name: str, rng: np.random.Generator) -> Image.Image:
    """A random part of the photo, a quarter to the whole of its shorter side, faded so that things stand out."""
    whole = _photo(name)
    side = int(min(whole.size) * rng.uniform(0.3, 1.0))
    left, top = (int(rng.integers(0, length - side + 1)) for length in whole.size)
    part = whole.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return Image.blend(part, Image.new("RGB", part.size, (235, 235, 235)), 0.6)


@cache
def _photo(name: str) -> Image.Image:
    nature = unpacked("mate-backgrounds") / "usr/share/backgrounds/mate/nature"
    photo = Image.open(nature / f"{BACKGROUNDS[name]}.jpg").convert("RGB")
    return ImageOps.contain(photo, (480, 480))
