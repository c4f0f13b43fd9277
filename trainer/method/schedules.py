"""Learning rate and EMA momentum by step (the authors' recipe)."""

from math import cos, pi

__all__ = ["lr_at", "momentum_at"]


def lr_at(step: int, base: float, warmup: int, total: int) -> float:
    """Linear warmup to `base` over `warmup` steps, then a half cosine to 0 at `total`; steps count from 0."""
    if step < warmup:
        return base * (step + 1) / warmup
    return base / 2 * (1 + cos(pi * (step - warmup) / (total - warmup)))


def momentum_at(step: int, base: float, total: int) -> float:
    """The EMA momentum of the teacher, which rises from `base` to 1 at `total` on a half cosine."""
    return 1 + (1 + cos(pi * step / total)) / 2 * (base - 1)
