"""Text that came from outside, made safe for places that read Markdown: it is shown as it is, whatever is in it."""

import re

__all__ = ["plain", "readable"]

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def readable(text: object) -> str:
    """As a browser takes it: file names need not be valid in any encoding, and what isn't becomes a question mark."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def plain(text: object) -> str:
    """Readable, on one line, and every mark that Markdown, its directives, emoji and formulas could read escaped."""
    return PUNCTUATION.sub(r"\\\1", " ".join(readable(text).split()))
