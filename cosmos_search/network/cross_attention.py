"""COSMOS's cross-attention: one modality's feature asks the other's tokens (paper §3.3, the modules C^I and C^T)."""

from torch import Tensor, nn

__all__ = ["CrossAttention"]

N_HEADS = 8


class CrossAttention(nn.Module):
    """One layer of multi-head attention, pre-norm, with neither mask, MLP nor residual.

    Padding, start and end tokens of a caption are attended to like words: so were the published encoders trained.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm_query = nn.LayerNorm(dim)
        self.norm_tokens = nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, N_HEADS, batch_first=True)

    def forward(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """queries: (batch, n, dim), tokens: (batch, length, dim). Returns (batch, n, dim)."""
        keys = self.norm_tokens(tokens)
        out: Tensor = self.attention(self.norm_query(queries), keys, keys, need_weights=False)[0]
        return out

    def with_weights(self, queries: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and what each head looked at: (batch, n, dim), (batch, heads, n, length), rows of sum 1."""
        keys = self.norm_tokens(tokens)
        out, weights = self.attention(
            self.norm_query(queries), keys, keys, need_weights=True, average_attn_weights=False
        )
        return out, weights
