"""Convert a model directory of OpenCLIP, as it lies on the hub, to that of a CLIPModel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cosmos_search.json_files import read_object, write_object
from cosmos_search.model_config import CLIP_VOCAB_SIZE, check_numbers, refuse
from cosmos_search.network.model_files import find_files, read_part
from cosmos_search.network.tensor_names import CLIP_NAMES, rename_tensors
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import save_clip_tokenizer
from indexer.errors import CosmosSearchError

__all__ = ["OPEN_CLIP_CONFIG", "OPEN_CLIP_WEIGHTS", "convert_open_clip"]

OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
SIZE = (1, 2_000_000)
# The supported keys of each part; others may only be switched off. Bounds are checked when the result is read.
MODEL = ("embed_dim", "quick_gelu", "custom_text", "vision_cfg", "text_cfg")
VISION: dict[str, Any] = {
    "image_size": 224, "patch_size": 16, "width": 768, "layers": 12, "head_width": 64, "mlp_ratio": 4.0,
    "patch_dropout": 0.0, "output_tokens": False, "pool_type": "tok", "pos_embed_type": "learnable",
    "attn_pooler_queries": 256, "attn_pooler_heads": 8, "timm_pool": "avg", "timm_proj": "linear",
}  # fmt: skip
TEXT: dict[str, Any] = {
    "context_length": 77, "vocab_size": CLIP_VOCAB_SIZE, "width": 512, "heads": 8, "layers": 12, "mlp_ratio": 4.0,
    "hf_tokenizer_name": None, "output_tokens": False, "pool_type": "argmax", "proj_type": "linear", "pad_id": 0,
    "eos_id": 2, "hf_model_pretrained": True, "hf_proj_type": "mlp", "hf_pooler_type": "mean_pooler",
}  # fmt: skip
FOREIGN = {"timm_model_name": "image", "hf_model_name": "text"}  # a tower of another library, by the key that names it
FIXED = ("pool_type", "pos_embed_type", "proj_type")  # of which only the default is supported
RESAMPLE = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def convert_open_clip(source: Path, draft: Path) -> None:
    """Write the model in `source` to `draft`, in the layout of transformers.

    Supported are CLIP's own networks with a vision transformer. Raises CosmosSearchError for others, and for one with
    another tokenizer than CLIP's that lacks it.
    """
    path = source / OPEN_CLIP_CONFIG
    content = read_object(path)
    config, preprocess = _parse(content, path)
    write_object(draft / "config.json", config)
    preprocess.save(draft / "preprocessor_config.json")
    _write_tokenizer(source, draft, config["text_config"]["vocab_size"])
    file = find_files(source, (OPEN_CLIP_WEIGHTS,)).get(OPEN_CLIP_WEIGHTS)
    if file is None:
        raise CosmosSearchError(f"{source} is not a complete model: {OPEN_CLIP_WEIGHTS} is missing.")
    save_file(_rename(file), draft / "model.safetensors", metadata={"format": "pt"})


def _parse(content: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], Preprocess]:
    """The values of a CLIPConfig, and the preprocessing."""
    model = _read_part(content, "model_cfg", path)
    _check_known(model, dict.fromkeys(MODEL), path)
    vision, text = _read_tower(model, "vision_cfg", VISION, path), _read_tower(model, "text_cfg", TEXT, path)
    sizes = {"embed_dim": model.get("embed_dim")} | {
        f"{tower}.{name}": part[name]
        for tower, part, names in (
            ("vision_cfg", vision, ("image_size", "patch_size", "width", "layers", "head_width")),
            ("text_cfg", text, ("context_length", "vocab_size", "width", "heads", "layers")),
        )
        for name in names
    }
    check_numbers(sizes, dict.fromkeys(sizes, SIZE), path)
    shared = {"hidden_act": "quick_gelu" if model.get("quick_gelu") is True else "gelu", "layer_norm_eps": 1e-5}
    config = {
        "model_type": "clip",
        "projection_dim": model["embed_dim"],
        "vision_config": shared
        | _describe_tower(vision, vision["width"] // vision["head_width"], path)
        | {"image_size": vision["image_size"], "patch_size": vision["patch_size"]},
        "text_config": shared
        | _describe_tower(text, text["heads"], path)
        | {"max_position_embeddings": text["context_length"], "vocab_size": text["vocab_size"]}
        | {"bos_token_id": text["vocab_size"] - 2, "eos_token_id": text["vocab_size"] - 1},
    }
    return config, _parse_preprocess(content, vision["image_size"], path)


def _describe_tower(part: Mapping[str, Any], n_heads: int, path: Path) -> dict[str, Any]:
    ratio = part["mlp_ratio"]
    if type(ratio) not in (int, float) or not 0 < ratio <= 64:
        refuse(path, "mlp_ratio must lie between 0 and 64")
    return {
        "hidden_size": part["width"],
        "intermediate_size": int(part["width"] * ratio),
        "num_hidden_layers": part["layers"],
        "num_attention_heads": n_heads,
    }


def _read_tower(model: Mapping[str, Any], name: str, defaults: Mapping[str, Any], path: Path) -> dict[str, Any]:
    part = _read_part(model, name, path)
    _check_known(part, defaults, path)
    for fixed in FIXED:
        if fixed in defaults and part.get(fixed, defaults[fixed]) != defaults[fixed]:
            refuse(path, f"a {fixed} of {ascii(part[fixed])[:40]} is not supported")
    return {**defaults, **part}


def _check_known(part: Mapping[str, Any], known: Mapping[str, Any], path: Path) -> None:
    """Raise CosmosSearchError for a key that is not known, unless it is switched off."""
    for key, tower in FOREIGN.items():
        if name := part.get(key):
            refuse(
                path,
                f"its {tower} tower {ascii(name)[:60]} is not of OpenCLIP, of which only its own vision transformers "
                "and text towers are read; SigLIP and SigLIP 2 are read from repositories such as google/siglip2-*",
            )
    if unknown := [key for key, value in part.items() if key not in known and value not in (None, False, {})]:
        refuse(path, f"networks with {unknown[0][:40]} are not supported")


def _read_part(content: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    part = content.get(name)
    if not isinstance(part, dict):
        refuse(path, f"it lacks {name}")
    return part


def _parse_preprocess(content: Mapping[str, Any], side: int, path: Path) -> Preprocess:
    given = content.get("preprocess_cfg") or {}
    mode, resample = given.get("resize_mode", "shortest"), RESAMPLE.get(str(given.get("interpolation", "bicubic")))
    if mode not in ("shortest", "squash") or resample is None:
        refuse(path, "its preprocess_cfg asks for another way to resize")
    default = Preprocess()
    try:
        means, stds = ([float(x) for x in given.get(key, value)]
                       for key, value in (("mean", default.mean), ("std", default.std)))  # fmt: skip
        (r, g, b), (red, green, blue) = means, stds
    except (TypeError, ValueError):
        refuse(path, "its preprocess_cfg has no mean and std of three channels")
    return Preprocess(side, (r, g, b), (red, green, blue), mode == "shortest", resample)


def _write_tokenizer(source: Path, draft: Path, vocab_size: int) -> None:
    if "tokenizer.json" in find_files(source, ("tokenizer.json",)):
        (draft / "tokenizer.json").write_bytes(read_part(source, "tokenizer.json"))
    elif vocab_size == CLIP_VOCAB_SIZE:
        save_clip_tokenizer(draft / "tokenizer.json")
    else:
        raise CosmosSearchError(f"{source} is not a complete model: tokenizer.json of its own vocabulary is missing.")


def _rename(file: Path) -> dict[str, Tensor]:
    """The tensors by their names in a CLIPModel. Raises CosmosSearchError if some have none."""
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError, ValueError) as error:
        raise CosmosSearchError(f"{file} is damaged, or not a safetensors file ({str(error)[:200]}).") from error
    tensors = {name.removeprefix("text."): tensor for name, tensor in tensors.items()}  # of a custom text tower
    for name in ("visual.proj", "text_projection"):
        if name in tensors and tensors[name].ndim == 2:
            tensors[name] = tensors[name].T
    known = tuple(CLIP_NAMES)
    if unknown := sorted(name for name in tensors if not name.startswith(known)):
        raise CosmosSearchError(f"{file} has {len(unknown)} tensors that CLIP does not have, including {unknown[0]}.")
    renamed = rename_tensors(tensors, CLIP_NAMES)
    return {name: tensor.to(torch.float32).contiguous() for name, tensor in renamed.items()}
