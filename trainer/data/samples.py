"""Picture-caption pairs of a folder or of webdataset shards, in a random order that depends on the seed alone."""

import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from random import Random
from typing import Any, Protocol

from indexer.errors import CosmosSearchError
from indexer.files import open_file, read_file
from indexer.pictures.suffixes import PICTURES
from trainer.config import TextMode

__all__ = [
    "AnnotatedPicture",
    "Folder",
    "Pair",
    "Shards",
    "SkippedSample",
    "Source",
    "escape_key",
    "has_pairs",
    "is_shard",
    "open_source",
    "read_content",
    "shuffle",
]

CAPTIONS = frozenset((".txt", ".json"))


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its captions, each as a file or as its content. kind: ".txt" or ".json"."""

    key: str
    picture: Path | bytes
    captions: Path | bytes
    kind: str


@dataclass(frozen=True, slots=True)
class SkippedSample:
    """A sample that cannot be used, and the reason."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class AnnotatedPicture:
    """A picture's file and its captions, in the form of `text_mode`; source names the annotation in messages."""

    source: str
    picture: Path
    captions: Mapping[str, Any]
    text_mode: TextMode


class Source(Protocol):
    """A data set of pairs. stream, n_streams: each worker of each process reads one stream of the pairs."""

    def pairs(self, random: Random, stream: int, n_streams: int) -> Iterator[Pair | SkippedSample]:
        """Each pair of this stream once. `random` must be in the same state for all streams."""
        ...

    def count(self) -> int:
        """The number of pairs, determined from the names of the files."""
        ...

    def inventory(self) -> dict[str, int]:
        """Sizes that change with the order of the pairs: bytes of each shard, or the number of pairs."""
        ...


def open_source(path: Path) -> Source:
    """The data set in a folder: shards if it holds .tar files, otherwise pictures with caption files beside them.

    path: the folder, or a single .tar shard.
    Raises CosmosSearchError if there is neither.
    """
    if is_shard(path):
        return Shards((path,))
    if not path.is_dir():
        raise CosmosSearchError(
            f"{path} is neither a .tar shard nor a folder. A folder should hold .tar shards, or pictures with caption "
            "files beside them."
            if path.exists()
            else f"There is no folder or .tar shard {path}."
        )
    if tars := sorted(path.glob("*.tar")):
        if odd := [tar for tar in tars if not tar.is_file()]:
            raise CosmosSearchError(f"{odd[0]} is not a valid shard: it is not a regular file.")
        return Shards(tuple(tars))
    if pairs := tuple(_find_pairs(path)):
        return Folder(pairs)
    raise CosmosSearchError(f"{path} holds neither .tar shards nor pictures with a .txt or .json of the same name.")


def has_pairs(folder: Path) -> bool:
    """Whether a picture in the folder has a caption file beside it."""
    return any(True for _ in _find_pairs(folder))


def is_shard(path: Path) -> bool:
    """Whether the path is a file with the name of a shard."""
    return path.suffix.lower() == ".tar" and path.is_file()


@dataclass(frozen=True, slots=True)
class Folder:
    """Pictures with a .txt or .json of the same name beside them."""

    all_pairs: tuple[Pair, ...]

    def pairs(self, random: Random, stream: int, n_streams: int) -> Iterator[Pair | SkippedSample]:
        """Every n_streams-th pair of a random order."""
        order = list(self.all_pairs)
        random.shuffle(order)
        yield from order[stream::n_streams]

    def count(self) -> int:
        """The number of pairs."""
        return len(self.all_pairs)

    def inventory(self) -> dict[str, int]:
        """The number of pairs, and a digest of their keys."""
        keys = "\n".join(pair.key for pair in self.all_pairs).encode()
        return {"pairs": len(self.all_pairs), "keys": int.from_bytes(blake2b(keys, digest_size=6).digest(), "big")}


@dataclass(frozen=True, slots=True)
class Shards:
    """Webdataset shards: tar files in which the files of one sample share a name and follow each other."""

    tars: tuple[Path, ...]

    def pairs(self, random: Random, stream: int, n_streams: int) -> Iterator[Pair | SkippedSample]:
        """Shards in a random order, the samples of each in the order of the file.

        Each stream reads shards of its own; with fewer shards than streams, all read every shard and divide its pairs.
        """
        order = list(self.tars)
        random.shuffle(order)
        if len(order) >= n_streams:
            for tar in order[stream::n_streams]:
                yield from _read_shard(tar)
            return
        for tar in order:
            for i, pair in enumerate(_read_shard(tar)):
                if i % n_streams == stream:
                    yield pair

    def count(self) -> int:
        """The number of pairs; reads all shards once."""
        return sum(isinstance(pair, Pair) for tar in self.tars for pair in _read_shard(tar))

    def inventory(self) -> dict[str, int]:
        """The size of each shard in bytes."""
        return {tar.name: tar.stat().st_size for tar in self.tars}


def shuffle(pairs: Iterator[Pair | SkippedSample], size: int, random: Random) -> Iterator[Pair | SkippedSample]:
    """The pairs in the random order that a shuffle buffer of `size` pairs gives."""
    buffer: list[Pair | SkippedSample] = []

    def pop() -> Pair | SkippedSample:
        i = random.randrange(len(buffer))
        buffer[i], buffer[-1] = buffer[-1], buffer[i]
        return buffer.pop()

    for pair in pairs:
        buffer.append(pair)
        if len(buffer) > size:
            yield pop()
    while buffer:
        yield pop()


def escape_key(name: str) -> str:
    """A file name as valid Unicode: bytes that could not be decoded are written as \\xE9."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_content(file: Path | bytes) -> bytes:
    """The content of a file of a pair. Raises OSError."""
    return file if isinstance(file, bytes) else read_file(file)


def _find_pairs(folder: Path) -> Iterator[Pair]:
    for picture in sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES):
        for kind in sorted(CAPTIONS):
            if (captions := picture.with_suffix(kind)).exists():
                yield Pair(escape_key(picture.relative_to(folder).as_posix()), picture, captions, kind)
                break


def _read_shard(tar: Path) -> Iterator[Pair | SkippedSample]:
    """A truncated or damaged shard gives the samples before the damage, then one SkippedSample with its name."""
    key, parts = "", dict[str, bytes]()  # of the sample being read; parts by suffix
    try:
        with open_file(tar) as file, tarfile.open(fileobj=file, mode="r|") as shard:
            for member in shard:
                if not member.isfile():
                    continue
                path = PurePosixPath(member.name)
                base, _, kind = path.name.partition(".")
                name = (path.parent / base).as_posix()
                if name != key:
                    yield from _make_pair(tar, key, parts)
                    key, parts = name, {}
                content = shard.extractfile(member)
                assert content is not None, member.name
                parts["." + kind.lower()] = content.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        if parts.keys() & PICTURES and parts.keys() & CAPTIONS:
            yield from _make_pair(tar, key, parts)
        yield SkippedSample(tar.name, f"the shard is damaged: {error}")
        return
    yield from _make_pair(tar, key, parts)


def _make_pair(tar: Path, key: str, parts: dict[str, bytes]) -> Iterator[Pair | SkippedSample]:
    """One pair; nothing if there are no files."""
    if not parts:
        return
    name = escape_key(f"{tar.name}/{key}")
    pictures, captions = sorted(parts.keys() & PICTURES), sorted(parts.keys() & CAPTIONS)
    if pictures and captions:
        yield Pair(name, parts[pictures[0]], parts[captions[0]], captions[0])
    else:
        yield SkippedSample(name, "it has no captions" if pictures else "it has no picture")
