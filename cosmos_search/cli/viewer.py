"""Open pictures in the viewer that the desktop has for them."""

from collections.abc import Sequence
from pathlib import Path

import click

from cosmos_search.cli.terminal import say
from indexer.errors import CosmosSearchError

__all__ = ["MAX_OPENED", "open_in_viewer"]

MAX_OPENED = 10  # pictures; each may get its own window


def open_in_viewer(paths: Sequence[Path]) -> None:
    """Open the first of these files that exist. Raises CosmosSearchError without a program that opens them."""
    found = [path for path in paths if path.is_file()]
    for path in found[:MAX_OPENED]:
        if click.launch(str(path)):
            raise CosmosSearchError("No program opens pictures here; on Linux xdg-open does, of the package xdg-utils.")
    if missing := len(paths) - len(found):
        say(f"{missing} of the pictures are not there any more, and were not opened.", err=True)
    if len(found) > MAX_OPENED:
        say(f"Opened the first {MAX_OPENED} of {len(found)}.", err=True)
