"""Open pictures in the viewer that the desktop has for them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cosmos_search.cli.terminal import say
from indexer.errors import CosmosSearchError

__all__ = ["MAX_OPENED", "open_in_viewer"]

MAX_OPENED = 10  # pictures; each may get its own window
PATIENCE_S = 5.0  # the time after which a program that has not failed is a viewer that is open


def open_in_viewer(paths: Sequence[Path]) -> None:
    """Open the first of these files that exist. Raises CosmosSearchError without a program that opens them."""
    found = [path for path in paths if path.is_file()]
    if sys.platform not in ("darwin", "win32"):
        _run_xdg_open(found[:MAX_OPENED])
    elif any(map(click.launch, map(str, found[:MAX_OPENED]))):
        raise CosmosSearchError("No program opens pictures here.")
    if missing := len(paths) - len(found):
        say(f"{missing} of the pictures are not there any more, and were not opened.", err=True)
    if len(found) > MAX_OPENED:
        say(f"Opened the first {MAX_OPENED} of {len(found)}.", err=True)


def _run_xdg_open(paths: Sequence[Path]) -> None:
    """The output of xdg-open, and of a viewer without a window of its own, does not belong into the terminal."""
    null = subprocess.DEVNULL
    for path in paths:
        try:
            process = subprocess.Popen(["xdg-open", str(path)], stdin=null, stdout=null, stderr=null)
            if path == paths[0] and process.wait(PATIENCE_S):
                raise CosmosSearchError("No program opens pictures here: xdg-open found no viewer, or no screen.")
        except subprocess.TimeoutExpired:  # some viewers keep it running
            continue
        except OSError as error:
            raise CosmosSearchError(
                "No program opens pictures here; on Linux xdg-open does, of the package xdg-utils."
            ) from error
