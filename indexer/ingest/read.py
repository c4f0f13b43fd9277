"""Read files: hash the content, and decode it if it is new. Called from several threads."""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Event, Lock
from typing import Generic, TypeAlias

from indexer.encoder import ImageEncoder, Prepared
from indexer.errors import PictureError
from indexer.ingest.regular_file import BoundedFile, StoppedError, open_regular
from indexer.ingest.scan import Change
from indexer.pictures.images import compute_fingerprint, open_picture
from indexer.pictures.regions import pyramid
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, PictureFacts

__all__ = ["Copy", "Decoded", "Failed", "ReadFile", "Reader"]


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Prepared]):
    """A file with new content, prepared for the encoder."""

    change: Change
    fingerprint: bytes
    facts: PictureFacts
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Copy:
    """A file whose content is already indexed, or was read from another file in this run."""

    change: Change
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that cannot be indexed."""

    change: Change
    fingerprint: bytes | None  # None if the file could not be read to its end
    reason: str
    is_temporary: bool = False  # caused by the system (permissions, I/O, memory), not by the content

    @property
    def keeps_its_row(self) -> bool:
        """True if the file is indexed and temporarily unreadable: its row stays, and the next run tries again."""
        known = self.change.known
        return self.is_temporary and known is not None and known.fingerprint is not None


ReadFile: TypeAlias = Decoded[Prepared] | Copy | Failed


class Reader(Generic[Prepared]):
    """Reads files for one encoder. Of several files with the same new content only the first is decoded."""

    def __init__(
        self,
        index: Index,
        encoder: ImageEncoder[Prepared],
        target: EncoderRecord,
        max_pixels: int | None,
        stop: Event,
    ) -> None:
        self._index = index
        self._encoder = encoder
        self._target = target
        self._max_pixels = max_pixels
        self._stop = stop
        self._claimed: set[bytes] = set()  # fingerprints of new contents that are not in the catalog yet
        self._guard = Lock()

    def read(self, change: Change, *, decode_copies: bool = False) -> ReadFile[Prepared] | None:
        """Read one file; a bad file never raises. None if it was deleted since the scan, or if the run is stopped.

        decode_copies: decode the content even if it is indexed or is being read from another file.
        """
        content = None
        try:
            with open_regular(change.file.path) as (file, n_bytes):
                content = compute_fingerprint(BoundedFile(file, n_bytes, self._stop))
                if not decode_copies and not self._claim(content):
                    return Copy(change, content)
                picture = open_picture(file, min_side=self._encoder.min_side, max_pixels=self._max_pixels)
            regions = pyramid(self._target.regions, picture.width, picture.height)
            prepared = self._encoder.prepare(picture.image, regions)
        except StoppedError:
            return None
        except PictureError as error:
            return Failed(change, content, str(error), _is_temporary(error.__cause__))
        except (OSError, MemoryError, RecursionError) as error:
            if content is None and isinstance(error, FileNotFoundError | NotADirectoryError):
                return None
            return Failed(change, content, _describe_error(error), _is_temporary(error))
        return Decoded(change, content, PictureFacts(picture.width, picture.height, picture.metadata), prepared)

    def release(self, contents: Iterable[bytes]) -> None:
        """Drop the claims on these contents, which are now in the catalog."""
        with self._guard:
            self._claimed.difference_update(contents)

    def _claim(self, content: bytes) -> bool:
        """True if this content is new and no other thread decodes it.

        The claim is made before the catalog is read: in the other order, two copies could both be found to be new.
        """
        with self._guard:
            if content in self._claimed:
                return False
            self._claimed.add(content)
        return not self._index.retry(lambda: self._has_vector(content))

    def _has_vector(self, content: bytes) -> bool:
        with self._index.reading() as catalog:
            return catalog.has_vector(content, self._target.id)


def _is_temporary(error: BaseException | None) -> bool:
    return isinstance(error, MemoryError | RecursionError) or (isinstance(error, OSError) and error.errno is not None)


def _describe_error(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"can't be read: {error.strerror or error}"
    return "too large for the memory" if isinstance(error, MemoryError) else "nested too deeply"
