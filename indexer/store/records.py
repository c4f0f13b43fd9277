"""What passes between the disk, the encoder and the catalog."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {"name": self.name, "version": self.version, "dim": self.dim, "regions": self.regions}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the user asked to index; no folder lies inside another."""

    id: int
    path: Path
    n_pictures: int  # files that hold a readable picture
    n_failed: int
    exclude: tuple[str, ...]  # patterns of what is left out, see indexer.pictures.walk

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; "exclude" is missing if there are no patterns."""
        exclude = {"exclude": list(self.exclude)} if self.exclude else {}
        return {"path": str(self.path), "pictures": self.n_pictures, "failed": self.n_failed, **exclude}


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

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {"path": str(self.path), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a picture without a model: width and height in pixels, upright."""

    width: int
    height: int
    metadata: Metadata

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; the date in ISO 8601."""
        found = self.metadata
        return {
            "width": self.width,
            "height": self.height,
            "taken_at": found.taken_at.isoformat() if found.taken_at else None,
            "latitude": found.latitude,
            "longitude": found.longitude,
            "camera": found.camera,
            "caption": found.caption,
            "keywords": list(found.keywords),
        }


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

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; "path" is the first of the files, "copies" are the others.

        Bytes of a path that are not valid UTF-8 are lone surrogates, which `os.fsencode` converts back.
        """
        path, *copies = map(str, self.paths)
        named = {"id": self.id, "fingerprint": self.fingerprint, "path": path, "copies": copies}
        return named | self.facts.to_dict()
