"""The towers' transformer blocks: CLIP's, as transformers maintains them, initialised as OpenCLIP does."""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPVisionConfig
from transformers.models.clip.modeling_clip import CLIPAttention, CLIPEncoderLayer

__all__ = ["csa_block", "initialise_as_clip", "transformer_blocks"]


def transformer_blocks(width: int, n_layers: int, n_heads: int) -> nn.ModuleList:
    """Pre-norm blocks with exact GELU and fused attention; called as block(x, None), causal with is_causal=True."""
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_attention_heads=n_heads,
        hidden_act="gelu",
        layer_norm_eps=1e-5,
    )
    config._attn_implementation = "sdpa"
    blocks = [CLIPEncoderLayer(config) for _ in range(n_layers)]
    for block in blocks:
        _initialise_as_packed(block.self_attn, width)
    return nn.ModuleList(blocks)


def initialise_as_clip(blocks: nn.ModuleList, width: int) -> None:
    """The text tower's: normal, and smaller where a block adds to the residual stream, the deeper the network."""
    deep = width**-0.5 * (2 * len(blocks)) ** -0.5
    for module in blocks:
        block = cast(CLIPEncoderLayer, module)
        attention, mlp = block.self_attn, block.mlp
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
            nn.init.normal_(projection.weight, std=width**-0.5)
        nn.init.normal_(attention.out_proj.weight, std=deep)
        nn.init.normal_(mlp.fc1.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(mlp.fc2.weight, std=deep)


def csa_block(module: nn.Module, x: Tensor) -> Tensor:
    """A block whose attention weights are softmax(q·qᵀ) + softmax(k·kᵀ), not halved (Wang et al. 2024, SCLIP).

    x: (batch, length, width), and so is what comes back.
    """
    block = cast(CLIPEncoderLayer, module)
    attention = block.self_attn
    h = block.layer_norm1(x)
    q, k, v = (
        projection(h).unflatten(-1, (-1, attention.head_dim)).transpose(1, 2)  # (batch, heads, length, head_dim)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    mixed = F.scaled_dot_product_attention(q, q, v) + F.scaled_dot_product_attention(k, k, v)
    x = x + attention.out_proj(mixed.transpose(1, 2).flatten(2))
    out: Tensor = x + block.mlp(block.layer_norm2(x))
    return out


def _initialise_as_packed(attention: CLIPAttention, width: int) -> None:
    """As torch's MultiheadAttention does with its packed (3·width, width) projection: Xavier, and no biases."""
    bound = (6 / (4 * width)) ** 0.5
    for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
        nn.init.uniform_(projection.weight, -bound, bound)
        nn.init.zeros_(projection.bias)
    nn.init.zeros_(attention.out_proj.bias)
