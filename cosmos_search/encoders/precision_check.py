"""The precision that an exported model runs in, and what the check found that chose it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from indexer.files import read_file

__all__ = ["PrecisionCheck"]

FILE = "choice.json"
MIN_COSINE = 0.99  # centred; 0.998 was measured for good int8, 0.80 for a badly calibrated one
MIN_SAME_FIRST = 0.9


@dataclass(frozen=True, slots=True)
class PrecisionCheck:
    """What was chosen, and how near int8 comes to fp32 on the photos in this package."""

    precision: str  # "int8" or "fp32"
    centred_cosine: float | None = None  # mean over views, of vectors less their mean
    top1_agreement: float | None = None  # the share of captions whose best view stays the same or scores as well

    @property
    def is_near(self) -> bool:
        """Whether int8 may stand for fp32."""
        assert self.centred_cosine is not None
        assert self.top1_agreement is not None
        return self.centred_cosine >= MIN_COSINE and self.top1_agreement >= MIN_SAME_FIRST

    def save(self, folder: Path) -> None:
        """Beside the graphs."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "PrecisionCheck":
        """What `save` wrote."""
        return cls(**json.loads(read_file(folder / FILE)))
