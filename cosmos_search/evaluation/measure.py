"""Measure an encoder on a test set: as papers do, and through the scores of a search.

"global": global vectors and whole texts; "search": sentences with regions (`search_scores`); "calibrated": the same
less the level of each text, which is the same for all pictures and so changes only comparisons of texts for a picture.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.evaluation.datasets.records import (
    CaptionedFile,
    CaptionedFiles,
    CaptionPairs,
    DataSet,
    DescribedRegion,
    DescribedRegions,
    LabelledFiles,
    PicturePairs,
)
from cosmos_search.evaluation.encode import OnProgress, split_batches
from cosmos_search.evaluation.encode_files import EncodedFiles, encode_files
from cosmos_search.evaluation.metrics import (
    compute_cosines,
    compute_retrieval_metrics,
    contains_centre,
    count_top_k_hits,
)
from cosmos_search.evaluation.search_scores import Queries, encode_queries
from cosmos_search.evaluation.templates import CLIP_TEMPLATES
from cosmos_search.evaluation.zero_shot import encode_classes
from indexer.encoder import Vectors
from indexer.pictures.regions import WHOLE, Box, Regions

__all__ = ["Figures", "StartPhase", "measure"]

StartPhase = Callable[[str, int], OnProgress]  # called with what is encoded and how many; returns the one to report to


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares, 0..1, and ranks, by metric, in the three ways; and how many pictures and texts they are of."""

    global_vectors: Mapping[str, float]
    search: Mapping[str, float]
    calibrated: Mapping[str, float]
    counts: Mapping[str, int]

    @property
    def sides(self) -> dict[str, Mapping[str, float]]:
        """The three, by their names."""
        return {"global": self.global_vectors, "search": self.search, "calibrated": self.calibrated}


def measure(encoder: Encoder, data: DataSet, regions: Regions, start_phase: StartPhase) -> Figures:
    """The figures of one encoder on one test set. Raises CosmosSearchError for a picture that can't be read."""
    match data:
        case CaptionedFiles():
            return _measure_retrieval(encoder, data, regions, start_phase)
        case DescribedRegions():
            return _measure_regions(encoder, data, regions, start_phase)
        case CaptionPairs():
            return _measure_caption_pairs(encoder, data, regions, start_phase)
        case PicturePairs():
            return _measure_picture_pairs(encoder, data, regions, start_phase)
        case LabelledFiles():
            return _measure_classes(encoder, data, regions, start_phase)


@dataclass(frozen=True, slots=True)
class _Encoded:
    """Pictures with captions: the vectors of all pictures, and of all captions in the order of the pictures."""

    files: tuple[EncodedFiles, ...]
    texts: Vectors  # (captions, dim), of whole captions
    queries: Queries


def _measure_retrieval(encoder: Encoder, data: CaptionedFiles, regions: Regions, start_phase: StartPhase) -> Figures:
    """Ranks and recall in both directions."""
    return _rank(data.items, _encode(encoder, data.items, regions, start_phase), start_phase)


def _encode(encoder: Encoder, items: Sequence[CaptionedFile], regions: Regions, start_phase: StartPhase) -> _Encoded:
    paths = [item.path for item in items]
    captions = [caption for item in items for caption in item.captions]
    return _Encoded(
        tuple(encode_files(encoder, paths, regions, start_phase("pictures", len(paths)))),
        _encode_texts(encoder, captions, start_phase("captions", len(captions))),
        encode_queries(encoder, captions, start_phase("queries", len(captions))),
    )


def _rank(items: Sequence[CaptionedFile], encoded: _Encoded, start_phase: StartPhase) -> Figures:
    columns = iter(range(len(encoded.texts)))
    columns_of = {i: [next(columns) for _ in item.captions] for i, item in enumerate(items)}
    with _open_matrix(len(items), len(encoded.texts)) as scores:
        compute_cosines(np.concatenate([part.global_vectors for part in encoded.files]), encoded.texts, out=scores)
        papers = compute_retrieval_metrics(scores, columns_of)
        on_progress = start_phase("scores", len(items))
        for part in encoded.files:
            end = part.start + len(part.sizes)
            scores[part.start : end] = encoded.queries.score(part)
            on_progress(end)
        search = compute_retrieval_metrics(scores, columns_of)
        scores -= encoded.queries.levels
        calibrated = compute_retrieval_metrics(scores, columns_of)
    return Figures(papers, search, calibrated, {"pictures": len(items), "texts": len(encoded.texts)})


def _measure_regions(encoder: Encoder, data: DescribedRegions, regions: Regions, start_phase: StartPhase) -> Figures:
    """Retrieval, and for texts with a box "pointing": whether the centre of the shown region lies in it.

    The global vector points at the centre of the picture.
    """
    grouped: dict[Path, list[DescribedRegion]] = defaultdict(list)
    for region in data.items:
        grouped[region.path].append(region)
    groups = list(grouped.values())  # of one picture each
    items = [CaptionedFile(path, tuple(region.text for region in own)) for path, own in grouped.items()]
    encoded = _encode(encoder, items, regions, start_phase)
    found = _rank(items, encoded, start_phase)
    hits = list(_point(groups, encoded))
    if not hits:
        return found
    middle, shown = np.mean(hits, axis=0)
    return Figures(
        {**found.global_vectors, "pointing": float(middle)},
        {**found.search, "pointing": float(shown)},
        {**found.calibrated, "pointing": float(shown)},
        {**found.counts, "boxes": len(hits)},
    )


def _point(groups: Sequence[Sequence[DescribedRegion]], encoded: _Encoded) -> Iterator[tuple[bool, bool]]:
    """For each text with a box, whether the centres of the picture and of the region that is shown lie in it."""
    text = 0
    for part in encoded.files:
        for file, (width, height) in enumerate(part.sizes):
            for region in groups[part.start + file]:
                if region.box is not None:
                    left, top, right, bottom = region.box
                    true = Box(left / width, top / height, right / width, bottom / height)
                    shown = encoded.queries.point(text, part, file)
                    yield contains_centre(true, WHOLE), contains_centre(true, shown)
                text += 1


def _measure_caption_pairs(encoder: Encoder, data: CaptionPairs, regions: Regions, start_phase: StartPhase) -> Figures:
    """By category, the share of pictures whose right caption has the higher score, and the mean of the categories."""
    asked = [(item.path, text) for item in data.items for text in (item.right, item.wrong)]
    results = []
    for scores in _score_pairs(encoder, asked, regions, start_phase):
        right, wrong = scores.reshape(-1, 2).T
        shares = {}
        for category in sorted({item.category for item in data.items}):
            is_own = [item.category == category for item in data.items]
            shares[category] = float((right > wrong)[is_own].mean())
        results.append({**shares, "mean": float(np.mean(list(shares.values())))})
    papers, search, calibrated = results
    return Figures(
        papers, search, calibrated, {"pictures": len({item.path for item in data.items}), "pairs": len(data.items)}
    )


def _measure_picture_pairs(encoder: Encoder, data: PicturePairs, regions: Regions, start_phase: StartPhase) -> Figures:
    """Text score: each picture prefers its own caption; image score: each caption its own picture; group: both."""
    asked = [(path, text) for item in data.items for path in item.paths for text in item.captions]
    results = []
    for scores in _score_pairs(encoder, asked, regions, start_phase):
        (a, b), (c, d) = np.moveaxis(scores.reshape(-1, 2, 2), 0, -1)  # picture, caption: 00, 01, 10, 11
        text, image = (a > b) & (d > c), (a > c) & (d > b)
        results.append(
            {name: float(x.mean()) for name, x in (("text", text), ("image", image), ("group", text & image))}
        )
    papers, search, calibrated = results
    return Figures(
        papers,
        search,
        calibrated,
        {"pictures": len({p for i in data.items for p in i.paths}), "examples": len(data.items)},
    )


def _score_pairs(
    encoder: Encoder, pairs: Sequence[tuple[Path, str]], regions: Regions, start_phase: StartPhase
) -> NDArray[np.float32]:
    """The scores of these pictures and texts only, in the three ways: (3, pairs)."""
    numbers: dict[str, int] = {}
    asked: dict[Path, list[tuple[int, int]]] = defaultdict(list)  # of each picture, the pair and its text
    for pair, (path, text) in enumerate(pairs):
        asked[path].append((pair, numbers.setdefault(text, len(numbers))))
    texts = _encode_texts(encoder, list(numbers), start_phase("captions", len(numbers)))
    queries = encode_queries(encoder, list(numbers), start_phase("queries", len(numbers)))
    found = np.zeros((3, len(pairs)), dtype=np.float32)
    paths = list(asked)
    for part in encode_files(encoder, paths, regions, start_phase("pictures", len(paths))):
        own = [asked[path] for path in paths[part.start : part.start + len(part.sizes)]]
        chosen = sorted({text for entries in own for _, text in entries})
        scores = _score_in_three_ways(part, texts[chosen], queries.select(chosen))
        column = {text: i for i, text in enumerate(chosen)}
        for file, entries in enumerate(own):
            for number, text_number in entries:
                found[:, number] = scores[:, file, column[text_number]]
    return found


def _score_in_three_ways(part: EncodedFiles, texts: Vectors, queries: Queries) -> NDArray[np.float32]:
    """(3, files, texts)"""
    search = queries.score(part)
    return np.stack([compute_cosines(part.global_vectors, texts), search, search - queries.levels])


def _measure_classes(encoder: Encoder, data: LabelledFiles, regions: Regions, start_phase: StartPhase) -> Figures:
    """Top-1 and top-5 accuracy: with the 80 prompts of CLIP, and with the name of a class as a query."""
    on_progress = start_phase("classes", len(data.classes))
    heads: list[Vectors] = []
    for name in data.classes:
        heads.append(encode_classes(encoder, [name], CLIP_TEMPLATES))
        on_progress(len(heads))
    queries = encode_queries(encoder, data.classes)
    depths = [k for k in (1, 5) if k < len(data.classes)]
    hits = np.zeros((3, len(depths)), dtype=np.int64)
    paths = [item.path for item in data.items]
    for part in encode_files(encoder, paths, regions, start_phase("pictures", len(paths))):
        labels = [item.label for item in data.items[part.start : part.start + len(part.sizes)]]
        scores = _score_in_three_ways(part, np.concatenate(heads), queries)
        hits += [[count_top_k_hits(own, labels, k) for k in depths] for own in scores]
    results = [{f"top{k}": n / len(paths) for k, n in zip(depths, own, strict=True)} for own in hits.tolist()]
    papers, search, calibrated = results
    return Figures(papers, search, calibrated, {"pictures": len(paths), "classes": len(data.classes)})


def _encode_texts(encoder: Encoder, texts: Sequence[str], on_progress: OnProgress) -> Vectors:
    """Whole texts, which the encoder truncates at its own length: (n, dim)."""
    parts: list[Vectors] = []
    n_done = 0
    for batch in split_batches(texts):
        parts.append(encoder.encode_texts(batch))
        n_done += len(batch)
        on_progress(n_done)
    return np.concatenate(parts)


@contextmanager
def _open_matrix(n_rows: int, n_columns: int) -> Iterator[NDArray[np.float32]]:
    """A matrix in a temporary file, so that the scores of all captions and pictures need not fit into the memory."""
    with TemporaryFile() as file:
        yield np.memmap(file, dtype=np.float32, mode="w+", shape=(n_rows, n_columns))
