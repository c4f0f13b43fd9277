"""From Enter to the first result on the page, in a real Chromium, over many pictures; the server runs beside it.

    python -m benchmarks.speed.page [--pictures 100000]

The encoder in the box, with its own 34 regions; made vectors around the texts of everyday words; small real JPEGs,
so that thumbnails are made and kept as usual. The same queries three times: new to the server, again, and after its
restart, when thumbnails lie on the disk.
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

from benchmarks.data.synthetic_index import SHAPE, filled_index
from benchmarks.machine import describe, print_table
from cosmos_search.encoders.load import load_encoder
from cosmos_search.explore.embedding_map import read_everyday_words
from cosmos_search.models.store import MINI
from indexer.pictures.images import fingerprint
from indexer.store.records import EncoderRecord
from tests.browser import chromium, page, until
from tests.demo import make_home

N_QUERIES = 12  # of one, two and three sentences in turn
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
    """Prints a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=100_000)
    n = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as scratch:
        scratch_path = Path(scratch)
        home = make_home(scratch_path / "home")
        _fill(scratch_path, n)
        rows = [
            *_measured(scratch_path, home, ("searches and thumbnails new", "asked before")),
            *_measured(scratch_path, home, ("searches new, thumbnails kept",)),
        ]
    print(describe("streamlit", "faiss-cpu"), f"; {n:,} pictures × 35 vectors", sep="", end="\n\n")
    print_table(["queries", "median", "95 %"], rows)


def _measured(scratch: Path, home: Path, rounds: Sequence[str]) -> list[list[str]]:
    """The same queries in each round, of a server that has just been started and asked one other."""
    rows = []
    with page(scratch / "index", home) as address, chromium(scratch / "profile") as browser:
        browser.open(address)
        browser.type("Search", read_everyday_words()[-1])
        browser.cards()
        for name in rounds:
            seconds = [_timed(browser, query) for query in _queries()]
            rows.append([name, *(f"{np.percentile(seconds, q):.2f} s" for q in (50, 95))])
    return rows


def _queries() -> list[str]:
    """Words that there are pictures of, different ones each time."""
    words = iter(read_everyday_words())
    return [". ".join(islice(words, 1 + i % 3)) for i in range(N_QUERIES)]


def _fill(scratch: Path, n: int) -> None:
    """Pictures, and an index that says it has seen them."""
    encoder = load_encoder(MINI, "auto", "auto")
    made = EncoderRecord(0, encoder.name, encoder.version, encoder.dim, encoder.default_regions)
    rng = np.random.default_rng(0)

    def file(number: int) -> tuple[Path, bytes]:
        path = scratch / "photos" / f"{number}.jpg"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            colours = np.random.default_rng(number).integers(0, 255, (3, 4, 3), dtype=np.uint8)
            Image.fromarray(colours).resize((SHAPE[0] // 5, SHAPE[1] // 5)).save(path, quality=70)
        return path, fingerprint(io.BytesIO(path.read_bytes()))

    filled_index(scratch / "index", n, encoder.encode_texts(read_everyday_words()), made, rng, file).close()


def _timed(browser: Any, query: str) -> float:
    """Seconds from the Enter key to the first card of another search, its picture drawn."""
    browser.type("Search", query, end="")
    browser.browser.execute_script(TIMED)
    browser.type("Search", query)
    milliseconds = until(lambda: browser.browser.execute_script("return window.timed"), "no result")
    return float(milliseconds) / 1000


if __name__ == "__main__":
    main()
