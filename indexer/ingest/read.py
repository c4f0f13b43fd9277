"""Read one file: its content's fingerprint, and its pixels if that content is new. Runs in several threads."""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Event, Lock
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import ImageEncoder, Prepared
from indexer.errors import PictureError
from indexer.ingest.regular_file import BoundedFile, StoppedError, open_regular
from indexer.ingest.scan import Change
from indexer.pictures.images import fingerprint, open_picture
from indexer.pictures.regions import pyramid
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, PictureFacts

__all__ = ["ReadFile", "Reader"]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A new content has facts and pixels, a known one neither, a failed one its reason."""

    change: Change
    fingerprint: bytes | None = None
    facts: PictureFacts | None = None
    prepared: Prepared | None = None
    vectors: NDArray[np.float16] | None = None  # (1 + regions, dim), put in by the encoder
    failure: str | None = None
    may_pass: bool = False  # the failure is one of the moment (permissions, I/O, memory), not of the content

    @property
    def is_copy(self) -> bool:
        """Whether its content is known, or read from another file in this run."""
        return self.facts is None and self.failure is None


class Reader:
    """Reads files for one encoder. Of several copies of a new content only the first is decoded."""

    def __init__(
        self,
        index: Index,
        encoder: ImageEncoder,
        target: EncoderRecord,
        max_pixels: int | None,
        stop: Event,
    ) -> None:
        self._index = index
        self._encoder = encoder
        self._target = target
        self._max_pixels = max_pixels
        self._stop = stop
        self._claimed: set[bytes] = set()  # contents being worked on, not yet in the catalog
        self._guard = Lock()

    def read(self, change: Change, *, decode_copies: bool = False) -> ReadFile | None:
        """Never raises for a bad file: it comes back with its failure; None: it was deleted since it was found, or the
        run is stopped.

        decode_copies: also a content that is known, or being read from another file.
        """
        content = None
        try:
            with open_regular(change.file.path) as (file, n_bytes):
                content = fingerprint(cast(BinaryIO, BoundedFile(file, n_bytes, self._stop)))
                if not decode_copies and not self._claim(content):
                    return ReadFile(change, content)
                picture = open_picture(file, min_side=self._encoder.min_side, max_pixels=self._max_pixels)
            regions = pyramid(self._target.regions, picture.width, picture.height)
            prepared = self._encoder.prepare(picture.image, regions)
        except StoppedError:
            return None
        except PictureError as error:
            return ReadFile(change, content, failure=str(error), may_pass=_may_pass(error.__cause__))
        except (OSError, MemoryError, RecursionError) as error:
            if content is None and isinstance(error, FileNotFoundError | NotADirectoryError):
                return None
            return ReadFile(change, content, failure=_reason(error), may_pass=_may_pass(error))
        return ReadFile(change, content, PictureFacts(picture.width, picture.height, picture.metadata), prepared)

    def release(self, contents: Iterable[bytes]) -> None:
        """These are in the catalog now."""
        with self._guard:
            self._claimed.difference_update(contents)

    def _claim(self, content: bytes) -> bool:
        """Whether this content is new and nobody else's; the claim comes first, so that no copy slips through."""
        with self._guard:
            if content in self._claimed:
                return False
            self._claimed.add(content)
        with self._index.reading() as catalog:
            return not catalog.has_vector(content, self._target.id)


def _may_pass(error: BaseException | None) -> bool:
    """Whether the system refused, rather than the content."""
    return isinstance(error, MemoryError | RecursionError) or (isinstance(error, OSError) and error.errno is not None)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"can't be read: {error.strerror or error}"
    return "too large for the memory" if isinstance(error, MemoryError) else "nested too deeply"
