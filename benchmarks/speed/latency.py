"""Recall and time of searches against exhaustive exact scoring, with filters, places, negatives and changes.

    python -m benchmarks.speed.latency [--vectors themed|mixed|photos] [--pictures 20000] [--rows 15] [--photos INDEX]

The vectors (benchmarks/data/synthetic_index.py) are made around 2000 themes, or around four of 400 themes for each
picture, or they are those of real photos, repeated with noise: `--photos` names an index of them by the built-in
encoder, and `--captions` a data set whose captions are the queries (both as for benchmarks.quality.photos).
`--min-recall` makes the script fail if the mean of all lines is below it, or a line by more than 0.03, which is two
standard errors of a line of 8 queries.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.synthetic_index import (
    SyntheticTexts,
    add_pictures,
    fill_index,
    make_mixed_vectors,
    make_queries,
    make_themed_vectors,
    make_themes,
    repeat_photos,
)
from benchmarks.machine import describe_machine
from benchmarks.search_cases import CASES, CHUNK, SHAPE, TOP, Case, measure_searches
from benchmarks.tables import print_table
from cosmos_search.encoders.load import load_encoder
from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.scoring import EncodedTerm
from indexer.store.index import Index

REGIONS: dict[int, str] = {15: "fast", 35: "fine"}  # the pyramid of a square picture with so many vectors
DIM = 384
N_CHANGED = 0.02  # the share of the pictures that is removed, and again added


PHOTO_CASES = (
    Case("3 sentences on one photo", lambda terms: terms, start=1, step=2),
    Case("3 sentences on three photos", lambda terms: terms, step=2),
    *CASES,
)


def main() -> None:
    """Print a line for each kind of query, before and after pictures were removed and added."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--rows", type=int, choices=REGIONS, default=15, help="vectors of a picture")
    parser.add_argument("--vectors", choices=("themed", "mixed", "photos"), default="themed")
    parser.add_argument("--photos", type=Path, help="an index of photos by the built-in encoder")
    parser.add_argument("--captions", type=Path, help="a data set whose captions are the queries")
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="keep the index here, or use the one that is here")
    parser.add_argument("--min-recall", type=float, default=0.0)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    make_chunks, queries = _make_vectors(options, rng)
    print(describe_machine("faiss-cpu", "sqlalchemy"))
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(options.folder or scratch, f"index-{options.vectors}-{options.pictures}-{options.rows}")
        if Index.is_at(place):
            index = Index.open(place)
        else:
            encoder = SyntheticTexts(np.zeros((1, DIM), dtype=np.float32)).record(REGIONS[options.rows])
            started = perf_counter()
            index = fill_index(place, make_chunks(options.pictures), encoder, SHAPE)
            print(f"{options.pictures:,} pictures written in {perf_counter() - started:.0f} s", flush=True)
        rows += _measure(index, queries, PHOTO_CASES if options.vectors == "photos" else CASES)
        _remove_best(index, queries)
        rows += _measure(index, queries, CASES[:2], "removed: ")
        started = perf_counter()
        add_pictures(index, make_chunks(CHUNK), SHAPE, first=options.pictures)
        added_s = perf_counter() - started
        if (n_new := int(N_CHANGED * options.pictures) - CHUNK) > 0:
            add_pictures(index, make_chunks(n_new), SHAPE, first=options.pictures + CHUNK)
        rows += _measure(index, queries, CASES[:2], "added: ")
        index.close()
        started = perf_counter()
        index = Index.open(place)
        with index.snapshot() as snapshot:
            assert snapshot is not None
            opened_s, sizes = perf_counter() - started, index.size_bytes()
            codes = sum(path.stat().st_size for path in place.glob("vectors-*.faiss"))
            bounds = snapshot.vectors.bounds
    header = ["query", "median", "95 %", "recall@10", "lowest", "exact"]
    print_table([f"{options.vectors}, {options.pictures:,} × {options.rows}", *header[1:]], rows)
    print(f"{CHUNK:,} pictures added in {added_s:.1f} s; opened in {opened_s * 1e3:.0f} ms")
    print(
        f"GB of codes: {codes / 1e9:.2f}, of all vectors: {sizes['vectors'] / 1e9:.2f}, of the catalog: "
        f"{sizes['catalog'] / 1e9:.2f}"
    )
    if bounds is not None:
        margins, slacks = (
            " and ".join(f"{value:.3f}" for value in values) for values in (bounds.margins, bounds.slacks)
        )
        print(f"three sentences and one: margins {margins}, slacks {slacks}")
    recalls = [float(row[3]) for row in rows]
    if np.mean(recalls) < options.min_recall or min(recalls) < options.min_recall - 0.03:
        sys.exit(f"recall below {options.min_recall}")


def _make_vectors(
    options: argparse.Namespace, rng: np.random.Generator
) -> tuple[Callable[[int], Iterator[NDArray[np.float16]]], NDArray[np.float32]]:
    """A function that makes vectors of so many pictures, and the vectors of queries: (queries, 3, dim)."""
    n = options.queries
    if options.vectors == "photos":
        photos = _read_rows(options.photos)[:, : options.rows]
        return lambda count: repeat_photos(photos, count, rng), _encode_captions(options.captions, n)
    themes = make_themes(rng, 400 if options.vectors == "mixed" else 2000, DIM)
    make = make_mixed_vectors if options.vectors == "mixed" else make_themed_vectors
    texts = make_queries(n, 3, themes, rng)[1].vectors
    return lambda count: make(count, options.rows, themes, rng), texts.reshape(n, 3, DIM)


def _read_rows(place: Path) -> NDArray[np.float16]:
    """The vectors of an index whose pictures have equally many: (pictures, rows, dim)."""
    index = Index.open(place)
    with index.snapshot() as snapshot:
        assert snapshot is not None
        ids = snapshot.catalog.vector_ids(snapshot.encoder.id)
        parts = [data for _, data in snapshot.read_rows(ids)]
    index.close()
    return np.concatenate(parts).reshape(len(ids), -1, DIM)


def _encode_captions(source: Path, n: int) -> NDArray[np.float32]:
    """Three captions a query, (n, 3, dim): of one photo and of three photos by turns."""
    from benchmarks.data.captioned_photos import write_photos

    with tempfile.TemporaryDirectory() as scratch:
        photos = write_photos(source, Path(scratch), 1, limit=2 * n)
    texts = []
    for i in range(n):
        chosen = [photos[i]] * 3 if i % 2 else photos[i : i + 3]
        texts += [photo.captions[j % len(photo.captions)] for j, photo in enumerate(chosen)]
    return load_encoder("cosmos-mini").encode_texts(texts).reshape(n, 3, DIM)


def _measure(index: Index, queries: NDArray[np.float32], cases: Sequence[Case], prefix: str = "") -> list[list[str]]:
    """A line of the table for each case."""
    return [
        [
            prefix + one.case.name,
            f"{np.median(one.ms):.1f} ms",
            f"{np.percentile(one.ms, 95):.1f} ms",
            f"{np.mean(one.recalls):.3f}",
            f"{np.min(one.recalls):.1f}",
            f"{one.exact_s:.1f} s",
        ]
        for one in measure_searches(index, queries, cases)
    ]


def _remove_best(index: Index, queries: NDArray[np.float32]) -> None:
    """Remove pictures until N_CHANGED of them are gone: those that the searches find best, and others."""
    best: set[int] = set()
    with index.snapshot() as snapshot:
        assert snapshot is not None
        for query in queries:
            encoded = EncodedQuery("", "", tuple(map(EncodedTerm, query)))
            best.update(score.picture_id for score in rank(snapshot, encoded, 2 * TOP))
        ids = snapshot.catalog.vector_ids(snapshot.encoder.id)
    others = Random(0).sample(ids.tolist(), max(0, int(N_CHANGED * len(ids)) - len(best)))
    removed = best.union(others)
    with index.reading() as catalog:
        records = catalog.pictures(sorted(removed))
        files = catalog.files_in(next(iter(records.values())).paths[0].parent, 0)
    paths = {path for record in records.values() for path in record.paths}
    with index.writing() as catalog:
        catalog.delete_files([file.id for path, file in files.items() if path in paths])
    index.save_vectors()


if __name__ == "__main__":
    main()
