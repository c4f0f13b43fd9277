"""The criterion of the pointing game: the centre of a predicted box lies in the true one."""

from indexer.pictures.regions import Box

__all__ = ["contains_centre"]


def contains_centre(true: Box, predicted: Box) -> bool:
    """True if the centre of the predicted box lies in the true one."""
    x, y = (predicted.left + predicted.right) / 2, (predicted.top + predicted.bottom) / 2
    return true.left <= x <= true.right and true.top <= y <= true.bottom
