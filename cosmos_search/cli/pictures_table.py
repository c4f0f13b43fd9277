"""The table of pictures that were found, for people. A search through a server imports no more than this needs."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from cosmos_search.cli.style import PLAIN, Style
from cosmos_search.cli.table import Cell, format_table
from cosmos_search.cli.terminal import escape
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.pictures.regions import WHOLE
from indexer.store.records import PictureRecord

__all__ = ["format_hits", "format_path", "format_pictures"]


def format_hits(hits: Sequence[Hit], style: Style = PLAIN) -> list[str]:
    """A header, and a text for each hit: one line, and one for each text with words and each sentence of several."""
    rows: list[tuple[str | Cell, ...]] = [("#", "score", "taken", "size", "picture")]
    starts = [0]
    for hit in hits:
        starts.append(len(rows))
        rows.append((str(hit.rank), f"{hit.score:.2f}", *_format_picture(hit.picture)))
        rows += [("", "", "", "", Cell(f"  {line.describe()}", is_dim=True)) for line in hit.texts]
        if len(hit.evidence) > 1:
            rows += [
                ("", Cell(f"{e.score:.2f}", is_dim=True), "", "", Cell(f"  {_format_evidence(e)}", is_dim=True))
                for e in hit.evidence
            ]
    lines = format_table(rows, {0, 1, 3}, style, optional=(3, 2))
    return ["\n".join(lines[start:end]) for start, end in pairwise([*starts, len(rows)])]


def format_pictures(pictures: Sequence[PictureRecord], style: Style = PLAIN) -> list[str]:
    """A header, and one line for each picture."""
    rows = [(str(i), *_format_picture(picture)) for i, picture in enumerate(pictures, 1)]
    return format_table([("#", "taken", "size", "picture"), *rows], {0, 2}, style, optional=(2, 1))


def format_path(path: Path) -> str:
    """A path for a person: relative if it is below the working directory, control characters escaped."""
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return escape(str(path))
    is_below = path.is_relative_to(here) and here.parent != here  # every path is below the root
    return escape(str(path.relative_to(here) if is_below else path))


def _format_picture(picture: PictureRecord) -> tuple[str, str, Cell]:
    """Three cells: when it was taken, its size, its path."""
    path, *copies = picture.paths
    taken, facts = picture.facts.metadata.taken_at, picture.facts
    name = format_path(path) + (f" (+{len(copies)} more)" if copies else "")
    return f"{taken:%Y-%m-%d}" if taken else "", f"{facts.width}×{facts.height}", Cell(name, link=path)


def _format_evidence(evidence: Evidence) -> str:
    """A sentence and its best region, in percent of the picture."""
    sign = "not " if evidence.is_negative else ""
    b = evidence.box
    place = "the whole" if b == WHOLE else f"{b.left:.0%}-{b.right:.0%} across, {b.top:.0%}-{b.bottom:.0%} down"
    return f"{sign}{evidence.text}: {place}"
