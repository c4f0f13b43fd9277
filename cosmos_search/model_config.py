"""The sizes of a network from its config.json. Each is checked against bounds before anything is allocated."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

from cosmos_search.json_files import read_object
from indexer.errors import CosmosSearchError

__all__ = [
    "BERT_TEXT",
    "CLIP_TEXT",
    "CLIP_VISION",
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
    "OLD_END",
    "TOKENS",
    "VOCABULARY",
    "EndToken",
    "ModelKind",
    "Role",
    "Sizes",
    "check_numbers",
    "cosmos_values",
    "describe_vit",
    "read_kind",
    "read_number",
    "read_tower",
    "refuse",
]

# mini: trained weights of the built-in encoder; the others are model_type of the Hugging Face layout
ModelKind = Literal["cosmos", "clip", "siglip", "metaclip_2", "chinese_clip", "altclip", "align", "mini"]
HUB_KINDS: tuple[ModelKind, ...] = tuple(kind for kind in get_args(ModelKind) if kind != "mini")
EndToken = int | Literal["largest", "none"]  # the token of this id, the largest id in the text, or no end token
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
MAX_TOKENIZER_BYTES = 128 << 20  # of a tokenizer.json; CLIP's has 2 MiB, those of many languages 17 and more
MAX_PATCHES = 10_000  # of a picture; published networks have 49 to 1,024
OLD_END = 2  # in OpenAI's first configs this id means the largest id in the text, also for transformers
ACTIVATIONS = ("gelu", "quick_gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "swish")

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
BERT_TEXT = CLIP_TEXT | {"type_vocab_size": (1, 100), "pad_token_id": (0, VOCABULARY[1])}
VIT_NAMES = {384: "ViT-S", 768: "ViT-B", 1024: "ViT-L", 1152: "ViT-So400m", 1280: "ViT-H"}  # by width
TOKENS = {"bos_token_id": (0, VOCABULARY[1]), "eos_token_id": (0, VOCABULARY[1])}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a network, as its config gives them."""

    network: str  # its image tower, for display
    side: int | None  # pixels of a picture; None: any
    dim: int
    context_length: int  # tokens
    vocab_size: int
    end: EndToken  # where a text's vector is taken
    crop_side: int | None = None  # pixels to which regions are resized; None: those of a picture


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
        refuse(path, f"it has the unknown key {unknown[0][:40]!r}")
    check_numbers(content, COSMOS, path)
    for tower in ("vision", "text"):
        check_heads(content[f"{tower}_width"], content[f"{tower}_heads"], path)
    check_patches(content["image_size"], content["patch_size"], path)
    if content["text_width"] != content["embed_dim"]:
        refuse(path, f"text_width {content['text_width']} and embed_dim {content['embed_dim']} must be equal")
    check_heads(content["embed_dim"], N_CROSS_ATTENTION_HEADS, path)
    return {name: content[name] for name in COSMOS}


def read_tower(
    content: Mapping[str, Any],
    name: str,
    defaults: Mapping[str, Any],
    limits: Mapping[str, tuple[int, int]],
    path: Path,
) -> dict[str, Any]:
    """The values of one tower's config that determine shapes and results; those with a default, and nothing else.

    Raises CosmosSearchError for a value of another type or out of bounds.
    """
    given: dict[str, Any] = {}
    for key in (name, f"{name}_dict"):  # the second, in older files, overrides the first
        part = content.get(key)
        if part is not None and not isinstance(part, dict):
            refuse(path, f"{key} is not a JSON object")
        given |= {key: value for key, value in (part or {}).items() if value is not None}
    if given.get("num_channels", 3) != 3:
        refuse(path, "num_channels must be 3")
    values = {key: given.get(key, default) for key, default in defaults.items()}
    check_numbers(values, limits, path)
    if "num_attention_heads" in limits:
        check_heads(values["hidden_size"], values["num_attention_heads"], path)
    if "patch_size" in limits:
        check_patches(values["image_size"], values["patch_size"], path)
    if values["hidden_act"] not in ACTIVATIONS:
        refuse(path, f"hidden_act is not one of {', '.join(ACTIVATIONS)}")
    for epsilon in values.keys() & {"layer_norm_eps", "batch_norm_eps"}:
        if not isinstance(values[epsilon], float) or not 0 < values[epsilon] < 1:
            refuse(path, f"{epsilon} must lie between 0 and 1")
    return values


def read_number(content: Mapping[str, Any], name: str, default: int, path: Path) -> int:
    """A width in a config, or its default if it is missing."""
    value = {name: content.get(name, default)}
    check_numbers(value, {name: WIDTH}, path)
    return int(value[name])


def describe_vit(width: int, patch: int) -> str:
    """The usual name of a vision transformer: "ViT-B/16"."""
    return f"{VIT_NAMES.get(width, f'ViT-{width}')}/{patch}"


def check_numbers(values: Mapping[str, Any], limits: Mapping[str, tuple[int, int]], path: Path) -> None:
    for name, (least, most) in limits.items():
        if name not in values:
            refuse(path, f"it lacks {name}")
        if type(values[name]) is not int:
            refuse(path, f"{name} must be an integer")
        if not least <= values[name] <= most:
            refuse(path, f"{name} must lie between {least:,} and {most:,}")


def check_heads(width: int, n_heads: int, path: Path) -> None:
    if width % n_heads:
        refuse(path, f"a width of {width} can't be divided among {n_heads} heads")


def check_patches(side: int, patch: int, path: Path) -> None:
    if patch > side:
        refuse(path, f"patch_size {patch} is more than image_size {side}")
    if (side // patch) ** 2 > MAX_PATCHES:
        refuse(path, f"image_size {side} has more than {MAX_PATCHES:,} patches of {patch}")


def refuse(path: Path, reason: str) -> NoReturn:
    raise CosmosSearchError(f"{path} can't be used: {reason}.")
