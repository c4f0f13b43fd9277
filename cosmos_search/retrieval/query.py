"""The query language: sentences, signs, weights and places."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from cosmos_search.retrieval.errors import EmptyQueryError, InvalidValueError, QueryError
from cosmos_search.retrieval.sentences import split_sentences
from indexer.errors import UsageError
from indexer.pictures.regions import Box

__all__ = ["PLACES", "Query", "Term", "parse_box", "parse_query"]

PLACES = {
    "left": Box(0.0, 0.0, 0.5, 1.0),
    "right": Box(0.5, 0.0, 1.0, 1.0),
    "top": Box(0.0, 0.0, 1.0, 0.5),
    "bottom": Box(0.0, 0.5, 1.0, 1.0),
    "centre": Box(0.25, 0.25, 0.75, 0.75),
    "center": Box(0.25, 0.25, 0.75, 0.75),
    "top-left": Box(0.0, 0.0, 0.5, 0.5),
    "top-right": Box(0.5, 0.0, 1.0, 0.5),
    "bottom-left": Box(0.0, 0.5, 0.5, 1.0),
    "bottom-right": Box(0.5, 0.5, 1.0, 1.0),
}
MAX_TERMS = 64
MAX_CHARACTERS = 10_000
MIN_WEIGHT, MAX_WEIGHT = 0.001, 1000.0
JOINERS = "\u200c\u200d"  # within emoji, and within words of Persian and of languages of India
# Rare letters that replace quoted text while operators are searched: one for its first character, one for each other.
QUOTE, MASK = "\ua66e", "\u01bb"
# Without backtracking: each pattern takes time in proportion to the length of the text.
QUOTED = re.compile(r'"[^"]*"|“[^“”]*”')
OPERATOR = r"(?:^|(?<=\s))[+-](?=\s|[^\W\d_]|[\u2190-\u2bff\U0001f000-\U0001faff]|$)"  # before blanks, words and emoji
LONELY = re.compile(rf"{OPERATOR}(?=\s*+(?:$|{OPERATOR}))")
OPERATORS = re.compile(OPERATOR)  # never within a word
WEIGHT = re.compile(r"(\d++(?:\.\d*+)?|\.\d++):(?=[^\s\d])")
PLACE = re.compile(rf"(?:^|(?<=[\s{QUOTE}{MASK}]))@([^\s@{QUOTE}{MASK}]+)")
# Quoted, or up to a blank, without the punctuation before it.
TEXT = re.compile(
    rf"(?:^|(?<=\s))(?:([+-])\s*+)?text:({QUOTE}{MASK}*|[^\s{QUOTE}{MASK}]*[^\s{QUOTE}{MASK}.,;!?])", re.IGNORECASE
)
SECOND_PLACE = "A sentence has one place; end it with a full stop before the next: a dog @left. a cat @right"


@dataclass(frozen=True, slots=True)
class Term:
    """One sentence of a query: something that pictures should show, or should not."""

    text: str
    weight: float = 1.0
    is_negative: bool = False
    place: Box | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Terms, of which at least one is not negative. A query that only excludes texts has none."""

    terms: tuple[Term, ...]
    texts: tuple[str, ...] = ()  # that have to stand in or around the picture
    without_texts: tuple[str, ...] = ()  # that must not


def parse_query(text: str) -> Query:
    """The terms of a query. Raises UsageError; for a syntax error it is a QueryError with the position."""
    if len(text) > MAX_CHARACTERS:
        raise UsageError(f"The query has {len(text):,} characters; {MAX_CHARACTERS:,} is the most that can be read.")
    line = re.sub(f"[{QUOTE}{MASK}]", " ", text.replace("\r\n", "\n").replace("\r", "\n"))
    line = "".join(c if c.isprintable() or c == "\n" or c in JOINERS else " " for c in line)
    line, texts, without_texts = _take_texts(line)
    masked = _mask(line)
    _check_syntax(line, masked)
    quotes = (quote[0] for quote in QUOTED.finditer(line))
    terms = [term for sign, part in _split_at_operators(masked) for term in _parse_terms(sign, part, quotes)]
    terms = terms or [Term(text) for text in texts]
    if not terms and not without_texts:
        raise EmptyQueryError
    if terms and all(term.is_negative for term in terms):
        raise UsageError("The query says only what should not be there; say also what to look for: a tower - a rocket")
    n_parts = len(terms) + len(texts) + len(without_texts)
    if n_parts > MAX_TERMS:
        raise UsageError(f"The query has {n_parts} parts; {MAX_TERMS} is the most that can be looked for at once.")
    return Query(tuple(terms), tuple(texts), tuple(without_texts))


def parse_box(text: str) -> Box:
    """A box from "left,top,right,bottom", fractions of the picture. Raises UsageError."""
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidValueError(text, "box") from None
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise UsageError(f"The box {_shorten(text)} is not inside the picture, or has no area; 0,0,1,1 is all of it.")
    return Box(left, top, right, bottom)


def _mask(line: str) -> str:
    """The line with each quoted text replaced by as many rare letters."""
    return QUOTED.sub(lambda quote: QUOTE + MASK * (len(quote[0]) - 1), line)


def _take_texts(line: str) -> tuple[str, list[str], list[str]]:
    """The line without its `text:` parts, and the texts that are demanded and excluded."""
    texts: dict[bool, list[str]] = {False: [], True: []}
    rest, end = [], 0
    for found in TEXT.finditer(_mask(line)):
        text = line[found.start(2) : found.end(2)].strip('"“” ')
        if not any(c.isalnum() for c in text):
            raise QueryError(line, found.start(), "text: must be followed by what stands in the picture")
        texts[found[1] == "-"].append(text)
        rest.append(line[end : found.start()])
        end = found.end()
    return " ".join([*rest, line[end:]]), texts[False], texts[True]


def _check_syntax(line: str, masked: str) -> None:
    """Raise QueryError for the first error that can be seen without splitting the query into sentences."""
    for quote in re.finditer('["“”]', masked):
        raise QueryError(line, quote.start(), "This quote is not closed")
    for operator in LONELY.finditer(masked):
        raise QueryError(line, operator.start(), f"Nothing follows this {operator[0]}")
    for place in PLACE.finditer(masked):
        try:
            _parse_place(place[1])
        except UsageError as error:
            raise QueryError(line, place.start(), str(error)) from None


def _split_at_operators(masked: str) -> Iterator[tuple[str, str]]:
    """The parts of the query between operators, each with the operator before it ("+" for the first)."""
    starts = [(0, "+", 0)] + [(m.start(), m[0], m.end()) for m in OPERATORS.finditer(masked)]
    ends = [start for start, _, _ in starts[1:]] + [len(masked)]
    for (_, sign, start), end in zip(starts, ends, strict=True):
        yield sign, masked[start:end]


def _parse_terms(sign: str, part: str, quotes: Iterator[str]) -> Iterator[Term]:
    """The sentences of a part; `sign` applies to the first. quotes: the quoted texts from here on, in order."""
    for i, sentence in enumerate(split_sentences(part)):
        weight = WEIGHT.match(sentence)
        if weight and not MIN_WEIGHT <= float(weight[1]) <= MAX_WEIGHT:
            limits = f"from {MIN_WEIGHT} to {MAX_WEIGHT:.0f}"
            raise QueryError(weight[0], 0, f"A weight must be above 0, {limits}; to exclude something: - a rocket")
        start = weight.end() if weight else 0
        quoted = [next(quotes) for _ in range(sentence.count(QUOTE))]
        text = " ".join(_unmask(PLACE.sub(" ", sentence[start:]), [quote[1:-1] for quote in quoted]).split())
        places = list(PLACE.finditer(sentence[start:]))
        if len(places) > 1 or (places and not text):
            reason = "Nothing is looked for at this place" if not text else SECOND_PLACE
            raise QueryError(_unmask(sentence, quoted), start + places[-1 if not text else 1].start(), reason)
        if text:
            yield Term(
                text,
                weight=float(weight[1]) if weight else 1.0,
                is_negative=sign == "-" and i == 0,
                place=_parse_place(places[0][1]) if places else None,
            )


def _unmask(masked: str, quotes: Sequence[str]) -> str:
    """The text with these quoted texts in the place of their masks."""
    rest = iter(quotes)
    return re.sub(f"{QUOTE}{MASK}*", lambda _: next(rest), masked)


def _parse_place(name: str) -> Box:
    """The box of a name from PLACES, or of four fractions. Raises UsageError."""
    name = name.rstrip(".,;!?").lower()
    if name in PLACES:
        return PLACES[name]
    if name[:1].isdigit() or "," in name:
        return parse_box(name)
    similar = get_close_matches(name, PLACES, n=1)
    hint = f"did you mean @{similar[0]}?" if similar else "there are: " + ", ".join(sorted(PLACES))
    raise UsageError(f"There is no place @{_shorten(name)}; {hint}")


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
