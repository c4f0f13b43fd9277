"""Convert a model directory of SigLIP 2 with variable resolution (NaFlex) to one of SigLIP with a fixed square.

For a square picture that fills all positions the two networks are the same: only the patch embedding is stored as a
linear layer of patches instead of a convolution.
"""

from math import isqrt
from pathlib import Path

from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cosmos_search.json_files import read_object, write_object
from cosmos_search.model_config import check_numbers, refuse
from cosmos_search.network.model_files import find_files
from cosmos_search.processing.image import Preprocess
from indexer.errors import CosmosSearchError

__all__ = ["NAFLEX", "convert_naflex"]

NAFLEX = "siglip2"  # the model_type; that of SigLIP 2 with fixed resolution is siglip
PATCHES = "vision_model.embeddings.patch_embedding.weight"
DEFAULTS = {"num_patches": 256, "patch_size": 16}
LIMITS = {"num_patches": (1, 10_000), "patch_size": (1, 256)}
HALF = (0.5, 0.5, 0.5)
WEIGHTS = "model.safetensors"


def convert_naflex(source: Path, draft: Path) -> None:
    """Write config, preprocessing and weights to `draft`. Raises CosmosSearchError for what is not such a model."""
    path = source / "config.json"
    content = read_object(path)
    vision = content.get("vision_config") or {}
    if not isinstance(vision, dict):
        refuse(path, "its vision_config is not an object")
    sizes = {name: vision.get(name, default) for name, default in DEFAULTS.items()}
    check_numbers(sizes, LIMITS, path)
    rows = isqrt(sizes["num_patches"])
    if rows * rows != sizes["num_patches"]:
        refuse(path, f"its {sizes['num_patches']} positions are not a square")
    side = rows * sizes["patch_size"]
    fixed = vision | {"image_size": side, "patch_size": sizes["patch_size"]}
    write_object(draft / "config.json", {**content, "model_type": "siglip", "vision_config": fixed})
    Preprocess(side, HALF, HALF, False, Image.Resampling.BILINEAR).save(draft / "preprocessor_config.json")
    file = find_files(source, (WEIGHTS,)).get(WEIGHTS)
    if file is None:
        raise CosmosSearchError(f"{source} is not a complete model: {WEIGHTS} is missing.")
    save_file(_convert_weights(file, sizes["patch_size"]), draft / WEIGHTS, metadata={"format": "pt"})


def _convert_weights(file: Path, patch: int) -> dict[str, Tensor]:
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError, ValueError) as error:
        raise CosmosSearchError(f"{file} is damaged, or not a safetensors file ({str(error)[:200]}).") from error
    linear = tensors.get(PATCHES)
    if linear is None or linear.ndim != 2 or linear.shape[1] != 3 * patch * patch:
        raise CosmosSearchError(f"{file} has no patch embedding of {patch} × {patch} pixels.")
    # a patch is a row of pixels, each with its three channels
    tensors[PATCHES] = linear.reshape(-1, patch, patch, 3).permute(0, 3, 1, 2).contiguous()
    return tensors
