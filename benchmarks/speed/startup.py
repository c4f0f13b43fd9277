"""One `cosmos-search search` in a new process over 100,000 vectors: its time, that of its parts, and of bare imports.

python -m benchmarks.speed.startup [--pictures 100000]
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from benchmarks.timing import measure_python_process
from benchmarks.vectors import unit_rows
from cosmos_search.encoders.mini.encoder import MiniEncoder
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.walk import FoundFile
from indexer.store.index import Index
from indexer.store.records import IndexedPicture, PictureFacts

N_RUNS = 7
IMPORTS = "import all three"
SEARCH = "cosmos-search search"
PARTS = {
    "python": "pass",
    "import click": "import click",
    "import sqlalchemy": "import sqlalchemy",
    "import faiss": "import faiss",
    "import onnxruntime": "import onnxruntime",
    IMPORTS: "import sqlalchemy, faiss, onnxruntime",
    "encode one sentence": (
        "from cosmos_search.encoders.mini.encoder import MiniEncoder; MiniEncoder().encode_texts(['a cat'])"
    ),
    "cosmos-search --help": "from cosmos_search.cli.main import main; main(['--help'])",
    SEARCH: "from cosmos_search.cli.main import main; main(['search', 'a cat'])",
}


def main() -> None:
    """Print the table of times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=100_000)
    n = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as scratch:
        _make_index(Path(scratch, "index"), n)
        variables = {"COSMOS_SEARCH_INDEX": str(Path(scratch, "index"))}
        rounds = [
            {name: measure_python_process(code, variables=variables) for name, code in PARTS.items()}
            for _ in range(N_RUNS)
        ]
    seconds = {name: median(times[name] for times in rounds) for name in PARTS}
    print(describe_machine("faiss-cpu", "onnxruntime", "sqlalchemy"))
    bare = seconds["python"]
    rows = [
        (name, f"{s:.2f} s", f"{max(0.0, s - bare):.2f} s", f"{s / seconds[IMPORTS]:.2f}")
        for name, s in seconds.items()
    ]
    header = [
        f"new process (median of {N_RUNS}, {n:,} vectors)",
        "wall time",
        "beyond Python itself",
        "against the imports",
    ]
    print_table(header, rows)


def _make_index(place: Path, n: int) -> None:
    """An index of random vectors, one for each of n pictures that do not exist."""
    encoder = MiniEncoder()
    rng = np.random.default_rng(0)
    index = Index.create(place)
    with index.writing() as catalog:
        record = catalog.add_encoder(encoder.name, encoder.version, encoder.dim, "none")
        catalog.switch_to(record)
        folder_id = catalog.add_folder(Path("/made/up"))
        for start in range(0, n, 1000):
            numbers = range(start, min(n, start + 1000))
            catalog.put([_make_file(i, folder_id, rng, encoder.dim) for i in numbers], record.id)
    index.save_vectors()
    index.close()


def _make_file(i: int, folder_id: int, rng: np.random.Generator, dim: int) -> IndexedPicture:
    vectors = unit_rows(rng.standard_normal((1, dim))).astype(np.float16)
    found = FoundFile(Path(f"/made/up/{i}.jpg"), size_bytes=1, mtime_ns=1, ctime_ns=1)
    facts = PictureFacts(100, 100, Metadata())
    return IndexedPicture(folder_id, found, i.to_bytes(16, "big"), facts, vectors)


if __name__ == "__main__":
    main()
