"""Photos of one scene that a camera took within seconds."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from indexer.store.records import PictureRecord

__all__ = ["BURST_SECONDS", "find_bursts", "is_in_sequence"]

BURST_SECONDS = 3  # between one photo and the next
MIN_COSINE = 0.6  # of layouts: 0.8 % of the pairs of photos of Flickr8k have it


def find_bursts(
    pictures: Sequence[PictureRecord], layouts: Mapping[int, NDArray[np.float32]]
) -> list[list[PictureRecord]]:
    """Two or more photos by the same camera, each taken at most BURST_SECONDS after the one before, in order of time.

    The layout of each is similar to that of the first. layouts: unit vectors by the picture's id.
    """
    dated = [picture for picture in pictures if picture.facts.metadata.camera and picture.facts.metadata.taken_at]
    dated.sort(key=lambda picture: (picture.facts.metadata.camera, picture.facts.metadata.taken_at, picture.paths))
    bursts: list[list[PictureRecord]] = []
    for _, photos in groupby(dated, key=lambda picture: picture.facts.metadata.camera):
        burst: list[PictureRecord] = []
        for photo in photos:
            is_next = burst and _seconds_between(burst[-1], photo) <= BURST_SECONDS
            if not is_next or float(layouts[burst[0].id] @ layouts[photo.id]) < MIN_COSINE:
                burst = []
                bursts.append(burst)
            burst.append(photo)
    return [burst for burst in bursts if len(burst) > 1]


def is_in_sequence(first: PictureRecord, second: PictureRecord) -> bool:
    """True for two photos by the same camera, taken one second or more and at most BURST_SECONDS apart.

    They are two shots, however similar their pixels are.
    """
    a, b = first.facts.metadata, second.facts.metadata
    if not a.camera or a.camera != b.camera or a.taken_at is None or b.taken_at is None:
        return False
    return 1 <= _seconds_between(first, second) <= BURST_SECONDS


def _seconds_between(first: PictureRecord, second: PictureRecord) -> float:
    a, b = first.facts.metadata.taken_at, second.facts.metadata.taken_at
    assert a is not None, first
    assert b is not None, second
    return abs((b.replace(tzinfo=None) - a.replace(tzinfo=None)).total_seconds())
