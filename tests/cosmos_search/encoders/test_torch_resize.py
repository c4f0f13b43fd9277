"""Resizing of regions with torch, which a GPU does, against Pillow."""

import numpy as np
import pytest
from PIL import Image

from cosmos_search.processing.image import resize_boxes
from indexer.pictures.regions import pyramid

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("size", [(640, 480), (448, 900), (97, 60), (40, 40)])
@pytest.mark.parametrize("resample", [Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS])
def test_regions_are_those_of_pillow(size, resample):
    from cosmos_search.encoders.torch_resize import resize_regions

    width, height = size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)  # many values are clipped
    picture = Image.fromarray(noise)
    boxes = [box.pixels(*size) for box in pyramid("fast", *size)] + [(0, 0, width, height), (3, 5, 4, 6)]
    found = resize_regions(picture, boxes, 96, resample, torch.device("cpu"))
    wanted = np.stack(resize_boxes(picture, boxes, 96, resample))
    difference = np.abs(found.astype(int) - wanted)
    if width >= height:
        assert difference.max() <= 1
        assert difference.mean() < 0.01
    else:  # Pillow begins with the columns
        assert difference.max() <= 6
        assert difference.mean() < 0.2
