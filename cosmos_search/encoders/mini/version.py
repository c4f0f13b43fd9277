"""The version of the built-in encoder's vectors: a digest of everything that determines them."""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.mini.config import MiniConfig, TrainedConfig
from cosmos_search.encoders.mini.weights import MiniWeights

__all__ = ["make_version"]


def make_version(config: MiniConfig, weights: MiniWeights, trained: Mapping[str, NDArray[np.float32]]) -> str:
    """12 hex digits. trained: see `read_trained`; empty for the encoder without trained weights."""
    content = f"{config.describe()} {weights.compute_fingerprint()}"
    if trained:
        digests = (hashlib.sha256(trained[name].tobytes()).hexdigest() for name in sorted(trained))
        content += f" {TrainedConfig()} {''.join(digests)}"
    return hashlib.sha256(content.encode()).hexdigest()[:12]
