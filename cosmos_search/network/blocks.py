"""Pre-norm transformer blocks with the authors' parameter names (OpenCLIP's), initialised as OpenCLIP does."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

__all__ = ["Transformer"]


class SelfAttention(nn.Module):
    """Multi-head self-attention, with the parameters and initial values of torch's MultiheadAttention."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))  # rows: queries, keys, values
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, *, is_causal: bool = False, csa: bool = False) -> Tensor:
        """x and the result: (batch, length, width).

        csa: the weights are softmax(q·qᵀ) + softmax(k·kᵀ), not halved (Wang et al. 2024, SCLIP).
        """
        n, width = x.shape[0], self.out_proj.in_features
        q, k, v = (
            part.reshape(n, -1, self.n_heads, width // self.n_heads).transpose(1, 2)  # (batch, heads, length, head_dim)
            for part in torch.split(F.linear(x, self.in_proj_weight, self.in_proj_bias), width, dim=-1)
        )
        scale = (width // self.n_heads) ** -0.5  # the default; passed, it becomes a constant in an exported graph
        if csa:
            mixed = F.scaled_dot_product_attention(q, q, v) + F.scaled_dot_product_attention(k, k, v)
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, scale=scale)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(n, -1, width))
        return out


class MLP(nn.Module):
    """Two linear layers with exact GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x and the result: (…, width)."""
        out: Tensor = self.c_proj(F.gelu(self.c_fc(x)))
        return out


class Block(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = SelfAttention(width, n_heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = MLP(width)

    def forward(self, x: Tensor, is_causal: bool = False, csa: bool = False) -> Tensor:
        """x and the result: (batch, length, width). csa: see SelfAttention."""
        x = x + self.attn(self.ln_1(x), is_causal=is_causal, csa=csa)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Transformer(nn.Module):
    """A stack of blocks.

    activation_checkpointing: in training, store only the input of each block and recompute its activations in the
    backward pass.
    """

    def __init__(self, width: int, n_layers: int, n_heads: int) -> None:
        super().__init__()
        self.activation_checkpointing = False
        self.resblocks = nn.ModuleList(Block(width, n_heads) for _ in range(n_layers))

    def forward(self, x: Tensor, *, is_causal: bool = False, csa: bool = False) -> Tensor:
        """x and the result: (batch, length, width). csa: applies to the last block; see SelfAttention."""
        for i, block in enumerate(self.resblocks):
            is_csa = csa and i == len(self.resblocks) - 1
            if self.activation_checkpointing and self.training:
                x = checkpoint(block, x, is_causal, is_csa, use_reentrant=False)
            else:
                x = block(x, is_causal, is_csa)
        return x

    def initialise_for_text(self) -> None:
        """Initialise as OpenCLIP's text tower: normal, with a smaller deviation for the layers that are added to x."""
        for block in cast(list[Block], self.resblocks):
            width = block.attn.out_proj.in_features
            residual = width**-0.5 * (2 * len(self.resblocks)) ** -0.5
            nn.init.normal_(block.attn.in_proj_weight, std=width**-0.5)
            nn.init.normal_(block.attn.out_proj.weight, std=residual)
            nn.init.normal_(block.mlp.c_fc.weight, std=(2 * width) ** -0.5)
            nn.init.normal_(block.mlp.c_proj.weight, std=residual)
