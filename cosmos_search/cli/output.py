"""Format the results of commands for people. For programs the records have `to_dict`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_search.cli.advice import add_advice
from cosmos_search.cli.terminal import escape
from cosmos_search.extras import install_command
from cosmos_search.library import Info
from cosmos_search.models.published import RECOMMENDED
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.errors import OtherEncoderError
from indexer.pictures.regions import WHOLE
from indexer.store.records import FailedFile, Folder

if TYPE_CHECKING:  # a search needs neither
    from cosmos_search.models.install import ModelRow
    from indexer.ingest.read_texts import TextReport
    from indexer.ingest.report import Report

__all__ = [
    "format_hits",
    "format_info",
    "format_models",
    "format_path",
    "format_report",
    "format_text_report",
    "report_to_dict",
]

N_FAILED_SHOWN = 20


def format_hits(hits: Sequence[Hit]) -> str:
    """One hit a line."""
    rows = [("#", "score", "taken", "size", "picture")]
    for hit in hits:
        taken = hit.facts.metadata.taken_at
        size = f"{hit.facts.width}×{hit.facts.height}"
        name = format_path(hit.path) + (f" (+{len(hit.copies)} more)" if hit.copies else "")
        rows.append((str(hit.rank), f"{hit.score:.2f}", f"{taken:%Y-%m-%d}" if taken else "", size, name))
        rows += [("", "", "", "", f"  {line.describe()}") for line in hit.texts]
        if len(hit.evidence) > 1:
            rows += [("", f"{e.score:.2f}", "", "", f"  {_format_evidence(e)}") for e in hit.evidence]
    return _join_lines(_align_columns(rows, right={0, 1, 3}))


def format_report(report: "Report") -> str:
    """The summary of a run."""
    counts = ("added", "updated", "moved", "removed", "kept")
    parts = [f"{getattr(report, name)} {name}" for name in counts if getattr(report, name)]
    if report.failed:
        parts.append(f"{len(report.failed)} failed")
    lines = [", ".join(parts) or "No pictures found"]
    if report.embedded:
        speed = f"{report.images_per_second:.1f} pictures/s"
        lines[0] += f" in {report.seconds:.1f} s ({speed}, {report.model} on {report.device})"
    lines += _list_failed(report.failed)
    if report.failed_before:
        lines.append(f"{report.failed_before} files failed before and have not changed; cosmos-search info names them.")
    if report.needs_extra:
        lines.append(f"{report.needs_extra} HEIC or raw files skipped; to read them: {install_command('formats')}")
    return _join_lines(lines + [add_advice(warning) for warning in report.warnings])


def format_text_report(report: "TextReport") -> str:
    """The summary of a run that read texts."""
    line = f"{report.n_read} pictures read: {report.n_lines} lines of text in {report.n_with_text} of them"
    if report.n_read:
        line += f", in {report.seconds:.1f} s ({report.images_per_second:.1f} pictures/s)"
    return _join_lines([line, *_list_failed(report.failed)])


def report_to_dict(report: "Report") -> dict[str, Any]:
    """The summary of a run, with the commands that help in its warnings."""
    return report.to_dict() | {"warnings": [add_advice(warning) for warning in report.warnings]}


def format_info(info: Info) -> str:
    """What is indexed."""
    place = format_path(info.place) if isinstance(info.place, Path) else str(info.place)
    lines = [f"Index     {place}"]
    encoder = (
        f"{info.encoder.name} ({info.encoder.regions} regions, {info.encoder.dim} numbers a vector)"
        if info.encoder
        else "none yet"
    )
    lines.append(f"Model     {encoder}")
    if info.encoder is not None and info.needs_rebuild:
        lines.append(add_advice(OtherEncoderError(info.encoder.name, info.encoder.name)))
    lines.append(f"Pictures  {info.n_pictures}")
    sizes = ", ".join(f"{kind} {_format_megabytes(size)}" for kind, size in info.size_bytes.items())
    lines.append(f"On disk   {sizes}")
    lines.append(f"Searches  {info.search_device}")
    if info.folders:
        rows = [("files", "failed", "folder")]
        rows += [(str(f.n_pictures), str(f.n_failed), _format_folder(f)) for f in info.folders]
        lines += ["", *_align_columns(rows, right={0, 1})]
    return _join_lines(lines + _list_failed(info.failed))


def format_models(rows: "Sequence[ModelRow]") -> str:
    """One model a line. Figures: recall@1 in percent, image→text / text→image; ImageNet top-1."""
    lines = [("model", "good for", "COCO R@1", "Flickr30k", "ImageNet", "licence", "size")]
    for row in rows:
        p = row.published
        figures = ("", "", "", "")
        if p is not None:
            imagenet = "" if p.imagenet is None else f"{p.imagenet:.1f}"
            figures = (_format_pair(p.coco), _format_pair(p.flickr30k), imagenet, p.licence or "")
        name = f"{row.name} (default)" if row.is_default else row.name
        lines.append((name, row.good_for, *figures, _format_model_size(row)))
    legend = (
        "R@1: image→text / text→image in percent, as published; --json names the sources. +: to download",
        f"Which one: {RECOMMENDED} for queries in any language; the built-in one where nothing can be downloaded.",
        "To install: cosmos-search models pull MODEL, or any OWNER/NAME of the Hugging Face hub",
    )
    return _join_lines([*_align_columns(lines, right={6}), "", *legend])


def _format_model_size(row: "ModelRow") -> str:
    if row.size_bytes is not None:
        return _format_megabytes(row.size_bytes) if row.size_bytes else "built in"
    size = row.published.download_bytes if row.published is not None else None
    return "" if size is None else f"+{size / 1e9:.1f} GB"


def format_path(path: Path) -> str:
    """A path for a person: relative if it is below the working directory, control characters escaped."""
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return escape(str(path))
    is_below = path.is_relative_to(here) and here.parent != here  # every path is below the root
    return escape(str(path.relative_to(here) if is_below else path))


def _format_folder(folder: Folder) -> str:
    without = ", ".join(format_path(Path(pattern)) for pattern in folder.exclude)
    gone = "" if os.path.isdir(folder.path) else " (not there)"  # noqa: PTH112 (Path.is_dir raises where it may not look)
    return format_path(folder.path) + (f" (without {without})" if without else "") + gone


def _list_failed(failed: Sequence[FailedFile]) -> list[str]:
    lines = [f"  {format_path(f.path)}: {f.reason}" for f in failed[:N_FAILED_SHOWN]]
    if len(failed) > N_FAILED_SHOWN:
        lines.append(f"  ... and {len(failed) - N_FAILED_SHOWN} more; all of them: cosmos-search info --json")
    return ["", "Failed:", *lines] if failed else []


def _align_columns(rows: Sequence[tuple[str, ...]], right: set[int]) -> list[str]:
    """Lines with aligned columns, by the width in a terminal: letters of CJK take two cells. right: aligned there."""
    escaped = [[escape(cell) for cell in row] for row in rows]
    widths = [max(map(_measure_width, column)) for column in zip(*escaped, strict=True)]
    lines = []
    for row in escaped:
        padding = [" " * (width - _measure_width(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            pad + cell if i in right else cell + pad for i, (cell, pad) in enumerate(zip(row, padding, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _measure_width(text: str) -> int:
    """The cells of a terminal that the text takes; it has no control characters."""
    if text.replace("×", "x").isascii():
        return len(text)
    from wcwidth import wcswidth  # takes 20 ms, so it is imported only for other texts

    return wcswidth(text)


def _join_lines(lines: Sequence[str]) -> str:
    """The lines as one text; control characters within a line are escaped."""
    return "\n".join(escape(line) for line in lines)


def _format_evidence(evidence: Evidence) -> str:
    """A sentence and its best region, in percent of the picture."""
    sign = "not " if evidence.is_negative else ""
    b = evidence.box
    place = "the whole" if b == WHOLE else f"{b.left:.0%}-{b.right:.0%} across, {b.top:.0%}-{b.bottom:.0%} down"
    return f"{sign}{evidence.text}: {place}"


def _format_pair(figures: tuple[float, float] | None) -> str:
    return "" if figures is None else f"{figures[0]:.1f} / {figures[1]:.1f}"


def _format_megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
