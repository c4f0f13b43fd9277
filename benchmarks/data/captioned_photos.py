"""Photos with captions by people, from any data set that the trainer reads; none is part of this project."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.data.named_things import normalize
from trainer.data.captions import read_captions
from trainer.data.samples import SkippedSample, open_source, read_content

__all__ = ["CaptionedPhoto", "write_photos"]


@dataclass(frozen=True, slots=True)
class CaptionedPhoto:
    """A photo in a folder, and its captions, each one sentence."""

    path: Path
    captions: tuple[str, ...]

    @property
    def plain_captions(self) -> list[str]:
        """The captions as the patterns of named things expect them."""
        return [normalize(caption) for caption in self.captions]


def write_photos(
    source: Path, folder: Path, n_folders: int, limit: int | None = None, seed: int = 0
) -> list[CaptionedPhoto]:
    """Write the photos of a data set, in an order that the seed determines, into folders of equal size.

    source: what `open_source` reads. n_folders: folders inside `folder`, named "0" and so on. limit: of the photos.
    Samples without a caption are left out. Raises CosmosSearchError if there is no such data set.
    """
    pairs = [pair for pair in open_source(source).pairs(Random(seed), 0, 1) if not isinstance(pair, SkippedSample)]
    captioned = [(pair, captions) for pair in pairs if (captions := read_captions(pair, "sentences")[1])]
    Random(seed).shuffle(captioned)
    photos = []
    for number, (pair, captions) in enumerate(captioned[:limit]):
        suffix = pair.picture.suffix if isinstance(pair.picture, Path) else ".jpg"
        path = folder / str(number % n_folders) / f"{number:06}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read_content(pair.picture))
        photos.append(CaptionedPhoto(path, tuple(captions)))
    return photos
