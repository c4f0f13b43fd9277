"""The rows that the parts of the GPU check report; some of them are comparisons with the CPU's result."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Row", "Setting", "report"]


@dataclass(frozen=True, slots=True)
class Setting:
    """Device and size of a part. device: "cuda", or "cpu" in a dry run with toy sizes."""

    device: Literal["cuda", "cpu"]
    is_dry: bool
    scratch: Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. is_within: True if within the tolerance of the CPU's result; None if not a comparison."""

    what: str
    figure: str
    is_within: bool | None = None


def report(what: str, figure: str, is_within: bool | None = None) -> None:
    """Write a row to stdout and flush it, so that it is kept if the part is stopped later."""
    sys.stdout.write(json.dumps(asdict(Row(what, figure, None if is_within is None else bool(is_within)))) + "\n")
    sys.stdout.flush()
