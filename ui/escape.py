"""Escaping of untrusted text (file names, metadata, messages) before it is shown as Markdown."""

import re

__all__ = ["escape_markdown", "replace_surrogates"]

# Streamlit's front end replaces these in the text that Markdown yields, so backslashes do not protect them: links,
# arrows and dashes, icons, its logo.
REPLACED_LATER = re.compile(r"(?<=[<>=~-])(?=[<>=~-])|(?<=:)(?=[\w/])|(?<=@)(?=\w)|(?<=www)(?=\.)", re.IGNORECASE)
WORD_JOINER = "\u2060"  # zero width
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def replace_surrogates(text: object) -> str:
    """Text that can be encoded as UTF-8: bytes of file names that are not valid text become question marks."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def escape_markdown(text: object) -> str:
    """Text on one line with all ASCII punctuation escaped, so that Markdown shows it literally.

    A zero-width character separates sequences that Streamlit would still replace.
    """
    line = " ".join(replace_surrogates(text).split())
    return PUNCTUATION.sub(r"\\\1", REPLACED_LATER.sub(WORD_JOINER, line))
