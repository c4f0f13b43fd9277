"""The sizes of a network from its config.json. Each is checked against bounds before anything is allocated."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from cosmos_search.json_files import read_object
from indexer.errors import CosmosSearchError

__all__ = [
    "CLIP_VOCAB_SIZE",
    "MAX_TOKENIZER_BYTES",
    "MINI_BATCH_NORM_EPSILON",
    "MINI_DIM",
    "MINI_FEATURES",
    "MINI_MEANS",
    "MINI_NETWORK",
    "MINI_POOLED",
    "MINI_REGION_SIDE",
    "MINI_SIDE",
    "MINI_TOKENS",
    "N_CROSS_ATTENTION_HEADS",
    "ModelKind",
    "Role",
    "Sizes",
    "clip_towers",
    "cosmos_values",
    "read_kind",
    "read_sizes",
]

ModelKind = Literal["cosmos", "clip", "mini"]  # mini: trained weights of the built-in encoder
HUB_KINDS: tuple[ModelKind, ...] = ("cosmos", "clip")  # model_type of the Hugging Face layout
Role = Literal["teacher", "student"]  # the two networks of a COSMOS checkpoint

# Sizes of the built-in encoder, cosmos-mini
MINI_NETWORK = "EfficientNet-Lite2"  # for display
MINI_DIM = 384  # of its vectors, which are MiniLM's
MINI_FEATURES = 1280  # channels of EfficientNet-Lite2's last map, which its classifier takes
MINI_MEANS = 192  # channels of the maps after blocks 3, 6 and 14, whose means a trained head takes, too
MINI_POOLED = MINI_FEATURES + MINI_MEANS  # what a trained head takes
MINI_BATCH_NORM_EPSILON = 1e-3
MINI_SIDE = 260  # pixels of a picture
MINI_REGION_SIDE = 512  # pixels of a larger input, of which the regions are parts
MINI_TOKENS = 128  # of a text; the length that MiniLM was trained with

CLIP_VOCAB_SIZE = 49_408  # tokens of CLIP's tokenizer, which COSMOS uses, too
N_CROSS_ATTENTION_HEADS = 8  # of COSMOS; embed_dim is divided among them
MAX_TOKENIZER_BYTES = 64 << 20  # of a tokenizer.json; CLIP's has 2 MiB, those of many languages 17
MAX_PATCHES = 10_000  # of a picture; published networks have 49 to 1,024
OLD_END = 2  # in OpenAI's first configs this id means the largest id in the text, also for transformers
ACTIVATIONS = ("gelu", "quick_gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu")

# Minimum and maximum of each number; published networks have up to 1,664 of width and 48 layers.
WIDTH, LAYERS, HEADS, SIDE, PATCH = (1, 16_384), (1, 256), (1, 256), (8, 4096), (1, 1024)
LENGTH, VOCABULARY = (3, 4096), (3, 2_000_000)
COSMOS = {
    "embed_dim": WIDTH, "image_size": SIDE, "patch_size": PATCH,
    "vision_width": WIDTH, "vision_layers": LAYERS, "vision_heads": HEADS,
    "text_width": WIDTH, "text_layers": LAYERS, "text_heads": HEADS,
    "context_length": LENGTH, "vocab_size": VOCABULARY,
}  # fmt: skip
CLIP = {
    "hidden_size": WIDTH, "intermediate_size": (1, 65_536), "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
}  # fmt: skip
CLIP_VISION = CLIP | {"image_size": SIDE, "patch_size": PATCH}
CLIP_TEXT = CLIP | {"max_position_embeddings": LENGTH, "vocab_size": VOCABULARY}
TOKENS = {"bos_token_id": (0, VOCABULARY[1]), "eos_token_id": (0, VOCABULARY[1])}
VISION_DEFAULTS = {  # CLIPConfig's, which files leave out
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "image_size": 224, "patch_size": 32, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
}  # fmt: skip
TEXT_DEFAULTS = {
    "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8,
    "max_position_embeddings": 77, "vocab_size": CLIP_VOCAB_SIZE, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
    "bos_token_id": 49406, "eos_token_id": 49407,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a network, as its config gives them."""

    kind: ModelKind
    width: int  # of the vision tower
    patch: int  # pixels
    side: int  # pixels
    dim: int
    context_length: int  # tokens
    vocab_size: int
    end: int | None = None  # id of the token at which a text's vector is taken; None: the largest id in the text


def read_sizes(folder: Path) -> Sizes:
    """The sizes in a model directory's config.json. Raises CosmosSearchError, with the number that is out of bounds."""
    path = folder / "config.json"
    content = read_object(path)
    if read_kind(folder) == "cosmos":
        v = cosmos_values(content, path)
        sizes = (v["vision_width"], v["patch_size"], v["image_size"], v["embed_dim"])
        return Sizes("cosmos", *sizes, v["context_length"], v["vocab_size"])
    vision, text, dim = clip_towers(content, path)
    sizes = (vision["hidden_size"], vision["patch_size"], vision["image_size"], dim)
    end = None if text["eos_token_id"] == OLD_END else text["eos_token_id"]
    return Sizes("clip", *sizes, text["max_position_embeddings"], text["vocab_size"], end)


def read_kind(folder: Path) -> ModelKind:
    """The kind of model in a directory. Raises CosmosSearchError for one that is not supported."""
    found = read_object(folder / "config.json").get("model_type")
    kind = next((kind for kind in HUB_KINDS if kind == found), None)
    if kind is None:
        shown = ascii(found)[:40].strip("'")
        raise CosmosSearchError(f"{folder} holds a model of type {shown}; supported types: {', '.join(HUB_KINDS)}.")
    return kind


def cosmos_values(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The values of a CosmosConfig. Raises CosmosSearchError for one that is missing, unknown or out of bounds."""
    if unknown := sorted(content.keys() - COSMOS.keys() - {"model_type"}):
        _refuse(path, f"it has the unknown key {unknown[0][:40]!r}")
    _check_numbers(content, COSMOS, path)
    for tower in ("vision", "text"):
        _check_heads(content[f"{tower}_width"], content[f"{tower}_heads"], path)
    _check_patches(content["image_size"], content["patch_size"], path)
    if content["text_width"] != content["embed_dim"]:
        _refuse(path, f"text_width {content['text_width']} and embed_dim {content['embed_dim']} must be equal")
    _check_heads(content["embed_dim"], N_CROSS_ATTENTION_HEADS, path)
    return {name: content[name] for name in COSMOS}


def clip_towers(content: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The values of a CLIPVisionConfig and a CLIPTextConfig that determine shapes, and the joint dimension.

    Everything else in the file is ignored. Raises CosmosSearchError for a value of another type or out of bounds.
    """
    vision = _clip_tower(content, "vision_config", VISION_DEFAULTS, CLIP_VISION, path)
    text = _clip_tower(content, "text_config", TEXT_DEFAULTS, CLIP_TEXT | TOKENS, path)
    _check_patches(vision["image_size"], vision["patch_size"], path)
    dim = {"projection_dim": content.get("projection_dim", 512)}
    _check_numbers(dim, {"projection_dim": WIDTH}, path)
    return vision, text, int(dim["projection_dim"])


def _clip_tower(
    content: Mapping[str, Any],
    name: str,
    defaults: Mapping[str, Any],
    limits: Mapping[str, tuple[int, int]],
    path: Path,
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key in (name, f"{name}_dict"):  # the second, in older files, overrides the first
        part = content.get(key)
        if part is not None and not isinstance(part, dict):
            _refuse(path, f"{key} is not a JSON object")
        given |= {key: value for key, value in (part or {}).items() if value is not None}
    if given.get("num_channels", 3) != 3:
        _refuse(path, "num_channels must be 3")
    values = {key: given.get(key, default) for key, default in defaults.items()}
    _check_numbers(values, limits, path)
    _check_heads(values["hidden_size"], values["num_attention_heads"], path)
    if values["hidden_act"] not in ACTIVATIONS:
        _refuse(path, f"hidden_act is not one of {', '.join(ACTIVATIONS)}")
    if not isinstance(values["layer_norm_eps"], float) or not 0 < values["layer_norm_eps"] < 1:
        _refuse(path, "layer_norm_eps must lie between 0 and 1")
    return values


def _check_numbers(values: Mapping[str, Any], limits: Mapping[str, tuple[int, int]], path: Path) -> None:
    for name, (least, most) in limits.items():
        if name not in values:
            _refuse(path, f"it lacks {name}")
        if type(values[name]) is not int:
            _refuse(path, f"{name} must be an integer")
        if not least <= values[name] <= most:
            _refuse(path, f"{name} must lie between {least:,} and {most:,}")


def _check_heads(width: int, n_heads: int, path: Path) -> None:
    if width % n_heads:
        _refuse(path, f"a width of {width} can't be divided among {n_heads} heads")


def _check_patches(side: int, patch: int, path: Path) -> None:
    if patch > side:
        _refuse(path, f"patch_size {patch} is more than image_size {side}")
    if (side // patch) ** 2 > MAX_PATCHES:
        _refuse(path, f"image_size {side} has more than {MAX_PATCHES:,} patches of {patch}")


def _refuse(path: Path, reason: str) -> NoReturn:
    raise CosmosSearchError(f"{path} can't be used: {reason}.")
