"""The frozen towers of the built-in encoder, in ONNX Runtime: features of views and of captions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from onnxruntime import __version__ as runtime_version
from PIL import Image
from tokenizers import Tokenizer

from cosmos_search.encoders.mini.config import MiniConfig
from cosmos_search.encoders.mini.encoder import MiniEncoder
from cosmos_search.encoders.mini.export import export_text_tower, export_trunk
from cosmos_search.encoders.mini.image_tower import squash
from cosmos_search.encoders.mini.weights import find_weights
from cosmos_search.encoders.onnx_session import model_cache_folder, open_or_make

__all__ = ["MAX_WORDS", "FrozenTowers", "TextFeatures"]

MAX_WORDS = 48  # tokens of a caption that are kept for cross-attention


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """vector: (384,), unit. words: (n, 384), at most MAX_WORDS tokens. is_cut: True if the text was truncated."""

    vector: NDArray[np.float32]
    words: NDArray[np.float32]
    is_cut: bool


class FrozenTowers:
    """EfficientNet-Lite2 up to a block, and MiniLM. Several threads may call it."""

    def __init__(self, first_block: int, cache: Path | None = None) -> None:
        """first_block: the first block that is trained; see `MiniNetworkConfig`."""
        self._config, weights = MiniConfig(), find_weights()
        encoder = MiniEncoder(cache, trained=None)
        folder = (cache or model_cache_folder()) / f"{encoder.name}-{encoder.version}"
        self.version = encoder.version
        self.side = self._config.side
        self.class_vectors = encoder.class_vectors
        self._images = open_or_make(
            folder / f"trunk-{first_block}-{runtime_version}.onnx",
            lambda target: export_trunk(
                weights.read_image(), self._config.mean, self._config.scale, first_block, target
            ),
        )
        self._texts: InferenceSession = open_or_make(
            folder / f"words-{runtime_version}.onnx",
            lambda target: export_text_tower(*weights.read_text(), target, with_words=True),
        )
        self._tokenizer = Tokenizer.from_file(str(weights.tokenizer))
        self._tokenizer.enable_truncation(self._config.n_tokens)
        self._tokenizer.no_padding()

    def encode_view(self, view: Image.Image) -> NDArray[np.float16]:
        """One row of numbers for an RGB view: map, features and means of `export_trunk`, flattened, in this order."""
        names = ["map", "features", "means"]
        parts = self._images.run(names, {"pixels": squash(view, self.side)[None]})
        return np.concatenate([part.ravel() for part in parts]).astype(np.float16)

    def encode_text(self, text: str) -> TextFeatures:
        """The features of one caption."""
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        vector, words = self._texts.run(["vector", "words"], {"tokens": ids})
        centred = vector[0] - self.class_vectors.mean(axis=0)
        return TextFeatures(
            (centred / np.linalg.norm(centred)).astype(np.float32), words[0][:MAX_WORDS], bool(encoding.overflowing)
        )
