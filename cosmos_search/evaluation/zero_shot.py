"""Zero-shot classification: a picture's class is the one whose name, in prompt templates, is nearest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.evaluation.encode import Encoders, OnProgress, encode_pictures, split_batches
from cosmos_search.evaluation.metrics import compute_cosines, count_top_k_hits
from indexer.encoder import Vectors

__all__ = ["TEMPLATES", "LabelledPicture", "encode_classes", "evaluate_zero_shot"]

TEMPLATES = ("a photo of a {}.", "a picture of the {}.", "a close view of a {}.", "a drawing of a {}.", "{}")


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """An upright RGB picture and the index of its class."""

    image: Image.Image
    label: int


def evaluate_zero_shot(
    encoders: Encoders,
    classes: Sequence[str],
    pictures: Iterable[LabelledPicture],
    templates: Sequence[str] = TEMPLATES,
    on_progress: OnProgress = lambda n_done: None,
) -> dict[str, dict[str, float]]:
    """For each encoder the share of pictures whose class is the nearest ("top1"), or among the nearest five ("top5").

    classes: their names, in the order of the labels. templates: prompts with {} for the name of a class.
    pictures: each is read once, and at most a batch of them is in memory. No pictures at all give no metrics: {}.
    """
    heads = {name: encode_classes(encoder, classes, templates) for name, encoder in encoders.items()}
    hits = {name: {"top1": 0, "top5": 0} for name in encoders}
    n_done = 0
    for batch in split_batches(pictures):
        labels = [picture.label for picture in batch]
        for name, encoder in encoders.items():
            images = encode_pictures(encoder, [picture.image for picture in batch])
            scores = compute_cosines(images, heads[name])  # (batch, classes)
            hits[name]["top1"] += count_top_k_hits(scores, labels, 1)
            hits[name]["top5"] += count_top_k_hits(scores, labels, 5)
        n_done += len(batch)
        on_progress(n_done)
    if not n_done:
        return {}
    return {name: {key: n_hits / n_done for key, n_hits in found.items()} for name, found in hits.items()}


def encode_classes(encoder: Encoder, classes: Sequence[str], templates: Sequence[str] = TEMPLATES) -> Vectors:
    """(classes, dim), unit rows: the mean of the vectors of a class's prompts (Radford et al. 2021, §3.1.4)."""
    prompts = [template.replace("{}", name) for name in classes for template in templates]
    means = encoder.encode_texts(prompts).reshape(len(classes), len(templates), -1).mean(axis=1)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    unit: Vectors = means / np.maximum(lengths, 1e-12)
    return unit
