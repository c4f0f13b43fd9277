"""The records of indexed pictures: counts, lists, places and albums. Nothing here needs an encoder."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cosmos_search.opened_index import OpenedIndex
from indexer.errors import UsageError
from indexer.store.albums import Album
from indexer.store.errors import NoIndexError
from indexer.store.facets import Facets
from indexer.store.filter_record import Filters
from indexer.store.places import PicturePlace
from indexer.store.records import PictureRecord
from indexer.store.shapes import PictureShape

if TYPE_CHECKING:
    from cosmos_search.retrieval.nearest_town import NearestTown

__all__ = ["IndexedPictures"]


class IndexedPictures:
    """What an index has stored about its pictures, and their albums: a base of `Library`. Thread-safe."""

    _opened: OpenedIndex

    def n_pictures(self) -> int:
        """Number of different pictures; 0 if there is no index."""
        if not self._opened.exists():
            return 0
        try:
            with self._opened.open().reading() as catalog:
                return catalog.n_pictures()
        except NoIndexError:  # it is being created
            return 0

    def n_matching(self, filters: Filters | None = None) -> int:
        """Number of pictures that pass the filters."""
        with self._opened.open().reading_pictures() as catalog:
            return catalog.n_matching(filters or Filters())

    def picture(self, id_: int) -> PictureRecord | None:
        """An indexed picture by its id; None if it is not indexed."""
        with self._opened.open().reading() as catalog:
            return catalog.pictures([id_]).get(id_)

    def pictures(self, ids: Sequence[int]) -> list[PictureRecord]:
        """Indexed pictures by their ids, in this order; those that are not indexed are left out."""
        with self._opened.open().reading() as catalog:
            found = catalog.pictures(ids)
        return [found[id_] for id_ in ids if id_ in found]

    def browse(self, filters: Filters | None = None, *, start: int = 0, n: int = 60) -> list[PictureRecord]:
        """`n` pictures without a query, from position `start` on (0 is the first): newest first, undated ones last.

        The list is empty after the last picture. Raises UsageError for a `start` below 0 or an `n` below 1.
        """
        if start < 0 or n < 1:
            raise UsageError(f"Cannot list {n} pictures from position {start} on; a page has 1 or more, from 0 on.")
        with self._opened.open().reading_pictures() as catalog:
            return catalog.newest(filters or Filters(), start, n)

    def newest_shapes(self, filters: Filters | None = None, n: int = 100_000) -> list[PictureShape]:
        """The sizes and dates of the first `n` pictures that `browse` lists, in its order."""
        with self._opened.open().reading_pictures() as catalog:
            return catalog.newest_shapes(filters or Filters(), n)

    def facets(self, filters: Filters | None = None) -> Facets:
        """Number of pictures that pass, for each camera, year, orientation, directory and size.

        Each of the five is counted without its own filter, so that it shows the other values to choose from.
        """
        with self._opened.open().reading_pictures() as catalog:
            return catalog.facets(filters or Filters())

    def keywords(self, n: int = 200) -> list[str]:
        """The `n` most frequent keywords in the metadata of the pictures."""
        with self._opened.open().reading() as catalog:
            return catalog.keywords(n)

    def places(self) -> list[PicturePlace]:
        """The places of all pictures that have one in their metadata, newest picture first."""
        with self._opened.open().reading() as catalog:
            return catalog.places()

    def has_places(self) -> bool:
        """True if a picture has a place in its metadata."""
        with self._opened.open().reading() as catalog:
            return catalog.has_places()

    def nearest_town(self, picture: PictureRecord) -> "NearestTown | None":
        """The town where a picture was taken, or the nearest one.

        None for a picture without a place, for one more than 100 km from any town, and without the extra `places`.
        """
        from cosmos_search.retrieval.nearest_town import find_nearest_town  # no search needs it

        return find_nearest_town(picture.facts.metadata.latitude, picture.facts.metadata.longitude)

    def albums(self) -> list[Album]:
        """All albums by name, the favourites first."""
        with self._opened.open().reading() as catalog:
            return catalog.albums()

    def albums_of(self, picture_id: int) -> list[int]:
        """The ids of the albums that have this picture."""
        with self._opened.open().reading() as catalog:
            return catalog.albums_of(picture_id)

    def add_to_album(self, name: str, ids: Sequence[int]) -> int:
        """Add pictures to the album with this name, which is created if there is none. Returns the album's id.

        Raises UsageError for an invalid name. The files of the pictures are not changed.
        """
        with self._opened.open().writing() as catalog:
            album_id = catalog.add_album(name)
            catalog.add_to_album(album_id, ids)
        return album_id

    def remove_from_album(self, album_id: int, ids: Sequence[int]) -> None:
        """Remove pictures from an album."""
        with self._opened.open().writing() as catalog:
            catalog.remove_from_album(album_id, ids)

    def save_search(self, name: str, search: str) -> int:
        """Store an address of the page as a saved search, under a name. Returns the id of that album."""
        with self._opened.open().writing() as catalog:
            return catalog.add_album(name, search)

    def delete_album(self, album_id: int) -> None:
        """Delete an album or a saved search; pictures are kept."""
        with self._opened.open().writing() as catalog:
            catalog.delete_album(album_id)
