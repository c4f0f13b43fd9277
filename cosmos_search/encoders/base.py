"""A base class with defaults, for adding an encoder."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.encoders.calibration import Calibration
from indexer.encoder import Vectors
from indexer.pictures.regions import Box, Regions

__all__ = ["BaseEncoder"]


class BaseEncoder(ABC):
    """A subclass defines name, version, dim, `encode_images` and `encode_texts`; the other members have defaults.

    By default a prepared picture is a list of RGB images of different sizes: the whole picture, then its regions.
    """

    name: str
    version: str
    dim: int
    device: str = "cpu"
    min_side: int = 448  # pixels of the shorter side that decoding keeps
    batch_size: int = 8
    is_on_cpu: bool = True
    default_regions: Regions = "fast"
    is_english: bool = False  # trained on English texts only; if True, queries in other languages get a note
    calibration: Calibration | None = None  # scores are cosines, and no hit is left out as unlikely

    def prepare(self, picture: Image.Image, regions: Sequence[Box] = ()) -> list[Image.Image]:
        """The picture, then its regions, cropped."""
        return [picture, *(picture.crop(box.pixels(*picture.size)) for box in regions)]

    @abstractmethod
    def encode_images(self, prepared: Sequence[list[Image.Image]]) -> list[Vectors]:
        """For each prepared picture unit rows in its order: (1 + regions, dim)."""

    @abstractmethod
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit row for each text: (n, dim)."""

    def fits(self, text: str) -> bool:
        """True: texts of any length are read to the end."""
        return True

    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """None: the encoder has no heat maps."""
        return None
