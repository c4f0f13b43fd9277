"""Pages of text among near duplicates: changed copies that are grouped, and pages with another text that are not.

    python -m benchmarks.quality.pages

Made pages of forty lines in fonts of Debian, each with copies of the kinds of `benchmarks.data.photo_copies`, and with
pages in which a number, a word, a line or four lines are others, as large and half as large. Some minutes on two cores.
"""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageFont

from benchmarks.data.photo_copies import KINDS
from benchmarks.data.signs import draw_plate, list_fonts
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from cosmos_search.explore.alignment import compare_pairs
from cosmos_search.explore.luminance import SIDE, shrink
from cosmos_search.explore.near_duplicates import MIN_SIMILARITY
from cosmos_search.explore.pages import differ_in_part, make_page

N_PAGES, N_LINES, N_WORDS = 24, 40, 11
SIZE = 24  # of the letters, pixels
WORDS = (
    "invoice account received total amount customer number order delivery payment within thirty days please transfer "
    "to our bank the following goods were sent on your behalf price quantity unit discount tax sum thank you for"
).split()

Lines = list[list[str]]
Change = Callable[[Lines, np.random.Generator], None]


def _change_number(lines: Lines, rng: np.random.Generator) -> None:
    line = lines[rng.integers(N_LINES)]
    line[-1] = f"{rng.integers(100, 999)}.{rng.integers(10, 99)}"


def _change_word(lines: Lines, rng: np.random.Generator) -> None:
    line = lines[rng.integers(N_LINES)]
    at = int(rng.integers(N_WORDS))
    line[at] = str(rng.choice([word for word in WORDS if word != line[at]]))


def _change_lines(n: int) -> Change:
    def change(lines: Lines, rng: np.random.Generator) -> None:
        for i in rng.choice(N_LINES, n, replace=False):
            lines[i] = _make_line(rng)

    return change


CHANGES: dict[str, Change] = {
    "another number": _change_number,
    "another word": _change_word,
    "another line": _change_lines(1),
    "four other lines": _change_lines(4),
}


def main() -> None:
    """Print how many of each kind are grouped as copies."""
    rng, fonts = np.random.default_rng(0), list_fonts()
    grouped: dict[str, list[bool]] = {name: [] for name in [*KINDS, *CHANGES, *(f"{name}, half" for name in CHANGES)]}
    for _ in range(N_PAGES):
        font = ImageFont.truetype(fonts[int(rng.integers(len(fonts)))], SIZE)
        lines = [_make_line(rng) for _ in range(N_LINES)]
        page = _draw(lines, font)
        for name, change in KINDS.items():
            grouped[name].append(_is_copy(page, change(page, rng)))
        for name, change_text in CHANGES.items():
            changed = [list(line) for line in lines]
            change_text(changed, rng)
            other = _draw(changed, font)
            grouped[name].append(_is_copy(page, other))
            grouped[f"{name}, half"].append(_is_copy(page, other.resize((other.width // 2, other.height // 2))))
    print(describe_machine("numpy", "pillow"), f"; {N_PAGES} pages", sep="", end="\n\n")
    print_table(["", "grouped as copies"], [[name, f"{np.mean(some):.2f}"] for name, some in grouped.items()])


def _make_line(rng: np.random.Generator) -> list[str]:
    return [*map(str, rng.choice(WORDS, N_WORDS)), f"{rng.integers(100, 999)}.{rng.integers(10, 99)}"]


def _draw(lines: Lines, font: ImageFont.FreeTypeFont) -> Image.Image:
    return draw_plate(tuple(" ".join(line) for line in lines), font, "#151515", "#fdfdfa")


def _is_copy(first: Image.Image, second: Image.Image) -> bool:
    pictures: Sequence[Image.Image] = (first, second)
    (similarity,) = compare_pairs(np.stack([shrink(one, SIDE) for one in pictures]), np.array([(0, 1)]))
    if similarity < MIN_SIMILARITY:
        return False
    pages = [make_page(one) for one in pictures]
    return pages[0] is None or pages[1] is None or not differ_in_part(pages[0], pages[1])


if __name__ == "__main__":
    main()
