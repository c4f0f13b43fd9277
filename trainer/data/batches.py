"""Batches of views from a source of pairs, reproducible for a seed and a position in the stream.

The random numbers of a sample depend on (seed, epoch, key) only, so a batch depends on nothing but its position.
To resume, each worker starts its epoch again and skips the pairs that were read before, without decoding them.
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import count
from random import Random
from typing import NamedTuple, Protocol

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError, PictureError
from indexer.pictures.images import open_picture, reading_pictures
from trainer.config import TrainConfig
from trainer.data.captions import read_captions, sample_captions
from trainer.data.errors import SampleError
from trainer.data.multi_crop import MultiCrop, make_plain_view
from trainer.data.samples import Pair, SkippedSample, Source, read_content, shuffle
from trainer.method.student import Batch

__all__ = [
    "DECODE_FACTOR",
    "LoadedBatch",
    "MakeViews",
    "SampleViews",
    "StreamPosition",
    "Views",
    "load_batches",
    "read_picture",
]

DECODE_FACTOR = 3  # large JPEGs are decoded at a reduced size, at least this many times the side of a global view
MIN_SKIPPED = 1000  # a run stops if this many samples, and ten batches of them, are skipped before a batch is full


class StreamPosition(NamedTuple):
    """How far one worker has read the data; a NamedTuple because checkpoints store it as the JSON list [epoch, n]."""

    epoch: int = 0
    n_read: int = 0  # pairs of this epoch, skipped ones included


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """A batch, the position of its worker after it, and the samples that were skipped on the way to it."""

    batch: Batch
    worker: int
    position: StreamPosition
    skipped: tuple[SkippedSample, ...]

    def pin_memory(self) -> "LoadedBatch":
        """A copy in page-locked memory; the DataLoader's pinning thread calls this."""
        return replace(self, batch=self.batch.pin_memory())


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a worker stopped. Returned rather than raised, because the DataLoader adds a traceback to what is raised."""

    reason: str


def load_batches(
    source: Source,
    views: "MakeViews",
    size: int,
    *,
    rank: int = 0,
    world_size: int = 1,
    positions: tuple[StreamPosition, ...] = (),
    n_done: int = 0,
    pin_memory: bool = False,
) -> Iterator[LoadedBatch]:
    """Endless batches of `size` samples for one process; a batch may span the end of an epoch.

    pin_memory: whether batches are in page-locked memory, for a GPU.
    positions, n_done: where to resume, as the position of each worker and the number of batches loaded before.
    Raises CosmosSearchError for data without usable samples, or if a worker process dies.
    """
    n_workers = max(1, views.config.workers)
    positions = positions or (StreamPosition(),) * n_workers
    stream = _BatchStream(source, views, size, rank, world_size, positions, first_worker=n_done % n_workers)
    loader = iter(
        DataLoader(
            stream,
            batch_size=None,
            num_workers=views.config.workers,
            pin_memory=pin_memory,
            worker_init_fn=_ignore_ctrl_c,
        )
    )
    while True:
        try:
            loaded = next(loader)
        except RuntimeError as error:
            if "worker" not in str(error):
                raise
            reason = str(error).splitlines()[0]
            raise CosmosSearchError(f"Loading was interrupted: {reason} Set workers lower.") from error
        if isinstance(loaded, _Failure):
            raise CosmosSearchError(loaded.reason)
        yield loaded


@dataclass(frozen=True, slots=True)
class SampleViews:
    """One sample. images: normalized, of (3, side, side) each. captions: token ids, (length) each. Global ones first.

    Where towers are frozen, both are rows of cached features instead; see trainer.data.cached_views.
    """

    key: str
    images: list[Tensor]
    captions: list[Tensor]


class MakeViews(Protocol):
    """Makes the views of a pair, and batches of them."""

    config: TrainConfig

    def __call__(self, pair: Pair, epoch: int) -> SampleViews:
        """Raises SampleError, PictureError or OSError for a pair that cannot be used."""

    def collate(self, samples: list[SampleViews]) -> Batch:
        """The samples as tensors."""


class Views:
    """Makes the views of a pair as a config describes them."""

    def __init__(self, config: TrainConfig, tokenizer: TextTokenizer) -> None:
        self.config = config
        self.side = config.cosmos_network.image_size
        self.tokenizer = tokenizer
        self.multi_crop = MultiCrop(
            self.side, config.local_side, config.n_local_images, config.crop_border, augment=config.augment
        )

    def __call__(self, pair: Pair, epoch: int) -> SampleViews:
        """Raises SampleError for unusable captions, PictureError for a damaged picture, OSError for a missing one."""
        random = Random(f"{self.config.seed}|{epoch}|{pair.key}")
        generator = torch.Generator().manual_seed(random.getrandbits(63))
        captions = self.sample_captions(pair, random)
        picture = read_picture(pair, min_side=DECODE_FACTOR * self.side)
        if self.config.image_crops:
            images = self.multi_crop(picture, random, generator)
        else:
            images = [make_plain_view(picture, self.side, generator)]
        return SampleViews(pair.key, images, list(torch.from_numpy(self.tokenizer(captions))))

    def sample_captions(self, pair: Pair, random: Random) -> list[str]:
        """n_captions captions; without text crops only the original one. Raises SampleError."""
        original, pool = read_captions(pair, self.config.text_mode)
        if not self.config.text_crops:
            if not original:
                raise SampleError("it has no caption")
            return [original]
        if not pool:
            raise SampleError("it has no sentences")
        return sample_captions(pool, self.config.n_captions, random)

    def collate(self, samples: list[SampleViews]) -> Batch:
        """The samples as tensors."""
        images = zip(*(sample.images for sample in samples), strict=True)
        return Batch.collate(
            keys=tuple(sample.key for sample in samples),
            views=tuple(torch.stack(view) for view in images),  # of (batch, 3, side, side) each
            ids=torch.stack([torch.stack(sample.captions) for sample in samples]),  # (batch, captions, length)
        )


def _ignore_ctrl_c(worker: int) -> None:
    """A terminal sends Ctrl-C to the workers, too, which the run still needs for its current step."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _BatchStream(IterableDataset["LoadedBatch | _Failure"]):
    """The batches of one worker. The DataLoader takes them from its workers in turn, starting with its first one.

    first_worker: of the workers before a resume, the one whose batch is next; it is the DataLoader's first one now.
    """

    def __init__(
        self,
        source: Source,
        views: MakeViews,
        size: int,
        rank: int,
        world_size: int,
        positions: tuple[StreamPosition, ...],
        first_worker: int,
    ) -> None:
        self.source, self.views, self.size = source, views, size
        self.rank, self.world_size, self.positions, self.first_worker = rank, world_size, positions, first_worker

    def __iter__(self) -> "Iterator[LoadedBatch | _Failure]":
        n_workers, info = len(self.positions), get_worker_info()
        worker = ((info.id if info else 0) + self.first_worker) % n_workers
        stream = self.rank * n_workers + worker
        try:
            with reading_pictures():
                yield from self._load_batches(worker, stream, self.world_size * n_workers)
        except CosmosSearchError as error:
            yield _Failure(str(error))

    def _load_batches(self, worker: int, stream: int, n_streams: int) -> Iterator[LoadedBatch]:
        samples, skipped = list[SampleViews](), list[SkippedSample]()
        for position, pair in self._read_pairs(worker, stream, n_streams):
            sample = self._make_sample(pair, position.epoch)
            if isinstance(sample, SampleViews):
                samples.append(sample)
            else:
                skipped.append(sample)
                if len(skipped) >= max(MIN_SKIPPED, 10 * self.size):
                    raise CosmosSearchError(
                        f"{len(skipped)} samples were skipped before a batch was full; {sample.key}: {sample.reason}."
                    )
            if len(samples) == self.size:
                yield LoadedBatch(self.views.collate(samples), worker, position, tuple(skipped))
                samples, skipped = [], []

    def _make_sample(self, pair: Pair | SkippedSample, epoch: int) -> SampleViews | SkippedSample:
        if isinstance(pair, SkippedSample):
            return pair
        try:
            return self.views(pair, epoch)
        except (SampleError, PictureError, OSError) as error:
            return SkippedSample(pair.key, str(error))

    def _read_pairs(
        self, worker: int, stream: int, n_streams: int
    ) -> Iterator[tuple[StreamPosition, Pair | SkippedSample]]:
        """Pairs after the worker's position, epoch after epoch, each with the position that follows it.

        Each epoch has a random order of its own.
        """
        config, start = self.views.config, self.positions[worker]
        for epoch in count(start.epoch):
            pairs = self.source.pairs(Random(f"{config.seed}|{epoch}"), stream, n_streams)
            n_read = 0
            for pair in shuffle(pairs, config.sample_shuffle, Random(f"{config.seed}|{epoch}|{stream}")):
                n_read += 1
                if epoch > start.epoch or n_read > start.n_read:
                    yield StreamPosition(epoch, n_read), pair
            if not n_read:
                if not any(True for _ in self.source.pairs(Random(0), 0, 1)):
                    raise CosmosSearchError("There are no samples in the data.")
                raise CosmosSearchError(
                    f"There are fewer samples than workers: {n_streams} share them. Set workers lower."
                )


def read_picture(pair: Pair, min_side: int) -> Image.Image:
    """Upright and RGB, its shorter side at least min_side pixels unless the file is smaller. Raises PictureError."""
    return open_picture(BytesIO(read_content(pair.picture)), min_side=min_side).image
