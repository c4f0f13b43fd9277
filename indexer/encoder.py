"""The encoder interface of the indexer. The implementations are in cosmos_search.encoders."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.pictures.regions import Box, Regions

if TYPE_CHECKING:  # a search for a text needs no Pillow
    from PIL import Image

__all__ = ["ImageEncoder", "Prepared", "Vectors"]

Vectors = NDArray[np.float32]  # (n, dim), rows of length 1
Prepared = TypeVar("Prepared")  # one picture's pixels in the form that its encoder takes


class ImageEncoder(Protocol[Prepared]):
    """Encodes pictures in two steps, so that the first can run in the threads that decode files.

    `prepare` and `encode_images` are called from several threads at once.
    """

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def version(self) -> str:
        """A text that differs between models with different vectors. Vectors of two versions are never compared."""

    @property
    def dim(self) -> int:
        """The number of elements of a vector."""

    @property
    def device(self) -> str:
        """The device and runtime, for people to read: "cpu, ONNX Runtime fp32"."""

    @property
    def min_side(self) -> int:
        """The minimum length of a decoded picture's shorter side, in pixels, when it is decoded at a reduced scale."""

    @property
    def batch_size(self) -> int:
        """The most efficient number of pictures in a call of `encode_images`; may change during a run."""

    @property
    def is_on_cpu(self) -> bool:
        """False if `encode_images` mostly waits for another device, so that more threads can decode meanwhile."""

    @property
    def default_regions(self) -> Regions:
        """The kind of pyramid (see indexer.pictures.regions) that is recommended for this encoder."""

    def prepare(self, picture: "Image.Image", regions: Sequence[Box] = ()) -> Prepared:
        """An upright RGB picture and these regions of it, resized for the network."""

    def encode_images(self, prepared: Sequence[Prepared]) -> list[Vectors]:
        """Unit vectors of each picture, (1 + regions, dim): its global vector, then its regions in order."""
