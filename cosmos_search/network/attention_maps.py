"""The weights of COSMOS's cross-attention, from a text to the patches of a picture and back. Needs torch.

They show where a model attends and are not used as scores: cross-attention is a softmax, so its weights sum to 1 also
where nothing matches, and it was trained on matching pairs only.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cosmos_search.network.checkpoint import load_model
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer

__all__ = ["Attention", "attention"]


@dataclass(frozen=True, slots=True)
class Attention:
    """Attention weights of a text over a picture's patches and of the picture over the text's words, both 0..1."""

    patches: NDArray[np.float32]  # (rows, columns)
    words: tuple[tuple[str, float], ...]  # the text's words, as the tokenizer splits them


@torch.inference_mode()
def attention(folder: Path, picture: Image.Image, text: str, device: str = "cpu") -> Attention:
    """The cross-attention of an installed COSMOS model: the mean weights of the heads, scaled to a maximum of 1.

    The picture is squashed to a square, so that the map covers all of it. Of the text only its words are returned;
    start, end and padding tokens receive attention, too, and are left out.
    """
    model, preprocess = load_model(folder).to(device), Preprocess.load(folder / "preprocessor_config.json")
    tokenizer = TextTokenizer.from_file(folder / "tokenizer.json", model.config.context_length)
    images = model.encode_images(torch.from_numpy(preprocess.squash(picture))[None].to(device))
    texts = model.encode_texts(torch.from_numpy(tokenizer([text])).to(device))
    patch_keys, word_keys = model.image_token_mapping(images.tokens), model.text_token_mapping(texts.tokens)
    _, on_patches = model.visual.attn_cross_pool.with_weights(texts.features[:, None], patch_keys)
    _, on_words = model.text_attn_cross_pool.with_weights(images.features[:, None], word_keys)
    patches = _scale_to_one(on_patches[0].mean(dim=0)[0])
    side = round(len(patches) ** 0.5)
    spans = tokenizer.words(text)
    weights = on_words[0].mean(dim=0)[0]
    sums = torch.stack([weights[a:b].sum() for _, a, b in spans]) if spans else torch.zeros(0)
    words = tuple((word, float(weight)) for (word, _, _), weight in zip(spans, _scale_to_one(sums), strict=True))
    return Attention(patches.reshape(side, side), words)


def _scale_to_one(weights: Tensor) -> NDArray[np.float32]:
    top = float(weights.max()) if len(weights) else 1.0
    return (weights / max(top, 1e-12)).cpu().numpy().astype(np.float32)
