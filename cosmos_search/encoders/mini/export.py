"""Writes the two towers of cosmos-mini as ONNX graphs: the only place of that encoder that needs torch.

The exporter is torch's older one (`dynamo=False`): the newer needs onnxscript and took 17 s here against
2 s, for graphs that compute the same to 1e-4. It is deprecated and says so; its warnings are silenced.
"""

import json
import tempfile
import warnings
from pathlib import Path

import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

__all__ = ["export_image_tower", "export_text_tower"]

OPSET = 17


class TextTower(nn.Module):
    """all-MiniLM-L6-v2: the mean of the last layer's tokens, scaled to length 1."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        config = BertConfig(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
        self.bert = BertModel(config, add_pooling_layer=False)
        weights = load_file(folder / "model.safetensors")
        missing = self.bert.load_state_dict(weights, strict=False).missing_keys  # the file has a pooler more
        assert not missing, f"{folder} lacks {missing}"

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (1, length), without padding. Returns (1, 384)."""
        states = self.bert(input_ids=tokens).last_hidden_state  # (1, length, 384)
        return nn.functional.normalize(states.mean(dim=1), dim=-1)


class ImageTower(nn.Module):
    """EfficientNet-Lite2 from bytes on: the scaling it was trained with is part of the graph."""

    def __init__(self, weights: Path, mean: float, scale: float) -> None:
        super().__init__()
        self.network = EfficientNet.from_name("efficientnet-lite2")
        self.network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        self.mean, self.scale = mean, scale

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """pixels: (n, height, width, 3), uint8, RGB.

        Returns the logits, (n, 1000), and those of each position, (n, height / 32, width / 32, 1000): the last
        linear layer applied there instead of to the mean, a class activation map (Zhou et al. 2016). The layer
        is linear, so the mean of a box's positions are the logits of that box.
        """
        planes = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.scale
        features = self.network.extract_features(planes)
        classify = self.network._fc
        return classify(features.mean(dim=(2, 3))), classify(features.permute(0, 2, 3, 1))


def export_text_tower(folder: Path, target: Path) -> None:
    """Writes tokens (1, length) int64 -> vector (1, 384). folder: as sentence-transformers saves a BERT."""
    from cosmos_search.encoders.onnx_session import (
        save_optimised,  # the networks here are used without ONNX Runtime, too
    )

    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / "text.onnx"
        tokens = torch.tensor([[101, 2023, 2003, 1037, 4937, 102]])
        _export(TextTower(folder), tokens, graph, {"tokens": {1: "length"}}, ["vector"])
        save_optimised(graph, target)


def export_image_tower(weights: Path, mean: float, scale: float, side: int, target: Path) -> None:
    """Writes pixels (n, height, width, 3) uint8 -> logits (n, 1000), map (n, rows, columns, 1000)."""
    pixels = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    axes = {"pixels": {0: "n", 1: "height", 2: "width"}, "map": {0: "n", 1: "rows", 2: "columns"}}
    _export(ImageTower(weights, mean, scale), pixels, target, {**axes, "logits": {0: "n"}}, ["logits", "map"])


def _export(
    tower: nn.Module, example: Tensor, target: Path, axes: dict[str, dict[int, str]], outputs: list[str]
) -> None:
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            tower.eval(),
            (example,),
            str(target),
            input_names=[next(iter(axes))],
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
