"""The kinds of test sets. Paths are those of existing files.

sources: the annotation files, for the digest in a report; empty for folders of classes.
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CaptionPair",
    "CaptionPairs",
    "CaptionedFile",
    "CaptionedFiles",
    "DataSet",
    "DescribedRegion",
    "DescribedRegions",
    "LabelledFile",
    "LabelledFiles",
    "PicturePair",
    "PicturePairs",
]


@dataclass(frozen=True, slots=True)
class CaptionedFile:
    """A picture with one or more captions, all of which are right answers."""

    path: Path
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptionedFiles:
    """Retrieval: every caption with every picture. split: the part of the set that they are; None: all of it."""

    sources: tuple[Path, ...]
    items: tuple[CaptionedFile, ...]
    split: str | None = None


@dataclass(frozen=True, slots=True)
class DescribedRegion:
    """A picture and the description of a part of it. box: left, top, right, bottom in pixels of the upright picture."""

    path: Path
    text: str
    box: tuple[float, float, float, float] | None = None  # not every set says where the part is


@dataclass(frozen=True, slots=True)
class DescribedRegions:
    """Retrieval of a picture by one of its parts, and pointing at that part."""

    sources: tuple[Path, ...]
    items: tuple[DescribedRegion, ...]


@dataclass(frozen=True, slots=True)
class CaptionPair:
    """A picture with a right and a wrong caption. category: the kind of change between the two."""

    path: Path
    right: str
    wrong: str
    category: str


@dataclass(frozen=True, slots=True)
class CaptionPairs:
    """Pair accuracy: the share of pictures whose right caption has the higher score."""

    sources: tuple[Path, ...]
    items: tuple[CaptionPair, ...]


@dataclass(frozen=True, slots=True)
class PicturePair:
    """Two pictures and their captions, which have the same words."""

    paths: tuple[Path, Path]
    captions: tuple[str, str]


@dataclass(frozen=True, slots=True)
class PicturePairs:
    """Text, image and group score (Thrush et al. 2022)."""

    sources: tuple[Path, ...]
    items: tuple[PicturePair, ...]


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A picture and the index of its class."""

    path: Path
    label: int


@dataclass(frozen=True, slots=True)
class LabelledFiles:
    """Zero-shot classification. classes: their names, by label."""

    sources: tuple[Path, ...]
    classes: tuple[str, ...]
    items: tuple[LabelledFile, ...]


DataSet = CaptionedFiles | DescribedRegions | CaptionPairs | PicturePairs | LabelledFiles
