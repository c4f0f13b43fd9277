"""Image-text retrieval: recall@k and ranks both ways, by whole captions and by single sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.evaluation.encode import Encoders, OnProgress, encode_pictures, split_batches
from cosmos_search.evaluation.metrics import compute_cosines, compute_retrieval_metrics
from indexer.encoder import Vectors

__all__ = ["CaptionedPicture", "evaluate_retrieval"]


@dataclass(frozen=True, slots=True)
class CaptionedPicture:
    """An upright RGB picture with its description: the whole caption, and one or more different sentences."""

    image: Image.Image
    caption: str
    sentences: tuple[str, ...]


def evaluate_retrieval(
    encoders: Encoders, pictures: Iterable[CaptionedPicture], on_progress: OnProgress = lambda n_done: None
) -> dict[str, dict[str, float]]:
    """For each encoder the metrics of retrieval, by captions ("caption_…") and by sentences ("sentence_…").

    The metrics are those of `compute_retrieval_metrics`.
    pictures: one or more; each is read once, and at most a batch of them is in memory. A sentence counts as right only
    with its own picture, also where it is true of others. No pictures at all give no metrics: {}.
    """
    captions: list[str] = []
    sentences: list[tuple[str, ...]] = []
    parts: dict[str, list[Vectors]] = {name: [] for name in encoders}
    for batch in split_batches(pictures):
        captions += [picture.caption for picture in batch]
        sentences += [picture.sentences for picture in batch]
        for name, encoder in encoders.items():
            parts[name].append(encode_pictures(encoder, [picture.image for picture in batch]))
        on_progress(len(captions))
    if not captions:
        return {}
    return {
        name: _measure(encoder, np.concatenate(parts[name]), captions, sentences) for name, encoder in encoders.items()
    }


def _measure(
    encoder: Encoder, images: Vectors, captions: Sequence[str], sentences: Sequence[Sequence[str]]
) -> dict[str, float]:
    """images: (n, dim); row i belongs to caption i and to all of sentences i."""
    by_caption = compute_cosines(images, encoder.encode_texts(captions))  # (n, n)
    by_sentence = compute_cosines(images, encoder.encode_texts([text for own in sentences for text in own]))
    columns = iter(range(by_sentence.shape[1]))
    sentences_of = {i: [next(columns) for _ in own] for i, own in enumerate(sentences)}
    whole = compute_retrieval_metrics(by_caption, {i: [i] for i in range(len(captions))})
    single = compute_retrieval_metrics(by_sentence, sentences_of)
    metrics = {f"caption_{key}": value for key, value in whole.items()}
    return metrics | {f"sentence_{key}": value for key, value in single.items()}
