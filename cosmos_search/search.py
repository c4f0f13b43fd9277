"""A query and its hits."""

from dataclasses import dataclass
from pathlib import Path

from cosmos_search.encoder import Encoder
from indexer.catalog import PictureFacts
from indexer.errors import CosmosSearchError, UsageError
from indexer.index import Index, Match

__all__ = ["Hit", "search"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that was found."""

    rank: int  # from 1
    path: Path
    score: float  # cosine of query and picture, -1..1
    copies: tuple[Path, ...]  # other files with the same content
    facts: PictureFacts


def search(index: Index, encoder: Encoder, text: str, top: int) -> list[Hit]:
    """The best `top` pictures for a text, best first; equal scores keep one order.

    Raises UsageError for an empty text or a `top` below 1, CosmosSearchError when another encoder made the index.
    """
    if not text.strip():
        raise UsageError('The query is empty. Say what to look for: cosmos-search search "a red car"')
    if top < 1:
        raise UsageError(f"{top} hits can't be shown; ask for 1 or more: -n 10")
    check_encoder(index, encoder)
    (query,) = encoder.encode_texts([text])
    return [_hit(rank, match) for rank, match in enumerate(index.search(query, top), start=1)]


def check_encoder(index: Index, encoder: Encoder) -> None:
    """Raise CosmosSearchError unless this encoder made the index, and there is something in it."""
    with index.reading() as catalog:
        made_by = catalog.encoder()
        is_empty = catalog.n_pictures() == 0
    if made_by is None or is_empty:
        raise CosmosSearchError(f"The index at {index.place} holds no pictures yet: cosmos-search index FOLDER")
    if made_by.name != encoder.name:
        raise CosmosSearchError(
            f"This index was made with {made_by.name}, not {encoder.name}; to change over: "
            f"cosmos-search index --model {encoder.name} --rebuild"
        )
    if made_by.version != encoder.version:
        raise CosmosSearchError(
            f"This index was made with another version of {encoder.name}; bring it up to date: "
            "cosmos-search index --rebuild"
        )


def _hit(rank: int, match: Match) -> Hit:
    first, *copies = match.picture.paths
    return Hit(rank, first, match.score, tuple(copies), match.picture.facts)
