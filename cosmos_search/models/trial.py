"""A model directory, opened once before it is installed."""

from pathlib import Path

import numpy as np
import torch

from cosmos_search.model_config import Sizes, read_sizes
from cosmos_search.network.towers import TextNetwork, load_networks
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError

__all__ = ["open_once"]

TEXTS = ("a photo of a dog, 犬 🐕", "red")  # one with signs that few vocabularies have
LEAST = 1e-6  # that one number of two unit vectors must differ by


def open_once(folder: Path) -> Sizes:
    """The sizes of a model that gives finite unit vectors, other ones for other pictures and for other texts.

    Raises CosmosSearchError, in one sentence, if a part is damaged or doesn't fit the others.
    """
    sizes = read_sizes(folder)
    preprocess = Preprocess.load(folder / "preprocessor_config.json")
    if preprocess.side != sizes.side:
        raise CosmosSearchError(
            f"{folder} can't be used: pictures are prepared at {preprocess.side} pixels and the network takes "
            f"{sizes.side}."
        )
    tokenizer = TextTokenizer.from_file(folder / "tokenizer.json", sizes.context_length)
    _check_tokens(tokenizer, sizes, folder)
    image, text = load_networks(folder, sizes.kind)
    with torch.inference_mode():
        of_texts = torch.cat([_text_vector(text, tokenizer, words) for words in TEXTS])
        for what, vectors in (("pictures", image(_pictures(sizes.side))), ("texts", of_texts)):
            if tuple(vectors.shape) != (2, sizes.dim) or not bool(torch.isfinite(vectors).all()):
                raise CosmosSearchError(f"{folder} can't be used: its network gives no finite vectors.")
            if not bool((vectors.norm(dim=1) > 0.5).all()) or not bool((vectors[0] - vectors[1]).abs().max() > LEAST):
                raise CosmosSearchError(f"{folder} can't be used: its network gives all {what} the same vector.")
    return sizes


def _pictures(side: int) -> torch.Tensor:
    """A grey one and one of noise: (2, side, side, 3)."""
    noise = torch.randint(0, 256, (side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return torch.stack([torch.full_like(noise, 127), noise])


def _text_vector(text: TextNetwork, tokenizer: TextTokenizer, words: str) -> torch.Tensor:
    ids = np.array([tokenizer.cut_ids(words)], dtype=np.int64)
    vector: torch.Tensor = text(torch.from_numpy(ids))
    return vector


def _check_tokens(tokenizer: TextTokenizer, sizes: Sizes, folder: Path) -> None:
    if tokenizer.n_ids > sizes.vocab_size:
        raise CosmosSearchError(
            f"{folder} can't be used: its tokenizer has {tokenizer.n_ids:,} tokens and its network "
            f"{sizes.vocab_size:,}."
        )
    # A text's vector is taken at its end token: where an id says so, or at the largest id
    end = tokenizer.n_ids - 1 if sizes.end is None else sizes.end
    if tokenizer.end != end:
        raise CosmosSearchError(
            f"{folder} can't be used: its network looks for the end of a text at token {end}, and its tokenizer "
            f"ends texts with {tokenizer.end}."
        )
