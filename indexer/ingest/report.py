"""The result of an indexing run."""

from dataclasses import dataclass, field
from typing import Any

from indexer.errors import CosmosSearchError
from indexer.store.records import FailedFile

__all__ = ["Report"]


@dataclass(slots=True)
class Report:
    """The counts of a run; updated while it runs."""

    model: str
    device: str
    added: int = 0
    updated: int = 0
    kept: int = 0
    moved: int = 0
    removed: int = 0
    failed: list[FailedFile] = field(default_factory=list)
    failed_before: int = 0  # files that failed in an earlier run and have not changed; not read again
    needs_extra: int = 0  # pictures skipped because the extra [formats] is not installed
    warnings: list[CosmosSearchError] = field(default_factory=list)  # not raised
    embedded: int = 0  # pictures that were encoded
    seconds: float = 0.0
    is_stopped: bool = False

    @property
    def images_per_second(self) -> float:
        """Encoded pictures per second, including reading and writing."""
        return self.embedded / self.seconds if self.seconds else 0.0

    @property
    def n_done(self) -> int:
        """The number of files processed so far."""
        return self.added + self.updated + self.kept + len(self.failed) + self.failed_before

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "added": self.added,
            "updated": self.updated,
            "kept": self.kept,
            "moved": self.moved,
            "removed": self.removed,
            "failed": [file.to_dict() for file in self.failed],
            "failed_before": self.failed_before,
            "needs_extra": self.needs_extra,
            "warnings": [str(warning) for warning in self.warnings],
            "is_stopped": self.is_stopped,
            "seconds": round(self.seconds, 3),
            "images_per_second": round(self.images_per_second, 3),
            "model": self.model,
            "device": self.device,
        }
