"""What a search returns: pictures with their scores, and the region that answers each part of the query."""

from dataclasses import dataclass
from pathlib import Path

from indexer.pictures.regions import Box
from indexer.store.records import PictureFacts, PictureRecord

__all__ = ["Evidence", "Hit"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What answers one part of the query: the region that is nearest to it."""

    text: str  # the sentence, or "the example"
    score: float  # on the scale of Hit.score
    cosine: float  # -1..1
    box: Box
    is_negative: bool
    is_example: bool = False  # it answers the example image, not a text


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that was found."""

    rank: int  # from 1
    score: float  # 0..1 by the encoder's calibration, the higher the better; without a calibration a sum of cosines
    picture: PictureRecord
    evidence: tuple[Evidence, ...]  # one for each part of the query, in its order

    @property
    def path(self) -> Path:
        """A file that shows the picture."""
        return self.picture.paths[0]

    @property
    def copies(self) -> tuple[Path, ...]:
        """Other files with the same content."""
        return self.picture.paths[1:]

    @property
    def facts(self) -> PictureFacts:
        """Size and metadata."""
        return self.picture.facts
