"""One `cosmos-search search` from a cold process over 100,000 vectors: the whole, and where the time goes.

python -m benchmarks.speed.startup
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.machine import describe, print_table
from cosmos_search.encoders.mini.encoder import MiniEncoder
from indexer.pictures.metadata import Metadata
from indexer.pictures.walk import FoundFile
from indexer.store.index import Index
from indexer.store.records import IndexedPicture, PictureFacts

N_PICTURES = 100_000
N_RUNS = 7
PARTS = {
    "python": "pass",
    "import click": "import click",
    "import sqlalchemy": "import sqlalchemy",
    "import faiss": "import faiss",
    "import onnxruntime": "import onnxruntime",
    "encode one sentence": (
        "from cosmos_search.encoders.mini.encoder import MiniEncoder; MiniEncoder().encode_texts(['a cat'])"
    ),
    "cosmos-search --help": "from cosmos_search.cli.main import main; main(['--help'])",
    "cosmos-search search": "from cosmos_search.cli.main import main; main(['search', 'a cat'])",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _fill(Path(scratch, "index"))
        os.environ["COSMOS_SEARCH_INDEX"] = str(Path(scratch, "index"))
        seconds = {name: _median_s(code) for name, code in PARTS.items()}
    print(describe("faiss-cpu", "onnxruntime", "sqlalchemy"))
    bare = seconds["python"]
    rows = [(name, f"{s:.2f} s", f"{max(0.0, s - bare):.2f} s") for name, s in seconds.items()]
    print_table([f"cold process (median of {N_RUNS})", "wall time", "beyond Python itself"], rows)


def _fill(place: Path) -> None:
    """An index of made-up pictures: only the search is measured."""
    encoder = MiniEncoder()
    rng = np.random.default_rng(0)
    index = Index.create(place)
    with index.writing() as catalog:
        record = catalog.add_encoder(encoder.name, encoder.version, encoder.dim, "none")
        catalog.switch_to(record)
        folder_id = catalog.add_folder(Path("/made/up"))
        for start in range(0, N_PICTURES, 1000):
            catalog.put([_file(i, folder_id, rng, encoder.dim) for i in range(start, start + 1000)], record.id)
    index.save_vectors()
    index.close()


def _file(i: int, folder_id: int, rng: np.random.Generator, dim: int) -> IndexedPicture:
    vector = rng.standard_normal(dim)
    found = FoundFile(Path(f"/made/up/{i}.jpg"), size_bytes=1, mtime_ns=1, ctime_ns=1)
    facts = PictureFacts(100, 100, Metadata())
    unit = (vector / np.linalg.norm(vector)).astype(np.float16)
    return IndexedPicture(folder_id, found, i.to_bytes(16, "big"), facts, unit[None])


def _median_s(code: str) -> float:
    times = []
    for _ in range(N_RUNS):
        started = perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        times.append(perf_counter() - started)
    return median(times)


if __name__ == "__main__":
    main()
