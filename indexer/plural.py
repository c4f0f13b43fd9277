"""Counts in sentences: 1 file is, 2 files are."""

__all__ = ["count"]


def count(n: int, noun: str, verb: str = "", verb_of_many: str = "") -> str:
    """The number with its noun, which gets an s unless the number is 1, and with the verb for this number, if any."""
    words = [str(n), noun, verb] if n == 1 else [str(n), f"{noun}s", verb_of_many]
    return " ".join(filter(None, words))
