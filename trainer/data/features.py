"""Features of frozen towers, computed once per data set and cached on disk, so that an epoch takes seconds.

A cache is a folder: plan.json names all that its features depend on, and each block file holds those of some samples in
the order of the data. A block appears complete or not at all, so an interrupted run continues after the last one.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor

from cosmos_search.json_files import read_object, write_object
from indexer.cores import available_cores
from indexer.errors import PictureError
from indexer.files import replace_file
from indexer.ingest.threads import ordered_map, split_batches, workers
from indexer.pictures.images import reading_pictures
from trainer.config import MIN_LOCAL_AREA, TextMode
from trainer.data.batches import DECODE_FACTOR, read_picture
from trainer.data.captions import read_captions, sample_captions
from trainer.data.errors import FeatureCacheError, SampleError
from trainer.data.frozen_towers import MAX_WORDS, FrozenTowers
from trainer.data.multi_crop import Crop
from trainer.data.samples import Pair, SkippedSample, Source
from trainer.method.losses import N_GLOBAL_VIEWS

__all__ = ["FeatureCache", "FeaturePlan", "SampleFeatures", "cache_features"]

PLAN_FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """All that cached features depend on. inventory: of the data (`Source.inventory`)."""

    towers: str  # version of the frozen towers
    first_block: int
    inventory: dict[str, int]
    text_mode: TextMode = "sentences"
    n_global: int = 2  # random crops of at least `crop_border` of the area, beside the whole picture
    n_local: int = 4  # random crops of at most `crop_border`
    crop_border: float = 0.4
    n_joined: int = 4  # global captions
    seed: int = 0
    block_size: int = 64  # samples in a file


@dataclass(frozen=True, slots=True)
class SampleFeatures:
    """Features of one sample.

    views: (1 + n_global + n_local, length) of the whole picture, global crops and local crops, each as
    `FrozenTowers.encode_view` returns it. single: (captions, 384) of each caption. joined: (n_joined, 384) of captions
    joined at random. words: (n_joined, MAX_WORDS, 384), the tokens of joined captions, padded with zeros.
    """

    key: str
    views: Tensor
    single: Tensor
    joined: Tensor
    words: Tensor


class FeatureCache:
    """The features of a data set, by the names of its samples. Views and words stay on disk until they are used."""

    def __init__(self, folder: Path, plan: FeaturePlan) -> None:
        """Raises FeatureCacheError if the cache is incomplete, was made by another plan, or is damaged."""
        _check_plan(folder, plan)
        self.plan = plan
        self.skipped: list[SkippedSample] = []
        self._samples: dict[str, SampleFeatures] = {}
        for file in _block_files(folder):
            skipped, samples = _read_block(file)
            self.skipped += skipped
            self._samples |= {sample.key: sample for sample in samples}
        if not self._samples:
            raise FeatureCacheError(folder, "no sample of the data could be used")

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[SampleFeatures]:
        return iter(self._samples.values())

    def find(self, key: str) -> SampleFeatures | None:
        """The features of a sample; None for one that was skipped."""
        return self._samples.get(key)


def cache_features(
    source: Source, folder: Path, plan: FeaturePlan, towers: FrozenTowers, on_progress: Callable[[int], None]
) -> FeatureCache:
    """Compute the features of a data set that are not in the folder yet, and open the cache.

    on_progress: called with the number of samples done. Raises FeatureCacheError for a cache of another plan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / PLAN_FILE).exists():
        _check_plan(folder, plan)
    else:
        write_object(folder / PLAN_FILE, asdict(plan))
    n_blocks = len(_block_files(folder))
    pairs = islice(source.pairs(Random(plan.seed), 0, 1), n_blocks * plan.block_size, None)
    on_progress(n_blocks * plan.block_size)

    def compute(pair: Pair | SkippedSample) -> "_Computed | SkippedSample":
        return pair if isinstance(pair, SkippedSample) else _compute(pair, plan, towers)

    with reading_pictures(), workers(available_cores()) as pool:
        samples = ordered_map(pool, compute, pairs, ahead=2 * plan.block_size)
        for number, block in enumerate(split_batches(samples, plan.block_size), start=n_blocks):
            _write_block(folder / f"block-{number:06}.safetensors", block)
            on_progress(number * plan.block_size + len(block))
    return FeatureCache(folder, plan)


@dataclass(frozen=True, slots=True)
class _Computed:
    key: str
    views: NDArray[np.float16]
    single: NDArray[np.float32]
    joined: NDArray[np.float32]
    words: NDArray[np.float16]


def _compute(pair: Pair, plan: FeaturePlan, towers: FrozenTowers) -> _Computed | SkippedSample:
    random = Random(f"{plan.seed}|{pair.key}")
    generator = torch.Generator().manual_seed(random.getrandbits(63))
    try:
        _, pool = read_captions(pair, plan.text_mode)
        if not pool:
            raise SampleError("it has no sentences")
        picture = read_picture(pair, min_side=DECODE_FACTOR * towers.side)
    except (SampleError, PictureError, OSError) as error:
        return SkippedSample(pair.key, str(error))
    large = Crop(towers.side, (plan.crop_border, 1.0), blur=0.0, augment=False)
    small = replace(large, area=(MIN_LOCAL_AREA, plan.crop_border))
    crops = [crop(picture, random, generator) for crop in [large] * plan.n_global + [small] * plan.n_local]
    joined = [sample_captions(pool, N_GLOBAL_VIEWS, random)[0] for _ in range(plan.n_joined)]
    texts = [towers.encode_text(text) for text in joined]
    words = np.zeros((plan.n_joined, MAX_WORDS, texts[0].words.shape[1]), dtype=np.float16)
    for row, text in zip(words, texts, strict=True):
        row[: len(text.words)] = text.words
    return _Computed(
        pair.key,
        np.stack([towers.encode_view(view) for view in [picture, *crops]]),
        np.stack([towers.encode_text(text).vector for text in dict.fromkeys(pool)]),
        np.stack([text.vector for text in texts]),
        words,
    )


def _write_block(file: Path, samples: Sequence[_Computed | SkippedSample]) -> None:
    computed = [sample for sample in samples if isinstance(sample, _Computed)]
    tensors: dict[str, NDArray[np.generic]] = {}
    if computed:
        for name in ("views", "joined", "words"):
            tensors[name] = np.stack([getattr(sample, name) for sample in computed])
        tensors["single"] = np.concatenate([sample.single for sample in computed])
    metadata = {
        "keys": json.dumps([sample.key for sample in computed]),
        "n_single": json.dumps([len(sample.single) for sample in computed]),
        "skipped": json.dumps([asdict(sample) for sample in samples if isinstance(sample, SkippedSample)]),
        "crc32": json.dumps({name: zlib.crc32(tensor.tobytes()) for name, tensor in tensors.items()}),
    }
    replace_file(file, lambda stream: stream.write(save(tensors, metadata)))


def _read_block(file: Path) -> tuple[list[SkippedSample], list[SampleFeatures]]:
    try:
        with safe_open(file, "pt") as block:
            metadata = {name: json.loads(text) for name, text in block.metadata().items()}
            tensors = {name: block.get_tensor(name) for name in block.keys()}  # noqa: SIM118  (memory maps)
    except (OSError, SafetensorError, ValueError) as error:
        raise FeatureCacheError(file.parent, f"{file.name} is damaged ({error})") from error
    for name, tensor in tensors.items():
        if zlib.crc32(tensor.numpy().tobytes()) != metadata["crc32"][name]:
            raise FeatureCacheError(file.parent, f"{file.name} is damaged")
    single = tensors["single"].split(metadata["n_single"]) if tensors else ()
    samples = [
        SampleFeatures(key, tensors["views"][i], single[i], tensors["joined"][i], tensors["words"][i])
        for i, key in enumerate(metadata["keys"])
    ]
    return [SkippedSample(**record) for record in metadata["skipped"]], samples


def _check_plan(folder: Path, plan: FeaturePlan) -> None:
    found, wanted = read_object(folder / PLAN_FILE), asdict(plan)
    if differing := [name for name in wanted if found.get(name) != wanted[name]]:
        raise FeatureCacheError(folder, f"it was made with another setting of {', '.join(differing)}")


def _block_files(folder: Path) -> list[Path]:
    """In order, without a gap."""
    files = sorted(folder.glob("block-*.safetensors"))
    for number, file in enumerate(files):
        if file.name != f"block-{number:06}.safetensors":
            raise FeatureCacheError(folder, f"block {number} is missing")
    return files
