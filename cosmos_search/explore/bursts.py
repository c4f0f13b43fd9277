"""Photos of one scene that a camera took within seconds."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from indexer.store.records import PictureRecord

__all__ = ["BURST_SECONDS", "find_bursts"]

BURST_SECONDS = 3  # between one photo and the next
MIN_COSINE = 0.6  # of layouts: 0.8 % of the pairs of photos of Flickr8k have it


def find_bursts(pictures: Sequence[PictureRecord], layouts: NDArray[np.float32]) -> list[list[int]]:
    """Two or more photos by the same camera, each taken at most BURST_SECONDS after the one before, in order of time.

    The layout of each is similar to that of the first. layouts: (n, dim), unit rows. Returns rows of `pictures`.
    """
    dated = [row for row, one in enumerate(pictures) if one.facts.metadata.camera and one.facts.metadata.taken_at]
    dated.sort(key=lambda row: (_get_camera(pictures[row]), _get_seconds(pictures[row]), pictures[row].paths))
    bursts: list[list[int]] = []
    for _, rows in groupby(dated, key=lambda row: _get_camera(pictures[row])):
        burst: list[int] = []
        for row in rows:
            is_next = burst and _get_seconds(pictures[row]) - _get_seconds(pictures[burst[-1]]) <= BURST_SECONDS
            if not is_next or float(layouts[burst[0]] @ layouts[row]) < MIN_COSINE:
                burst = []
                bursts.append(burst)
            burst.append(row)
    return [burst for burst in bursts if len(burst) > 1]


def _get_camera(picture: PictureRecord) -> str:
    return picture.facts.metadata.camera or ""


def _get_seconds(picture: PictureRecord) -> float:
    """Seconds since an arbitrary time; clocks of cameras have no time zone."""
    taken = picture.facts.metadata.taken_at
    assert taken is not None, picture
    return (taken.replace(tzinfo=None) - datetime.min).total_seconds()
