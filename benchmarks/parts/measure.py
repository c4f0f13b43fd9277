"""Measures of a network on held-out scenes: retrieval, comparison with hard negatives, and pointing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmarks.data.captioned_scenes import (
    Group,
    Scene,
    list_true_sentences,
    paint,
    state_existence,
    state_relation,
)
from cosmos_search.evaluation.metrics import contains_centre
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.text import TextTokenizer
from indexer.pictures.regions import Box, pyramid
from trainer.attention_sheet import compute_attention_weights
from trainer.data.multi_crop import normalize
from trainer.network_encoder import encode_texts

__all__ = ["Figures", "encode_pictures", "measure"]

BATCH = 512


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of correct answers, 0..1. Single objects are those of which a scene has one."""

    whole: float  # R@1 of the whole caption among all scenes
    sentence: float  # R@1 of a single sentence; any scene of which it is true is correct
    regions: float  # R@1 of the whole caption, each sentence scored by its best region
    colours: float  # "a red cup. a blue hat" scores higher than with exchanged colours
    relations: float  # "a red cup left of a blue hat" scores higher than with exchanged objects
    dense: float  # the maximum of the dense map lies in the cell of the queried object
    crops: float  # the centre of the best region lies in that cell
    attention: float  # the most attended patch lies in that cell; meaningful only with trained cross-attention
    elsewhere: float  # in scenes of two objects, the most attended patch lies in the cell of the other one


@torch.inference_mode()
def measure(model: CosmosModel, tokenizer: TextTokenizer, scenes: Sequence[Scene]) -> Figures:
    """All measures; for each query, the other scenes are the distractors."""
    pictures = [paint(scene) for scene in scenes]
    images = encode_pictures(model, pictures)  # (scenes, dim)
    boxes = pyramid("fine", *pictures[0].size)
    crops = [picture.crop(box.pixels(*picture.size)) for picture in pictures for box in boxes]
    regions = torch.cat([images[:, None], encode_pictures(model, crops).reshape(len(scenes), len(boxes), -1)], dim=1)
    dense, attention, elsewhere, crops_pointing = _measure_pointing(
        model, tokenizer, scenes, pictures, regions[:, 1:], boxes
    )
    return Figures(
        whole=_measure_recall(images @ encode_texts(model, tokenizer, [scene.caption for scene in scenes]).T),
        sentence=_measure_sentence_recall(model, tokenizer, scenes, images),
        regions=_measure_recall(_score_by_regions(model, tokenizer, scenes, regions)),
        colours=_compare_with_negatives(model, tokenizer, images, _exchange_colours(scenes)),
        relations=_compare_with_negatives(model, tokenizer, images, _exchange_places(scenes)),
        dense=dense,
        crops=crops_pointing,
        attention=attention,
        elsewhere=elsewhere,
    )


def encode_pictures(model: CosmosModel, pictures: Sequence[Image.Image]) -> Tensor:
    """Unit vectors of pictures resized to the network's square input: (n, dim)."""
    parts = [_preprocess(model, pictures[i : i + BATCH]) for i in range(0, len(pictures), BATCH)]
    return torch.cat([F.normalize(model.encode_images(part).features, dim=-1) for part in parts])


def _preprocess(model: CosmosModel, pictures: Sequence[Image.Image]) -> Tensor:
    side = model.config.image_size
    return torch.stack([normalize(picture.resize((side, side), Image.Resampling.BICUBIC)) for picture in pictures])


def _measure_recall(similarity: Tensor) -> float:
    """R@1 of text to image. similarity: (scenes, captions), in the same order."""
    return float((similarity.argmax(dim=0) == torch.arange(len(similarity))).float().mean())


def _measure_sentence_recall(
    model: CosmosModel, tokenizer: TextTokenizer, scenes: Sequence[Scene], images: Tensor
) -> float:
    """R@1 of all sentences about one group: its kind and colour, with or without its number or its position."""
    true_sentences = [list_true_sentences(scene) for scene in scenes]
    sentences = sorted({text for scene in scenes for text in scene.sentences if _count_named_groups(text, scene) == 1})
    nearest = (images @ encode_texts(model, tokenizer, sentences).T).argmax(dim=0).tolist()
    return sum(text in true_sentences[i] for text, i in zip(sentences, nearest, strict=True)) / len(sentences)


def _count_named_groups(text: str, scene: Scene) -> int:
    return sum(group.name in text for group in scene.groups)


def _score_by_regions(model: CosmosModel, tokenizer: TextTokenizer, scenes: Sequence[Scene], regions: Tensor) -> Tensor:
    """The best score of each sentence among the regions and the whole picture, averaged: (scenes, captions)."""
    columns = []
    for scene in scenes:
        texts = encode_texts(model, tokenizer, scene.sentences)
        columns.append((regions @ texts.T).amax(dim=1).mean(dim=1))
    return torch.stack(columns, dim=1)


def _compare_with_negatives(
    model: CosmosModel, tokenizer: TextTokenizer, images: Tensor, triples: Sequence[tuple[int, str, str]]
) -> float:
    """The share of triples in which the true text scores higher than the false one.

    triples: the number of a scene, a text that is true of it, and one that is false.
    """
    rows = images[[i for i, _, _ in triples]]
    true = encode_texts(model, tokenizer, [true for _, true, _ in triples])
    false = encode_texts(model, tokenizer, [false for _, _, false in triples])
    return float(((rows * true).sum(dim=1) > (rows * false).sum(dim=1)).float().mean())


def _exchange_colours(scenes: Sequence[Scene]) -> list[tuple[int, str, str]]:
    """For each ordered pair of single objects: the scene's number, both objects, and both with exchanged colours."""
    triples = []
    for i, scene in enumerate(scenes):
        for one, other in _list_pairs(scene):
            exchanged = replace(one, colour=other.colour), replace(other, colour=one.colour)
            true, false = (
                ". ".join(state_existence(group, n=1) for group in pair) for pair in ((one, other), exchanged)
            )
            triples.append((i, true, false))
    return triples


def _exchange_places(scenes: Sequence[Scene]) -> list[tuple[int, str, str]]:
    """For each related pair of single objects: the scene's number, their relation, and that with exchanged objects."""
    triples = []
    for i, scene in enumerate(scenes):
        for one, other in _list_pairs(scene):
            if true := state_relation(one, other):
                exchanged = replace(other, cells=one.cells), replace(one, cells=other.cells)
                triples.append((i, true, state_relation(*exchanged)))
    return triples


def _list_pairs(scene: Scene) -> list[tuple[Group, Group]]:
    """All ordered pairs of the groups of one object."""
    single = [group for group in scene.groups if len(group.cells) == 1]
    return [(one, other) for one in single for other in single if one != other]


def _measure_pointing(
    model: CosmosModel,
    tokenizer: TextTokenizer,
    scenes: Sequence[Scene],
    pictures: Sequence[Image.Image],
    regions: Tensor,
    boxes: Sequence[Box],
) -> tuple[float, float, float, float]:
    """Pointing of dense map and attention map, of the attention to the other object, and of the best region."""
    queries = [(i, group) for i, scene in enumerate(scenes) for group in scene.groups if len(group.cells) == 1]
    places, grid = [i for i, _ in queries], model.config.image_size // model.config.patch_size
    ids = torch.from_numpy(tokenizer([state_existence(group, n=1) for _, group in queries]))
    texts, pixels = F.normalize(model.encode_texts(ids).features, dim=-1), _preprocess(model, pictures)
    dense = torch.einsum("npd,nd->np", model.dense(pixels, csa=True)[places], texts)
    attended = compute_attention_weights(model, ids, pixels[places])
    nearest = torch.einsum("nrd,nd->nr", regions[places], texts)
    patches = [Box(x / grid, y / grid, (x + 1) / grid, (y + 1) / grid) for y in range(grid) for x in range(grid)]
    groups = [group for _, group in queries]
    others = [
        (i, other)
        for i, (place, group) in enumerate(queries)
        for other in [other for other in scenes[place].groups if other is not group][:1]
    ]
    return (
        _measure_share_inside(dense, patches, groups),
        _measure_share_inside(attended, patches, groups),
        _measure_share_inside(attended[[i for i, _ in others]], patches, [other for _, other in others]),
        _measure_share_inside(nearest, boxes, groups),
    )


def _measure_share_inside(values: Tensor, boxes: Sequence[Box], groups: Sequence[Group]) -> float:
    """The share of rows whose best box has its centre in the cell of the group. values: (groups, boxes)."""
    best = [boxes[i] for i in values.argmax(dim=1).tolist()]
    return sum(contains_centre(group.box, box) for group, box in zip(groups, best, strict=True)) / len(groups)
