"""Time from the Enter key to the first result on the page, in headless Chromium on the same machine as the server.

    python -m benchmarks.speed.page [--pictures 100000]

The built-in encoder with its default of 34 regions; synthetic vectors around the texts of everyday words; small JPEG
files, so that the server makes and stores thumbnails. The same queries three times: first, repeated, and after a
restart of the server, when the thumbnails are on the disk.
"""

import argparse
import io
import tempfile
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
from cosmos_search.models.store import MINI
from indexer.pictures.images import fingerprint
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
const before = card();
document.addEventListener('keydown', function enter(event) {
  if (event.key !== 'Enter') return;
  document.removeEventListener('keydown', enter, true);
  const began = performance.now();
  const look = () => {
    const now = card();
    if (now && now !== before && now.querySelector('img')?.complete) window.timed = performance.now() - began;
    else requestAnimationFrame(look);
  };
  look();
}, true);
window.timed = null;
"""


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
        ]
    print(describe_machine("streamlit", "faiss-cpu"), f"; {n:,} pictures × 35 vectors", sep="", end="\n\n")
    print_table(["queries", "median", "95 %"], rows)


def _measure_rounds(scratch: Path, home: Path, words: Sequence[str], rounds: Sequence[str]) -> list[list[str]]:
    """Median and 95th percentile of each round of the same queries; one other query warms the server up."""
    rows = []
    with page(scratch / "index", home) as address, chromium(scratch / "profile") as browser:
        browser.open(address)
        browser.type("Search", words[-1])
        browser.cards()
        for name in rounds:
            seconds = [_measure_query(browser, query) for query in _make_queries(words)]
            rows.append([name, *(f"{np.percentile(seconds, q):.2f} s" for q in (50, 95))])
    return rows


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
        return path, fingerprint(io.BytesIO(path.read_bytes()))

    n_rows = 1 + len(pyramid(record.regions, *SHAPE))
    chunks = make_themed_vectors(n, n_rows, encoder.encode_texts(words), rng)
    fill_index(scratch / "index", chunks, record, SHAPE, file).close()


def _measure_query(browser: Any, query: str) -> float:
    """Seconds from the Enter key until the first card of the new results has drawn its picture."""
    browser.type("Search", query, end="")
    browser.browser.execute_script(TIMED)
    browser.type("Search", query)
    milliseconds = until(lambda: browser.browser.execute_script("return window.timed"), "no result")
    return float(milliseconds) / 1000


if __name__ == "__main__":
    main()
