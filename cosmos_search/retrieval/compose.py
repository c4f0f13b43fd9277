"""A query made longer, in the query language."""

import re

from cosmos_search.retrieval.query import Query
from indexer.pictures.regions import Box

__all__ = ["placed", "with_place", "with_word"]

NEEDS_QUOTES = re.compile(r"""["“”+@:.!?\n-]""")


def with_word(query: str, sign: str, word: str) -> str:
    """The query with something that should be there too ("+"), or should not ("-")."""
    quoted = _quoted(word)
    return f"{query.rstrip()} {sign} {quoted}" if query.strip() and quoted else query.strip() or quoted


def with_place(query: str, text: str, box: Box) -> str:
    """The query with something that should be in a place."""
    edges = ",".join(f"{edge:.2f}".rstrip("0").rstrip(".") for edge in (box.left, box.top, box.right, box.bottom))
    return with_word(query, "+", text) + f" @{edges}"


def placed(query: Query) -> list[tuple[str, Box]]:
    """What the query wants in places."""
    return [(term.text, term.place) for term in query.terms if term.place is not None and not term.is_negative]


def _quoted(text: str) -> str:
    """Plain text stays plain, whatever marks are in it."""
    plain = text.strip().strip(".")
    return '"' + re.sub('["“”]', "'", plain) + '"' if NEEDS_QUOTES.search(plain) else plain
