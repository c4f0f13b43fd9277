"""Evaluate an encoder on a test set on disk, and record all that is needed to get the same figures again."""

import hashlib
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.evaluation.datasets.open import draw_sample, open_dataset
from cosmos_search.evaluation.datasets.origins import Name
from cosmos_search.evaluation.datasets.records import CaptionedFiles, LabelledFiles
from cosmos_search.evaluation.measure import Figures, StartPhase, measure
from indexer.cores import available_cores
from indexer.errors import UsageError
from indexer.files import open_file
from indexer.pictures.regions import Regions

__all__ = ["Evaluation", "evaluate_dataset"]

# They decode, resize, tokenize, run the network or multiply. torch counts only where the encoder imported it.
PACKAGES = ("cosmos-search", "numpy", "onnxruntime", "pillow", "tokenizers", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of an encoder on a test set, with their origin. `to_dict` has all of it."""

    dataset: Mapping[str, Any]
    encoder: Mapping[str, Any]
    options: Mapping[str, Any]
    figures: Figures
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "dataset": {**self.dataset, **self.figures.counts},
            "encoder": dict(self.encoder),
            "options": dict(self.options),
            "figures": {name: dict(side) for name, side in self.figures.sides.items()},
            "versions": dict(self.versions),
            "machine": dict(self.machine),
            "seconds": round(self.seconds, 1),
        }


def evaluate_dataset(
    name: Name,
    source: Path,
    encoder: Encoder,
    *,
    images: Path | None = None,
    split: str | None = None,
    regions: Regions | None = None,
    limit: int | None = None,
    seed: int = 0,
    start_phase: StartPhase = lambda phase, total: lambda n_done: None,
) -> Evaluation:
    """Open the test set of that name and measure the encoder on it.

    source, images, split: see `open_dataset`. regions: by default the encoder's own.
    limit: of the pictures, pairs or examples, drawn at random with `seed`; None: all of them, as papers do.
    start_phase: called for each part of the work with its name and size; returns what its progress is reported to.
    Raises CosmosSearchError for annotations and pictures that can't be read, UsageError for a wrong argument.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"A sample has one item or more, not {limit}.")
    began = time.monotonic()
    data = open_dataset(name, source, images=images, split=split)
    n_items = len(data.items)
    if isinstance(data, LabelledFiles):
        digest = _digest_names(source, [item.path for item in data.items])
    else:
        digest = _digest_files(source, data.sources)
    if limit is not None:
        data = draw_sample(data, limit, seed)
    regions = regions or encoder.default_regions
    figures = measure(encoder, data, regions, start_phase)
    return Evaluation(
        {
            "name": name,
            "source": str(source),
            "split": data.split if isinstance(data, CaptionedFiles) else None,
            "annotation_files": len(data.sources),
            "sha256": digest,
            "items": n_items,
        },
        _describe_encoder(encoder, regions),
        {"images": None if images is None else str(images), "limit": limit, "seed": None if limit is None else seed},
        figures,
        _list_versions(),
        {"platform": platform.platform(), "processor": platform.machine(), "cores": available_cores()},
        time.monotonic() - began,
    )


def _describe_encoder(encoder: Encoder, regions: Regions) -> dict[str, Any]:
    """version: a digest of the weights and, for the built-in encoder, of its configuration."""
    calibration = encoder.calibration
    return {
        "name": encoder.name,
        "version": encoder.version,
        "dim": encoder.dim,
        "device": encoder.device,  # with the precision of the image tower
        "regions": regions,
        "calibration": calibration
        and {
            "slope": calibration.slope,
            "middle": calibration.middle,
            "cut_off": calibration.cut_off,
            "has_background": calibration.background is not None,
        },
    }


def _digest_files(source: Path, files: Sequence[Path]) -> str:
    """The SHA-256 of a file; of several, that of the lines that sha256sum prints for them, with relative paths."""
    digests = []
    for path in files:
        with open_file(path) as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    if files == (source,):
        return digests[0]
    folder = source if source.is_dir() else source.parent
    named = sorted(zip((os.path.relpath(path, folder) for path in files), digests, strict=True))
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in named).encode()).hexdigest()


def _digest_names(source: Path, files: Sequence[Path]) -> str:
    """The SHA-256 of the relative paths of the pictures, one a line: their folders are the annotations."""
    names = sorted(os.path.relpath(path, source) for path in files)
    return hashlib.sha256("".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")).hexdigest()


def _list_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        if name in ("torch", "transformers") and name not in sys.modules:
            continue
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
