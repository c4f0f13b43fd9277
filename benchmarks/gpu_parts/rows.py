"""What a part of the GPU check reports: rows of a table, some of them compared with the CPU's result."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Row", "Setting", "report"]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a part runs and how large. device: "cuda", or "cpu" in a dry run with toy sizes."""

    device: str
    is_dry: bool
    scratch: Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. is_within: None for a figure alone, False if it differs from the CPU beyond tolerance."""

    what: str
    figure: str
    is_within: bool | None = None


def report(what: str, figure: str, is_within: bool | None = None) -> None:
    """Write a row to stdout at once, so that a part that is stopped keeps the rows it had."""
    sys.stdout.write(json.dumps(asdict(Row(what, figure, None if is_within is None else bool(is_within)))) + "\n")
    sys.stdout.flush()
