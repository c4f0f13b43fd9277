"""Format the results of commands for people. For programs the records have `to_dict`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_search.cli.advice import add_advice
from cosmos_search.cli.pictures_table import format_path
from cosmos_search.cli.style import PLAIN, Style
from cosmos_search.cli.suggest import suggest
from cosmos_search.cli.table import format_table
from cosmos_search.cli.terminal import escape
from cosmos_search.extras import IN_CLONE, install_command
from cosmos_search.models.published import RECOMMENDED
from indexer.errors import OtherEncoderError
from indexer.plural import count
from indexer.store.records import FailedFile, Folder

if TYPE_CHECKING:  # a search needs none
    from cosmos_search.models.install import ModelRow
    from cosmos_search.opened_index import Info
    from indexer.ingest.read_texts import TextReport
    from indexer.ingest.report import Report

__all__ = [
    "format_info",
    "format_models",
    "format_report",
    "format_text_report",
    "report_to_dict",
]

N_FAILED_SHOWN = 20
MODELS_WIDTH = 76  # cells that the table of models takes at least


def format_report(report: "Report", style: Style = PLAIN) -> str:
    """The summary of a run."""
    counts = ("added", "updated", "moved", "removed", "kept")
    parts = [f"{getattr(report, name)} {name}" for name in counts if getattr(report, name)]
    if report.failed:
        parts.append(f"{len(report.failed)} failed")
    lines = [", ".join(parts) or "No pictures found"]
    if report.embedded:
        speed = f"{report.images_per_second:.1f} pictures/s"
        lines[0] += f" in {report.seconds:.1f} s ({speed}, {report.model} on {report.device})"
    notes = []
    if report.failed_before:
        names, failed = suggest("cosmos-search info"), count(report.failed_before, "file", "failed", "failed")
        notes.append(f"{failed} before and did not change. To see why: {names}")
    if report.needs_extra:
        advice = f"to read them, {IN_CLONE}: {install_command('formats')}"
        notes.append(f"{count(report.needs_extra, 'HEIC or raw file')} skipped; {advice}")
    notes += [add_advice(warning) for warning in report.warnings]
    return "\n".join([*map(escape, lines), *_list_failed(report.failed, style), *map(escape, notes)])


def format_text_report(report: "TextReport", style: Style = PLAIN) -> str:
    """The summary of a run that read texts."""
    lines = count(report.n_lines, "line")
    line = f"{count(report.n_read, 'picture')} read: {lines} of text in {report.n_with_text} of them"
    if report.n_read:
        line += f", in {report.seconds:.1f} s ({report.images_per_second:.1f} pictures/s)"
    return "\n".join([escape(line), *_list_failed(report.failed, style)])


def report_to_dict(report: "Report") -> dict[str, Any]:
    """The summary of a run, with the commands that help in its warnings."""
    return report.to_dict() | {"warnings": [add_advice(warning) for warning in report.warnings]}


def format_info(info: "Info", style: Style = PLAIN) -> str:
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
    lines.append(f"Text      read in {count(info.n_texts_read, 'picture')}")
    sizes = ", ".join(f"{kind} {_format_megabytes(size)}" for kind, size in info.size_bytes.items())
    lines.append(f"On disk   {sizes}")
    lines.append(f"Searches  {info.search_device}")
    table: list[str] = []
    if info.folders:
        rows = [("files", "failed", "folder")]
        rows += [(str(f.n_pictures), str(f.n_failed), _format_folder(f)) for f in info.folders]
        table = ["", *format_table(rows, {0, 1}, style)]
    return "\n".join([*map(escape, lines), *table, *_list_failed(info.failed, style)])


def format_models(rows: "Sequence[ModelRow]", style: Style = PLAIN) -> str:
    """One model a line. Figures: recall@1 in percent, image→text / text→image; ImageNet top-1.

    A narrow terminal shows fewer of them, a very narrow one none, and two lines for each model.
    """
    from textwrap import wrap

    legend = [
        "R@1: image→text / text→image in percent, as published; --json names the sources. +: to download",
        f"Which one: {RECOMMENDED} for queries in any language; the built-in one where nothing can be downloaded.",
        "To install: cosmos-search models pull MODEL, or any OWNER/NAME of the Hugging Face hub",
    ]
    lines = [("model", "good for", "COCO R@1", "Flickr30k", "ImageNet", "licence", "size")]
    for row in rows:
        p = row.published
        figures = ("", "", "", "")
        if p is not None:
            imagenet = "" if p.imagenet is None else f"{p.imagenet:.1f}"
            figures = (_format_pair(p.coco), _format_pair(p.flickr30k), imagenet, p.licence or "")
        name = f"{row.name} (default)" if row.is_default else row.name
        lines.append((name, row.good_for, *figures, _format_model_size(row)))
    table = format_table(lines, {6}, style, optional=(4, 3, 5))
    if style.width is not None and style.width < MODELS_WIDTH:
        pairs = [(name, ", ".join(filter(None, (good_for, size)))) for name, good_for, *_, size in lines[1:]]
        table = [line for name, about in pairs for line in (escape(name), style.dim(f"  {escape(about)}"))]
        legend[0] = "+: to download. A wider terminal, or --json, shows more."
    if style.width is not None:
        legend = [part for line in legend for part in wrap(line, style.width, subsequent_indent="  ",
                  break_long_words=False, break_on_hyphens=False)]  # fmt: skip
    return "\n".join([*table, "", *map(escape, legend)])


def _format_model_size(row: "ModelRow") -> str:
    if row.size_bytes is not None:
        return _format_megabytes(row.size_bytes) if row.size_bytes else "built in"
    size = row.published.download_bytes if row.published is not None else None
    return "" if size is None else f"+{size / 1e9:.1f} GB"


def _format_folder(folder: Folder) -> str:
    without = ", ".join(format_path(Path(pattern)) for pattern in folder.exclude)
    gone = "" if os.path.isdir(folder.path) else " (not there)"  # noqa: PTH112 (Path.is_dir raises where it may not look)
    return format_path(folder.path) + (f" (without {without})" if without else "") + gone


def _list_failed(failed: Sequence[FailedFile], style: Style) -> list[str]:
    lines = [escape(f"  {format_path(f.path)}: {f.reason}") for f in failed[:N_FAILED_SHOWN]]
    if len(failed) > N_FAILED_SHOWN:
        lines.append(
            f"  ... and {len(failed) - N_FAILED_SHOWN} more; all of them: {suggest('cosmos-search info --json')}"
        )
    return ["", style.red("Failed:"), *lines] if failed else []


def _format_pair(figures: tuple[float, float] | None) -> str:
    return "" if figures is None else f"{figures[0]:.1f} / {figures[1]:.1f}"


def _format_megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
