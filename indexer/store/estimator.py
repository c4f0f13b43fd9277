"""The interface of an estimator that runs elsewhere than on the CPU, such as on a GPU."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.store.vectors import Estimates, Vectors

__all__ = ["Estimator"]


class Estimator(Protocol):
    """Estimates scores in place of `Vectors.estimate`. Belongs to one open index. Thread-safe."""

    @property
    def device(self) -> str:
        """Where searches run, for display."""

    def estimate(
        self,
        encoder_id: int,
        vectors: Vectors,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        allowed: NDArray[np.int64] | None,
        least: float | None,
    ) -> Estimates | None:
        """The result of `Vectors.estimate`; None if this estimator can't give it now. Never raises.

        encoder_id: of the encoder that made the vectors. A picture's vectors of one encoder never change.
        """

    def close(self) -> None:
        """Release the memory of the device."""
