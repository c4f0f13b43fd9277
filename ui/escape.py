"""Text that came from outside, made safe for places that read Markdown: it is shown as it is, whatever is in it."""

import re

__all__ = ["escape_markdown", "replace_surrogates"]

# Streamlit's page reads these once more, after the escapes are gone: as links, arrows and dashes, icons and its logo.
READ_AGAIN = re.compile(r"(?<=[<>=~-])(?=[<>=~-])|(?<=:)(?=[\w/])|(?<=@)(?=\w)|(?<=www)(?=\.)", re.IGNORECASE)
WORD_JOINER = "\u2060"  # has no width
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def replace_surrogates(text: object) -> str:
    """As a browser takes it: file names need not be valid in any encoding, and what isn't becomes a question mark."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def escape_markdown(text: object) -> str:
    """Readable, on one line, and every mark that Markdown, its directives, emoji and formulas could read escaped.

    Where a mark would be read in spite of that, a character without width is put beside it.
    """
    line = " ".join(replace_surrogates(text).split())
    return PUNCTUATION.sub(r"\\\1", READ_AGAIN.sub(WORD_JOINER, line))
