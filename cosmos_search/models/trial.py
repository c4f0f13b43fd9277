"""A trial run of a model directory before it is installed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from cosmos_search.model_config import Sizes
from cosmos_search.network.families.registry import read_model
from cosmos_search.network.towers import TextNetwork, load_networks
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError

__all__ = ["try_model"]

TEXTS = ("a photo of a dog, 犬 🐕", "red")  # one with characters that few vocabularies contain
MIN_DIFFERENCE = 1e-6  # of at least one component of two unit vectors


def try_model(folder: Path) -> Sizes:
    """Run a model on two pictures and two texts, and return its sizes, among them the side of its pictures.

    Raises CosmosSearchError if a file is damaged or does not fit the others, or if the vectors are not finite, not
    normalised or all the same.
    """
    family, config = read_model(folder)
    preprocess = Preprocess.load(folder / "preprocessor_config.json")
    sizes = config.sizes if config.sizes.side is not None else replace(config.sizes, side=preprocess.side)
    if preprocess.side != sizes.side:
        raise CosmosSearchError(
            f"{folder} can't be used: pictures are prepared at {preprocess.side} pixels, but the network takes "
            f"{sizes.side}."
        )
    tokenizer = TextTokenizer.from_file(folder / "tokenizer.json", sizes.context_length, family.text_format)
    _check_tokens(tokenizer, sizes, folder)
    image, text = load_networks(folder)
    with torch.inference_mode():
        of_texts = torch.cat([_encode_text(text, tokenizer, words) for words in TEXTS])
        for what, vectors in (("pictures", image(_make_pictures(preprocess.side))), ("texts", of_texts)):
            if tuple(vectors.shape) != (2, sizes.dim) or not bool(torch.isfinite(vectors).all()):
                raise CosmosSearchError(f"{folder} can't be used: its network returns vectors that are not finite.")
            if not bool((vectors.norm(dim=1) > 0.5).all()) or not bool(
                (vectors[0] - vectors[1]).abs().max() > MIN_DIFFERENCE
            ):
                raise CosmosSearchError(f"{folder} can't be used: its network returns the same vector for all {what}.")
    return sizes


def _make_pictures(side: int) -> torch.Tensor:
    """A grey picture and one of noise: (2, side, side, 3)."""
    noise = torch.randint(0, 256, (side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return torch.stack([torch.full_like(noise, 127), noise])


def _encode_text(text: TextNetwork, tokenizer: TextTokenizer, words: str) -> torch.Tensor:
    ids = np.array([tokenizer.encode(words)], dtype=np.int64)
    vector: torch.Tensor = text(torch.from_numpy(ids))
    return vector


def _check_tokens(tokenizer: TextTokenizer, sizes: Sizes, folder: Path) -> None:
    if tokenizer.n_ids > sizes.vocab_size:
        raise CosmosSearchError(
            f"{folder} can't be used: its tokenizer has {tokenizer.n_ids:,} tokens, but its network "
            f"{sizes.vocab_size:,}."
        )
    # A text's vector is taken at its end token: at the id in the config, or at the largest id
    end = tokenizer.n_ids - 1 if sizes.end == "largest" else sizes.end
    if end != "none" and tokenizer.end != end:
        raise CosmosSearchError(
            f"{folder} can't be used: its network expects token {end} at the end of a text, but its tokenizer "
            f"ends texts with {tokenizer.end}."
        )
