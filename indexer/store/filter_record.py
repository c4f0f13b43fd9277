"""The filters of a search, as records. A client of a server needs only these: the conditions need the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from indexer.errors import UsageError

__all__ = ["ORIENTATIONS", "Filters", "Near"]

ORIENTATIONS = ("portrait", "landscape", "square")


@dataclass(frozen=True, slots=True)
class Near:
    """A circle on the earth: the centre in degrees (WGS84), the radius in kilometres."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class Filters:
    """A picture passes if it meets all conditions that are given. Unknown dates and places fail."""

    after: datetime | None = None  # taken at this time or later, by the camera's clock
    before: datetime | None = None  # taken earlier
    folder: str | None = None  # a part of a directory's path, in any case, or a path to a directory
    directory: str | None = None  # the path of one directory; those below it are included
    camera: str | None = None  # a part of its name, in any case
    near: Near | None = None
    min_pixels: int | None = None
    orientation: str | None = None  # one of ORIENTATIONS
    album: int | None = None  # the id of an album that has the picture
    texts: tuple[str, ...] = ()  # all of them stand in or around the picture, see `indexer.store.texts.contains_text`
    without_texts: tuple[str, ...] = ()  # none of them does

    def __post_init__(self) -> None:
        """Raise UsageError for filters that no picture can pass."""
        if self.after and self.before and self.after >= self.before:
            raise UsageError(f"No picture can be taken after {self.after:%Y-%m-%d} and before {self.before:%Y-%m-%d}.")
        if self.orientation is not None and self.orientation not in ORIENTATIONS:
            raise UsageError(f"There is no orientation {self.orientation!r}; choose from: {', '.join(ORIENTATIONS)}")

    def with_texts(self, texts: Sequence[str], without_texts: Sequence[str]) -> Self:
        """These filters, and further texts that must stand in or around a picture, or must not."""
        return replace(self, texts=(*self.texts, *texts), without_texts=(*self.without_texts, *without_texts))
