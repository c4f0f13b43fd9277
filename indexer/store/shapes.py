"""The shapes of many pictures at once, for a page that lays all of them out before it loads them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from indexer.store.filter_record import Filters
from indexer.store.filters import make_conditions
from indexer.store.schema import pictures

__all__ = ["PictureShape", "read_newest_shapes"]


@dataclass(frozen=True, slots=True)
class PictureShape:
    """A picture's size in pixels, upright, and its date. One row of an index on `pictures` has all of it."""

    id: int
    width: int
    height: int
    taken_at: datetime | None


def read_newest_shapes(connection: Connection, filters: Filters, n: int) -> list[PictureShape]:
    """Those of at most `n` pictures that pass, in the order of `find_newest`: newest first, undated ones last."""
    p = pictures.c
    query = select(p.id, p.width, p.height, p.taken_at).where(*make_conditions(filters))
    rows = connection.execute(query.order_by(p.taken_at.desc().nulls_last(), p.id.desc()).limit(n))
    return [PictureShape(*row) for row in rows]
