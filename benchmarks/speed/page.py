"""Time of interactions with the page, in headless Chromium on the same machine as the server.

    python -m benchmarks.speed.page [--pictures 100000]

From the Enter key to the first result: the built-in encoder with its default of 34 regions; synthetic vectors around
the texts of everyday words; small JPEG files, so that the server makes and stores thumbnails. The same queries three
times: first, repeated, and after a restart of the server, when the thumbnails are on the disk.
Then scrolling through all pictures: the time between frames, and from a jump until the new pictures are drawn. Then
the next picture in the full window, of photos with 12 megapixels, after a look of LOOK_S at the one before.
"""

import argparse
import io
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.data.synthetic_index import SHAPE, fill_index, make_themed_vectors
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from cosmos_search.encoders.load import load_encoder
from cosmos_search.explore.embedding_map import read_everyday_words
from cosmos_search.library import open as open_library
from cosmos_search.models.store import MINI
from indexer.pictures.images import compute_fingerprint
from indexer.pictures.regions import pyramid
from indexer.store.records import EncoderRecord
from tests.browser import chromium, page, until
from tests.demo import make_home

N_QUERIES = 12  # of one, two, three, one ... sentences
PICTURES_A_WORD = 20  # at least, so that every query has results
TIMED = """
const card = () => {
  for (const node of document.querySelectorAll('*')) {
    const found = node.shadowRoot?.querySelector('.card');
    if (found) return found;
  }
};
const before = card()?.dataset.id;
document.addEventListener('keydown', function enter(event) {
  if (event.key !== 'Enter') return;
  document.removeEventListener('keydown', enter, true);
  const began = performance.now();
  const look = () => {
    const now = card();
    const isDrawn = now && now.dataset.id !== before && now.querySelector('img')?.naturalWidth;
    if (isDrawn) window.timed = performance.now() - began;
    else requestAnimationFrame(look);
  };
  look();
}, true);
window.timed = null;
"""
# In each frame a step of 80 pixels; yields the milliseconds between frames.
SCROLLED = """
const main = document.querySelector('[data-testid="stMain"]'), times = [];
const step = (time) => {
  times.push(time);
  main.scrollTop += 80;
  if (times.length < 180) requestAnimationFrame(step);
  else window.timed = times.slice(1).map((time, i) => time - times[i]);
};
window.timed = null;
requestAnimationFrame(step);
"""
# Jumps to a part of the way down; yields the milliseconds until all pictures in the window are drawn.
JUMPED = """
const main = document.querySelector('[data-testid="stMain"]'), began = performance.now();
const cards = () => {
  for (const node of document.querySelectorAll('*')) {
    const found = node.shadowRoot?.querySelectorAll('.card');
    if (found?.length) return [...found];
  }
  return [];
};
const look = () => {
  const shown = cards().filter((card) => {
    const { top, bottom } = card.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  if (shown.length > 9 && shown.every((card) => card.querySelector('img')?.naturalWidth)) {
    window.timed = performance.now() - began;
  } else requestAnimationFrame(look);
};
window.timed = null;
main.scrollTop = arguments[0] * main.scrollHeight;
requestAnimationFrame(look);
"""
# The milliseconds from a press of the right arrow key until the next picture is drawn.
STEPPED = """
let box = null;
for (const node of document.querySelectorAll('*')) box ??= node.shadowRoot?.querySelector('dialog[open]');
const before = box.querySelector('.preview'), began = performance.now();
const look = () => {
  const now = box.querySelector('.preview');
  const store = () => { window.timed = performance.now() - began; };
  if (now && now !== before && now.naturalWidth) requestAnimationFrame(store);
  else requestAnimationFrame(look);
};
window.timed = null;
box.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
look();
"""
N_JUMPS, N_STEPS, LOOK_S, PAUSE_S = 12, 16, 1.5, 1.5


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=100_000)
    n = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as scratch:
        scratch_path = Path(scratch)
        home = make_home(scratch_path / "home")
        words = read_everyday_words()[: max(1 + 2 * N_QUERIES, n // PICTURES_A_WORD)]
        _make_index(scratch_path, n, words)
        rows = [
            *_measure_rounds(scratch_path, home, words, ("new searches and thumbnails", "repeated searches")),
            *_measure_rounds(scratch_path, home, words, ("new searches, thumbnails on disk",)),
            *_measure_scrolling(scratch_path, home),
            *_measure_steps(scratch_path, home),
        ]
    print(describe_machine("streamlit", "faiss-cpu"), f"; {n:,} pictures × 35 vectors", sep="", end="\n\n")
    print_table(["interaction", "median", "95 %"], rows)


def _measure_rounds(scratch: Path, home: Path, words: Sequence[str], rounds: Sequence[str]) -> list[list[str]]:
    """Median and 95th percentile of each round of the same queries; one other query warms the server up."""
    rows = []
    with page(scratch / "index", home) as address, chromium(scratch / "profile") as browser:
        browser.open(address)
        browser.type("Search", words[-1])
        browser.cards()
        for name in rounds:
            seconds = [_measure_query(browser, query) for query in _make_queries(words)]
            rows.append(_make_row(name, seconds))
    return rows


def _measure_scrolling(scratch: Path, home: Path) -> list[list[str]]:
    """All pictures, newest first: the time between frames, and after jumps."""
    with page(scratch / "index", home) as address, chromium(scratch / "profile") as browser:
        browser.open(address)
        browser.cards()
        frames = [one / 1000 for one in _run(browser, SCROLLED)]
        jumps = [_run(browser, JUMPED, (i + 0.5) / N_JUMPS) / 1000 for i in range(N_JUMPS)]
    return [_make_row("frame while scrolling", frames), _make_row("jump while scrolling", jumps)]


def _measure_steps(scratch: Path, home: Path) -> list[list[str]]:
    """The next picture of 12 megapixels."""
    folder = scratch / "large"
    folder.mkdir()
    for number in range(N_STEPS + 2):
        rng = np.random.default_rng(number)
        photo = Image.fromarray(rng.integers(0, 255, (300, 400, 3), dtype=np.uint8)).resize((4000, 3000))
        photo.save(folder / f"{number}.jpg", quality=90)
    with open_library(scratch / "large-index") as library:
        library.add(folder)
    with page(scratch / "large-index", home) as address, chromium(scratch / "profile") as browser:
        browser.open(address)
        browser.cards()
        browser.open_picture()
        seconds = []
        for _ in range(N_STEPS):
            time.sleep(LOOK_S)
            seconds.append(_run(browser, STEPPED) / 1000)
    return [_make_row("next picture, 12 MP", seconds)]


def _run(browser: Any, script: str, *arguments: float) -> Any:
    """What a script stores in `window.timed`."""
    browser.browser.execute_script(script, *arguments)
    return until(lambda: browser.browser.execute_script("return window.timed"), "nothing was measured")


def _make_row(name: str, seconds: Sequence[float]) -> list[str]:
    return [name, *(f"{1000 * np.percentile(seconds, q):.0f} ms" for q in (50, 95))]


def _make_queries(words: Sequence[str]) -> list[str]:
    """Queries of words around which the index has vectors; no word occurs twice."""
    remaining = iter(words)
    return [". ".join(islice(remaining, 1 + i % 3)) for i in range(N_QUERIES)]


def _make_index(scratch: Path, n: int, words: Sequence[str]) -> None:
    """Create the index; its pictures are written when their fingerprints are taken."""
    encoder = load_encoder(MINI, "auto", "auto")
    record = EncoderRecord(0, encoder.name, encoder.version, encoder.dim, encoder.default_regions)
    rng = np.random.default_rng(0)

    def file(number: int) -> tuple[Path, bytes]:
        path = scratch / "photos" / f"{number}.jpg"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            colours = np.random.default_rng(number).integers(0, 255, (3, 4, 3), dtype=np.uint8)
            Image.fromarray(colours).resize((SHAPE[0] // 5, SHAPE[1] // 5)).save(path, quality=70)
        return path, compute_fingerprint(io.BytesIO(path.read_bytes()))

    n_rows = 1 + len(pyramid(record.regions, *SHAPE))
    chunks = make_themed_vectors(n, n_rows, encoder.encode_texts(words), rng)
    fill_index(scratch / "index", chunks, record, SHAPE, file).close()


def _measure_query(browser: Any, query: str) -> float:
    """Seconds from the Enter key until the first card of the new results has drawn its picture.

    A person reads and types for longer than PAUSE_S, in which the page loads what the query before has left.
    """
    browser.type("Search", query, end="")
    time.sleep(PAUSE_S)
    browser.browser.execute_script(TIMED)
    browser.type("Search", query)
    milliseconds = until(lambda: browser.browser.execute_script("return window.timed"), "no result")
    return float(milliseconds) / 1000


if __name__ == "__main__":
    main()
