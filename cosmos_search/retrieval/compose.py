"""Extend a query, in the query language."""

import re

from cosmos_search.retrieval.query import Query
from indexer.pictures.regions import Box

__all__ = ["add_place", "add_word", "list_placed_terms"]

NEEDS_QUOTES = re.compile(r"""["“”+@:.!?\n-]""")


def add_word(query: str, sign: str, word: str) -> str:
    """The query with another term; sign: "+" if it should be in the picture, "-" if it should not."""
    quoted = _quote(word)
    return f"{query.rstrip()} {sign} {quoted}" if query.strip() and quoted else query.strip() or quoted


def add_place(query: str, text: str, box: Box) -> str:
    """The query with another term, and the place where it should be in the picture."""
    edges = ",".join(f"{edge:.2f}".rstrip("0").rstrip(".") for edge in (box.left, box.top, box.right, box.bottom))
    return add_word(query, "+", text) + f" @{edges}"


def list_placed_terms(query: Query) -> list[tuple[str, Box]]:
    """Texts and places of the terms that have a place and are not negative."""
    return [(term.text, term.place) for term in query.terms if term.place is not None and not term.is_negative]


def _quote(text: str) -> str:
    """The text in quotes if it has characters with a meaning in the query language."""
    plain = text.strip().strip(".")
    return '"' + re.sub('["“”]', "'", plain) + '"' if NEEDS_QUOTES.search(plain) else plain
