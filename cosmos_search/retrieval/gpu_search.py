"""Keeps an index's vectors on a GPU for as long as the index is open, and decides when. Imports torch when it does."""

import logging
from collections.abc import Iterator
from textwrap import shorten
from threading import Event, Lock, Thread, main_thread
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.devices import Device, find_obstacle, has_nvidia_gpu
from indexer.store.vectors import EXACT_ROWS, Estimates, Vectors

if TYPE_CHECKING:
    from cosmos_search.retrieval.gpu_rows import GpuRows

__all__ = ["GpuSearch", "make_gpu_search"]

FIRST_SEARCH = 2  # of an open index that starts the upload: a process with a single search does not wait for torch
MEMORY_SHARE = 0.7  # of the GPU's free memory that vectors may take; the rest is for the encoder and for scores

log = logging.getLogger(__name__)


class GpuSearch:
    """An Estimator (see indexer.store.estimator) of an open index, with all vectors in the memory of a GPU.

    New pictures are uploaded when a search needs them. Removed ones stay, unused, until they are half of all. If the
    vectors do not fit, or the GPU fails, searches use the CPU until the index is opened again; the reason is logged.
    """

    rows_at_once = 20_000  # are uploaded within a search (20 MB); more in a thread, while searches use the CPU

    def __init__(self, device: str = "cuda", max_bytes: int | None = None) -> None:
        """device: a name that torch knows. max_bytes: that the vectors may take; None: a share of the free memory."""
        self._device = device
        self._max_bytes = max_bytes
        self._rows: GpuRows | None = None
        self._state: tuple[int, NDArray[np.bool_]] | None = None  # encoder and `is_picture` that _rows has all of
        self._n_searches = 0
        self._problem: str | None = None
        self._upload: Thread | None = None
        self._is_closed = Event()
        self._guard = Lock()  # of all of them; while an upload runs, only its thread replaces _rows

    @property
    def device(self) -> str:
        """Where searches run, for display."""
        rows = self._rows
        if self._problem is not None:
            return f"cpu; {self._problem}"
        if rows is None:
            return f"cpu; with more than {EXACT_ROWS:,} vectors, a GPU from the second search of a process on"
        return rows.describe()

    def estimate(
        self,
        encoder_id: int,
        vectors: Vectors,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        allowed: NDArray[np.int64] | None,
        least: float | None,
    ) -> Estimates | None:
        """The estimates of the GPU; None if it does not have all of these vectors yet, or failed."""
        try:
            with self._guard:
                self._n_searches += least is None  # the first call of each search
                rows = self._follow(encoder_id, vectors)
            return None if rows is None else rows.estimate(vectors, queries, weights, allowed, least)
        except Exception as error:  # whatever fails there, the CPU can answer
            self._give_up(_describe(error))
            return None

    def wait(self) -> None:
        """Wait until a running upload has ended."""
        upload = self._upload
        if upload is not None:
            upload.join()

    def close(self) -> None:
        """Release the memory; an upload ends early. Later estimates are None."""
        self._is_closed.set()
        self.wait()
        with self._guard:
            self._rows = self._state = None

    def _follow(self, encoder_id: int, vectors: Vectors) -> "GpuRows | None":
        """All of these vectors on the GPU; None if they are not there yet."""
        if self._problem is not None or self._is_closed.is_set() or self._n_searches < FIRST_SEARCH:
            return None
        if self._upload is not None:
            if self._upload.is_alive():
                return None
            self._upload = None
        if self._rows is not None and self._state is not None:
            if self._state[0] == encoder_id and self._state[1] is vectors.is_picture:
                return self._rows
            n_pictures = np.count_nonzero(vectors.is_picture)
            if self._state[0] == encoder_id and len(self._rows.ids) <= 2 * n_pictures:
                missing = self._rows.find_missing(vectors)
                if _count_rows(vectors, missing) <= self.rows_at_once:
                    self._add(self._rows, encoder_id, vectors, missing)
                    return self._rows
                self._start_upload(self._rows, encoder_id, vectors)
                return None
        self._rows = self._state = None
        self._start_upload(None, encoder_id, vectors)
        return None

    def _start_upload(self, rows: "GpuRows | None", encoder_id: int, vectors: Vectors) -> None:
        self._upload = Thread(target=self._run_upload, args=(rows, encoder_id, vectors), name="gpu-upload")
        self._upload.start()

    def _run_upload(self, rows: "GpuRows | None", encoder_id: int, vectors: Vectors) -> None:
        try:
            if self._device == "cuda" and (reason := find_obstacle("cuda")) is not None:
                self._give_up(reason)
                return
            from cosmos_search.retrieval.gpu_rows import GpuRows

            start = rows or GpuRows.empty(self._device)
            self._add(start, encoder_id, vectors, start.find_missing(vectors))
        except Exception as error:
            self._give_up(_describe(error))

    def _add(self, rows: "GpuRows", encoder_id: int, vectors: Vectors, missing: NDArray[np.int64]) -> None:
        """Replace the rows by those with these pictures as well, if there is memory for them."""
        if len(missing):
            n_bytes = 2 * vectors.rows[0].data.shape[1] * _count_rows(vectors, missing)
            limit = self._find_limit(rows)
            if n_bytes > limit:
                self._give_up(
                    f"the vectors need {n_bytes / 1e9:.1f} GB more of its memory, which has {limit / 1e9:.1f}"
                )
                return
            rows = rows.add(self._read(vectors, missing))
        if not self._is_stopped():
            self._state = encoder_id, vectors.is_picture
            self._rows = rows

    def _find_limit(self, rows: "GpuRows") -> int:
        """The bytes that more vectors may take."""
        from cosmos_search.retrieval.gpu_rows import free_bytes

        if self._max_bytes is not None:
            return self._max_bytes - rows.n_bytes
        return int(MEMORY_SHARE * free_bytes(self._device))

    def _read(
        self, vectors: Vectors, ids: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """The rows of these pictures until the upload is stopped."""
        for chunk in vectors.read(ids):
            if self._is_stopped():
                return
            yield chunk

    def _is_stopped(self) -> bool:
        """True if the index was closed or the process is about to end, which waits for this thread."""
        return self._is_closed.is_set() or not main_thread().is_alive()

    def _give_up(self, reason: str) -> None:
        if self._problem is None:
            self._problem = f"a GPU is not used: {reason}"
            log.warning("Searches run on the CPU; %s.", self._problem)
        self._rows = self._state = None


def make_gpu_search(wanted: Device) -> GpuSearch | None:
    """For an index whose searches may run on a GPU; None if the machine has none, or another device is wanted."""
    return GpuSearch() if wanted in ("auto", "cuda") and has_nvidia_gpu() else None


def _count_rows(vectors: Vectors, ids: NDArray[np.int64]) -> int:
    return sum(int(part.counts[part.find(ids)].sum()) for part in vectors.rows)


def _describe(error: Exception) -> str:
    """The beginning of a message: those of CUDA have many lines."""
    return shorten(str(error) or type(error).__name__, 150).rstrip(".")
