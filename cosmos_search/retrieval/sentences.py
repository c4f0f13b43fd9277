"""Split a text into sentences."""

import re
from unicodedata import category

__all__ = ["split_sentences"]

ABBREVIATIONS = frozenset(
    "dr mr mrs ms prof rev hon st jr sr sgt capt lt col gen gov sen rep e.g i.e etc vs no nos vol fig figs approx ca "
    "cf al dept est inc ltd co corp ave blvd rd mt ft in cm mm km kg oz lb jan feb mar apr jun jul aug sep sept oct "
    "nov dec mon tue wed thu fri sat sun a.m p.m u.s u.k u.s.a e.u d.c ph.d b.a m.a".split()
)
NEVER_LAST = frozenset(
    "dr mr mrs ms prof rev hon st e.g i.e vs no nos fig figs approx ca cf gen capt lt col mt".split()
)
CLOSERS = "\"'”’»)\\]"
STOP = re.compile(rf"[.!?…]+[{CLOSERS}]*|[。！？．]+[」』”’）]*")
CAPITAL_OR_DIGIT = re.compile(r"[\"'“‘«(\[]*[^\W_a-zß-öø-ÿ]")
FINAL_DOT = re.compile(rf"(?<![.])[.。．]([{CLOSERS}」』]*)$")
PICTURES = "‼⁉〰"  # emoji in the category of punctuation
WINDOW = 100  # characters around a mark that are examined, so that the time is linear in the length of a text


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, white space collapsed, without their final full stop; ends of lines end them too."""
    sentences = []
    for line in (" ".join(line.split()) for line in text.splitlines()):
        start = 0
        for stop in STOP.finditer(line):
            if _ends_sentence(line, start, stop):
                sentences.append(line[start : stop.end()])
                start = stop.end()
        sentences.append(line[start:])
    return [tidy for sentence in sentences if (tidy := _strip_stop(sentence))]


def _ends_sentence(line: str, start: int, stop: re.Match[str]) -> bool:
    mark, rest = stop[0], line[stop.end() : stop.end() + WINDOW]
    before = line[max(start, stop.start() - WINDOW) : stop.start()]
    if mark[0] in "。！？．" or not rest:
        return True
    if not rest[0].isspace():  # 3.5, U.S., example.org, but "man.A woman"
        return mark == "." and rest[0].isupper() and before[-1:].islower() and "." not in before.split()[-1]
    if mark[0] in "!?":
        return True
    if mark[0] == "…" or mark.startswith(".."):
        return CAPITAL_OR_DIGIT.match(rest.lstrip()) is not None
    return not _is_abbreviation(before, mark, rest.lstrip())


def _is_abbreviation(before: str, mark: str, after: str) -> bool:
    """True if the dot belongs to an abbreviation, an initial or the number of a list, and does not end a sentence."""
    if len(mark) > 1:  # a bracket or a quote closed behind the dot
        return False
    word = re.split(r"[\s(\[\"'“‘]", before)[-1].lower()
    if re.fullmatch(r"\d{1,3}", word) and not before[: -len(word)].strip():
        return True  # the number of a list
    is_initial = len(word) == 1 and word.isalpha() and before[-1:].isupper() and word != "i"
    if not (is_initial or word in ABBREVIATIONS):
        return False
    return word in NEVER_LAST or is_initial or CAPITAL_OR_DIGIT.match(after) is None


def _strip_stop(sentence: str) -> str:
    """Without white space and final full stop; empty if there is only punctuation."""
    text = FINAL_DOT.sub(r"\1", sentence.strip())
    return text if any(_has_meaning(c) for c in text) else ""


def _has_meaning(c: str) -> bool:
    """True for letters, digits, signs beyond ASCII, and the marks that turn a character into an emoji."""
    return c.isalnum() or (not c.isascii() and (category(c)[0] in "SM" or c in PICTURES))
