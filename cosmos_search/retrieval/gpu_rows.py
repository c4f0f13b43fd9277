"""The vectors of pictures in a GPU's memory, in half precision, and the scores of all pictures there. Imports torch.

PyTorch, and not FAISS with its GPU indexes: a flat GpuIndex returns at most 2,048 rows of a query, which with 35 rows a
picture can be fewer than 60 pictures, has no maximum by picture, and takes no selectors for filters. Here they are a
matrix product, a reduction and a mask; all are bound by the bandwidth of the memory, so no other kernel is faster.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.store.picture_rows import find_starts
from indexer.store.vectors import Estimates, Vectors

__all__ = ["MARGIN", "GpuRows", "free_bytes"]

# Above the error of a score. The rows are stored in half precision, so only the query (2^-11) and the product (2^-11)
# are rounded; libraries may round partial sums as well.
MARGIN = 2e-3
N_PROMISING = 4096  # pictures that are returned if no score is known that they have to reach
QUERIES_AT_ONCE = 64  # so that the scores of a block's rows need little memory


@dataclass(frozen=True, slots=True)
class _Block:
    rows: Tensor  # (n, dim), fp16; those of one picture adjacent
    counts: Tensor  # (pictures,), the number of rows of each

    def score(self, queries: Tensor, weights: Tensor) -> Tensor:
        """(pictures,). queries: (dim, q), fp16; weights: (q,), fp32."""
        scores = torch.zeros(len(self.counts), device=weights.device)
        for start in range(0, len(weights), QUERIES_AT_ONCE):
            part = slice(start, start + QUERIES_AT_ONCE)
            scores += self._find_best(queries[:, part]) @ weights[part]
        return scores

    def _find_best(self, queries: Tensor) -> Tensor:
        """(pictures, q), fp32: for each picture the best score of its rows."""
        best = torch.segment_reduce(self.rows @ queries, "max", lengths=self.counts, axis=0, unsafe=True)
        return best.float()


class GpuRows:
    """The rows of pictures of one encoder on a device. Never changed, only replaced: other threads may search it."""

    block_rows = 1 << 19  # more rows are in several blocks, so that adding some copies at most one block

    def __init__(self, device: torch.device, ids: NDArray[np.int64], blocks: Sequence[_Block]) -> None:
        """ids: (n,), the pictures in the order of the blocks."""
        self.device, self.ids, self._blocks = device, ids, blocks

    @classmethod
    def empty(cls, device: str) -> Self:
        """No pictures yet."""
        return cls(torch.device(device), np.zeros(0, dtype=np.int64), [])

    @property
    def n_rows(self) -> int:
        """The number of rows, those of removed pictures included."""
        return sum(len(block.rows) for block in self._blocks)

    @property
    def n_bytes(self) -> int:
        """The memory that they take."""
        return sum(block.rows.nbytes + block.counts.nbytes for block in self._blocks)

    def find_missing(self, vectors: Vectors) -> NDArray[np.int64]:
        """The pictures that are not here, ascending: (m,)."""
        is_missing = vectors.is_picture.copy()
        is_missing[self.ids[self.ids < len(is_missing)]] = False
        return np.flatnonzero(is_missing)

    def add(self, chunks: Iterable[tuple[NDArray[np.int64], NDArray[np.float16]]]) -> Self:
        """With more pictures. chunks: the picture of each row, and the rows; the rows of a picture are adjacent."""
        ids, blocks = [self.ids], list(self._blocks)
        pieces = [blocks.pop()] if blocks and len(blocks[-1].rows) < self.block_rows else []
        for row_ids, rows in chunks:
            starts = find_starts(row_ids)
            ids.append(row_ids[starts])
            counts = np.diff(starts, append=len(row_ids))
            pieces.append(_Block(torch.from_numpy(rows).to(self.device), torch.from_numpy(counts).to(self.device)))
            if sum(len(piece.rows) for piece in pieces) >= self.block_rows:
                blocks.append(_join(pieces))
                pieces = []
        if pieces:
            blocks.append(_join(pieces))
        return type(self)(self.device, np.concatenate(ids), blocks)

    @torch.inference_mode()
    def estimate(
        self,
        vectors: Vectors,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        allowed: NDArray[np.int64] | None,
        least: float | None,
    ) -> Estimates:
        """See `Vectors.estimate`; the estimates are exact but for rounding. vectors: all its pictures are here."""
        columns = torch.from_numpy(queries).to(self.device).half().T  # (dim, q)
        on_device = torch.from_numpy(weights).to(self.device)
        scores = torch.cat([block.score(columns, on_device) for block in self._blocks])  # (pictures,)
        scores = scores.nan_to_num(nan=-torch.inf)  # of damaged rows
        is_allowed = self._mark_allowed(vectors, allowed)
        if least is None:
            if is_allowed is not None:
                scores = scores.where(is_allowed, -torch.inf)
            values, places = scores.topk(min(N_PROMISING, len(scores)))
            others = float(values[-1]) if len(values) < len(scores) else -np.inf
            places = places[values > -torch.inf].sort().values
        else:
            others = least - MARGIN
            is_wanted = scores >= others
            places = (is_wanted if is_allowed is None else is_wanted & is_allowed).nonzero()[:, 0]
        ids, found = self.ids[places.cpu().numpy()], scores[places].cpu().numpy()
        order = np.argsort(ids)
        return Estimates(ids[order], found[order], MARGIN, others)

    def describe(self) -> str:
        """The device and the number of vectors, for display."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return f"{name}, {self.n_rows:,} vectors in half precision"

    def _mark_allowed(self, vectors: Vectors, allowed: NDArray[np.int64] | None) -> Tensor | None:
        """For each picture here whether it is allowed: (n,). None: all are."""
        if allowed is None and np.count_nonzero(vectors.is_picture) == len(self.ids):
            return None
        by_id = vectors.mark_allowed(allowed)
        is_allowed = np.zeros(max(len(by_id), int(self.ids.max()) + 1), dtype=np.bool_)
        is_allowed[: len(by_id)] = by_id
        return torch.from_numpy(is_allowed[self.ids]).to(self.device)


def free_bytes(device: str) -> int:
    """The free memory of a GPU, or of the machine."""
    if torch.device(device).type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _join(blocks: Sequence[_Block]) -> _Block:
    return _Block(torch.cat([block.rows for block in blocks]), torch.cat([block.counts for block in blocks]))
