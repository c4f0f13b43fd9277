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

TEXT = "a photo of a dog, 犬 🐕"  # with signs that few vocabularies have


def open_once(folder: Path) -> Sizes:
    """The sizes of a model that gives a finite vector for a picture and for a text.

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
    pixels = torch.full((1, sizes.side, sizes.side, 3), 127, dtype=torch.uint8)
    with torch.inference_mode():
        vectors = [image(pixels), _text_vector(text, tokenizer)]
    for vector in vectors:
        if tuple(vector.shape) != (1, sizes.dim) or not bool(torch.isfinite(vector).all()):
            raise CosmosSearchError(f"{folder} can't be used: its network gives no finite vectors.")
    return sizes


def _text_vector(text: TextNetwork, tokenizer: TextTokenizer) -> torch.Tensor:
    ids = np.array([tokenizer.cut_ids(TEXT)], dtype=np.int64)
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
