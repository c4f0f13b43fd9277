"""PostgreSQL and Ray on this machine: writing, following, recall and time of searches through shards, and sizes.

python -m benchmarks.speed.cluster [--pictures 30000] [--queries 20]

The vectors are those of pictures of four of 400 themes each, as in benchmarks.speed.latency. The last table is
arithmetic with the constants that the run measured (benchmarks/speed/cluster_sizes.py).
"""

import argparse
import os
import resource
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.synthetic_index import SyntheticTexts, make_mixed_vectors, make_queries, make_themes
from benchmarks.machine import describe_machine
from benchmarks.speed.cluster_sizes import ShardConstants, estimate_sizes, list_constants
from benchmarks.tables import print_table
from cluster.connect import connect, disconnect
from cluster.shards import Shards
from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.scoring import EncodedTerm, PictureScore
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.walk import FoundFile
from indexer.places import Place, ServerPlace
from indexer.store.index import Index
from indexer.store.records import IndexedPicture, PictureFacts
from indexer.store.replica import Replica, Share
from tests.postgres import Postgres, find_programs

DIM, N_ROWS, REGIONS, SIDE = 384, 15, "fast", 300  # of a square picture with the built-in encoder
N_THEMES = 400
BATCH = 32  # pictures in a transaction
MAX_SQLITE = 4000  # pictures that are written to SQLite for comparison
N_NEW = 2000  # pictures that are added to be followed
TOP = 10
ROUNDING = 1e-5


class ExactIndex(Index):
    """Scores every picture."""

    exact_rows = 10**12


@dataclass(frozen=True, slots=True)
class Search:
    """The times and the recall of a way to search."""

    ms: list[float]
    cpu_ms: list[float]  # of all cores, of this process
    recall: float

    def describe(self) -> str:
        """For the table."""
        return f"median {median(self.ms):.1f} ms, 95 % within {np.quantile(self.ms, 0.95):.1f} ms"


def main() -> None:
    """Measure on a server in a temporary directory, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=30_000)
    parser.add_argument("--queries", type=int, default=20)
    options = parser.parse_args()
    programs = find_programs()
    assert programs is not None, "PostgreSQL is not installed"
    server = Postgres(programs)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            os.environ["XDG_CACHE_HOME"] = scratch
            run = _Run(Path(scratch), ServerPlace(server.new_url()), options.pictures, options.queries)
            constants = run.measure()
    finally:
        server.close()
    print(describe_machine("ray", "psycopg", "sqlalchemy", "faiss-cpu"))
    print_table(["what", f"{options.pictures:,} pictures of {N_ROWS} rows with {DIM} numbers"], run.rows)
    print()
    print_table(["search", "median", "95 %", "median overhead", "recall@10", "peak memory of an actor"], run.searches)
    print("\nMeasured constants:\n")
    print_table(["constant", "value"], list_constants(constants))
    print("\nArithmetic with them:\n")
    print_table(*estimate_sizes(constants))


class _Run:
    def __init__(self, scratch: Path, server: ServerPlace, n: int, n_queries: int) -> None:
        self.rows: list[list[str]] = []
        self.searches: list[list[str]] = []
        self._scratch = scratch
        self._server = server
        self._n = n
        self._rng = np.random.default_rng(0)
        self._themes = make_themes(self._rng, N_THEMES, DIM)
        vectors = make_queries(n_queries, 3, self._themes, self._rng)[1].vectors.reshape(n_queries, 3, DIM)
        self._queries = {
            "1 sentence": [_make_query(terms[:1]) for terms in vectors],
            "3 sentences": [_make_query(terms) for terms in vectors],
        }

    def measure(self) -> ShardConstants:
        """Fill the tables."""
        n, n_sqlite = self._n, min(self._n, MAX_SQLITE)
        self._add("put, SQLite", f"{n_sqlite / self._fill(self._scratch / 'sqlite', n_sqlite):.0f} pictures/s")
        self._add("put, PostgreSQL", f"{n / self._fill(self._server, n):.0f} pictures/s")
        source = Index.open(self._server)
        catalog_kb = source.size_bytes()["catalog"] / n / 1000
        replica = Replica(source, self._scratch / "alone", Share(0, 1))
        with replica.lock():
            copied = n / _time(lambda: _catch_up(replica))
            self._add("first copy of a shard, with its vector files", f"{copied:.0f} pictures/s")
            started = perf_counter()
            os.environ.update(RAY_worker_niceness="0")  # as this process, with which workers are compared
            connect("local")
            self._add("start of Ray", f"{perf_counter() - started:.1f} s")
            alone = self._search_alone(self._scratch / "alone", "this process")
            peaks = {n_shards: self._search_shards(n_shards) for n_shards in (1, 2, 4)}
            quarter = self._search_alone(self._scratch / "0-of-4-0", "this process, a quarter of the pictures")
            codes = sum(path.stat().st_size for path in (self._scratch / "alone").glob("vectors-*.faiss"))
            disk = sum(path.stat().st_size for path in (self._scratch / "alone").rglob("*") if path.is_file())
            self._fill(self._server, N_NEW, first=n)
            self._add("following", f"{N_NEW / _time(lambda: _catch_up(replica)):.0f} pictures/s")
        disconnect()
        source.close()
        return ShardConstants.fit(n, catalog_kb, disk, codes, alone, quarter, peaks)

    def _search_alone(self, directory: Path, name: str) -> dict[str, float]:
        """Core-seconds of a query by its kind; adds rows to the table."""
        exact, index = ExactIndex.open(directory), Index.open(directory)
        found = {}
        for kind, queries in self._queries.items():
            best = [_rank(exact, query) for query in queries]
            search = _measure(lambda query: _rank(index, query), queries, best)
            self._add_search(f"{kind}, {name}", search, "", "")
            found[kind] = median(search.cpu_ms) / 1000
        exact.close()
        index.close()
        return found

    def _search_shards(self, n_shards: int) -> float:
        """The peak memory of an actor in MB; adds rows to the table."""
        shards = self._start(n_shards, "with the copy")
        exact, index = ExactIndex.open(self._scratch / "alone"), Index.open(self._scratch / "alone")
        rows = []
        for kind, queries in self._queries.items():
            best = [_rank(exact, query) for query in queries]
            alone = _measure(lambda query: _rank(index, query), queries, best)
            search = _measure(lambda query: shards.rank(query, TOP).scores, queries, best)
            overhead = median(b - a for a, b in zip(alone.ms, search.ms, strict=True))
            rows.append((f"{kind}, {n_shards} shards", search, f"{overhead:+.1f} ms"))
        import ray  # after `connect`, which sets what Ray reads when it is imported

        peak: float = median(ray.get(actors[0].__ray_call__.remote(_read_peak_mb)) for actors in shards.actors)
        for name, search, overhead_ms in rows:
            self._add_search(name, search, overhead_ms, f"{peak:.0f} MB")
        for opened in (exact, index):
            opened.close()
        shards.close()
        if n_shards == 4:
            self._start(n_shards, "whose files are there").close()
        return peak

    def _start(self, n_shards: int, how: str) -> Shards:
        started = perf_counter()
        shards = Shards(self._server, n_shards, 1, directory=self._scratch, n_cores=0.25)
        while not all(state is not None and state.is_complete for states in shards.states() for state in states):
            pass  # `states` waits for the actors
        self._add(f"start of {n_shards} shards {how}", f"{perf_counter() - started:.1f} s")
        return shards

    def _add(self, *cells: str) -> None:
        self.rows.append([*cells])
        print(*cells, sep=": ", flush=True)

    def _add_search(self, name: str, search: Search, overhead: str, peak: str) -> None:
        times = [f"{median(search.ms):.1f} ms", f"{np.quantile(search.ms, 0.95):.1f} ms"]
        self.searches.append([name, *times, overhead, f"{search.recall:.3f}", peak])
        print(*self.searches[-1], sep=" | ", flush=True)

    def _fill(self, place: Place, n: int, first: int = 0) -> float:
        """Seconds in which n pictures were written."""
        index = Index.create(place)
        with index.writing() as catalog:
            encoder = catalog.encoder() or catalog.add_encoder(SyntheticTexts.name, "1", DIM, REGIONS)
            catalog.switch_to(encoder)
            folder_id = catalog.add_folder(Path("/photos"))
        seconds, number = 0.0, first
        for chunk in make_mixed_vectors(n, N_ROWS, self._themes, self._rng):
            for vectors in np.split(chunk, range(BATCH, len(chunk), BATCH)):
                batch = [_make_picture(folder_id, number + i, one) for i, one in enumerate(vectors)]
                number += len(batch)
                started = perf_counter()
                with index.writing() as catalog:
                    catalog.put(batch, encoder.id)
                seconds += perf_counter() - started
        index.close()
        return seconds


def _make_query(vectors: NDArray[np.float32]) -> EncodedQuery:
    return EncodedQuery(SyntheticTexts.name, "1", tuple(map(EncodedTerm, vectors)))


def _make_picture(folder_id: int, number: int, vectors: NDArray[np.float16]) -> IndexedPicture:
    file = FoundFile(Path(f"/photos/{number // 200}/{number}.jpg"), 1, 1, 1)
    facts = PictureFacts(SIDE, SIDE, Metadata())
    return IndexedPicture(folder_id, file, number.to_bytes(16, "big"), facts, vectors.astype("<f2"))


def _catch_up(replica: Replica) -> None:
    while replica.advance():
        pass


def _time(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return perf_counter() - started


def _rank(index: Index, query: EncodedQuery) -> list[PictureScore]:
    with index.snapshot() as snapshot:
        assert snapshot is not None
        return rank(snapshot, query, TOP)


def _measure(
    search: Callable[[EncodedQuery], Sequence[PictureScore]],
    queries: Sequence[EncodedQuery],
    best: Sequence[Sequence[PictureScore]],
) -> Search:
    """best: the true results of the queries. Each query is run twice, because the first run reads the files."""
    ms: list[float] = []
    cpu_ms: list[float] = []
    recalls: list[float] = []
    for query in [*queries, *queries]:
        cpu, started = process_time(), perf_counter()
        found = search(query)
        ms.append(1000 * (perf_counter() - started))
        cpu_ms.append(1000 * (process_time() - cpu))
        true = best[len(recalls) % len(queries)]
        recalls.append(sum(score.score >= true[-1].score - ROUNDING for score in found) / len(true))
    n = len(queries)
    return Search(ms[n:], cpu_ms[n:], float(np.mean(recalls[n:])))


def _read_peak_mb(actor: object) -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
