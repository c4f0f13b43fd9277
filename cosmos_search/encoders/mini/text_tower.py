"""The text tower of the built-in encoder: all-MiniLM-L6-v2, from texts to vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

__all__ = ["TextTower"]


class TextTower:
    """The network in ONNX Runtime, with its tokenizer. Several threads may call it."""

    def __init__(self, session: InferenceSession, tokenizer: Path, max_tokens: int) -> None:
        """tokenizer: a tokenizer.json."""
        self._session = session
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384), unit rows, n above 0.

        One text per call takes 4 ms, needs no padding, and a text's vector cannot depend on the others.
        """
        rows = [np.array([self._tokenizer.encode(_replace_surrogates(text)).ids], dtype=np.int64) for text in texts]
        return np.concatenate([self._session.run(["vector"], {"tokens": row})[0] for row in rows]).astype(np.float32)

    def n_tokens(self, text: str) -> int:
        """The number of tokens before truncation."""
        encoding = self._tokenizer.encode(_replace_surrogates(text))
        return len(encoding.ids) + sum(len(rest.ids) for rest in encoding.overflowing)


def _replace_surrogates(text: str) -> str:
    """Arguments of commands may contain lone surrogates, which the tokenizer rejects."""
    return text.encode("utf-8", "replace").decode("utf-8")
