"""ConSE: the text vectors of the ImageNet classes (the graph of `export_head` computes the vectors of pictures).

Norouzi et al. 2014, "Zero-shot learning by convex combination of semantic embeddings": the vector of a picture is the
mean of the text vectors of the classes, weighted with their probabilities. Subjects without an ImageNet class (the
moon, a coin, an astronaut) are represented only by similar classes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.mini.config import MiniConfig
from cosmos_search.encoders.mini.text_tower import TextTower
from cosmos_search.encoders.onnx_session import write_atomically
from cosmos_search.model_config import MINI_DIM
from indexer.encoder import Vectors

__all__ = ["ClassVectors", "embed_classes", "load_or_embed"]

N_CLASSES = 1000


class ClassVectors:
    """The text vectors of the classes, and the map from texts into the common space."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """vectors: (1000, 384), unit rows, not centred."""
        self.vectors = vectors
        self._centre = vectors.mean(axis=0)

    def centre_texts(self, texts: NDArray[np.float32]) -> Vectors:
        """texts: (n, 384), as the text tower encodes them. Returns unit rows in the common space."""
        return _normalise(texts - self._centre)


def load_or_embed(file: Path, embed: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """(1000, 384), from a cached file; if it is missing or damaged, from `embed`, whose result is written there."""
    try:
        return _load(file)
    except (EOFError, OSError, ValueError):
        write_atomically(file, lambda target: np.save(target, embed()))
        return _load(file)


def embed_classes(class_texts: Sequence[tuple[str, str]], tower: TextTower, config: MiniConfig) -> NDArray[np.float32]:
    """class_texts: name and description of each class. Returns (classes, 384), unit rows."""
    named = tower.encode([config.name_text.format(name=name) for name, _ in class_texts])
    described = tower.encode([config.described_text.format(name=n, description=d) for n, d in class_texts])
    return _normalise(named + described)


def _load(file: Path) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = np.load(file, allow_pickle=False)
    if vectors.shape != (N_CLASSES, MINI_DIM) or not np.isfinite(vectors).all():
        raise ValueError(f"{file} holds an array of shape {vectors.shape}, or values that are not finite")
    return vectors


def _normalise(rows: NDArray[np.float32]) -> Vectors:
    lengths: NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, np.maximum(lengths, 1e-12), dtype=np.float32)
