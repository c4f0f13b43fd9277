"""Requests per second and times of the HTTP server with 1, 8 and 32 clients, its errors and its memory over time.

    python -m benchmarks.speed.server [--pictures 100000] [--minutes 10]

The server is `cosmos-search serve` with the built-in encoder on an index of synthetic vectors around the texts of
everyday words. Each client is a thread that sends one request after the other: three searches of one to three words,
then a page of pictures. At last, 8 clients for the given time while the server's memory is read each tenth of it.
Searches of the command line in new processes, with the server and without, are compared.
"""

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from statistics import median
from threading import Thread
from time import monotonic, perf_counter

import numpy as np

from benchmarks.data.synthetic_index import SHAPE, fill_index, make_themed_vectors
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from benchmarks.timing import measure_python_process
from cosmos_search.encoders.load import load_encoder
from cosmos_search.explore.embedding_map import read_everyday_words
from cosmos_search.models.store import MINI
from indexer.pictures.regions import pyramid
from indexer.store.records import EncoderRecord

REGIONS = "fast"  # 14, as in the other measurements at this size
N_CLIENTS = (1, 8, 32)
STEP_S = 15.0  # of each number of clients
N_COMMANDS = 5
COMMAND = "from cosmos_search.cli.main import main; main()"
SEARCH = "from cosmos_search.cli.main import main; main(['search', 'a cat', '--all', '-n', '3'])"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    words = read_everyday_words()
    step_s = min(STEP_S, 6 * options.minutes)
    with tempfile.TemporaryDirectory() as scratch:
        _make_index(Path(scratch, "index"), options.pictures, words)
        variables = {"COSMOS_SEARCH_INDEX": str(Path(scratch, "index")), "XDG_STATE_HOME": scratch}
        alone_s = [measure_python_process(SEARCH, variables=variables) for _ in range(N_COMMANDS)]
        with _serve(variables) as server:
            rows = [_describe(n, *server.load(n, step_s, words)) for n in N_CLIENTS]
            served_s = [measure_python_process(SEARCH, variables=variables) for _ in range(N_COMMANDS)]
            memory_mb: list[float] = []
            endurance = server.load(8, 60 * options.minutes, words, lambda: memory_mb.append(server.read_memory_mb()))
    print(describe_machine("fastapi", "uvicorn", "faiss-cpu", "onnxruntime"), f"; {options.pictures:,} pictures")
    header = ["clients", "requests/s", "median", "95 %", "errors"]
    print_table(header, [*rows, _describe(f"8, for {options.minutes:g} minutes", *endurance)])
    print("memory of the server:", ", ".join(f"{mb:.0f}" for mb in memory_mb), "MB")
    alone, served = median(alone_s), median(served_s)
    print(f"cosmos-search search: {alone:.2f} s alone, {served:.2f} s with the server ({alone / served:.1f} times)")


def _make_index(place: Path, n: int, words: list[str]) -> None:
    encoder = load_encoder(MINI, "auto", "auto")
    record = EncoderRecord(0, encoder.name, encoder.version, encoder.dim, REGIONS)
    n_rows = 1 + len(pyramid(record.regions, *SHAPE))
    chunks = make_themed_vectors(n, n_rows, encoder.encode_texts(words), np.random.default_rng(0))
    fill_index(place, chunks, record, SHAPE).close()


class Server:
    """A running server."""

    def __init__(self, port: int, token: str, pid: int) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._pid = pid

    def load(
        self, n_clients: int, seconds: float, words: list[str], on_tenth: Callable[[], None] = lambda: None
    ) -> tuple[list[float], int, float]:
        """Seconds of each request, the number of errors, and the seconds that all took."""
        times: list[float] = []
        failed: list[str] = []
        started = monotonic()
        threads = [
            Thread(target=self._request, args=(number, started + seconds, words, times, failed))
            for number in range(n_clients)
        ]
        for thread in threads:
            thread.start()
        for tenth in range(1, 11):
            threads[0].join(max(0.0, started + tenth * seconds / 10 - monotonic()))
            on_tenth()
        for thread in threads:
            thread.join()
        if failed:
            print("first error:", failed[0], file=sys.stderr)
        return times, len(failed), monotonic() - started

    def read_memory_mb(self) -> float:
        """The memory of the server's process now, without files that are mapped into it."""
        match = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{self._pid}/status").read_text())
        assert match is not None
        return int(match[1]) / 1024

    def _request(self, number: int, until: float, words: list[str], times: list[float], failed: list[str]) -> None:
        """Send requests, one after the other, on one connection."""
        rng = np.random.default_rng(number)
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        for turn in count():
            if turn and monotonic() > until:
                break
            text = ". ".join(f"a photo of {words[i]}" for i in rng.integers(0, len(words), 1 + turn % 3))
            body = json.dumps({"text": text, "top": 10})
            is_page = turn % 4 == 3
            method, path = ("GET", "/v1/pictures?limit=60") if is_page else ("POST", "/v1/search")
            started = perf_counter()
            try:
                connection.request(method, path, None if is_page else body, self._headers)
                response = connection.getresponse()
                data = response.read()
            except OSError as error:
                failed.append(repr(error))
                connection.close()
                continue
            times.append(perf_counter() - started)
            if response.status != 200:
                failed.append(f"{response.status} {data[:200]!r}")
        connection.close()


@contextmanager
def _serve(variables: dict[str, str]) -> Iterator[Server]:
    """The server in a process of its own, warmed up."""
    token = secrets.token_urlsafe()
    environment = os.environ | variables | {"COSMOS_SEARCH_TOKEN": token}
    command = [sys.executable, "-c", COMMAND, "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        match = re.search(r"http://127\.0\.0\.1:(\d+)", process.stderr.readline())
        reader = Thread(target=process.stderr.read)  # of the log, which would fill the pipe
        reader.start()
        try:
            assert match is not None, "the server did not start"
            server = Server(int(match[1]), token, process.pid)
            server.load(1, 3.0, ["cat", "dog"])
            yield server
        finally:
            process.terminate()
            reader.join()


def _describe(name: object, times: list[float], n_failed: int, seconds: float) -> list[str]:
    """A row of the table."""
    p50, p95 = (f"{1000 * np.quantile(times, q):.0f} ms" for q in (0.5, 0.95))
    return [str(name), f"{len(times) / seconds:.1f}", p50, p95, str(n_failed)]


if __name__ == "__main__":
    main()
