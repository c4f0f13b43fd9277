"""From pooled features of a picture, or of a part of it, to its vector: ConSE, and a trained head."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from cosmos_search.encoders.mini.class_vectors import ClassVectors
from cosmos_search.model_config import MINI_DIM, MINI_FEATURES, MINI_POOLED
from indexer.encoder import Vectors
from indexer.errors import CosmosSearchError

__all__ = ["FeatureHead", "read_trained"]


class FeatureHead:
    """v = unit((1 - share) · ConSE + share · head), each term of length 1. Without a trained head: ConSE alone."""

    def __init__(
        self,
        classes: ClassVectors,
        classifier: tuple[NDArray[np.float32], NDArray[np.float32]],
        head: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
    ) -> None:
        """classifier: weight (1000, 1280) and bias. head: weight (384, 1472) and bias."""
        self._classes = classes
        self._classifier = classifier
        self._head = head

    def classify(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """features: (n, 1472). The logits of ImageNet's classes: (n, 1000)."""
        weight, bias = self._classifier
        logits: NDArray[np.float32] = features[:, :MINI_FEATURES] @ weight.T + bias
        return logits

    def embed(self, features: NDArray[np.float32], share: float) -> Vectors:
        """features: (n, 1472), pooled. share: of the trained head. Returns (n, 384), unit rows."""
        conse = self._classes.embed_logits(self.classify(features))
        if self._head is None or not share:
            return conse
        weight, bias = self._head
        own = features @ weight.T + bias
        own /= np.linalg.norm(own, axis=1, keepdims=True)
        mixed: NDArray[np.float32] = (1 - share) * conse + share * own
        mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
        return mixed


def read_trained(file: Path) -> dict[str, NDArray[np.float32]]:
    """The trained weights in a safetensors file: tensors of the backbone by its names, head.weight and head.bias.

    Raises CosmosSearchError if the file is damaged.
    """
    try:
        tensors = {name: tensor.astype(np.float32) for name, tensor in load_file(file).items()}
    except (OSError, SafetensorError, ValueError) as error:
        raise CosmosSearchError(f"{file} can't be read ({error}).") from error
    shapes = {"head.weight": (MINI_DIM, MINI_POOLED), "head.bias": (MINI_DIM,)}
    if any(name not in tensors or tensors[name].shape != shape for name, shape in shapes.items()):
        raise CosmosSearchError(f"{file} has no trained head for the built-in encoder.")
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise CosmosSearchError(f"{file} can't be used: it has weights that are not finite.")
    return tensors
