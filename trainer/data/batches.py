"""From pairs to batches of views: decoded, cropped, tokenized, the same again for the same seed and position.

Chance is drawn for each sample from (seed, epoch, key), so that a batch depends on nothing but its place. To resume,
each worker begins its epoch again, and passes over the pairs that it had read, without decoding them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError, PictureError
from indexer.files import read_file
from indexer.pictures.images import open_picture, reading_pictures
from trainer.config import TrainConfig
from trainer.data.captions import DREAMLIP_KEYS, dreamlip_pool, pixelprose_pool, sample_captions, split_caption
from trainer.data.multi_crop import MultiCrop, whole_view
from trainer.data.samples import Pair, SkippedSample, Source, shuffled
from trainer.method.student import Batch

__all__ = ["Loaded", "Place", "Views", "batches", "caption_record", "captions_of", "picture_of"]

DECODE = 3  # times the global view's side: large JPEGs are decoded no larger than needed


Place = tuple[int, int]  # of a worker in its data: the epoch, and how many pairs of it were read, refused ones too


@dataclass(frozen=True, slots=True)
class Loaded:
    """A batch, where its worker stands after it, and what was of no use on the way."""

    batch: Batch
    worker: int
    place: Place
    refused: tuple[SkippedSample, ...]

    def pin_memory(self) -> "Loaded":
        """Called by the DataLoader in its own thread, where it pins."""
        return replace(self, batch=self.batch.pin_memory())


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a worker has to say at its end; a raised error would come with the worker's trace."""

    reason: str


def batches(
    source: Source,
    views: "Views",
    size: int,
    *,
    rank: int = 0,
    world: int = 1,
    places: tuple[Place, ...] = (),
    turn: int = 0,
    pin_memory: bool = False,
) -> Iterator[Loaded]:
    """Batches of `size` samples for one process, without end; the first of an epoch may have samples of the last.

    pin_memory: in page-locked memory, for a GPU.
    places, turn: where to go on: where each worker stood, and how many batches had come.
    Raises CosmosSearchError for data that is of no use, or a worker that died.
    """
    n_workers = max(1, views.config.workers)
    data = _Stream(source, views, size, rank, world, places or ((0, 0),) * n_workers, turn % n_workers)
    loader = iter(DataLoader(data, batch_size=None, num_workers=views.config.workers, pin_memory=pin_memory))
    while True:
        try:
            loaded = next(loader)
        except RuntimeError as error:
            if "worker" not in str(error):
                raise
            raise CosmosSearchError(f"Loading broke off: {str(error).splitlines()[0]} Set workers lower.") from error
        if isinstance(loaded, _Failed):
            raise CosmosSearchError(loaded.reason)
        yield loaded


class Views:
    """All views of a pair, by a config's rules."""

    def __init__(self, config: TrainConfig, tokenizer: TextTokenizer) -> None:
        self.config = config
        self.side = config.network.image_size
        self.tokenizer = tokenizer
        self.multi_crop = MultiCrop(
            self.side, config.local_side, config.n_local_images, config.crop_border, is_disturbed=config.is_disturbed
        )

    def __call__(self, pair: Pair, epoch: int) -> tuple[list[Tensor], list[str]]:
        """Pixels and captions. Raises PictureError with the reason if either can't be had."""
        random = Random(f"{self.config.seed}|{epoch}|{pair.key}")
        generator = torch.Generator().manual_seed(random.getrandbits(63))
        captions = self.captions(pair, random)
        picture = picture_of(pair, min_side=DECODE * self.side)
        return self.pixels(picture, random, generator), captions

    def pixels(self, picture: Image.Image, random: Random, generator: torch.Generator) -> list[Tensor]:
        """Each (3, side, side); only one without image crops."""
        if self.config.image_crops:
            return self.multi_crop(picture, random, generator)
        return [whole_view(picture, self.side, generator)]

    def captions(self, pair: Pair, random: Random) -> list[str]:
        """n_captions of them; without text crops, the whole (or the web's) caption alone."""
        whole, pool = captions_of(pair, self.config.text_mode)
        if not self.config.text_crops:
            if not whole:
                raise PictureError("it has no caption")
            return [whole]
        if not pool:
            raise PictureError("it has no sentences")
        return sample_captions(pool, self.config.n_captions, random)

    def batch(self, samples: list[tuple[str, list[Tensor], list[str]]]) -> Batch:
        """The samples' views put together."""
        keys = tuple(key for key, _, _ in samples)
        views = tuple(torch.stack(view) for view in zip(*(pixels for _, pixels, _ in samples), strict=True))
        ids = [torch.from_numpy(self.tokenizer(captions)) for _, _, captions in samples]
        return Batch.of(keys, views, torch.stack(ids))


class _Stream(IterableDataset["Loaded | _Failed"]):
    """One worker's batches. Workers take turns, so that after a resume the next in turn comes first."""

    def __init__(
        self, source: Source, views: Views, size: int, rank: int, world: int, places: tuple[Place, ...], turn: int
    ) -> None:
        self.source, self.views, self.size = source, views, size
        self.rank, self.world, self.places, self.turn = rank, world, places, turn

    def __iter__(self) -> "Iterator[Loaded | _Failed]":
        n_workers, info = len(self.places), get_worker_info()
        worker = ((info.id if info else 0) + self.turn) % n_workers
        stream = self.rank * n_workers + worker
        try:
            with reading_pictures():
                yield from self._batches(worker, stream, self.world * n_workers)
        except CosmosSearchError as error:
            yield _Failed(str(error))

    def _batches(self, worker: int, stream: int, n_streams: int) -> Iterator[Loaded]:
        samples, refused = list[tuple[str, list[Tensor], list[str]]](), list[SkippedSample]()
        for (epoch, n_read), pair in self._pairs(worker, stream, n_streams):
            try:
                if isinstance(pair, SkippedSample):
                    raise PictureError(pair.reason)
                samples.append((pair.key, *self.views(pair, epoch)))
            except (PictureError, OSError) as error:
                refused.append(SkippedSample(pair.key, str(error)))
                self._stop_if_hopeless(refused)
            if len(samples) == self.size:
                yield Loaded(self.views.batch(samples), worker, (epoch, n_read), tuple(refused))
                samples, refused = [], []

    def _pairs(self, worker: int, stream: int, n_streams: int) -> Iterator[tuple[Place, Pair | SkippedSample]]:
        """From its place on, epoch after epoch, each in an order of its own; with each pair the place after it."""
        config, (first, n_passed) = self.views.config, self.places[worker]
        for epoch in count(first):
            pairs = self.source.pairs(Random(f"{config.seed}|{epoch}"), stream, n_streams)
            n_read = 0
            for pair in shuffled(pairs, config.sample_shuffle, Random(f"{config.seed}|{epoch}|{stream}")):
                n_read += 1
                if epoch > first or n_read > n_passed:
                    yield (epoch, n_read), pair
            if not n_read:
                raise CosmosSearchError(self._too_little(n_streams))

    def _too_little(self, n_streams: int) -> str:
        if not any(True for _ in self.source.pairs(Random(0), 0, 1)):
            return "There is not a single sample in the data."
        return f"There are fewer samples than workers: {n_streams} share them. Set workers lower."

    def _stop_if_hopeless(self, refused: list[SkippedSample]) -> None:
        if len(refused) >= max(1000, 10 * self.size):
            last = refused[-1]
            raise CosmosSearchError(
                f"{len(refused)} samples were of no use before a batch was full; {last.key}: {last.reason}."
            )


def picture_of(pair: Pair, min_side: int) -> Image.Image:
    """Upright, RGB, its shorter side no smaller than asked for, if it has that much. Raises PictureError."""
    return open_picture(BytesIO(_content(pair.picture)), min_side=min_side).image


def captions_of(pair: Pair, mode: str) -> tuple[str, list[str]]:
    """The whole (or the web's) caption, and the sentences of all there are. Raises PictureError with the reason."""
    record = caption_record(pair)
    try:
        return _told(record, "sentences" if pair.kind == ".txt" else mode)
    except KeyError as error:
        raise PictureError(f"its captions have no key {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise PictureError(f"its captions can't be read: {error}") from error


def caption_record(pair: Pair) -> dict[str, Any]:
    """A .json as it is, a .txt as {"caption": …}. Raises PictureError for what is not UTF-8 or no JSON object."""
    try:
        text = _content(pair.captions).decode("utf-8-sig")
        record = {"caption": text} if pair.kind == ".txt" else json.loads(text)
    except OSError as error:
        raise PictureError(f"its captions can't be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise PictureError(f"its captions can't be read: {reason}") from error
    if not isinstance(record, dict):
        raise PictureError("its captions can't be read: no JSON object")
    return record


def _told(sample: dict[str, Any], mode: str) -> tuple[str, list[str]]:
    if mode == "dreamlip":
        lists = {key: _sentences(sample, key) for key in DREAMLIP_KEYS}
        return ". ".join(lists["raw_caption"]), dreamlip_pool(lists)
    if mode == "pixelprose":
        texts = {key: _text(sample, key) for key in ("original_caption", "caption")}
        return texts["original_caption"], [sentence for sentence in pixelprose_pool(texts) if sentence]
    caption = _text(sample, "caption")
    return " ".join(caption.split()), split_caption(caption)


def _text(sample: dict[str, Any], key: str) -> str:
    if not isinstance(sample[key], str):
        raise PictureError(f"its {key} is no text")
    return str(sample[key])


def _sentences(sample: dict[str, Any], key: str) -> list[str]:
    """Without empty ones."""
    if not isinstance(sample[key], list) or not all(isinstance(sentence, str) for sentence in sample[key]):
        raise PictureError(f"its {key} is no list of sentences")
    return [sentence for sentence in sample[key] if sentence.strip()]


def _content(file: Path | bytes) -> bytes:
    return file if isinstance(file, bytes) else read_file(file)
