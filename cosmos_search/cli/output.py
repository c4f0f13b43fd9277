"""What the commands print: text for a person, plain dicts for JSON."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cosmos_search.cli.advice import add_advice
from cosmos_search.cli.terminal import escape
from cosmos_search.extras import install_command
from cosmos_search.library import Info
from cosmos_search.models.install import ModelRow
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.ingest.update import Report
from indexer.pictures.regions import WHOLE, Box
from indexer.store.records import EncoderRecord, FailedFile, Folder

__all__ = [
    "hit_json",
    "hits_table",
    "info_json",
    "info_text",
    "model_json",
    "models_table",
    "printable",
    "report_json",
    "report_text",
]

N_FAILED_SHOWN = 20


def hits_table(hits: Sequence[Hit]) -> str:
    """One hit a line."""
    rows = [("#", "score", "taken", "size", "picture")]
    for hit in hits:
        taken = hit.facts.metadata.taken_at
        size = f"{hit.facts.width}×{hit.facts.height}"
        name = printable(hit.path) + (f" (+{len(hit.copies)} more)" if hit.copies else "")
        rows.append((str(hit.rank), f"{hit.score:.2f}", f"{taken:%Y-%m-%d}" if taken else "", size, name))
        if len(hit.evidence) > 1:
            rows += [("", f"{e.score:.2f}", "", "", f"  {_evidence(e)}") for e in hit.evidence]
    return _text(_columns(rows, right={0, 1, 3}))


def hit_json(hit: Hit) -> dict[str, Any]:
    """A path that isn't valid UTF-8 has its odd bytes as lone surrogates, as os.fsencode takes them."""
    m = hit.facts.metadata
    return {
        "rank": hit.rank,
        "path": str(hit.path),
        "score": round(hit.score, 4),
        "evidence": [
            {"text": e.text, "score": round(e.score, 4), "box": _box(e.box), "is_negative": e.is_negative}
            for e in hit.evidence
        ],
        "copies": [str(path) for path in hit.copies],
        "width": hit.facts.width,
        "height": hit.facts.height,
        "taken_at": m.taken_at.isoformat() if m.taken_at else None,
        "latitude": m.latitude,
        "longitude": m.longitude,
        "camera": m.camera,
        "caption": m.caption,
        "keywords": list(m.keywords),
    }


def report_text(report: Report) -> str:
    """The summary of a run."""
    counts = ("added", "updated", "moved", "removed", "kept")
    parts = [f"{getattr(report, name)} {name}" for name in counts if getattr(report, name)]
    if report.failed:
        parts.append(f"{len(report.failed)} failed")
    lines = [", ".join(parts) or "No pictures found"]
    if report.embedded:
        speed = f"{report.images_per_second:.1f} pictures/s"
        lines[0] += f" in {report.seconds:.1f} s ({speed}, {report.model} on {report.device})"
    lines += _failed_lines(report.failed)
    if report.failed_before:
        lines.append(f"{report.failed_before} files failed before and have not changed; cosmos-search info names them.")
    if report.needs_extra:
        lines.append(f"{report.needs_extra} HEIC or raw files skipped; to read them: {install_command('formats')}")
    return _text(lines + [add_advice(warning) for warning in report.warnings])


def report_json(report: Report) -> dict[str, Any]:
    """The summary of a run, for a program."""
    return {
        "added": report.added,
        "updated": report.updated,
        "kept": report.kept,
        "moved": report.moved,
        "removed": report.removed,
        "failed": _failed_json(report.failed),
        "failed_before": report.failed_before,
        "needs_extra": report.needs_extra,
        "warnings": [add_advice(warning) for warning in report.warnings],
        "is_stopped": report.is_stopped,
        "seconds": round(report.seconds, 3),
        "images_per_second": round(report.images_per_second, 3),
        "model": report.model,
        "device": report.device,
    }


def info_text(info: Info) -> str:
    """What is indexed."""
    lines = [f"Index     {printable(info.place)}"]
    encoder = (
        f"{info.encoder.name} ({info.encoder.regions} regions, {info.encoder.dim} numbers a vector)"
        if info.encoder
        else "none yet"
    )
    lines.append(f"Model     {encoder}")
    lines.append(f"Pictures  {info.n_pictures}")
    sizes = ", ".join(f"{kind} {_megabytes(size)}" for kind, size in info.size_bytes.items())
    lines.append(f"On disk   {sizes}")
    if info.folders:
        rows = [("files", "failed", "folder")]
        rows += [(str(f.n_pictures), str(f.n_failed), _folder(f)) for f in info.folders]
        lines += ["", *_columns(rows, right={0, 1})]
    return _text(lines + _failed_lines(info.failed))


def info_json(info: Info) -> dict[str, Any]:
    """What is indexed, for a program."""
    encoder = info.encoder
    return {
        "index": str(info.place),
        "model": _encoder_json(encoder) if encoder else None,
        "pictures": info.n_pictures,
        "folders": [
            {"path": str(f.path), "pictures": f.n_pictures, "failed": f.n_failed}
            | ({"exclude": list(f.exclude)} if f.exclude else {})
            for f in info.folders
        ],
        "failed": _failed_json(info.failed),
        "size_bytes": info.size_bytes,
    }


def models_table(rows: Sequence[ModelRow]) -> str:
    """One model a line. Figures: recall@1 in percent, image→text / text→image; ImageNet top-1."""
    lines = [("model", "network", "trained on", "COCO R@1", "Flickr30k", "ImageNet", "on disk")]
    for row in rows:
        p = row.published
        figures = (_pair(p.coco), _pair(p.flickr30k), f"{p.imagenet:.1f}") if p else ("", "", "")
        size = "" if row.size_bytes is None else _megabytes(row.size_bytes) if row.size_bytes else "in the box"
        name = f"{row.name} (default)" if row.is_default else row.name
        lines.append((name, row.network, row.trained_on, *figures, size))
    legend = "R@1: image→text / text→image in percent, as published. To install: cosmos-search models pull MODEL"
    return _text([*_columns(lines, right={6}), "", legend])


def model_json(row: ModelRow) -> dict[str, Any]:
    """A model, for a program."""
    p = row.published
    return {
        "name": row.name,
        "network": row.network,
        "trained_on": row.trained_on,
        "coco_r1": p and list(p.coco),
        "flickr30k_r1": p and list(p.flickr30k),
        "imagenet_top1": p and p.imagenet,
        "installed": row.size_bytes is not None,
        "size_bytes": row.size_bytes,
        "default": row.is_default,
    }


def printable(path: Path) -> str:
    """A path on one line of any terminal: relative if it is below the working directory, odd characters escaped."""
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return escape(str(path))
    is_below = path.is_relative_to(here) and here.parent != here  # all is below the root
    return escape(str(path.relative_to(here) if is_below else path))


def _folder(folder: Folder) -> str:
    without = ", ".join(printable(Path(pattern)) for pattern in folder.exclude)
    gone = "" if os.path.isdir(folder.path) else " (not there)"  # noqa: PTH112 (Path.is_dir raises where it may not look)
    return printable(folder.path) + (f" (without {without})" if without else "") + gone


def _failed_lines(failed: Sequence[FailedFile]) -> list[str]:
    lines = [f"  {printable(f.path)}: {f.reason}" for f in failed[:N_FAILED_SHOWN]]
    if len(failed) > N_FAILED_SHOWN:
        lines.append(f"  ... and {len(failed) - N_FAILED_SHOWN} more; all of them: cosmos-search info --json")
    return ["", "Failed:", *lines] if failed else []


def _failed_json(failed: Sequence[FailedFile]) -> list[dict[str, str]]:
    return [{"path": str(f.path), "reason": f.reason} for f in failed]


def _columns(rows: Sequence[tuple[str, ...]], right: set[int]) -> list[str]:
    """Lines. right: the columns that are aligned there."""
    shown = [tuple(escape(cell) for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in shown) for i in range(len(shown[0]))]
    lines = (
        "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in shown
    )
    return [line.rstrip() for line in lines]


def _text(lines: Sequence[str]) -> str:
    """One text; whatever the names, reasons and captions within a line hold, it stays one line."""
    return "\n".join(escape(line) for line in lines)


def _evidence(evidence: Evidence) -> str:
    """A sentence and where its best region is, in percent of the picture."""
    sign = "not " if evidence.is_negative else ""
    b = evidence.box
    place = "the whole" if b == WHOLE else f"{b.left:.0%}-{b.right:.0%} across, {b.top:.0%}-{b.bottom:.0%} down"
    return f"{sign}{evidence.text}: {place}"


def _box(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom]


def _encoder_json(encoder: EncoderRecord) -> dict[str, Any]:
    return {"name": encoder.name, "version": encoder.version, "dim": encoder.dim, "regions": encoder.regions}


def _pair(figures: tuple[float, float]) -> str:
    return f"{figures[0]:.1f} / {figures[1]:.1f}"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
