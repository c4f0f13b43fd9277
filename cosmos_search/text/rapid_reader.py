"""Read texts with RapidOCR, whose package contains its networks (PP-OCR): nothing is downloaded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.extras import require_extra
from indexer.pictures.regions import Box
from indexer.store.records import TextLine

__all__ = ["RapidReader", "load_reader", "sort_lines"]

SETTINGS = 2  # the version of the constants below
MAX_SIDE = 1280  # pixels of the longer side; chosen by measurement (benchmarks/quality/text.py)
MIN_DETECTED = 0.3  # of the detector, for a line; at its default of 0.5, a third of small clear lines were missed
MIN_CONFIDENCE = 0.7  # of a line; below, it is mostly texture that looks like writing
MIN_SINGLE = 0.97  # of a line with a single letter or digit
SURE = 0.95  # a line with this confidence is not read upside down as well, unless it is vertical
MIN_SLANT = 8.0  # degrees, from which on a picture is turned and read again: the networks expect level lines
N_TURNS = 2  # the slant is an estimate, which the turned picture corrects
TURN_MARGIN = 0.1  # an upright line is taken as upside down if it is read with so much more confidence
PARAMETERS = {
    "Global.log_level": "error",
    "Global.use_vertical_padding": False,
    "Det.limit_type": "max",
    "Det.limit_side_len": MAX_SIDE,
    "Det.box_thresh": MIN_DETECTED,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # the pictures are read in parallel
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


def load_reader() -> "RapidReader":
    """The reader. Raises MissingExtraError if the extra `text` is not installed."""
    require_extra("Reading texts in pictures", "text", "rapidocr")
    return RapidReader()


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the corners of its quadrangle in pixels (4, 2): clockwise from the one where reading begins."""

    text: str
    confidence: float
    corners: NDArray[np.float64]


class RapidReader:
    """Implements indexer.text_reader.TextReader. Thread-safe: each thread has its own sessions."""

    max_side = MAX_SIDE

    def __init__(self) -> None:
        self.version = f"rapidocr {version('rapidocr')}, settings {SETTINGS}"
        self._local = local()

    def read(self, picture: Image.Image) -> list[TextLine]:
        """The lines in an upright picture in RGB, in reading order."""
        best, slant = self._read_lines(picture)
        total = 0.0
        for _ in range(N_TURNS):
            if abs(slant) < MIN_SLANT:
                break
            total += slant
            turned = picture.rotate(total, Image.Resampling.BICUBIC, expand=True)
            lines, slant = self._read_lines(turned)
            if _count_characters(lines) > _count_characters(best):
                best = [_turn_back(line, total, turned.size, picture.size) for line in lines]
        return [
            TextLine("picture", line.text, _make_box(line.corners, *picture.size), line.confidence)
            for line in sort_lines(best)
        ]

    def _read_lines(self, picture: Image.Image) -> tuple[list[Line], float]:
        """The lines, and how far most of the detected ones are slanted: -45..45 degrees, clockwise.

        Vertical and doubtful lines are recognised upside down, too.
        """
        from rapidocr.main import RapidOCRError

        engine = self._load()
        try:
            crops, detected = engine.detect_and_crop(np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]), {})
        except RapidOCRError:  # nothing was detected
            return [], 0.0
        quads = [np.asarray(quad, dtype=np.float64) for quad in detected.boxes]
        is_vertical = [crop.shape[:2] != _measure(quad) for crop, quad in zip(crops, quads, strict=True)]
        upright = _recognise(engine, crops)
        doubtful = [i for i, (_, score) in enumerate(upright) if is_vertical[i] or score < SURE]
        turned = dict(zip(doubtful, _recognise(engine, [np.rot90(crops[i], 2) for i in doubtful]), strict=True))
        lines = []
        for i, (text, score) in enumerate(upright):
            corners = np.roll(quads[i], -1, axis=0) if is_vertical[i] else quads[i]  # they were turned to the left
            margin = 0.0 if is_vertical[i] else TURN_MARGIN
            if i in turned and turned[i][1] > score + margin:
                (text, score), corners = turned[i], np.roll(corners, 2, axis=0)
            n = sum(character.isalnum() for character in text)
            if n and score >= (MIN_SINGLE if n == 1 else MIN_CONFIDENCE):
                lines.append(Line(text.strip(), float(score), corners))
        return lines, _measure_slant(quads)

    def _load(self) -> Any:
        """This thread's engine."""
        if not hasattr(self._local, "engine"):
            from rapidocr import RapidOCR  # imports OpenCV

            self._local.engine = RapidOCR(params=PARAMETERS)
        return self._local.engine


def sort_lines(lines: Sequence[Line]) -> list[Line]:
    """The lines in reading order: row by row, each from its left end, in the direction of most of the text."""
    if not lines:
        return []
    along = np.array([line.corners[1] - line.corners[0] + line.corners[2] - line.corners[3] for line in lines])
    direction = along.sum(axis=0)
    right = direction / max(float(np.linalg.norm(direction)), 1e-9)
    down = np.array([-right[1], right[0]])
    centres = np.array([line.corners.mean(axis=0) for line in lines])
    heights = np.array([np.linalg.norm(line.corners[3] - line.corners[0]) for line in lines])
    order = np.argsort(centres @ down, kind="stable")
    rows: list[list[int]] = []
    for i in order.tolist():
        if rows and (centres[i] - centres[rows[-1][0]]) @ down < min(heights[i], heights[rows[-1][0]]) / 2:
            rows[-1].append(i)
        else:
            rows.append([i])
    return [lines[i] for row in rows for i in sorted(row, key=lambda i: float(centres[i] @ right))]


def _recognise(engine: Any, crops: Sequence[NDArray[np.uint8]]) -> list[tuple[str, float]]:
    """The text and the confidence of each crop."""
    if not crops:
        return []
    found = engine.recognize_txt([np.ascontiguousarray(crop) for crop in crops])
    return [(str(text), float(score)) for text, score in zip(found.txts, found.scores, strict=True)]


def _count_characters(lines: Sequence[Line]) -> float:
    return sum(len(line.text) * line.confidence for line in lines)


def _measure_slant(quads: Sequence[NDArray[np.float64]]) -> float:
    """The median slant of the quadrangles' lower and upper sides: -45..45 degrees, clockwise."""
    sides = [quad[1] - quad[0] for quad in quads]
    angles = [np.degrees(np.arctan2(side[1], side[0])) for side in sides]
    return float(np.median([(angle + 45) % 90 - 45 for angle in angles]))


def _turn_back(line: Line, angle: float, size: tuple[int, int], original: tuple[int, int]) -> Line:
    """A line of a picture that was turned by an angle, to the left; in the picture as it was."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    there = (line.corners - np.array(size) / 2) @ np.array([[cos, sin], [-sin, cos]]) + np.array(original) / 2
    return replace(line, corners=there)


def _measure(quad: NDArray[np.float64]) -> tuple[int, int]:
    """The height and the width of the crop of a quadrangle that was not turned."""
    sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    return int(max(sides[1], sides[3])), int(max(sides[0], sides[2]))


def _make_box(corners: NDArray[np.float64], width: int, height: int) -> Box:
    """The upright box around a quadrangle, as fractions, with an area above 0."""
    left, top = np.clip(corners.min(axis=0) / (width, height), 0, 0.9999)
    right, bottom = np.clip(corners.max(axis=0) / (width, height), 0, 1)
    return Box(*(round(float(edge), 4) for edge in (left, top, max(right, left + 1e-4), max(bottom, top + 1e-4))))
