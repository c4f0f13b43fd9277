"""Maps of what a transformer sees where: dense features, and COSMOS's cross-attention both ways. Needs torch.

Cross-attention is a softmax: it always looks somewhere, and it was trained on matching pairs alone. It explains;
it does not score (cosmos.md §6 says how the authors' figures are likely made).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPModel

from cosmos_search.network.checkpoint import load_model
from cosmos_search.network.towers import load_clip
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer

__all__ = ["Attention", "DenseMaps", "attention"]


class DenseMaps:
    """Patch by patch, an installed model's view of a picture in the space of texts."""

    def __init__(self, folder: Path, kind: str, device: str = "cpu") -> None:
        """kind: "cosmos" or "clip". device: as torch names it; it computes in fp32."""
        self._preprocess = Preprocess.load(folder / "preprocessor_config.json")
        self._device = torch.device(device)
        self._model = load_model(folder) if kind == "cosmos" else load_clip(folder)
        nn.Module.to(self._model, self._device)  # in place

    @torch.inference_mode()
    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of each patch with a query's vector (dim,): (rows, columns) of the whole picture, squashed."""
        pixels = _squashed(picture, self._preprocess).to(self._device)
        if isinstance(self._model, CLIPModel):
            dense = _clip_dense(self._model, pixels)
        else:
            dense = self._model.dense(pixels, csa=True)
        cosines = (dense[0].cpu() @ torch.from_numpy(query)).numpy()
        side = round(len(cosines) ** 0.5)
        return np.asarray(cosines.reshape(side, side), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Attention:
    """What a text looks at in a picture, and a picture in a text, both from 0 to 1."""

    patches: NDArray[np.float32]  # (rows, columns)
    words: tuple[tuple[str, float], ...]  # the text's words, as the tokenizer splits them


@torch.inference_mode()
def attention(folder: Path, picture: Image.Image, text: str, device: str = "cpu") -> Attention:
    """The cross-attention of an installed COSMOS encoder: weights averaged over heads, the largest scaled to 1.

    Of the text's positions only its own words count: start, end and padding are attended to, and left out.
    """
    model, preprocess = load_model(folder).to(device), Preprocess.load(folder / "preprocessor_config.json")
    tokenizer = TextTokenizer.from_file(folder / "tokenizer.json", model.config.context_length)
    images = model.encode_images(_squashed(picture, preprocess).to(device))
    texts = model.encode_texts(torch.from_numpy(tokenizer([text])).to(device))
    patch_keys, word_keys = model.image_token_mapping(images.tokens), model.text_token_mapping(texts.tokens)
    _, on_patches = model.visual.attn_cross_pool.with_weights(texts.features[:, None], patch_keys)
    _, on_words = model.text_attn_cross_pool.with_weights(images.features[:, None], word_keys)
    patches = _to_one(on_patches[0].mean(dim=0)[0])
    side = round(len(patches) ** 0.5)
    spans = tokenizer.words(text)
    weights = on_words[0].mean(dim=0)[0]
    sums = torch.stack([weights[a:b].sum() for _, a, b in spans]) if spans else torch.zeros(0)
    scaled = _to_one(sums)
    words = tuple((word, float(weight)) for (word, _, _), weight in zip(spans, scaled, strict=True))
    return Attention(patches.reshape(side, side), words)


def _squashed(picture: Image.Image, preprocess: Preprocess) -> Tensor:
    """(1, 3, side, side): the whole picture, so that the map covers all of it."""
    square = picture.resize((preprocess.side, preprocess.side), preprocess.resample)
    return torch.from_numpy(preprocess(square))[None]


def _clip_dense(model: CLIPModel, pixels: Tensor) -> Tensor:
    tokens = model.vision_model(pixels).last_hidden_state[:, 1:]
    return F.normalize(model.visual_projection(model.vision_model.post_layernorm(tokens)), dim=-1)


def _to_one(weights: Tensor) -> NDArray[np.float32]:
    top = float(weights.max()) if len(weights) else 1.0
    return (weights / max(top, 1e-12)).cpu().numpy().astype(np.float32)
