"""From a list of pictures and captions to webdataset shards: every pair is tried, and what is refused is named."""

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
from trainer.data.annotations import Listed, listed
from trainer.data.samples import SkippedSample

__all__ = ["REFUSED", "Prepared", "prepare"]

SHARD_BYTES = 512 << 20
REFUSED = "refused.jsonl"
QUALITY = 92


@dataclass(slots=True)
class Prepared:
    """What was written; it grows while the work goes on."""

    n_pairs: int = 0
    n_shards: int = 0
    n_bytes: int = 0
    n_refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  # of refusal, without what differs from pair to pair
    text_modes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Sample:
    picture: bytes
    suffix: str
    captions: bytes
    text_mode: str


def prepare(
    source: Path,
    out: Path,
    *,
    shard_bytes: int = SHARD_BYTES,
    max_side: int | None = None,
    on_progress: Callable[[Prepared], None] = lambda prepared: None,
) -> Prepared:
    """Write shards of all pairs of `source` (see `data.annotations`) into the new folder `out`, in the list's order.

    Pictures keep their bytes; max_side: larger ones are made smaller, in pixels. What is refused stands in
    refused.jsonl there. The folder appears when all is done; after a kill the same command begins anew.
    Raises CosmosSearchError if nothing is left, or captions come in several forms; UsageError if the folder is taken.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; choose a new folder for the shards.")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty; choose a new folder for the shards.")
    draft = out.with_name(f".{out.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    pairs = listed(source)
    try:
        draft.mkdir(parents=True)
        prepared = _written(pairs, draft, shard_bytes, max_side, on_progress)
        _check(prepared, draft)
        if out.exists():
            out.rmdir()
        draft.rename(out)
    except OSError as error:
        raise CosmosSearchError(f"The shards could not be written to {out} ({error}).") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return prepared


def _written(
    pairs: Iterator[Listed | SkippedSample],
    draft: Path,
    shard_bytes: int,
    max_side: int | None,
    on_progress: Callable[[Prepared], None],
) -> Prepared:
    prepared, n_threads = Prepared(), available_cores()
    writer = _Shards(draft, shard_bytes)
    with (
        (draft / REFUSED).open("w", encoding="utf-8") as refused,
        reading_pictures(),
        workers(n_threads) as pool,
        writer,
    ):
        for sample in ordered_map(pool, partial(_tried, max_side=max_side), pairs, ahead=4 * n_threads):
            if isinstance(sample, SkippedSample):
                refused.write(json.dumps({"pair": sample.key, "reason": sample.reason}) + "\n")
                prepared.n_refused += 1
                prepared.reasons[sample.reason.split(":")[0]] += 1
            else:
                writer.add(sample, prepared.n_pairs)
                prepared.n_pairs += 1
                prepared.text_modes[sample.text_mode] += 1
            prepared.n_shards, prepared.n_bytes = writer.n_shards, writer.n_bytes
            on_progress(prepared)
    return prepared


def _check(prepared: Prepared, draft: Path) -> None:
    if not prepared.n_pairs:
        first = (draft / REFUSED).read_text(encoding="utf-8").splitlines()[:1]
        why = "; ".join(f"{one['pair']}: {one['reason']}" for one in map(json.loads, first)) or "the list is empty"
        raise CosmosSearchError(f"No pair was of any use ({why}).")
    if len(prepared.text_modes) > 1:
        forms = ", ".join(f"{n} {mode}" for mode, n in prepared.text_modes.items())
        raise CosmosSearchError(
            f"The captions come in several forms ({forms}), and a run reads one; prepare each apart."
        )


def _tried(pair: Listed | SkippedSample, *, max_side: int | None) -> _Sample | SkippedSample:
    """The sample, its picture decoded for proof."""
    if isinstance(pair, SkippedSample):
        return pair
    if not any(map(_says_something, pair.captions.values())):
        return SkippedSample(pair.source, "it has no caption")
    if pair.picture.suffix.lower() not in PICTURES:
        return SkippedSample(pair.source, "not a picture, by its name")
    try:
        content, suffix = _picture(pair.picture, max_side)
    except (OSError, PictureError) as error:
        return SkippedSample(pair.source, error.strerror or str(error) if isinstance(error, OSError) else str(error))
    captions = json.dumps({**pair.captions, "source": pair.source}, ensure_ascii=False).encode("utf-8")
    return _Sample(content, suffix, captions, pair.text_mode)


def _says_something(captions: object) -> bool:
    """A text, or a list of texts."""
    texts = captions if isinstance(captions, list) else [captions]
    return any(str(text).strip(" .\n") for text in texts)


def _picture(path: Path, max_side: int | None) -> tuple[bytes, str]:
    content = read_file(path)
    picture = open_picture(io.BytesIO(content), min_side=max_side or 1)  # of a JPEG no more than is needed
    if max_side is None or max(picture.width, picture.height) <= max_side:
        return content, path.suffix.lower()
    image = picture.image
    image.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue(), ".jpg"


class _Shards:
    """Tar files of about so many bytes, one after the other."""

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self.folder, self.shard_bytes = folder, shard_bytes
        self.n_shards = self.n_bytes = 0
        self._tar: tarfile.TarFile | None = None
        self._used = 0

    def __enter__(self) -> "_Shards":
        return self

    def __exit__(self, *_: object) -> None:
        if self._tar is not None:
            self._tar.close()

    def add(self, sample: _Sample, number: int) -> None:
        if self._tar is None or self._used >= self.shard_bytes:
            if self._tar is not None:
                self._tar.close()
            self._tar = tarfile.open(self.folder / f"{self.n_shards:06}.tar", "w")  # noqa: SIM115 (closed on leaving)
            self.n_shards, self._used = self.n_shards + 1, 0
        for suffix, content in ((sample.suffix, sample.picture), (".json", sample.captions)):
            member = tarfile.TarInfo(f"{number:08}{suffix}")
            member.size = len(content)
            self._tar.addfile(member, io.BytesIO(content))
            self._used += len(content)
            self.n_bytes += len(content)
