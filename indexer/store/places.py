"""The places where pictures were taken, of all pictures at once."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, select

from indexer.store.schema import pictures

__all__ = ["PicturePlace", "has_places", "read_places"]


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """Where a picture was taken, in degrees (WGS84)."""

    id: int
    latitude: float
    longitude: float

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return asdict(self)


def read_places(connection: Connection) -> list[PicturePlace]:
    """The places of all pictures that have one, newest picture first."""
    p = pictures.c
    query = select(p.id, p.latitude, p.longitude).where(p.latitude.is_not(None), p.longitude.is_not(None))
    rows = connection.execute(query.order_by(p.taken_at.desc().nulls_last(), p.id.desc()))
    return [PicturePlace(*row) for row in rows]


def has_places(connection: Connection) -> bool:
    """True if a picture has a place."""
    query = select(pictures.c.id).where(pictures.c.latitude.is_not(None)).limit(1)
    return connection.execute(query).first() is not None
