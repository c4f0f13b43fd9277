"""What an encoder makes of held-out scenes: whole captions and single sentences, twins, and where it points."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmarks.data.captioned_scenes import Group, Scene, existence, facts, paint, relation
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.text import TextTokenizer
from indexer.pictures.regions import Box, pyramid
from trainer.attention_sheet import compute_attention_weights
from trainer.data.multi_crop import normalize
from trainer.evaluate import encode_texts

__all__ = ["Figures", "encode_pictures", "measure"]

BATCH = 512


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of right answers, 0..1."""

    whole: float  # R@1 of the whole caption among all scenes
    sentence: float  # R@1 of a single sentence; any scene of which it is true is right
    regions: float  # R@1 of the whole caption, each sentence by its best region
    colours: float  # "a red cup. a blue hat" is nearer than its twin with colours exchanged
    relations: float  # "the red cup is left of the blue hat" is nearer than its twin with both exchanged
    dense: float  # the largest value of the dense map lies in the cell of the thing that is asked for
    crops: float  # the middle of the nearest region lies there
    attention: float  # the most attended patch lies there; means something with trained cross-attention alone
    elsewhere: float  # in scenes of two things, it lies in the cell of the one that is not asked for


@torch.inference_mode()
def measure(model: CosmosModel, tokenizer: TextTokenizer, scenes: Sequence[Scene]) -> Figures:
    """All figures; the scenes are also each other's wrong answers."""
    pictures = [paint(scene) for scene in scenes]
    images = encode_pictures(model, pictures)  # (scenes, dim)
    boxes = pyramid("fine", *pictures[0].size)
    crops = [picture.crop(box.pixels(*picture.size)) for picture in pictures for box in boxes]
    regions = torch.cat([images[:, None], encode_pictures(model, crops).reshape(len(scenes), len(boxes), -1)], dim=1)
    dense, attention, elsewhere, nearest = _pointing(model, tokenizer, scenes, pictures, regions[:, 1:], boxes)
    return Figures(
        whole=_recall(images @ encode_texts(model, tokenizer, [scene.caption for scene in scenes]).T),
        sentence=_sentence_recall(model, tokenizer, scenes, images),
        regions=_recall(_by_regions(model, tokenizer, scenes, regions)),
        colours=_twins(model, tokenizer, images, _exchanged_colours(scenes)),
        relations=_twins(model, tokenizer, images, _exchanged_places(scenes)),
        dense=dense,
        crops=nearest,
        attention=attention,
        elsewhere=elsewhere,
    )


def encode_pictures(model: CosmosModel, pictures: Sequence[Image.Image]) -> Tensor:
    """Unit vectors of whole pictures, squashed to the network's side: (n, dim)."""
    parts = [_pixels(model, pictures[i : i + BATCH]) for i in range(0, len(pictures), BATCH)]
    return torch.cat([F.normalize(model.encode_images(part).features, dim=-1) for part in parts])


def _pixels(model: CosmosModel, pictures: Sequence[Image.Image]) -> Tensor:
    side = model.config.image_size
    return torch.stack([normalize(picture.resize((side, side), Image.Resampling.BICUBIC)) for picture in pictures])


def _recall(similarity: Tensor) -> float:
    """similarity: (scenes, captions), in one order."""
    return float((similarity.argmax(dim=0) == torch.arange(len(similarity))).float().mean())


def _sentence_recall(model: CosmosModel, tokenizer: TextTokenizer, scenes: Sequence[Scene], images: Tensor) -> float:
    """Of all sentences that name one kind and its colour, and perhaps its number or its place."""
    known = [facts(scene) for scene in scenes]
    sentences = sorted({text for scene in scenes for text in scene.sentences if _n_named(text, scene) == 1})
    nearest = (images @ encode_texts(model, tokenizer, sentences).T).argmax(dim=0).tolist()
    return sum(text in known[i] for text, i in zip(sentences, nearest, strict=True)) / len(sentences)


def _n_named(text: str, scene: Scene) -> int:
    return sum(group.name in text for group in scene.groups)


def _by_regions(model: CosmosModel, tokenizer: TextTokenizer, scenes: Sequence[Scene], regions: Tensor) -> Tensor:
    """Each sentence of a caption by its best region (or the whole), averaged: (scenes, captions)."""
    columns = []
    for scene in scenes:
        texts = encode_texts(model, tokenizer, scene.sentences)
        columns.append((regions @ texts.T).amax(dim=1).mean(dim=1))
    return torch.stack(columns, dim=1)


def _twins(
    model: CosmosModel, tokenizer: TextTokenizer, images: Tensor, twins: Sequence[tuple[int, str, str]]
) -> float:
    """twins: a scene's number, what is true of it, and what is not."""
    rows = images[[i for i, _, _ in twins]]
    right = encode_texts(model, tokenizer, [right for _, right, _ in twins])
    wrong = encode_texts(model, tokenizer, [wrong for _, _, wrong in twins])
    return float(((rows * right).sum(dim=1) > (rows * wrong).sum(dim=1)).float().mean())


def _exchanged_colours(scenes: Sequence[Scene]) -> list[tuple[int, str, str]]:
    twins = []
    for i, scene in enumerate(scenes):
        for one, other in _pairs(scene):
            exchanged = replace(one, colour=other.colour), replace(other, colour=one.colour)
            right, wrong = (". ".join(existence(group, n=1) for group in pair) for pair in ((one, other), exchanged))
            twins.append((i, right, wrong))
    return twins


def _exchanged_places(scenes: Sequence[Scene]) -> list[tuple[int, str, str]]:
    twins = []
    for i, scene in enumerate(scenes):
        for one, other in _pairs(scene):
            if right := relation(one, other):
                exchanged = replace(other, cells=one.cells), replace(one, cells=other.cells)
                twins.append((i, right, relation(*exchanged)))
    return twins


def _pairs(scene: Scene) -> list[tuple[Group, Group]]:
    single = [group for group in scene.groups if len(group.cells) == 1]
    return [(one, other) for one in single for other in single if one != other]


def _pointing(
    model: CosmosModel,
    tokenizer: TextTokenizer,
    scenes: Sequence[Scene],
    pictures: Sequence[Image.Image],
    regions: Tensor,
    boxes: Sequence[Box],
) -> tuple[float, float, float, float]:
    """Dense map, attention map (on the thing, and on the other one) and nearest region, over all single things."""
    asked = [(i, group) for i, scene in enumerate(scenes) for group in scene.groups if len(group.cells) == 1]
    places, grid = [i for i, _ in asked], model.config.image_size // model.config.patch_size
    ids = torch.from_numpy(tokenizer([existence(group, n=1) for _, group in asked]))
    texts, pixels = F.normalize(model.encode_texts(ids).features, dim=-1), _pixels(model, pictures)
    dense = torch.einsum("npd,nd->np", model.dense(pixels, csa=True)[places], texts)
    attended = compute_attention_weights(model, ids, pixels[places])
    nearest = torch.einsum("nrd,nd->nr", regions[places], texts)
    patches = [Box(x / grid, y / grid, (x + 1) / grid, (y + 1) / grid) for y in range(grid) for x in range(grid)]
    groups = [group for _, group in asked]
    beside = [(i, _other(scenes[place], group)) for i, (place, group) in enumerate(asked)]
    others = [(i, other) for i, other in beside if other is not None]
    return (
        _share_inside(dense, patches, groups),
        _share_inside(attended, patches, groups),
        _share_inside(attended[[i for i, _ in others]], patches, [other for _, other in others]),
        _share_inside(nearest, boxes, groups),
    )


def _other(scene: Scene, group: Group) -> Group | None:
    return next((other for other in scene.groups if other is not group), None)


def _share_inside(values: Tensor, boxes: Sequence[Box], groups: Sequence[Group]) -> float:
    """How often the middle of the best box lies in the thing's cell."""
    found = [boxes[i] for i in values.argmax(dim=1).tolist()]
    return sum(_holds(group.box, box) for group, box in zip(groups, found, strict=True)) / len(groups)


def _holds(outer: Box, inner: Box) -> bool:
    x, y = (inner.left + inner.right) / 2, (inner.top + inner.bottom) / 2
    return outer.left <= x <= outer.right and outer.top <= y <= outer.bottom
