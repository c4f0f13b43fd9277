"""Text that came from outside, made safe for places that read Markdown: it is shown as it is, whatever is in it."""

import re

__all__ = ["plain"]

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: object) -> str:
    """With every mark that Markdown, its directives, emoji and formulas could read escaped; on one line.

    File names need not be valid in any encoding: what isn't becomes a question mark.
    """
    one_line = " ".join(str(text).encode("utf-8", "replace").decode("utf-8").split())
    return PUNCTUATION.sub(r"\\\1", one_line)
