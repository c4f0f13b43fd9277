"""Heat maps and cross-attention maps: those of the device against those of the CPU."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.data.package_photos import list_photos
from benchmarks.gpu_parts.networks import save_clip, save_cosmos
from benchmarks.gpu_parts.rows import Setting, report
from benchmarks.vectors import unit_rows
from cosmos_search.encoders.dense_maps import DenseMaps
from cosmos_search.network.attention_maps import attention

TOLERANCE = 5e-3  # of cosines, and of weights scaled to 0..1; CUDA's convolutions round to TF32
TEXT = "a cup of coffee on a wooden table"


def run(setting: Setting) -> None:
    """Report the largest difference of every map."""
    (path,) = (path for path in list_photos() if path.stem == "coffee")
    with Image.open(path) as photo:
        picture = photo.convert("RGB")
    cosmos, clip = setting.scratch / "maps-cosmos", setting.scratch / "maps-clip"
    dim = save_cosmos(cosmos, is_toy=setting.is_dry).embed_dim
    save_clip(clip, is_toy=setting.is_dry)
    query = unit_rows(np.random.default_rng(0).standard_normal(dim))
    folders = {"cosmos": cosmos, "clip": clip}
    for kind, folder in folders.items():
        ours, wanted = (DenseMaps(folder, d).activation(picture, query) for d in (setting.device, "cpu"))
        _compare(f"heat map of a {kind} network, {ours.shape[0]}×{ours.shape[1]}", ours, wanted)
    seen, wanted_seen = (attention(cosmos, picture, TEXT, device) for device in (setting.device, "cpu"))
    _compare("cross-attention, of a text on patches", seen.patches, wanted_seen.patches)
    words, wanted_words = (np.array([weight for _, weight in one.words]) for one in (seen, wanted_seen))
    _compare("cross-attention, of a picture on words", words, wanted_words)


def _compare(what: str, ours: NDArray[np.floating], wanted: NDArray[np.floating]) -> None:
    difference = float(np.abs(ours - wanted).max())
    report(f"{what}, largest difference", f"{difference:.1e}", difference <= TOLERANCE)
