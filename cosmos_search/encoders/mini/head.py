"""From pooled features of a picture, or of a part of it, to its vector: ConSE, and a trained head."""

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.mini.class_vectors import ClassVectors
from cosmos_search.model_config import MINI_FEATURES
from indexer.encoder import Vectors

__all__ = ["FeatureHead"]


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
