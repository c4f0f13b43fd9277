"""The interface of a reader of texts in pictures. The indexer knows no model."""

from typing import TYPE_CHECKING, Protocol

from indexer.store.records import TextLine

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["TextReader"]


class TextReader(Protocol):
    """Reads the texts in pictures. Its methods are called in several threads at once."""

    @property
    def version(self) -> str:
        """Name and version. If it changes, all pictures are read again."""

    @property
    def max_side(self) -> int:
        """Pictures may be made smaller until their longer side has this many pixels."""

    def read(self, picture: "Image.Image") -> list[TextLine]:
        """The lines in an upright picture in RGB, in reading order."""
