"""The precision that an exported model runs in, and the measurements that decided it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from cosmos_search.json_files import read_object, write_object

__all__ = ["MIN_COSINE", "ExportedPrecision", "PrecisionCheck"]

ExportedPrecision = Literal["int8", "fp32"]  # of ONNX graphs

FILE = "choice.json"
EARLIER_NAMES = {"same_first": "top1_agreement"}  # of fields, in files written by earlier versions
MIN_COSINE = 0.99  # centred; 0.998 was measured for good int8, 0.80 for a badly calibrated one
MIN_TOP1_AGREEMENT = 0.9


@dataclass(frozen=True, slots=True)
class PrecisionCheck:
    """The chosen precision, and how closely int8 agrees with fp32 on the photos in this package."""

    precision: ExportedPrecision
    centred_cosine: float | None = None  # mean over views, of vectors less their mean
    top1_agreement: float | None = None  # the share of captions whose best view stays the same or scores as well

    @property
    def is_accurate(self) -> bool:
        """True if int8 agrees with fp32 closely enough to replace it."""
        assert self.centred_cosine is not None
        assert self.top1_agreement is not None
        return self.centred_cosine >= MIN_COSINE and self.top1_agreement >= MIN_TOP1_AGREEMENT

    def save(self, folder: Path) -> None:
        """Write it beside the graphs."""
        write_object(folder / FILE, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> "PrecisionCheck":
        """Read what `save` wrote. Raises CosmosSearchError or TypeError for anything else."""
        return cls(**{EARLIER_NAMES.get(name, name): value for name, value in read_object(folder / FILE).items()})
