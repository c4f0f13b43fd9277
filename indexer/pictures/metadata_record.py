"""The metadata of a picture. A search needs only this record: reading metadata takes Pillow and an XML parser."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Metadata"]


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a picture; None or empty where it is missing or invalid."""

    # Without a time zone, as the camera's clock showed it: EXIF seldom has a zone, and people search for local dates.
    taken_at: datetime | None = None
    latitude: float | None = None  # degrees, -90..90
    longitude: float | None = None  # degrees, -180..180
    camera: str | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()
