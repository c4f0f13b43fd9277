"""Changes of albums. The files of the pictures are not changed."""

from collections.abc import Sequence

from ui.session.shared import SharedResources

__all__ = ["change_album"]


def change_album(shared: SharedResources, name: str, ids: Sequence[int], *, is_in: bool) -> None:
    """Add pictures to the album with this name, which is created if there is none, or remove them from it.

    Raises UsageError for an invalid name.
    """
    if is_in:
        shared.library.add_to_album(name, ids)
    else:
        for album in shared.library.albums():
            if album.name == name and album.search is None:
                shared.library.remove_from_album(album.id, ids)
    shared.results.clear()  # cached by the version of the index, which albums do not change
