"""PostgreSQL and Ray on this machine: writing, following, and what a query costs through shards.

python -m benchmarks.speed.cluster [--pictures 5000]
"""

import argparse
import os
import resource
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import ray

from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from cluster.connect import connect
from cluster.shards import Shards
from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.scoring import EncodedTerm
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.walk import FoundFile
from indexer.places import Place, ServerPlace
from indexer.store.index import Index
from indexer.store.records import IndexedPicture, PictureFacts
from indexer.store.replica import Replica, Share
from tests.postgres import Postgres, find_programs

DIM, N_ROWS, REGIONS, SIDE = 384, 15, "fast", 100  # of a square picture with the built-in encoder
BATCH = 32  # pictures in a transaction
N_QUERIES = 50


def main() -> None:
    """Measure on a server in a temporary directory, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=5000)
    n = parser.parse_args().pictures
    programs = find_programs()
    assert programs is not None, "PostgreSQL is not installed"
    server = Postgres(programs)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            os.environ["XDG_CACHE_HOME"] = scratch
            rows = _measure(Path(scratch), ServerPlace(server.new_url()), n)
    finally:
        server.close()
    print(describe_machine("ray", "psycopg", "sqlalchemy"))
    print_table(["what", f"{n:,} pictures of {N_ROWS} rows with {DIM} numbers"], rows)


def _measure(scratch: Path, server: ServerPlace, n: int) -> list[list[str]]:
    rows = [[f"put, {name}", f"{n / _fill(place, n):.0f} pictures/s"] for name, place in _name(scratch, server)]
    source = Index.open(server)
    rows.append(["catalog on PostgreSQL", f"{source.size_bytes()['catalog'] / n / 1000:.1f} kB a picture"])
    replica = Replica(source, scratch / "alone", Share(0, 1))
    with replica.lock():
        started = perf_counter()
        while replica.advance():
            pass
        rows.append(["following (the first copy)", f"{n / (perf_counter() - started):.0f} pictures/s"])
        assert replica.index is not None
        sizes = replica.index.size_bytes()
        rows.append(["disk of a shard", f"{sum(sizes.values()) / n / 1000:.1f} kB a picture"])
        rows.append(["a search in this process", _describe(_time(lambda query: _rank(replica, query)))])
    started = perf_counter()
    connect("local")
    rows.append(["start of Ray", f"{perf_counter() - started:.1f} s"])
    for n_shards in (1, 4):
        started = perf_counter()
        shards = Shards(server, n_shards, 1, directory=scratch, n_cores=0.25)
        while not all(state is not None and state.is_complete for states in shards.states() for state in states):
            pass
        rows.append([f"start of {n_shards} shards, with the copy", f"{perf_counter() - started:.1f} s"])
        rows.append([f"a search through {n_shards} shards", _describe(_time(partial(shards.rank, top=10)))])
        peaks = [ray.get(actors[0].__ray_call__.remote(_read_peak_mb)) for actors in shards.actors]
        rows.append([f"peak memory of one of {n_shards} shards", f"{median(peaks):.0f} MB"])
        shards.close()
    ray.shutdown()
    source.close()
    return rows


def _name(scratch: Path, server: ServerPlace) -> list[tuple[str, Place]]:
    return [("SQLite", scratch / "sqlite"), ("PostgreSQL", server)]


def _fill(place: Place, n: int) -> float:
    """Seconds in which n pictures with random vectors were written."""
    rng = np.random.default_rng(0)
    index = Index.create(place)
    with index.writing() as catalog:
        encoder = catalog.add_encoder("random", "1", DIM, REGIONS)
        catalog.switch_to(encoder)
        folder_id = catalog.add_folder(Path("/photos"))
    seconds = 0.0
    for start in range(0, n, BATCH):
        batch = [_make_picture(rng, folder_id, number) for number in range(start, min(n, start + BATCH))]
        started = perf_counter()
        with index.writing() as catalog:
            catalog.put(batch, encoder.id)
        seconds += perf_counter() - started
    index.close()
    return seconds


def _make_picture(rng: np.random.Generator, folder_id: int, number: int) -> IndexedPicture:
    rows = rng.normal(size=(N_ROWS, DIM))
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f2")
    file = FoundFile(Path(f"/photos/{number // 200}/{number}.jpg"), 1, 1, 1)
    return IndexedPicture(folder_id, file, rng.bytes(16), PictureFacts(SIDE, SIDE, Metadata()), unit)


def _rank(replica: Replica, query: EncodedQuery) -> None:
    assert replica.index is not None
    with replica.index.snapshot() as snapshot:
        assert snapshot is not None
        rank(snapshot, query, 10)


def _time(search: Callable[[EncodedQuery], object]) -> list[float]:
    """Milliseconds of each query, after the first."""
    rng = np.random.default_rng(1)
    times = []
    for _ in range(N_QUERIES + 1):
        vector = rng.normal(size=DIM)
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)
        started = perf_counter()
        search(EncodedQuery("random", "1", (EncodedTerm(unit),)))
        times.append(1000 * (perf_counter() - started))
    return times[1:]


def _describe(times: list[float]) -> str:
    return f"median {median(times):.1f} ms, 95 % within {np.quantile(times, 0.95):.1f} ms"


def _read_peak_mb(actor: object) -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
