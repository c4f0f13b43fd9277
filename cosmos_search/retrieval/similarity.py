"""Similar pictures, found by an example picture alone: their least score, and scores in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cosmos_search.retrieval.hits import Hit

__all__ = ["Levels", "describe_similarity", "find_levels", "is_file", "leave_out"]


@dataclass(frozen=True, slots=True)
class Levels:
    """Scores of similar pictures, ascending. Pictures below the first are not shown as similar."""

    somewhat: float
    similar: float
    very: float
    same: float


# Measured on 200 photos of Flickr8k as examples among 7,091, by the words that the captions of two photos share.
# Related: they share more than 95 % of the pairs of photos do. Of the hits from 0.6 to 0.65, 34 % are related; from
# 0.65 to 0.7, 48 %; from 0.75 to 0.8, 72 %; from 0.85 on, all. With the cut-off at 0.65, 2 % of the examples have no
# hit, and the median is 31 hits.
LEVELS = {"cosmos-mini": Levels(0.65, 0.75, 0.85, 0.95)}


def find_levels(encoder_name: str) -> Levels | None:
    """The levels of an encoder; None if they were not measured: then no hit is left out, and scores are numbers."""
    return LEVELS.get(encoder_name)


def describe_similarity(score: float, levels: Levels) -> str:
    """The score in words."""
    words = (
        (levels.same, "nearly the same"),
        (levels.very, "very similar"),
        (levels.similar, "similar"),
        (levels.somewhat, "somewhat similar"),
    )
    return next((word for least, word in words if score >= least), "hardly similar")


def is_file(path: Path) -> Callable[[Hit], bool]:
    """Whether a hit is the picture in this file."""
    names = {path.absolute(), path.resolve()}
    return lambda hit: not names.isdisjoint(hit.picture.paths)


def leave_out(hits: Sequence[Hit], is_example: Callable[[Hit], bool], top: int) -> list[Hit]:
    """The first `top` hits without the example picture itself, ranked from 1 on."""
    others = [hit for hit in hits if not is_example(hit)]
    return [replace(hit, rank=rank) for rank, hit in enumerate(others[:top], 1)]
