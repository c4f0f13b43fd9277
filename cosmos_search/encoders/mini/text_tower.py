"""The text tower of the built-in encoder: all-MiniLM-L6-v2, from texts to vectors."""

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

__all__ = ["TextTower"]

N_UNPACKED = 16  # texts; packing the weights takes 28 ms, and saves 2.2 ms a text


class OpenSession(Protocol):
    """Opens the network, with its weights packed or not; see `open_session`."""

    def __call__(self, *, packs_weights: bool) -> InferenceSession: ...


class TextTower:
    """The network in ONNX Runtime, with its tokenizer. Several threads may call it.

    For the first texts the weights are not packed, because most processes search once.
    """

    def __init__(self, open_session: OpenSession, tokenizer: Path, max_tokens: int) -> None:
        """tokenizer: a tokenizer.json."""
        self._open_session = open_session
        self._session = open_session(packs_weights=False)
        self._n_left: float = N_UNPACKED  # texts before the weights are packed
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384), unit rows, n above 0.

        One text per call takes 4 ms, needs no padding, and a text's vector cannot depend on the others.
        """
        self._n_left -= len(texts)
        if self._n_left < 0:  # two threads at the same moment both open it, which does no harm
            self._n_left = inf
            self._session = self._open_session(packs_weights=True)
        rows = [np.array([self._tokenizer.encode(_replace_surrogates(text)).ids], dtype=np.int64) for text in texts]
        return np.concatenate([self._session.run(["vector"], {"tokens": row})[0] for row in rows]).astype(np.float32)

    def n_tokens(self, text: str) -> int:
        """The number of tokens before truncation."""
        encoding = self._tokenizer.encode(_replace_surrogates(text))
        return len(encoding.ids) + sum(len(rest.ids) for rest in encoding.overflowing)


def _replace_surrogates(text: str) -> str:
    """Arguments of commands may contain lone surrogates, which the tokenizer rejects."""
    return text.encode("utf-8", "replace").decode("utf-8")
