"""What passes between the disk, the encoder and the catalog."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.pictures.metadata import Metadata
from indexer.pictures.walk import FoundFile

__all__ = ["EncoderRecord", "FailedFile", "Folder", "IndexedFile", "KnownFile", "PictureFacts", "PictureRecord"]


@dataclass(frozen=True, slots=True)
class EncoderRecord:
    """The model that made a set of vectors."""

    id: int
    name: str
    version: str
    dim: int
    regions: str  # the kind of pyramid, see indexer.pictures.regions


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the user asked to index; no folder lies inside another."""

    id: int
    path: Path
    n_pictures: int  # files that hold a readable picture
    n_failed: int
    exclude: tuple[str, ...]  # patterns of what is left out, see indexer.pictures.walk


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was when it was last read."""

    id: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    fingerprint: bytes | None  # None: it failed
    max_pixels: int | None  # the limit under which it failed
    device: int | None  # of its directory; None: not recorded
    inodes: str | None  # of its directory and those above, see indexer.pictures.walk; None: not recorded
    has_vector: bool  # of the encoder that was asked about


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file or folder that could not be read, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a picture without a model: width and height in pixels, upright."""

    width: int
    height: int
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One file, read: a new content has facts and a vector, a known one neither, a failed one its reason."""

    folder_id: int
    file: FoundFile
    fingerprint: bytes | None = None
    facts: PictureFacts | None = None
    vectors: NDArray[np.float16] | None = None  # (1 + regions, dim)
    failure: str | None = None
    max_pixels: int | None = None


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """A picture and every file that holds it, by path."""

    id: int
    fingerprint: str  # of its content, hexadecimal
    paths: tuple[Path, ...]
    facts: PictureFacts
