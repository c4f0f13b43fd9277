"""Estimate the scores of pictures for a query with one-bit codes of their rows, in memory or in a mapped file."""

import os
import zlib
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.cores import available_cores
from indexer.files import open_file, replace_file
from indexer.store.candidate_info import FileCheck
from indexer.store.distinct_rows import find_distinct_rows
from indexer.store.picture_rows import widen

__all__ = ["POINTS_PER_LIST", "CandidateIndex"]


SHARED_WORK = 500_000  # codes to compare; more are divided among all cores, fewer take about 8 ms of one core
ALL_CORES = Lock()  # held by the search that uses all cores; others beside it use one each
POINTS_PER_LIST, ITERATIONS = 40, 8  # of the k-means that divides the rows into lists


class CandidateIndex:
    """One-bit codes (RaBitQ, Gao and Long 2024) in inverted lists (IVF, Jégou et al. 2011), for inner products.

    Each entry is a row of a picture. Rows that hardly differ from another row of their picture have no entry. Any
    number of threads may search, but not during `add` and `remove`.
    """

    def __init__(self, index: faiss.IndexIVFRaBitQ) -> None:
        self._index = index
        index.parallel_mode = 1  # one query is divided among the threads by lists

    @classmethod
    def train(cls, rows: NDArray[np.float32], n_lists: int) -> "CandidateIndex":
        """An empty index whose lists are the clusters of these rows, (n, dim) with n >= n_lists."""
        dim = rows.shape[1]
        index = faiss.IndexIVFRaBitQ(faiss.IndexFlatIP(dim), dim, n_lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.niter, index.cp.min_points_per_centroid = ITERATIONS, 1
        index.cp.max_points_per_centroid = POINTS_PER_LIST
        faiss.omp_set_num_threads(available_cores())
        index.train(rows)
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def n_lists(self) -> int:
        """The number of inverted lists."""
        return int(self._index.nlist)

    def score_centres(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scores of the lists' centres for queries (q, dim), the lists to search first first: (q, n_lists)."""
        centres = faiss.downcast_index(self._index.quantizer).reconstruct_n(0, self.n_lists)
        scores: NDArray[np.float32] = -np.sort(
            -np.einsum("qd,nd->qn", queries, centres), axis=1
        )  # without BLAS's threads
        return scores

    def add(self, ids: NDArray[np.int64], rows: NDArray[np.float16]) -> None:
        """Add pictures. ids: (n,), the picture of each row, those of one adjacent; rows: (n, dim), unit rows."""
        exact = widen(rows)
        is_distinct = find_distinct_rows(ids, exact)
        faiss.omp_set_num_threads(available_cores())
        self._index.add_with_ids(exact[is_distinct], ids[is_distinct])

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Remove pictures: (n,)."""
        if len(ids):
            self._index.remove_ids(faiss.IDSelectorBatch(ids))

    def estimate(
        self,
        queries: NDArray[np.float32],
        best: NDArray[np.float32],
        n_probe: int,
        is_allowed: NDArray[np.bool_] | None,
    ) -> None:
        """Raise the values in `best` to the estimated scores of the pictures' best rows.

        queries: (q, dim), unit rows. best: (q, ids), by query and picture id; its lowest value for a query is the
        floor, and scores below it are not looked at. n_probe: the number of lists that are searched. is_allowed:
        (ids,): only these pictures.
        """
        size = best.shape[1]
        n_probe = min(n_probe, self.n_lists)
        selector = None
        if is_allowed is not None:
            selector = faiss.IDSelectorBitmap(np.packbits(is_allowed, bitorder="little"))  # type: ignore[call-arg, arg-type]
        # As arguments: FAISS 1.13 frees the memory of a selector that is set as an attribute.
        parameters = faiss.IVFSearchParameters(nprobe=n_probe, sel=selector)  # type: ignore[call-arg]
        floors = best.min(axis=1)
        work = len(queries) * len(self) * n_probe // self.n_lists
        is_shared = work > SHARED_WORK and ALL_CORES.acquire(blocking=False)
        faiss.omp_set_num_threads(available_cores() if is_shared else 1)  # for calls in this thread
        try:
            limits, scores, ids = self._index.range_search(queries, float(floors.min()), params=parameters)
        finally:
            if is_shared:
                ALL_CORES.release()
        if len(ids) and not 0 <= ids.min() <= ids.max() < size:  # a damaged file
            is_valid = (ids >= 0) & (ids < size)
            scores, ids = np.where(is_valid, scores, -np.inf), np.where(is_valid, ids, 0)
        for row, start, end in zip(best, limits[:-1].astype(int), limits[1:].astype(int), strict=True):
            np.maximum.at(row, ids[start:end], scores[start:end])

    def copy(self) -> "CandidateIndex":
        """A copy, which can be changed while this one is searched."""
        content = faiss.serialize_index(self._index)  # clone_index does not support all types
        return CandidateIndex(cast(faiss.IndexIVFRaBitQ, faiss.deserialize_index(content)))

    def copy_lists(self) -> "CandidateIndex":
        """An index with the same lists, but without entries, to be used as long as this one exists."""
        same = self._index
        index = faiss.IndexIVFRaBitQ(same.quantizer, same.d, same.nlist, same.metric_type)
        index.is_trained = True
        return CandidateIndex(index)

    def save(self, path: Path) -> FileCheck:
        """Write a file, atomically. Raises OSError."""
        check: list[FileCheck] = []

        def write(file: BinaryIO) -> None:
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
            n_bytes = file.tell()
            head_bytes = n_bytes - len(self) * (self._index.code_size + 8)  # the codes and ids are at the end
            file.seek(0)
            check.append(FileCheck(n_bytes, head_bytes, zlib.crc32(file.read(head_bytes))))

        replace_file(path, write)
        return check[0]

    @classmethod
    def load(cls, path: Path, check: FileCheck, *, is_mapped: bool) -> "CandidateIndex":
        """Open a file. Raises ValueError if it is damaged, OSError if it can't be read.

        is_mapped: its codes are read when they are searched, and it can't be changed.
        """
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size != check.n_bytes or zlib.crc32(file.read(check.head_bytes)) != check.head_crc:
                raise ValueError(f"{path} is damaged")  # FAISS would crash
            flags = faiss.IO_FLAG_MMAP_IFC if is_mapped else 0
            # By its descriptor, so that it is the checked file; also, FAISS supports only UTF-8 paths.
            return cls(cast(faiss.IndexIVFRaBitQ, faiss.read_index(f"/dev/fd/{file.fileno()}", flags)))
