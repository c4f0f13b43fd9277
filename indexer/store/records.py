"""Records that are read from and written to the catalog."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import WHOLE, Box

if TYPE_CHECKING:  # a client of a server needs neither
    import numpy as np
    from numpy.typing import NDArray

    from indexer.pictures.walk import FoundFile

__all__ = [
    "TEXT_KINDS",
    "EncoderRecord",
    "FailedFile",
    "Folder",
    "IndexedCopy",
    "IndexedDirectory",
    "IndexedFailure",
    "IndexedFile",
    "IndexedPicture",
    "KnownFile",
    "PictureFacts",
    "PictureRecord",
    "TextKind",
    "TextLine",
]

TextKind = Literal["picture", "caption", "keyword", "folder", "file"]  # where a text stands; "picture": read in it
TEXT_KINDS: dict[TextKind, str] = {
    "picture": "text in the picture",
    "caption": "caption",
    "keyword": "keyword",
    "folder": "folder",
    "file": "file name",
}


@dataclass(frozen=True, slots=True)
class EncoderRecord:
    """The encoder that made a set of vectors."""

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
    """A folder that a user indexed. No indexed folder is inside another."""

    id: int
    path: Path
    n_pictures: int  # readable files; a video counts once, copies of a picture count each
    n_failed: int
    exclude: tuple[str, ...]  # glob patterns, see indexer.pictures.walk.is_left_out

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; "exclude" is missing if there are no patterns."""
        exclude = {"exclude": list(self.exclude)} if self.exclude else {}
        return {"path": str(self.path), "pictures": self.n_pictures, "failed": self.n_failed, **exclude}


@dataclass(frozen=True, slots=True)
class KnownFile:
    """An indexed file, as it was when it was last read. Of a video: with its first frame."""

    id: int  # of its first picture's row
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    fingerprint: bytes | None  # None: it could not be read
    max_pixels: int | None  # the limit under which it failed
    device: int | None  # of its directory; None: not recorded
    inodes: str | None  # of its directory and those above, see indexer.pictures.walk; None: not recorded
    has_vector: bool  # of the encoder in question


@dataclass(frozen=True, slots=True)
class IndexedDirectory:
    """A directory of indexed files. The numbers are those at the time of indexing; None: not recorded."""

    path: Path
    device: int | None
    inodes: str | None  # of it and of those above, see indexer.pictures.walk
    file_ids: list[int]  # as of KnownFile


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file or directory that could not be read, and the reason."""

    path: Path
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {"path": str(self.path), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The properties of a picture that need no encoder. width and height: in pixels, upright."""

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
class IndexedPicture:
    """A file with new content, to be written with its picture; or a frame of a video."""

    folder_id: int
    file: "FoundFile"
    fingerprint: bytes  # of the content; a frame's also of its position, so that each frame is a picture of its own
    facts: PictureFacts
    vectors: "NDArray[np.float16]"  # (1 + regions, dim)
    position_ms: int | None = None  # in the video; the first frame's is 0; None: a still image


@dataclass(frozen=True, slots=True)
class IndexedCopy:
    """A file whose content is in the catalog; or such a frame of a video."""

    folder_id: int
    file: "FoundFile"
    fingerprint: bytes
    position_ms: int | None = None  # as of IndexedPicture


@dataclass(frozen=True, slots=True)
class IndexedFailure:
    """A file that could not be read; a video fails as a whole."""

    folder_id: int
    file: "FoundFile"
    reason: str
    max_pixels: int | None  # the limit of the run; the file is read again in a run with another limit


IndexedFile: TypeAlias = IndexedPicture | IndexedCopy | IndexedFailure


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """A picture and the paths of all files with this content, sorted."""

    id: int
    fingerprint: str  # of its content, hexadecimal
    paths: tuple[Path, ...]
    facts: PictureFacts
    position_ms: int | None = None  # of a frame in its video; None: a still image

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; "path" is the first of the files, "copies" are the others; "position_ms" only of a frame.

        Bytes of a path that are not valid UTF-8 are lone surrogates, which `os.fsencode` converts back.
        """
        path, *copies = map(str, self.paths)
        named = {"id": self.id, "fingerprint": self.fingerprint, "path": path, "copies": copies}
        position = {} if self.position_ms is None else {"position_ms": self.position_ms}
        return named | position | self.facts.to_dict()


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text in or around a picture: a line that was read in it, its caption, a keyword, or a name."""

    kind: TextKind
    text: str
    box: Box = WHOLE  # of a line in the picture
    confidence: float | None = None  # of a line in the picture, 0..1

    def describe(self) -> str:
        """Where the text stands, and the text: "text in the picture: 'STOP'"."""
        return f"{TEXT_KINDS[self.kind]}: '{self.text}'"

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; a line in the picture has a box (left, top, right, bottom) and a confidence."""
        values: dict[str, Any] = {"kind": TEXT_KINDS[self.kind], "text": self.text}
        if self.confidence is not None:
            box = [self.box.left, self.box.top, self.box.right, self.box.bottom]
            values |= {"box": box, "confidence": round(self.confidence, 4)}
        return values
