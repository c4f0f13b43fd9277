"""Counts in sentences of the page: 1 picture, 1,204 pictures."""

__all__ = ["format_count"]


def format_count(n: int, noun: str) -> str:
    """The number with its noun, which gets an s unless the number is 1."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
