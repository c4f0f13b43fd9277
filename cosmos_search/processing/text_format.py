"""How a family of models cleans a text, and which tokens it puts around it."""

import html
import re
import string
from collections.abc import Callable
from dataclasses import dataclass

import ftfy
from tokenizers import normalizers

__all__ = ["CLIP_FORMAT", "END", "START", "TextFormat", "clean", "keep", "lower", "lower_without_punctuation"]

START, END = "<start_of_text>", "<end_of_text>"
OPENAI_START, OPENAI_END = "<|startoftext|>", "<|endoftext|>"  # the same tokens in CLIP's own model directories
HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{1000,}|[xX][0-9a-fA-F]{1000,});?")  # beyond every code point
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
LOWERCASE = normalizers.Lowercase()


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Names of tokens: of several, the first that the vocabulary has.

    clean: from a query to the text that is tokenized. pad: fills rows up to the context length, if a family was trained
    with that and attends to it; (): rows have the lengths of their texts.
    """

    clean: Callable[[str], str]
    end: tuple[str, ...]
    start: tuple[str, ...] = ()
    pad: tuple[str, ...] = ()
    needs_start: bool = True  # False: a vocabulary may lack it


def clean(text: str) -> str:
    """Clean a text as CLIP does: repair mojibake, resolve HTML entities, collapse white space, lower the case."""
    text = _unescape(_unescape(ftfy.fix_text(keep(text))))
    return re.sub(r"\s+", " ", text.strip()).strip().lower()


def keep(text: str) -> str:
    """The text itself; lone surrogates, which arguments of commands may contain, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def lower(text: str) -> str:
    """Lower the case letter by letter, as SigLIP 2 does: without the rules for the end of a word that Python has."""
    lowered: str = LOWERCASE.normalize_str(keep(text))
    return lowered


def lower_without_punctuation(text: str) -> str:
    """Lower the case, remove ASCII punctuation and collapse white space, as SigLIP does."""
    return re.sub(r"\s+", " ", keep(text).lower().translate(NO_PUNCTUATION)).strip()


def _unescape(text: str) -> str:
    """Like `html.unescape`, which fails for a number with more digits than Python converts."""
    return html.unescape(HUGE_REFERENCE.sub("\ufffd", text))


CLIP_FORMAT = TextFormat(clean, end=(END, OPENAI_END), start=(START, OPENAI_START))
