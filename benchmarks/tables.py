"""Markdown tables."""

from collections.abc import Sequence

__all__ = ["format_row", "print_table", "table_lines"]


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print("\n".join(table_lines(header, rows)))


def table_lines(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """The lines of a Markdown table."""
    return [format_row(header), format_row(["---"] * len(header)), *map(format_row, rows)]


def format_row(cells: Sequence[object]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(map(str, cells)) + " |"
