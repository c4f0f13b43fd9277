"""The errors of reading networks from files. No torch here, so that the command line can name these classes."""

from dataclasses import dataclass

from indexer.errors import CosmosSearchError

__all__ = ["MissingModelFileError"]


@dataclass(eq=False)
class MissingModelFileError(CosmosSearchError):
    """A checkpoint alone does not describe its network; a file of its model directory is needed, too."""

    reason: str
    file: str  # "config.json" or "tokenizer.json"

    def __str__(self) -> str:
        return f"{self.reason}; its {self.file} is needed."
