"""What networks are worth: retrieval both ways by captions and by sentences, and classification by names alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from cosmos_search.evaluation.metrics import retrieval_figures
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError, PictureError
from indexer.files import open_file
from indexer.pictures.images import open_picture, reading_pictures
from indexer.pictures.walk import walk
from trainer.config import TextMode
from trainer.data.batches import read_picture
from trainer.data.captions import read_captions
from trainer.data.errors import SampleError
from trainer.data.samples import Pair, SkippedSample, Source

__all__ = [
    "TEMPLATES",
    "HeldOut",
    "Sample",
    "classification",
    "encode_texts",
    "held_out",
    "retrieval",
    "retrieval_score",
]

BATCH = 64
TEMPLATES = ("a photo of a {}.", "a picture of the {}.", "a close view of a {}.", "a drawing of a {}.", "{}")
Networks = Mapping[str, CosmosModel]
Progress = Callable[[int], None]  # told how many pictures are done


@dataclass(frozen=True, slots=True)
class Sample:
    """A pair, and what is said of its picture."""

    pair: Pair
    caption: str
    sentences: tuple[str, ...]  # different ones


@dataclass(slots=True)
class HeldOut:
    """Samples to measure with. refused grows where a picture turns out to be of no use."""

    samples: list[Sample] = field(default_factory=list)
    refused: list[SkippedSample] = field(default_factory=list)


def held_out(source: Source, mode: TextMode, limit: int) -> HeldOut:
    """The first pairs of a source that have captions, `limit` at most. Raises CosmosSearchError if there are none."""
    found = HeldOut()
    for pair in islice(source.pairs(Random(0), 0, 1), limit):
        if isinstance(pair, SkippedSample):
            found.refused.append(pair)
            continue
        try:
            whole, sentences = read_captions(pair, mode)
            if not whole or not sentences:
                raise SampleError("it has no caption")
        except SampleError as error:
            found.refused.append(SkippedSample(pair.key, str(error)))
            continue
        found.samples.append(Sample(pair, whole, tuple(dict.fromkeys(sentences))))
    if not found.samples:
        why = f" ({found.refused[0].key}: {found.refused[0].reason})" if found.refused else ""
        raise CosmosSearchError(f"There is nothing to evaluate with: no pair has a picture and a caption{why}.")
    return found


@torch.inference_mode()
def retrieval(
    networks: Networks, tokenizer: TextTokenizer, data: HeldOut, on_progress: Progress = lambda n: None
) -> dict[str, dict[str, float]]:
    """For each network R@1, R@5, R@10 and ranks, by whole captions ("caption_…") and single sentences ("sentence_…").

    A sentence counts as right only with the picture it was said of, also where it is true of others.
    """
    usable, images = _encoded_pairs(networks, data, on_progress)
    captions = [data.samples[i].caption for i in usable]
    sentences = [data.samples[i].sentences for i in usable]
    rows = iter(range(sum(map(len, sentences))))
    rows_of = {i: [next(rows) for _ in own] for i, own in enumerate(sentences)}
    figures = {}
    for name, network in networks.items():
        by_caption = images[name] @ encode_texts(network, tokenizer, captions).T
        by_sentence = images[name] @ encode_texts(network, tokenizer, [s for own in sentences for s in own]).T
        whole = retrieval_figures(by_caption.numpy(), {i: [i] for i in range(len(captions))})
        single = retrieval_figures(by_sentence.numpy(), rows_of)
        figures[name] = {f"caption_{key}": value for key, value in whole.items()}
        figures[name] |= {f"sentence_{key}": value for key, value in single.items()}
    return figures


def retrieval_score(figures: Mapping[str, float]) -> float:
    """One number to choose a checkpoint by: R@1, averaged over both ways, of captions and of sentences."""
    chosen = [value for key, value in figures.items() if key.endswith("_R@1")]
    return sum(chosen) / len(chosen)


@torch.inference_mode()
def classification(
    networks: Networks,
    tokenizer: TextTokenizer,
    folder: Path,
    templates: Sequence[str] = TEMPLATES,
    on_progress: Progress = lambda n: None,
) -> dict[str, dict[str, float]]:
    """For each network the share of pictures whose class is the nearest ("top1"), or among the nearest five ("top5").

    folder: a folder of pictures for each class, named by it; underscores stand for spaces. A class's vector is the
    mean of its name in all templates, each normalised (CLIP, §3.1.4). Raises CosmosSearchError for fewer than two.
    """
    classes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if len(classes) < 2:
        raise CosmosSearchError(f"{folder} should hold two or more folders, one for each class, with pictures.")
    files = [(i, file.path) for i, path in enumerate(classes) for d in walk(path) for file in d.files]
    names = [path.name.replace("_", " ") for path in classes]
    heads = {name: _class_vectors(network, tokenizer, names, templates) for name, network in networks.items()}
    right = {name: torch.zeros(2) for name in networks}
    n_read = 0
    for batch in _batched(_readable(files, _side(networks))):
        labels = torch.tensor([label for label, _ in batch])
        for name, network in networks.items():
            ranked = (_encode(network, [picture for _, picture in batch]) @ heads[name].T).argsort(
                dim=1, descending=True
            )
            place = (ranked == labels[:, None]).int().argmax(dim=1)
            right[name] += torch.tensor([(place < 1).sum(), (place < 5).sum()])
        n_read += len(batch)
        on_progress(n_read)
    if not n_read:
        raise CosmosSearchError(f"No picture in {folder} could be read.")
    return {name: {"top1": float(hits[0]) / n_read, "top5": float(hits[1]) / n_read} for name, hits in right.items()}


def encode_texts(network: CosmosModel, tokenizer: TextTokenizer, texts: Sequence[str]) -> Tensor:
    """Unit vectors, on the CPU: (n, dim)."""
    parts = [torch.from_numpy(tokenizer(texts[i : i + BATCH])) for i in range(0, len(texts), BATCH)]
    device = network.logit_scale.device
    return torch.cat(
        [F.normalize(network.encode_texts(part.to(device)).features, dim=-1).float().cpu() for part in parts]
    )


def _encoded_pairs(networks: Networks, data: HeldOut, on_progress: Progress) -> tuple[list[int], dict[str, Tensor]]:
    """Which pairs have a picture, and the pictures' vectors for each network: (n, dim)."""
    usable, parts = list[int](), {name: list[Tensor]() for name in networks}
    with reading_pictures():
        for batch in _batched(_pictures(data, _side(networks))):
            usable += [i for i, _ in batch]
            for name, network in networks.items():
                parts[name].append(_encode(network, [picture for _, picture in batch]))
            on_progress(len(usable))
    if not usable:
        raise CosmosSearchError(f"No picture could be read; {data.refused[-1].key}: {data.refused[-1].reason}.")
    return usable, {name: torch.cat(vectors) for name, vectors in parts.items()}


def _pictures(data: HeldOut, side: int) -> Iterator[tuple[int, Image.Image]]:
    for i, sample in enumerate(data.samples):
        try:
            yield i, read_picture(sample.pair, min_side=side)
        except (PictureError, OSError) as error:
            refused = SkippedSample(sample.pair.key, str(error))
            if refused not in data.refused:  # it is read again for every checkpoint
                data.refused.append(refused)


def _readable(files: Sequence[tuple[int, Path]], side: int) -> Iterator[tuple[int, Image.Image]]:
    with reading_pictures():
        for label, path in files:
            try:
                with open_file(path) as file:
                    yield label, open_picture(file, min_side=side).image
            except (PictureError, OSError):
                continue


def _batched(pictures: Iterator[tuple[int, Image.Image]]) -> Iterator[list[tuple[int, Image.Image]]]:
    while batch := list(islice(pictures, BATCH)):
        yield batch


def _encode(network: CosmosModel, pictures: Sequence[Image.Image]) -> Tensor:
    """Unit vectors of pictures, prepared as the indexer does: (n, dim)."""
    prepare, device = Preprocess(network.config.image_size), network.logit_scale.device
    pixels = torch.stack([torch.from_numpy(prepare(picture)) for picture in pictures])
    return F.normalize(network.encode_images(pixels.to(device)).features, dim=-1).float().cpu()


def _class_vectors(
    network: CosmosModel, tokenizer: TextTokenizer, names: Sequence[str], templates: Sequence[str]
) -> Tensor:
    texts = [template.replace("{}", name) for name in names for template in templates]
    vectors = encode_texts(network, tokenizer, texts).reshape(len(names), len(templates), -1)
    return F.normalize(vectors.mean(dim=1), dim=-1)


def _side(networks: Networks) -> int:
    return max(network.config.image_size for network in networks.values())
