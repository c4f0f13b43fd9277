"""Webdataset shards from an annotated picture list; every pair is checked, and the skipped ones are reported."""

import io
import json
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PIL import Image

from indexer.cores import available_cores
from indexer.errors import CosmosSearchError, PictureError, UsageError
from indexer.files import read_file
from indexer.ingest.threads import ordered_map, workers
from indexer.pictures.images import open_picture, reading_pictures
from indexer.pictures.suffixes import PICTURES
from trainer.config import TextMode
from trainer.data.annotations import read_annotations
from trainer.data.samples import AnnotatedPicture, SkippedSample

__all__ = ["REFUSED", "Prepared", "prepare"]

SHARD_BYTES = 512 << 20
REFUSED = "refused.jsonl"  # list of the skipped pairs, beside the shards
JPEG_QUALITY = 92  # of pictures that are made smaller


@dataclass(slots=True)
class Prepared:
    """Counts of what was written and skipped; they grow while `prepare` runs."""

    n_pairs: int = 0
    n_shards: int = 0
    n_bytes: int = 0
    n_skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  # for skipping, without the details of single pairs
    text_modes: Counter[TextMode] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Sample:
    picture: bytes
    suffix: str
    captions: bytes
    text_mode: TextMode


def prepare(
    source: Path,
    out: Path,
    *,
    split: str | None = None,
    images: Path | None = None,
    shard_bytes: int = SHARD_BYTES,
    max_side: int | None = None,
    on_progress: Callable[[Prepared], None] = lambda prepared: None,
) -> Prepared:
    """Write shards of all pairs of `source` (see `trainer.data.annotations`) into the new folder `out`, in their order.

    split, images: see `trainer.data.caption_sets`.
    max_side: larger pictures are scaled down to this many pixels; all others keep their bytes.
    Skipped pairs are listed in refused.jsonl in `out`. `out` appears when it is complete; an interrupted call leaves
    nothing in it. Raises CosmosSearchError if no pair is usable or captions have several forms, UsageError if `out`
    exists and is not an empty folder.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; choose a new folder for the shards.")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty; choose a new folder for the shards.")
    draft = out.with_name(f".{out.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    pairs = read_annotations(source, split=split, images=images)
    try:
        draft.mkdir(parents=True)
        prepared = _write_shards(pairs, draft, shard_bytes, max_side, on_progress)
        _check_result(prepared, draft)
        if out.exists():
            out.rmdir()
        draft.rename(out)
    except OSError as error:
        raise CosmosSearchError(f"The shards could not be written to {out} ({error}).") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return prepared


def _write_shards(
    pairs: Iterator[AnnotatedPicture | SkippedSample],
    draft: Path,
    shard_bytes: int,
    max_side: int | None,
    on_progress: Callable[[Prepared], None],
) -> Prepared:
    prepared, n_threads = Prepared(), available_cores()
    writer = _ShardWriter(draft, shard_bytes)
    with (
        (draft / REFUSED).open("w", encoding="utf-8") as refused,
        reading_pictures(),
        workers(n_threads) as pool,
        writer,
    ):
        for sample in ordered_map(pool, partial(_make_sample, max_side=max_side), pairs, ahead=4 * n_threads):
            if isinstance(sample, SkippedSample):
                refused.write(json.dumps({"pair": sample.key, "reason": sample.reason}) + "\n")
                prepared.n_skipped += 1
                prepared.reasons[sample.reason.split(":")[0]] += 1
            else:
                writer.add(sample, prepared.n_pairs)
                prepared.n_pairs += 1
                prepared.text_modes[sample.text_mode] += 1
            prepared.n_shards, prepared.n_bytes = writer.n_shards, writer.n_bytes
            on_progress(prepared)
    return prepared


def _check_result(prepared: Prepared, draft: Path) -> None:
    if not prepared.n_pairs:
        first = (draft / REFUSED).read_text(encoding="utf-8").splitlines()[:1]
        why = "; ".join(f"{one['pair']}: {one['reason']}" for one in map(json.loads, first)) or "the list is empty"
        raise CosmosSearchError(f"No pair is usable ({why}).")
    if len(prepared.text_modes) > 1:
        forms = ", ".join(f"{n} {mode}" for mode, n in prepared.text_modes.items())
        raise CosmosSearchError(
            f"The captions have several forms ({forms}), but a run reads one; prepare each by itself."
        )


def _make_sample(pair: AnnotatedPicture | SkippedSample, *, max_side: int | None) -> _Sample | SkippedSample:
    """The sample, after its picture has been decoded to check it."""
    if isinstance(pair, SkippedSample):
        return pair
    if not any(map(_has_text, pair.captions.values())):
        return SkippedSample(pair.source, "it has no caption")
    if pair.picture.suffix.lower() not in PICTURES:
        return SkippedSample(pair.source, "its file name is not that of a picture")
    try:
        content, suffix = _read_picture(pair.picture, max_side)
    except OSError as error:
        return SkippedSample(pair.source, error.strerror or str(error))
    except PictureError as error:
        return SkippedSample(pair.source, str(error))
    captions = json.dumps({**pair.captions, "source": pair.source}, ensure_ascii=False).encode("utf-8")
    return _Sample(content, suffix, captions, pair.text_mode)


def _has_text(captions: object) -> bool:
    """captions: a text, or a list of texts."""
    texts = captions if isinstance(captions, list) else [captions]
    return any(str(text).strip(" .\n") for text in texts)


def _read_picture(path: Path, max_side: int | None) -> tuple[bytes, str]:
    """Content and suffix of the file, scaled down if it is larger than max_side. Raises OSError or PictureError."""
    content = read_file(path)
    picture = open_picture(io.BytesIO(content), min_side=max_side or 1)  # JPEGs are decoded at a reduced size
    if max_side is None or max(picture.width, picture.height) <= max_side:
        return content, path.suffix.lower()
    image = picture.image
    image.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue(), ".jpg"


class _ShardWriter:
    """Writes samples to consecutive tar files, starting a new one when the last has shard_bytes."""

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self.folder, self.shard_bytes = folder, shard_bytes
        self.n_shards = self.n_bytes = 0
        self._tar: tarfile.TarFile | None = None
        self._tar_bytes = 0

    def __enter__(self) -> "_ShardWriter":
        return self

    def __exit__(self, *_: object) -> None:
        if self._tar is not None:
            self._tar.close()

    def add(self, sample: _Sample, number: int) -> None:
        if self._tar is None or self._tar_bytes >= self.shard_bytes:
            if self._tar is not None:
                self._tar.close()
            self._tar = tarfile.open(self.folder / f"{self.n_shards:06}.tar", "w")  # noqa: SIM115 (closed in __exit__)
            self.n_shards, self._tar_bytes = self.n_shards + 1, 0
        for suffix, content in ((sample.suffix, sample.picture), (".json", sample.captions)):
            member = tarfile.TarInfo(f"{number:08}{suffix}")
            member.size = len(content)
            self._tar.addfile(member, io.BytesIO(content))
            self._tar_bytes += len(content)
            self.n_bytes += len(content)
