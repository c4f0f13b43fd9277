"""Tables with aligned columns that fit the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_search.cli.style import PLAIN, Style
from cosmos_search.cli.terminal import escape

__all__ = ["Cell", "format_table"]

GAP = "  "
MIN_WIDTH = 10  # cells of the last column, however narrow the terminal is
READABLE = 30  # cells of the last column, for which optional ones are left out


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a table that is a link to a file, or is less important than others."""

    text: str
    link: Path | None = None
    is_dim: bool = False


def format_table(
    rows: Sequence[Sequence[str | Cell]], right: set[int], style: Style = PLAIN, optional: Sequence[int] = ()
) -> list[str]:
    """Lines with aligned columns, by the width in a terminal: letters of CJK take two cells. The first is a header.

    right: columns that are aligned there. optional: columns to leave out, in this order, until the lines fit with
    READABLE cells in the last one, whose texts are shortened in the middle.
    """
    table = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    texts = [[escape(cell.text) for cell in row] for row in table]
    widths = {i: max(map(measure_width, column)) for i, column in enumerate(zip(*texts, strict=True))}
    last = max(widths)
    for i in optional:
        if style.width is not None and _sum_widths(widths | {last: min(widths[last], READABLE)}) > style.width:
            del widths[i]
    if style.width is not None:
        widths[last] = min(widths[last], max(MIN_WIDTH, style.width - _sum_widths(widths) + widths[last]))
    lines = []
    for number, (row, escaped) in enumerate(zip(table, texts, strict=True)):
        cells = []
        for i, width in widths.items():
            text = _shorten(escaped[i], width) if i == last else escaped[i]
            pad = " " * (width - measure_width(text))
            shown = _decorate(text, row[i], style, is_header=number == 0)
            cells.append(pad + shown if i in right else shown if i == last else shown + pad)
        lines.append(GAP.join(cells).rstrip())
    return lines


def measure_width(text: str) -> int:
    """The cells of a terminal that the text takes; it has no control characters."""
    if text.replace("×", "x").isascii():
        return len(text)
    from wcwidth import wcswidth  # takes 20 ms, so it is imported only for other texts

    return wcswidth(text)


def _sum_widths(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _decorate(text: str, cell: Cell, style: Style, *, is_header: bool) -> str:
    if cell.link is not None:
        text = style.link(text, cell.link)
    return style.bold(text) if is_header else style.dim(text) if cell.is_dim else text


def _shorten(text: str, width: int) -> str:
    """The text with its middle left out, so that it takes `width` cells; two thirds of them show its end."""
    if measure_width(text) <= width:
        return text
    n_end = 2 * (width - 1) // 3
    head, tail = 0, len(text)
    while measure_width(text[: head + 1]) <= width - 1 - n_end:
        head += 1
    while measure_width(text[tail - 1 :]) <= n_end:
        tail -= 1
    return f"{text[:head]}…{text[tail:]}"
