"""Heat maps of the trained cross-attention: which patches of a picture a text attends to (the paper's Figure 2)."""

import torch
from PIL import Image
from torch import Tensor

from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.text import TextTokenizer
from cosmos_search.retrieval.explain import COLOURS, draw_heat
from trainer.data.multi_crop import normalize

__all__ = ["compute_attention_weights", "draw_attention_sheet"]

SIDE = 256  # pixels of each square


def compute_attention_weights(model: CosmosModel, ids: Tensor, pixels: Tensor) -> Tensor:
    """Attention of each text to the patches of its picture, averaged over heads: (batch, patches), rows sum to 1.

    ids: (batch, context_length); pixels: (batch, 3, side, side), row i belongs to text i.
    """
    texts, images = model.encode_texts(ids), model.encode_images(pixels)
    keys = model.image_token_mapping(images.tokens)
    _, weights = model.visual.attn_cross_pool.with_weights(texts.features[:, None], keys)
    return weights.mean(dim=1)[:, 0]


@torch.inference_mode()
def draw_attention_sheet(
    model: CosmosModel, tokenizer: TextTokenizer, picture: Image.Image, texts: list[str]
) -> Image.Image:
    """The picture, and beside it one heat map for each text; all resized to squares, as in the network's input."""
    side, device = model.config.image_size, model.logit_scale.device
    pixels = normalize(picture.resize((side, side), Image.Resampling.BICUBIC))[None]
    ids = torch.from_numpy(tokenizer(texts)).to(device)
    weights = compute_attention_weights(model, ids, pixels.to(device).expand(len(texts), -1, -1, -1))
    grid = side // model.config.patch_size
    square = picture.resize((SIDE, SIDE))
    sheet = Image.new("RGB", (SIDE * (1 + len(texts)), SIDE))
    sheet.paste(square, (0, 0))
    for i, (text, own) in enumerate(zip(texts, weights.float().cpu().numpy(), strict=True), start=1):
        sheet.paste(draw_heat(square, own.reshape(grid, grid), text, COLOURS[0]), (i * SIDE, 0))
    return sheet
