"""The results of a search: pictures with scores, and the best region for each term of the query."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.pictures.regions import Box
from indexer.store.records import PictureFacts, PictureRecord, TextLine

__all__ = ["Evidence", "Hit"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The best region of a picture for one term of the query.

    A search doesn't open pictures: `box` is then one of the index's regions, or the whole picture. `refine` fits it to
    the heat map of the sentence.
    """

    text: str  # the sentence, or "the example"
    score: float  # on the scale of Hit.score
    cosine: float  # -1..1
    box: Box
    is_negative: bool
    is_example: bool = False  # the term is the example image, not a text
    is_refined: bool = False  # the box was fitted to the heat map

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; the score with four decimals, the box as left, top, right, bottom."""
        box = [self.box.left, self.box.top, self.box.right, self.box.bottom]
        values = {"text": self.text, "score": round(self.score, 4), "box": box, "is_negative": self.is_negative}
        return {"kind": "image", **values}


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture in the results of a search."""

    rank: int  # from 1
    score: float  # 0..1, by the encoder's calibration; without one, the weighted mean of cosines (see `scoring`)
    picture: PictureRecord
    evidence: tuple[Evidence, ...]  # one for each term of the query, in order
    texts: tuple[TextLine, ...] = ()  # in or around the picture, in which words of the query stand

    @property
    def path(self) -> Path:
        """A file of the picture; one that exists, if there is one."""
        return self.picture.paths[0]

    @property
    def copies(self) -> tuple[Path, ...]:
        """Other files with the same content."""
        return self.picture.paths[1:]

    @property
    def facts(self) -> PictureFacts:
        """Size and metadata."""
        return self.picture.facts

    @property
    def is_found_by_texts(self) -> bool:
        """True if most of the score is due to texts: no sentence has half of it by what the picture shows."""
        return bool(self.texts) and all(part.score < self.score / 2 for part in self.evidence if not part.is_negative)

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; the scores with four decimals. The evidence begins with what gives most of the score.

        Bytes of a path that are not valid UTF-8 are lone surrogates, which `os.fsencode` converts back.
        """
        parts, lines = [part.to_dict() for part in self.evidence], [line.to_dict() for line in self.texts]
        return {
            "rank": self.rank,
            "path": str(self.path),
            "score": round(self.score, 4),
            "evidence": lines + parts if self.is_found_by_texts else parts + lines,
            "copies": [str(path) for path in self.copies],
            **({} if self.picture.position_ms is None else {"position_ms": self.picture.position_ms}),
            **self.facts.to_dict(),
        }
