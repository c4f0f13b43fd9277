"""Export an installed model as a custom CLIP model of immich, a photo server: the folder that its search loads.

config.json, visual/model.onnx and preprocess_cfg.json, textual/model.onnx, tokenizer.json and tokenizer_config.json.
The graphs are those of OpenCLIP exports: "image" (1, 3, side, side), scaled; "text" (1, context length), int32, padded.
"""

import warnings
from pathlib import Path
from typing import Any

import tokenizers
import torch
from PIL import Image
from tokenizers import normalizers, processors
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.json_files import write_object
from cosmos_search.model_config import ModelKind
from cosmos_search.models.store import ModelCard
from cosmos_search.network.families.registry import FAMILIES
from cosmos_search.network.towers import ImageNetwork, TextNetwork, load_networks
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer
from cosmos_search.processing.text_format import CLIP_FORMAT, TextFormat, lower, lower_without_punctuation
from cosmos_search.processing.tokenizer_file import read_tokenizer
from indexer.errors import UsageError

__all__ = ["export_for_immich"]

OPSET = 17
KINDS: tuple[ModelKind, ...] = ("cosmos", "clip", "metaclip_2", "siglip")  # others attend to padding, which has no mask


def export_for_immich(folder: Path, card: ModelCard, target: Path) -> None:
    """Write the files into a new or empty folder, in fp32. folder: of the installed model.

    Raises UsageError for a kind that immich cannot run, and for a folder that has files.
    """
    if card.kind not in KINDS:
        raise UsageError(f"{card.name} can't be exported: immich runs models of the types {', '.join(KINDS)}.")
    preprocess = Preprocess.load(folder / "preprocessor_config.json")
    if preprocess.resized is not None:
        raise UsageError(f"{card.name} can't be exported: it crops pictures after resizing them to another size.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not an empty folder; choose another one to export to.")
    visual, textual = target / "visual", target / "textual"
    for part in (visual, textual):
        part.mkdir(parents=True, exist_ok=True)
    text_format = _save_tokenizer(folder, card, textual)
    _save_configs(card, preprocess, text_format, target)
    image, text = load_networks(folder)
    side = preprocess.side
    _export(_Visual(image).eval(), torch.zeros(1, 3, side, side), "image", visual / "model.onnx")
    ids = torch.ones(1, card.context_length, dtype=torch.int32)
    _export(_Textual(text).eval(), ids, "text", textual / "model.onnx")


class _Visual(nn.Module):
    """The image tower for pictures that are scaled already."""

    def __init__(self, image: ImageNetwork) -> None:
        super().__init__()
        self.image = image

    def forward(self, pixels: Tensor) -> Tensor:
        return F.normalize(self.image.features(pixels), dim=-1)


class _Textual(nn.Module):
    """The text tower for int32."""

    def __init__(self, text: TextNetwork) -> None:
        super().__init__()
        self.text = text

    def forward(self, ids: Tensor) -> Tensor:
        vectors: Tensor = self.text(ids.long())
        return vectors


def _export(network: nn.Module, example: Tensor, name: str, target: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the older exporter, and about traced shapes
        torch.onnx.export(
            network,
            (example,),
            str(target),
            input_names=[name],
            output_names=["embedding"],
            dynamic_axes={name: {0: "batch_size"}, "embedding": {0: "batch_size"}},
            opset_version=OPSET,
            dynamo=False,
        )


def _save_tokenizer(folder: Path, card: ModelCard, textual: Path) -> TextFormat:
    """Write the tokenizer with all that immich leaves to it: the case, and the tokens around a text."""
    path = folder / "tokenizer.json"
    text_format = FAMILIES[card.kind].text_format(read_tokenizer(path))
    rows = TextTokenizer.from_file(path, card.context_length, text_format)
    tokenizer = read_tokenizer(path)
    steps = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
    if text_format is CLIP_FORMAT:
        blanks = normalizers.Replace(tokenizers.Regex(r"\s+"), " ")
        steps = [normalizers.NFC(), blanks, normalizers.Lowercase(), *steps]
    elif text_format.clean is lower:
        steps = [normalizers.Lowercase(), *steps]
    if steps:
        tokenizer.normalizer = normalizers.Sequence(steps)
    names = {id_: str(tokenizer.id_to_token(id_)) for id_ in (rows.start, rows.end, rows.pad) if id_ is not None}
    start = [] if rows.start is None else [names[rows.start]]
    ends = [(names[id_], id_) for id_ in (rows.start, rows.end) if id_ is not None]
    tokenizer.post_processor = processors.TemplateProcessing([*start, "$A", names[rows.end]], special_tokens=ends)
    tokenizer.save(str(textual / "tokenizer.json"))
    # A row is read up to its first end token, unless the family pads with a token of its own
    pad = names[rows.end if rows.pad is None else rows.pad]
    write_object(textual / "tokenizer_config.json", {"pad_token": pad})
    return text_format


def _save_configs(card: ModelCard, preprocess: Preprocess, text_format: TextFormat, target: Path) -> None:
    text: dict[str, Any] = {"context_length": card.context_length}
    if text_format.clean is lower_without_punctuation:
        text["tokenizer_kwargs"] = {"clean": "canonicalize"}  # immich does the same before it tokenizes
    vision = {"image_size": preprocess.side}
    write_object(target / "config.json", {"embed_dim": card.dim, "vision_cfg": vision, "text_cfg": text})
    write_object(
        target / "visual" / "preprocess_cfg.json",
        {
            "size": [preprocess.side, preprocess.side],
            "mode": "RGB",
            "mean": list(preprocess.mean),
            "std": list(preprocess.std),
            "interpolation": Image.Resampling(preprocess.resample).name.lower(),
            "resize_mode": "shortest" if preprocess.keeps_shape else "squash",
            "fill_color": 0,
        },
    )
