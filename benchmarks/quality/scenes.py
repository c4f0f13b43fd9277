"""Retrieval of scenes by sentences and regions, against whole texts and global vectors; things that are absent.

    python -m benchmarks.quality.scenes [--originals 120] [--model cosmos-mini]

The collection is all scenes of benchmarks/data/scenes.py, variants included; the queries are the captions of the
originals.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.collection import Collection, index_pictures, score_query
from benchmarks.data.scenes import Scene, SceneSet, Thing, make_scenes
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from benchmarks.vectors import pair_auroc
from cosmos_search.encoders.calibration import Calibration
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.evaluation.metrics import contains_centre
from cosmos_search.retrieval.explain import heat_map, refine_evidence
from cosmos_search.retrieval.hits import Evidence
from cosmos_search.retrieval.query import PLACES
from cosmos_search.retrieval.scoring import PictureScore
from indexer.pictures.regions import REGIONS, Box

CUT_OFFS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
MANY = 3  # things; scenes of as many or more are also reported separately


def main() -> None:
    """Print the tables of retrieval and of calibration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--originals", type=int, default=120)
    parser.add_argument("--model", default="cosmos-mini")
    parser.add_argument("--regions", choices=REGIONS, help="by default, those of the encoder")
    options = parser.parse_args()
    encoder = load_encoder(options.model)
    regions = options.regions or encoder.default_regions
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "scenes")
        scenes = make_scenes(folder, options.originals)
        collection = index_pictures(folder, Path(scratch, "index"), encoder, regions)
        print(describe_machine("onnxruntime"))
        print(f"{len(scenes.scenes)} scenes, {options.originals} queries; {encoder.name}, {regions} regions\n")
        _report_retrieval(scenes, collection, encoder, folder)
    _report_absent(scenes, collection, encoder)


def _report_retrieval(scenes: SceneSet, collection: Collection, encoder: Encoder, folder: Path) -> None:
    """folder: of the pictures."""
    make_map = cache(partial(_make_map, encoder, folder))  # two methods ask for the same maps
    originals = [scene for scene in scenes.scenes if scene.kind == "original"]
    many = np.array([len(scene.things) >= MANY for scene in originals])
    methods: dict[str, Callable[[Scene], list[PictureScore]]] = {
        "whole text, global vector (baseline)": lambda s: score_query(
            _join_captions(s), collection.without_regions(), encoder
        ),
        "+ sentences": lambda s: score_query(_list_sentences(s), collection.without_regions(), encoder),
        "+ regions": lambda s: score_query(_join_captions(s), collection, encoder),
        "+ sentences and regions": lambda s: score_query(_list_sentences(s), collection, encoder),
        "+ places": lambda s: score_query(_list_sentences(s, with_places=True), collection, encoder),
    }
    rows = []
    for label, method in methods.items():
        answers = [(scene, method(scene)) for scene in originals]
        ranks = np.array([_rank_original(scene, scored, collection, "places" in label) for scene, scored in answers])
        cells = [_format_recalls(ranks), _format_recalls(ranks[many])]
        if "sentences and regions" in label or "places" in label:
            measures = _measure_pointing(answers, collection, make_map)
            cells += [" / ".join(f"{mean:.2f}" for mean in means) for means in measures]
        rows.append([label, *cells, *[""] * (4 - len(cells))])
    boxes = ["pointing, region / refined", "mean IoU, region / refined"]
    print_table(["", "R@1 / R@5 / R@10", f"scenes of {MANY} or more", *boxes], rows)


def measure_scenes(encoder: Encoder, scenes: SceneSet, folder: Path) -> tuple[float, float]:
    """R@1 of scenes of MANY things or more by sentences and regions, and pointing by refined boxes.

    folder: of the scenes' pictures.
    """
    with tempfile.TemporaryDirectory() as index:
        collection = index_pictures(folder, Path(index), encoder)
    scored = [(s, score_query(_list_sentences(s), collection, encoder)) for s in scenes.scenes if s.kind == "original"]
    ranks = [_rank_original(scene, scores, collection, False) for scene, scores in scored if len(scene.things) >= MANY]
    pointing = _measure_pointing(scored, collection, partial(_make_map, encoder, folder))[0, 1]
    return float(np.mean(np.array(ranks) < 1)), float(pointing)


def _join_captions(scene: Scene) -> list[tuple[str, Box | None]]:
    return [(". ".join(thing.caption for thing in scene.things), None)]


def _list_sentences(scene: Scene, *, with_places: bool = False) -> list[tuple[str, Box | None]]:
    return [(thing.caption, _find_place(thing) if with_places else None) for thing in scene.things]


def _find_place(thing: Thing) -> Box | None:
    """The smallest named place that contains more than 0.9 of the thing's box; None if none does."""
    holding = [place for place in PLACES.values() if thing.box.inside(place) > 0.9]
    return min(holding, key=lambda place: place.area, default=None)


def _rank_original(scene: Scene, scored: Sequence[PictureScore], collection: Collection, has_places: bool) -> int:
    """How many pictures score higher than the original.

    Unless the query has places, the variant with the same things at other positions is not counted.
    """
    scores = np.array([s.score for s in scored])
    moved = scene.name.replace("original", "moved")
    better = scores > scores[collection.names.index(scene.name)]
    better[collection.names.index(moved)] &= has_places
    return int(better.sum())


def _format_recalls(ranks: NDArray[np.int64]) -> str:
    return " / ".join(f"{(ranks < k).mean():.2f}" for k in (1, 5, 10))


def _make_map(encoder: Encoder, folder: Path, name: str, text: str) -> NDArray[np.float32] | None:
    with Image.open(folder / name) as picture:
        return heat_map(encoder, picture.convert("RGB"), text)


def _measure_pointing(
    answers: Sequence[tuple[Scene, list[PictureScore]]],
    collection: Collection,
    make_map: Callable[[str, str], NDArray[np.float32] | None],
) -> NDArray[np.float64]:
    """In the correct scene: the share of sentences whose box has its centre in the thing, and the mean IoU.

    Each for the best region itself, and for the box that is refined from it: (2, 2). make_map: of a scene's name and a
    text.
    """
    hits, overlaps = [], []  # of both boxes of each thing
    for scene, scored in answers:
        place = collection.names.index(scene.name)
        score = scored[place]
        for thing, region, cosine in zip(scene.things, score.regions, score.cosines, strict=True):
            best = Evidence(thing.caption, cosine, cosine, collection.boxes[place][region], is_negative=False)
            boxes = (best.box, refine_evidence(best, partial(make_map, scene.name)).box)
            hits.append([contains_centre(thing.box, box) for box in boxes])
            overlaps.append([box.iou(thing.box) for box in boxes])
    return np.array([np.mean(values, axis=0) for values in (hits, overlaps)])


def _report_absent(scenes: SceneSet, collection: Collection, encoder: Encoder) -> None:
    """Print how well scores separate sentences about things in the collection from those about absent things."""
    calibration = encoder.calibration
    if calibration is None:
        print("\nno calibration")
        return
    present, absent = (
        np.array([_find_best_probability(text, collection, encoder, calibration) for text in texts])
        for texts in (_list_captions(scenes), scenes.absent)
    )
    print(f"\nbest picture for a sentence, present against absent things: AUROC {pair_auroc(present, absent):.3f}")
    print(f"cut-off {calibration.cut_off}\n")
    rows = [[f"{cut:.2f}", *(f"{(group >= cut).mean():.2f}" for group in (absent, present))] for cut in CUT_OFFS]
    print_table(["cut-off", "absent things found (false positives)", "present things found"], rows)


def _find_best_probability(text: str, collection: Collection, encoder: Encoder, calibration: Calibration) -> float:
    level = calibration.level(encoder.encode_texts([text])[0])
    return max(calibration.probability(s.score, level) for s in score_query([(text, None)], collection, encoder))


def _list_captions(scenes: SceneSet) -> list[str]:
    """Of the things in the originals, without repetitions."""
    originals = (scene for scene in scenes.scenes if scene.kind == "original")
    return list(dict.fromkeys(thing.caption for scene in originals for thing in scene.things))


if __name__ == "__main__":
    main()
