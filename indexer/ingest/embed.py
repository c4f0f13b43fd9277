"""Encode the new pictures of a batch of files."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import ImageEncoder, Prepared
from indexer.ingest.read import Copy, Decoded, Failed, ReadFile
from indexer.ingest.scan import Change
from indexer.pictures.regions import pyramid
from indexer.store.records import EncoderRecord, PictureFacts

__all__ = ["Embedded", "ReadyFile", "embed"]


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file with new content and its vectors."""

    change: Change
    fingerprint: bytes
    facts: PictureFacts
    vectors: NDArray[np.float16]  # (1 + regions, dim)


ReadyFile: TypeAlias = Embedded | Copy | Failed  # ready to be written


def embed(
    encoder: ImageEncoder[Prepared], target: EncoderRecord, batch: Iterable[ReadFile[Prepared]]
) -> list[ReadyFile]:
    """The files of a batch in order, the decoded ones with the vectors that belong to `target`."""
    files = list(batch)
    prepared = [file.prepared for file in files if isinstance(file, Decoded)]
    vectors = iter(encoder.encode_images(prepared) if prepared else [])
    ready: list[ReadyFile] = []
    for file in files:
        if isinstance(file, Decoded):
            rows = next(vectors)
            n_regions = len(pyramid(target.regions, file.facts.width, file.facts.height))
            assert rows.shape == (1 + n_regions, target.dim), (rows.shape, n_regions, target)
            ready.append(Embedded(file.change, file.fingerprint, file.facts, rows.astype("<f2")))
        else:
            ready.append(file)
    return ready
