"""The Encoder protocol: what a model must offer to index pictures and to answer sentences."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.encoders.calibration import Calibration
from indexer.encoder import ImageEncoder, Vectors
from indexer.errors import CosmosSearchError
from indexer.store.records import EncoderRecord

__all__ = ["Encoder", "require_made_by"]


class Encoder(ImageEncoder[Any], Protocol):  # Any: each encoder has its own type of prepared pictures
    """An image encoder with a text tower into the same space."""

    @property
    def calibration(self) -> Calibration | None:
        """From scores to probabilities; None where it was never measured: then nothing is left out."""

    def fits(self, text: str) -> bool:
        """Whether the whole of a text is read."""

    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """A heat map: how near each place of a picture is to a query's vector (dim,); cosines, (rows, columns).

        None for an encoder that knows no places.
        """

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text, in order: (n, dim)."""


def require_made_by(encoder: Encoder, made_by: EncoderRecord) -> None:
    """Raise CosmosSearchError unless this encoder made the vectors."""
    if made_by.name != encoder.name:
        raise CosmosSearchError(
            f"This index was made with {made_by.name}, not {encoder.name}; to change over: "
            f"cosmos-search index --model {encoder.name} --rebuild"
        )
    if made_by.version != encoder.version:
        raise CosmosSearchError(
            f"This index was made with another version of {encoder.name}; bring it up to date: "
            "cosmos-search index --rebuild"
        )
