"""What the indexer asks of a model. The models themselves live upstairs, in cosmos_search."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.pictures.regions import Box

__all__ = ["ImageEncoder", "Prepared", "Vectors"]

Vectors = NDArray[np.float32]  # (n, dim), rows of length 1
Prepared = Any  # one picture's pixels, as its encoder wants them


class ImageEncoder(Protocol):
    """Turns pictures into vectors in two steps, so that the first can run beside the decoding.

    `prepare` and `encode_images` are called from several threads at once.
    """

    @property
    def name(self) -> str:
        """The model's name, as `--model` takes it."""

    @property
    def version(self) -> str:
        """Changes whenever the vectors would: vectors of two versions are never compared."""

    @property
    def dim(self) -> int:
        """How many numbers a vector has."""

    @property
    def device(self) -> str:
        """Where it runs and how, for a person: "cpu, ONNX Runtime fp32"."""

    @property
    def min_side(self) -> int:
        """The shorter side, in pixels, that a picture should keep when it is decoded at a reduced scale."""

    @property
    def batch_size(self) -> int:
        """How many pictures a call of `encode_images` it likes best; may change while it runs."""

    @property
    def default_regions(self) -> str:
        """The kind of pyramid (indexer.pictures.regions) that is worth its cost with this encoder."""

    def prepare(self, picture: Image.Image, regions: Sequence[Box] = ()) -> Prepared:
        """The upright RGB picture, and these regions of it, resized to what the network takes."""

    def encode_images(self, prepared: Sequence[Prepared]) -> list[Vectors]:
        """For each prepared picture unit vectors of the whole and of each region, in order: (1 + regions, dim)."""
