"""Fold texts for searching, and split them into words."""

import re
from functools import lru_cache
from unicodedata import category, combining, normalize

__all__ = ["MIN_PART", "fold_text", "is_camera_name", "is_unspaced", "list_forms", "split_words"]

MIN_PART = 3  # characters of the shortest part that a trigram index finds
MAX_CHARACTERS = 10_000  # of a text that are searched
MAX_WORD = 60  # characters of a word that are stored
MAX_NAME = 255  # characters of a file's name
# Scripts without blanks between words: Thai, Lao, Khmer, Myanmar, Han, Kana. Each character counts as a word.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff]")
# A number by a camera, a phone or a program, alone or after a prefix; but not the year or date of "Rome 2019".
CAMERA_NAME = re.compile(
    r"(?:[_p]?(?:img|dsc[a-z]?|dscn|dscf|pict?|pxl|mvi|mov|vid|gopr|g[hx]|dji|sam|cimg|imgp|hpim|kif|burst|photo|"
    r"image|picture|scan|untitled|screenshot|screen shot|whatsapp image|signal|fb img|wa|mg|e|m)[-_ ]*)?"
    r"[\d_()~. :-]*\d[\d_()~. :-]*(?:(?:am|pm|at|a|b|mp|hdr|pano|edited|copy|wa\d+|[a-z])[\d_()~. :-]*)*",
)
HEX = re.compile(r"[\da-f]{6,}(?:[-_][\da-f]{4,})*|\d+_[\da-f]{6,}(?:_[a-z])?")  # digests, and identifiers of websites


class _Characters(dict[int, str | None]):
    """For `str.translate`: accents are removed, and control characters become blanks."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        kept = " " if category(character)[0] in "CZ" else None if combining(character) else character
        self[code] = kept
        return kept


class _Separators(dict[int, str]):
    """For `str.translate`: all but letters, digits and their marks become blanks."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = character if category(character)[0] in "LNM" else " "
        return self[code]


_CHARACTERS, _SEPARATORS = _Characters(), _Separators()


def fold_text(text: str) -> str:
    """A form that is equal for all spellings of a text: without case, accents, and differences in blanks."""
    folded = normalize("NFKD", text[:MAX_CHARACTERS]).casefold().translate(_CHARACTERS)
    return " ".join(normalize("NFC", folded).split())


def split_words(folded: str) -> list[str]:
    """The words of a folded text, in order."""
    spaced = UNSPACED.sub(r" \g<0> ", folded) if not folded.isascii() else folded
    return [word[:MAX_WORD] for word in spaced.translate(_SEPARATORS).split()]


def is_unspaced(text: str) -> bool:
    """True if a text has characters of a script without blanks between words."""
    return not text.isascii() and UNSPACED.search(text) is not None


@lru_cache(maxsize=4096)
def is_camera_name(folded: str) -> bool:
    """True for names of files that no person chose: IMG_1234, 20240101_120000, PXL_..., digests. Without the suffix."""
    if len(folded) > MAX_NAME or re.fullmatch(r"(?:19|20)\d\d", folded):
        return False
    return bool(CAMERA_NAME.fullmatch(folded) or (HEX.fullmatch(folded) and any(c.isdigit() for c in folded)))


def list_forms(word: str) -> tuple[str, ...]:
    """The forms of a word that count as the same: an English plural and its singular."""
    if len(word) < MIN_PART or not (word.isalpha() and word.isascii()) or word.endswith("ss"):
        return (word,)
    if not word.endswith("s"):
        return word, f"{word}s", f"{word}es"
    singulars = [word[:-1], word[:-2]] if word.endswith("es") else [word[:-1]]
    return word, *(form for form in singulars if len(form) >= MIN_PART)
