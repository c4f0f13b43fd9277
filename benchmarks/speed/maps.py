"""Time of both maps of the page, of made points: in the library, and in headless Chromium on the same machine.

    python -m benchmarks.speed.maps [--pictures 10000 50000]

Global vectors around the texts of everyday words, as the built-in encoder makes them; places around a thousand towns.
The files of the pictures do not exist, so there are no thumbnails. The first map makes the layout and names the
clusters; the second is of a library that is opened again; then 1 % of the pictures are added. In the browser: from the
address until names are drawn, with the map stored; and the time between frames while the map is zoomed and moved at
every frame.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.synthetic_index import add_pictures, fill_index, make_themed_vectors
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.explore.embedding_map import read_everyday_words
from cosmos_search.library import open as open_library
from cosmos_search.models.store import MINI
from indexer.store.index import Index
from indexer.store.records import EncoderRecord
from tests.browser import chromium, page, until
from tests.demo import make_home

N_TOWNS = 1000
# At each frame a turn of the wheel or a movement; yields the milliseconds between frames.
MOVED = """
const surface = arguments[0], { left, top, width, height } = surface.getBoundingClientRect(), times = [];
const step = (time) => {
  times.push(time);
  const at = { clientX: left + width / 2, clientY: top + height / 2, bubbles: true, cancelable: true };
  const deltaY = times.length % 60 < 30 ? -24 : 24;
  surface.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY }));
  if (times.length < 120) requestAnimationFrame(step);
  else window.timed = times.slice(1).map((time, i) => time - times[i]);
};
window.timed = null;
requestAnimationFrame(step);
"""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, nargs="+", default=[10_000, 50_000])
    sizes = parser.parse_args().pictures
    columns = []
    for n in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            columns.append(_measure(Path(scratch), n))
    print(describe_machine("streamlit", "faiss-cpu"), end="\n\n")
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    print_table(["", *(f"{n:,} pictures" for n in sizes)], rows)


def _measure(scratch: Path, n: int) -> dict[str, str]:
    encoder, place = load_encoder(MINI, "auto", "auto"), scratch / "index"
    rng = np.random.default_rng(0)
    towns = np.stack([rng.uniform(-50, 65, N_TOWNS), rng.uniform(-170, 170, N_TOWNS)], axis=1)
    offsets = rng.normal(0, 0.1, (n + n // 100, 2))

    def place_of(number: int) -> tuple[float, float]:
        latitude, longitude = towns[number * 617 % N_TOWNS] + offsets[number]
        return float(latitude), float(longitude)

    record = EncoderRecord(0, encoder.name, encoder.version, encoder.dim, encoder.default_regions)
    fill_index(place, _make_vectors(encoder, n, rng), record, place_of=place_of).close()
    values = {
        "map, the first time": _time_atlas(place, encoder),
        "the second time": _time_atlas(place, encoder),
    }
    index = Index.open(place)
    add_pictures(index, _make_vectors(encoder, n // 100, rng), first=n, place_of=place_of)
    index.close()
    values["after 1 % were added"] = _time_atlas(place, encoder)
    return values | _measure_page(scratch, place)


def _make_vectors(encoder: Encoder, n: int, rng: np.random.Generator) -> Iterator[NDArray[np.float16]]:
    return make_themed_vectors(n, 1, encoder.encode_texts(read_everyday_words()), rng)


def _time_atlas(place: Path, encoder: Encoder) -> str:
    """Wall-clock time, and that of the processor, in which other programs have no part."""
    with open_library(place, encoder=encoder) as library:
        began, used = time.perf_counter(), time.process_time()
        library.atlas()
        return f"{time.perf_counter() - began:.2f} s ({time.process_time() - used:.2f} s of the processor)"


def _measure_page(scratch: Path, place: Path) -> dict[str, str]:
    home = make_home(scratch / "home")
    values = {}
    with page(place, home) as address, chromium(scratch / "profile") as browser:
        for name, kind, selector in (("map", "map", ".place"), ("world map", "world", ".cluster")):
            view = f"{address}?view=explore&explore={kind}"
            for turn in ("first", "second"):
                with _timing() as read:
                    browser.browser.get(view)
                    until(lambda s=selector: browser.all(f"{s}:not(.hidden)"), "no names", 120)
                values[f"page, {name}, {turn} time"] = f"{read():.1f} s"
            browser.browser.execute_script(MOVED, browser.one(".surface"))
            frames = until(lambda: browser.browser.execute_script("return window.timed"), "no frames", 120)
            quantiles = np.percentile(frames, [50, 95])
            values[f"frame while the {name} is zoomed (median, 95 %)"] = " / ".join(f"{q:.0f} ms" for q in quantiles)
    return values


@contextmanager
def _timing() -> Iterator[Callable[[], float]]:
    """Seconds in the block, to be read after it."""
    began = time.perf_counter()
    ended: list[float] = []
    yield lambda: ended[0] - began
    ended.append(time.perf_counter())


if __name__ == "__main__":
    main()
