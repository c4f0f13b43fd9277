"""The commands that fix errors: one table from an error's class to the sentence that the command line adds."""

from collections.abc import Callable, Mapping
from typing import Any

from cosmos_search.retrieval.errors import EmptyQueryError, ExplanationError, HitCountError, UnreadableHitError
from indexer.errors import CosmosSearchError, NoIndexError

__all__ = ["ADVICE", "Advice", "add_advice"]

# Keys are error classes; a class without an entry takes that of its nearest base. Values get the error.
Advice = Mapping[type[CosmosSearchError], Callable[[Any], str]]

ADVICE: Advice = {
    NoIndexError: lambda error: "Make one: cosmos-search index FOLDER",
    # cosmos_search.retrieval
    EmptyQueryError: lambda error: 'Say what to look for: cosmos-search search "a red car"',
    HitCountError: lambda error: "For ten hits: -n 10",
    UnreadableHitError: lambda error: "Bring the index up to date: cosmos-search index",
    ExplanationError: lambda error: "Choose another directory: --explain DIR",
}


def add_advice(error: CosmosSearchError, table: Advice = ADVICE) -> str:
    """The error's sentence, and after it the table's advice, if there is any."""
    advice = next((table[kind](error) for kind in type(error).__mro__ if kind in table), "")
    return f"{error} {advice}".rstrip()
