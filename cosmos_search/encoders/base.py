"""Defaults for an encoder of your own."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.encoders.calibration import Calibration
from indexer.encoder import Vectors
from indexer.pictures.regions import Box

__all__ = ["BaseEncoder"]


class BaseEncoder(ABC):
    """An Encoder needs a name, a version, a dim, `encode_images` and `encode_texts`; the rest is here.

    Each prepared picture is a list of RGB images of their own sizes: the whole, then its regions. `encode_images` gets
    several of them and returns, for each, unit rows in that order: (1 + regions, dim).
    """

    name: str
    version: str
    dim: int
    device: str = "cpu"
    min_side: int = 448  # pixels of the shorter side that decoding keeps
    batch_size: int = 8
    default_regions: str = "fast"
    calibration: Calibration | None = None  # scores are plain cosines, and nothing is left out

    def prepare(self, picture: Image.Image, regions: Sequence[Box] = ()) -> list[Image.Image]:
        """The picture and its regions, cut out."""
        return [picture, *(picture.crop(box.pixels(*picture.size)) for box in regions)]

    @abstractmethod
    def encode_images(self, prepared: Sequence[list[Image.Image]]) -> list[Vectors]:
        """For each prepared picture unit rows: (1 + regions, dim)."""

    @abstractmethod
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit row for each text: (n, dim)."""

    def fits(self, text: str) -> bool:
        """True: no text is split."""
        return True

    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """None: there are no heat maps."""
        return None
