"""Pictures with their captions, from a folder or from webdataset shards, in a random order that a seed gives."""

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from random import Random
from typing import Protocol

from indexer.errors import CosmosSearchError
from indexer.files import open_file
from indexer.pictures.suffixes import PICTURES

__all__ = ["Folder", "Pair", "Shards", "SkippedSample", "Source", "open_source", "readable_key", "shuffled"]

CAPTIONS = frozenset((".txt", ".json"))


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its captions, files or their content. kind: ".txt" or ".json"."""

    key: str
    picture: Path | bytes
    captions: Path | bytes
    kind: str


@dataclass(frozen=True, slots=True)
class SkippedSample:
    """What could not be used, and why."""

    key: str
    reason: str


class Source(Protocol):
    """Where pairs come from. stream, n_streams: the part of them that one worker of one process reads."""

    def pairs(self, random: Random, stream: int, n_streams: int) -> Iterator[Pair | SkippedSample]:
        """Each pair of this stream once; `random` is in the same state for all streams."""
        ...

    def count(self) -> int:
        """How many pairs there are, by their names."""
        ...

    def inventory(self) -> dict[str, int]:
        """What the order of the pairs follows from: shards and their sizes in bytes, or the number of pairs."""
        ...


def open_source(path: Path) -> Source:
    """The data set in a folder: shards, if it holds .tar files, else pictures with captions beside them.

    Raises CosmosSearchError if there is neither.
    """
    if not path.is_dir():
        raise CosmosSearchError(f"There is no folder {path}. It should hold .tar shards, or pictures beside captions.")
    if tars := sorted(path.glob("*.tar")):
        if odd := [tar for tar in tars if not tar.is_file()]:
            raise CosmosSearchError(f"{odd[0]} is no shard: it is not a regular file.")
        return Shards(tuple(tars))
    if pairs := tuple(_pairs_in(path)):
        return Folder(pairs)
    raise CosmosSearchError(f"{path} holds neither .tar shards nor pictures with a .txt or .json of the same name.")


@dataclass(frozen=True, slots=True)
class Folder:
    """Pictures with a .txt or .json of the same name beside them."""

    all_pairs: tuple[Pair, ...]

    def pairs(self, random: Random, stream: int, n_streams: int) -> Iterator[Pair | SkippedSample]:
        """All of them in a new order; every n-th is this stream's."""
        order = list(self.all_pairs)
        random.shuffle(order)
        yield from order[stream::n_streams]

    def count(self) -> int:
        """How many pairs there are."""
        return len(self.all_pairs)

    def inventory(self) -> dict[str, int]:
        """The number of pairs, and a digest of their keys."""
        keys = "\n".join(pair.key for pair in self.all_pairs).encode()
        return {"pairs": len(self.all_pairs), "keys": int.from_bytes(blake2b(keys, digest_size=6).digest(), "big")}


@dataclass(frozen=True, slots=True)
class Shards:
    """Webdataset shards: tar files in which files of one sample share a name and follow each other."""

    tars: tuple[Path, ...]

    def pairs(self, random: Random, stream: int, n_streams: int) -> Iterator[Pair | SkippedSample]:
        """Shards in a new order, each with its samples as they lie. Streams share shards where these are too few."""
        order = list(self.tars)
        random.shuffle(order)
        if len(order) >= n_streams:
            for tar in order[stream::n_streams]:
                yield from _pairs_of(tar)
            return
        for tar in order:
            for i, pair in enumerate(_pairs_of(tar)):
                if i % n_streams == stream:
                    yield pair

    def count(self) -> int:
        """How many pairs there are: reads every shard's names once."""
        return sum(isinstance(pair, Pair) for tar in self.tars for pair in _pairs_of(tar))

    def inventory(self) -> dict[str, int]:
        """Every shard's size."""
        return {tar.name: tar.stat().st_size for tar in self.tars}


def shuffled(pairs: Iterator[Pair | SkippedSample], size: int, random: Random) -> Iterator[Pair | SkippedSample]:
    """In an order as random as a buffer of `size` can make it."""
    buffer: list[Pair | SkippedSample] = []
    for pair in pairs:
        buffer.append(pair)
        if len(buffer) > size:
            yield _popped(buffer, random)
    while buffer:
        yield _popped(buffer, random)


def readable_key(name: str) -> str:
    """A name as valid text: bytes of it that are in no encoding stand as \\xE9."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _popped(buffer: list[Pair | SkippedSample], random: Random) -> Pair | SkippedSample:
    i = random.randrange(len(buffer))
    buffer[i], buffer[-1] = buffer[-1], buffer[i]
    return buffer.pop()


def _pairs_in(folder: Path) -> Iterator[Pair]:
    for picture in sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES):
        for kind in sorted(CAPTIONS):
            if (captions := picture.with_suffix(kind)).exists():
                yield Pair(readable_key(picture.relative_to(folder).as_posix()), picture, captions, kind)
                break


def _pairs_of(tar: Path) -> Iterator[Pair | SkippedSample]:
    """A truncated or damaged shard gives what comes before the damage, and then its name and the reason."""
    key, parts = "", dict[str, bytes]()
    try:
        with open_file(tar) as file, tarfile.open(fileobj=file, mode="r|") as shard:
            for member in shard:
                if not member.isfile():
                    continue
                path = PurePosixPath(member.name)
                base, _, kind = path.name.partition(".")
                name = (path.parent / base).as_posix()
                if name != key:
                    yield from _joined(tar, key, parts)
                    key, parts = name, {}
                content = shard.extractfile(member)
                assert content is not None, member.name
                parts["." + kind.lower()] = content.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        if parts.keys() & PICTURES and parts.keys() & CAPTIONS:
            yield from _joined(tar, key, parts)
        yield SkippedSample(tar.name, f"the shard is damaged: {error}")
        return
    yield from _joined(tar, key, parts)


def _joined(tar: Path, key: str, parts: dict[str, bytes]) -> Iterator[Pair | SkippedSample]:
    if not parts:
        return
    name = readable_key(f"{tar.name}/{key}")
    pictures, captions = sorted(parts.keys() & PICTURES), sorted(parts.keys() & CAPTIONS)
    if pictures and captions:
        yield Pair(name, parts[pictures[0]], parts[captions[0]], captions[0])
    else:
        yield SkippedSample(name, "it has no captions" if pictures else "it has no picture")
