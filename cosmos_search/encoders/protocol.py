"""The interface of an encoder that indexes pictures and encodes queries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.calibration import Calibration
from indexer.encoder import ImageEncoder, Vectors
from indexer.errors import OtherEncoderError
from indexer.store.records import EncoderRecord

if TYPE_CHECKING:  # a search for a text needs no Pillow
    from PIL import Image

__all__ = ["Encoder", "require_made_by"]


class Encoder(ImageEncoder[Any], Protocol):  # Any: each encoder has its own type of prepared pictures
    """An image encoder, and a text encoder into the same space. `BaseEncoder` has defaults for most members."""

    @property
    def calibration(self) -> Calibration | None:
        """From scores to probabilities; None if it was not measured: then no hit is left out as unlikely."""

    @property
    def is_english(self) -> bool:
        """True if it was trained on English texts only."""

    def fits(self, text: str) -> bool:
        """True if the encoder reads the text to its end, without truncation."""

    def activation(self, picture: "Image.Image", query: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """A heat map: the cosine of each place of a picture with a query's vector (dim,): (rows, columns).

        None for an encoder without local features.
        """

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text, in order: (n, dim)."""


def require_made_by(encoder: Encoder, made_by: EncoderRecord) -> None:
    """Raise OtherEncoderError unless this version of this encoder made the vectors."""
    if (made_by.name, made_by.version) != (encoder.name, encoder.version):
        raise OtherEncoderError(made_by.name, encoder.name)
