"""From features of a picture, or of parts of it, to vectors: ConSE, and a trained head."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from cosmos_search.encoders.mini.region_pooling import compute_region_shares
from indexer.encoder import Vectors
from indexer.pictures.regions import Box

__all__ = ["FeatureHead"]


class FeatureHead:
    """v = unit((1 - share) · ConSE + share · head), each term of length 1. Without a trained head: ConSE alone.

    It runs in ONNX Runtime, as the network does, since numpy's matrix products use all cores: called from as many
    threads, they wait for each other, and took three times the processor time of all the rest.
    """

    def __init__(self, session: InferenceSession) -> None:
        """session: of the graph of `export_head`."""
        self._session = session

    def classify(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """features: (n, 1472). The logits of ImageNet's classes: (n, 1000)."""
        return self._run("logits", features, np.eye(len(features), dtype=np.float32), 0.0)

    def embed(self, features: NDArray[np.float32], share: float) -> Vectors:
        """features: (n, 1472), pooled. share: of the trained head. Returns (n, 384), unit rows."""
        return self._run("vectors", features, np.eye(len(features), dtype=np.float32), share)

    def embed_regions(self, feature_map: NDArray[np.float32], regions: Sequence[Box], share: float) -> Vectors:
        """feature_map: (rows, columns, 1472). Returns the vector of the mean of each region: (regions, 384), unit rows.

        A position on the edge of a region counts by the share of its cell in the region.
        """
        rows, columns, n_features = feature_map.shape
        pooling = compute_region_shares(tuple(regions), rows, columns)
        return self._run("vectors", feature_map.reshape(rows * columns, n_features), pooling, share)

    def _run(
        self, output: str, positions: NDArray[np.float32], pooling: NDArray[np.float32], share: float
    ) -> NDArray[np.float32]:
        inputs = {"positions": positions, "pooling": pooling, "share": np.array(share, dtype=np.float32)}
        values: NDArray[np.float32] = self._session.run([output], inputs)[0]
        return values
