"""A process on some machine of a cluster that indexes files. It only sees the files and the catalog on the server."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from cosmos_search.cluster_errors import ClusterFolderError
from cosmos_search.encoders.protocol import Encoder, require_made_by
from indexer.ingest.pipeline import Pipeline
from indexer.ingest.report import Report
from indexer.ingest.scan import Change
from indexer.places import ServerPlace
from indexer.store.index import Index
from indexer.store.records import EncoderRecord
from indexer.store.retry import retry

__all__ = ["IndexWorker", "WorkerSetup"]


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What all workers of a run have in common."""

    place: ServerPlace
    load: Callable[[], Encoder]
    target: EncoderRecord
    max_pixels: int | None
    folders: tuple[Path, ...]


class IndexWorker:
    """A Ray actor. The first call opens the index and loads the encoder, so that their errors reach the caller."""

    def __init__(self, setup: WorkerSetup, n_cores: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(n_cores)  # Ray sets 1
        self._setup = setup
        self._n_cores = n_cores
        self._stop = Event()
        self._index: Index | None = None
        self._encoder: Encoder | None = None

    def index(self, changes: Sequence[Change]) -> Report:
        """Index these files, as `indexer.ingest.update` does, and report them."""
        index, encoder = self._open()
        report = Report(encoder.name, encoder.device)
        setup = self._setup
        for _ in Pipeline(index, encoder, setup.target, setup.max_pixels, self._stop, report, self._n_cores).run(
            changes
        ):
            pass
        return report

    def stop(self) -> None:
        """Make `index` end after its current batch, also in later calls."""
        self._stop.set()

    def _open(self) -> tuple[Index, Encoder]:
        if self._index is None or self._encoder is None:
            for folder in self._setup.folders:
                if not os.path.isdir(folder):  # noqa: PTH112 (Path.is_dir raises without permission)
                    raise ClusterFolderError(folder, platform.node())
            self._encoder = self._setup.load()
            require_made_by(self._encoder, self._setup.target)
            self._index = retry(lambda: Index.open(self._setup.place))
        return self._index, self._encoder
