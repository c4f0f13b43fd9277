"""The Encoder protocol: what a model must offer to index pictures and to answer sentences."""

from collections.abc import Sequence
from typing import Protocol

from indexer.encoder import ImageEncoder, Vectors

__all__ = ["Encoder"]


class Encoder(ImageEncoder, Protocol):
    """An image encoder with a text tower into the same space."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text, in order: (n, dim)."""
