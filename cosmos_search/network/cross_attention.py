"""COSMOS's cross-attention between one modality's feature and the other's tokens (paper §3.3, C^I and C^T)."""

from torch import Tensor, nn

from cosmos_search.model_config import N_CROSS_ATTENTION_HEADS

__all__ = ["CrossAttention"]


class CrossAttention(nn.Module):
    """One layer of pre-norm multi-head attention, without mask, MLP or residual.

    Padding, start and end tokens of a caption are attended to like words, as in the training of the published models.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(dim, N_CROSS_ATTENTION_HEADS, batch_first=True)
        self.ln_q = nn.LayerNorm(dim)
        self.ln_k = nn.LayerNorm(dim)  # of the tokens, which are keys and values

    def forward(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """queries: (batch, n, dim), tokens: (batch, length, dim). Returns (batch, n, dim)."""
        keys = self.ln_k(tokens)
        out: Tensor = self.attn(self.ln_q(queries), keys, keys, need_weights=False)[0]
        return out

    def with_weights(self, queries: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The output of `forward`, and the weights of each head: (batch, heads, n, length), rows of sum 1."""
        keys = self.ln_k(tokens)
        out, weights = self.attn(self.ln_q(queries), keys, keys, need_weights=True, average_attn_weights=False)
        return out, weights
