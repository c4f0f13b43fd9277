"""Short queries, each with a pattern that decides by the captions of a photo whether the photo shows the thing.

The pattern is a text: alternatives separated by " OR "; each is one or more regular expressions separated by " AND ",
which must all occur, as whole words, in one and the same caption. Captions are lower case without punctuation.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["KINDS", "Kind", "NamedThing", "name_things", "normalize"]

Kind = Literal["people", "animals", "things", "scenes", "colours", "counts", "actions", "light"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class NamedThing:
    """A query as a user types it. alternatives: one of them applies if all of its patterns occur in one caption."""

    query: str
    kind: Kind
    alternatives: tuple[tuple[re.Pattern[str], ...], ...]

    def is_shown(self, captions: Sequence[str]) -> bool:
        """Whether one of the captions of a photo, normalized by `normalize`, names the thing."""
        return any(
            all(pattern.search(caption) for pattern in patterns)
            for caption in captions
            for patterns in self.alternatives
        )


def normalize(caption: str) -> str:
    """Its words in lower case, separated by single spaces, without punctuation: "t shirt", "x ray"."""
    return " ".join(re.findall(r"[a-z0-9]+", caption.lower()))


def name_things(patterns: Mapping[Kind, Mapping[str, str]]) -> tuple[NamedThing, ...]:
    """The things of a table: for each kind the queries with their patterns."""
    return tuple(
        NamedThing(query, kind, tuple(_compile(part) for part in pattern.split(" OR ")))
        for kind, entries in patterns.items()
        for query, pattern in entries.items()
    )


def _compile(requirements: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"\b(?:{requirement})\b") for requirement in requirements.split(" AND "))
