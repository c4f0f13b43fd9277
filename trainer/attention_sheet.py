"""Where a text looks in a picture, by the trained cross-attention, drawn as the paper's Figure 2 does."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.text import TextTokenizer
from cosmos_search.retrieval.explain import draw_heat
from trainer.data.multi_crop import normalize

__all__ = ["attention_picture", "attention_weights"]

SIDE = 256  # pixels
LABEL = "#e69f00"


def attention_weights(model: CosmosModel, ids: Tensor, pixels: Tensor) -> Tensor:
    """How much each text attends to each patch of its picture, averaged over heads: (batch, patches), rows sum to 1."""
    texts, images = model.encode_texts(ids), model.encode_images(pixels)
    keys = model.image_token_mapping(images.tokens)
    _, weights = model.visual.attn_cross_pool.with_weights(texts.features[:, None], keys)
    return weights.mean(dim=1)[:, 0]


@torch.inference_mode()
def attention_picture(
    model: CosmosModel, tokenizer: TextTokenizer, picture: Image.Image, texts: list[str]
) -> Image.Image:
    """The picture, and beside it where each text looks in it; squashed to a square, as the network sees it."""
    side, device = model.config.image_size, model.logit_scale.device
    pixels = normalize(picture.resize((side, side), Image.Resampling.BICUBIC))[None]
    ids = torch.from_numpy(tokenizer(texts)).to(device)
    weights = attention_weights(model, ids, pixels.to(device).expand(len(texts), -1, -1, -1))
    grid = side // model.config.patch_size
    maps = weights.reshape(-1, grid, grid).float().cpu().numpy()
    square = picture.resize((SIDE, SIDE))
    sheet = Image.new("RGB", (SIDE * (1 + len(texts)), SIDE))
    for i, panel in enumerate(
        [square, *(draw_heat(square, np.asarray(m), t, LABEL) for m, t in zip(maps, texts, strict=True))]
    ):
        sheet.paste(panel, (i * SIDE, 0))
    return sheet
