"""Evaluate encoders on held-out pairs and on folders of classes, with the metrics of `cosmos_search.evaluation`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random

from tqdm import tqdm

from cosmos_search.encoders.devices import Device, Precision
from cosmos_search.encoders.load import load_encoder
from cosmos_search.evaluation.class_folders import open_class_folders
from cosmos_search.evaluation.encode import Encoders, OnProgress, largest_min_side
from cosmos_search.evaluation.retrieval import CaptionedPicture, evaluate_retrieval
from cosmos_search.evaluation.zero_shot import TEMPLATES, evaluate_zero_shot
from indexer.errors import CosmosSearchError, PictureError
from indexer.files import read_file
from indexer.pictures.images import reading_pictures
from trainer.config import TextMode
from trainer.data.batches import read_picture
from trainer.data.captions import read_captions
from trainer.data.errors import SampleError
from trainer.data.samples import Pair, SkippedSample, Source, open_source

__all__ = [
    "Evaluation",
    "HeldOut",
    "Sample",
    "average_recall_at_1",
    "evaluate_encoders",
    "evaluate_model",
    "measure_retrieval",
    "select_held_out",
]

MAX_TEMPLATES_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """A pair, and the texts of its picture."""

    pair: Pair
    caption: str
    sentences: tuple[str, ...]  # different ones


@dataclass(slots=True)
class HeldOut:
    """Samples to measure with. Reading them adds those whose pictures cannot be decoded to `skipped`."""

    samples: list[Sample] = field(default_factory=list)
    skipped: list[SkippedSample] = field(default_factory=list)

    def read(self, min_side: int) -> Iterator[CaptionedPicture]:
        """The samples whose pictures can be decoded; min_side: pixels of the shorter side that decoding keeps."""
        with reading_pictures():
            for sample in self.samples:
                try:
                    image = read_picture(sample.pair, min_side=min_side)
                except (PictureError, OSError) as error:
                    failure = SkippedSample(sample.pair.key, str(error))
                    if failure not in self.skipped:  # every checkpoint reads the samples again
                        self.skipped.append(failure)
                    continue
                yield CaptionedPicture(image, sample.caption, sample.sentences)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures by network ("student", "teacher"), 0..1; empty for a kind of evaluation that was not requested."""

    checkpoint: str
    retrieval: Mapping[str, Mapping[str, float]]
    classification: Mapping[str, Mapping[str, float]]
    n_pairs: int
    skipped: tuple[SkippedSample, ...]


def select_held_out(source: Source, mode: TextMode, limit: int) -> HeldOut:
    """The first pairs of a source that have captions, `limit` at most. Raises CosmosSearchError if there are none."""
    found = HeldOut()
    for pair in islice(source.pairs(Random(0), 0, 1), limit):
        if isinstance(pair, SkippedSample):
            found.skipped.append(pair)
            continue
        try:
            whole, sentences = read_captions(pair, mode)
            if not whole or not sentences:
                raise SampleError("it has no caption")
        except SampleError as error:
            found.skipped.append(SkippedSample(pair.key, str(error)))
            continue
        found.samples.append(Sample(pair, whole, tuple(dict.fromkeys(sentences))))
    if not found.samples:
        why = f" ({found.skipped[0].key}: {found.skipped[0].reason})" if found.skipped else ""
        raise CosmosSearchError(f"There is nothing to evaluate with: no pair has a picture and a caption{why}.")
    return found


def evaluate_model(
    name: str,
    *,
    data: Path | None = None,
    classes: Path | None = None,
    templates: Path | None = None,
    text_mode: TextMode = "sentences",
    limit: int = 5000,
    device: Device = "auto",
    precision: Precision = "auto",
) -> Evaluation:
    """An installed model or the built-in encoder, as search runs it: see `evaluate_encoders` and `load_encoder`."""
    encoders = {name: load_encoder(name, device, precision)}
    return evaluate_encoders(
        name, encoders, data=data, classes=classes, templates=templates, text_mode=text_mode, limit=limit
    )


def evaluate_encoders(
    title: str,
    encoders: Encoders,
    *,
    data: Path | None,
    classes: Path | None,
    templates: Path | None,
    text_mode: TextMode,
    limit: int,
) -> Evaluation:
    """Retrieval among the first `limit` pairs of `data`, and zero-shot classification of the folders in `classes`.

    templates: a file with one prompt per line and {} for the name of a class. Shows a progress bar on a terminal.
    Raises CosmosSearchError if there is nothing to measure with.
    """
    prompts = _read_templates(templates) if templates is not None else TEMPLATES
    pairs = select_held_out(open_source(data), text_mode, limit) if data is not None else HeldOut()
    with tqdm(unit="picture", disable=None, dynamic_ncols=True) as bar:

        def show_progress(n_pictures: int) -> None:
            bar.update(n_pictures - bar.n)

        found = measure_retrieval(encoders, pairs, show_progress) if data is not None else {}
        bar.reset()
        named = _classify(encoders, classes, prompts, show_progress) if classes is not None else {}
    return Evaluation(title, found, named, len(pairs.samples), tuple(pairs.skipped))


def measure_retrieval(
    encoders: Encoders, data: HeldOut, on_progress: OnProgress = lambda n_done: None
) -> dict[str, dict[str, float]]:
    """`evaluate_retrieval` on held-out samples. Raises CosmosSearchError if no picture can be decoded."""
    found = evaluate_retrieval(encoders, data.read(largest_min_side(encoders)), on_progress)
    if not found:
        raise CosmosSearchError(f"No picture could be read; {data.skipped[-1].key}: {data.skipped[-1].reason}.")
    return found


def average_recall_at_1(metrics: Mapping[str, float]) -> float:
    """One number to choose a checkpoint by: R@1, averaged over both directions, of captions and of sentences."""
    recalls = [value for key, value in metrics.items() if key.endswith("_R@1")]
    return sum(recalls) / len(recalls)


def _classify(
    encoders: Encoders, folder: Path, templates: Sequence[str], on_progress: OnProgress
) -> dict[str, dict[str, float]]:
    classes = open_class_folders(folder)
    pictures = classes.read(largest_min_side(encoders))
    found = evaluate_zero_shot(encoders, classes.names, pictures, templates, on_progress)
    if not found:
        raise CosmosSearchError(f"No picture in {folder} could be read.")
    return found


def _read_templates(file: Path) -> list[str]:
    try:
        text = read_file(file, MAX_TEMPLATES_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        raise CosmosSearchError(f"The templates in {file} can't be read ({error}).") from error
    templates = [line.strip() for line in text.splitlines() if "{}" in line]
    if not templates:
        raise CosmosSearchError(f"No line of {file} has a {{}} for the class's name.")
    return templates
