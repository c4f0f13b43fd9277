"""Does searching by sentence and by region find more than comparing wholes? Scenes with a known truth.

    python -m benchmarks.quality.scenes [--originals 120] [--model cosmos-mini] [--fit]

The collection are all scenes, near-duplicates included; the queries are the captions of the originals. --fit writes the
encoder's calibration from half of the scenes and judges it on the other half.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import cosmos_search
from benchmarks.data.scenes import Scene, SceneSet, Thing, make_scenes
from benchmarks.machine import describe, print_table
from cosmos_search.encoders.calibration import fit
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.retrieval.query import PLACES
from cosmos_search.retrieval.scoring import EncodedTerm, PictureScore, score_pictures
from indexer.pictures.regions import WHOLE, Box, pyramid
from indexer.store.index import Index

MANY = 3  # things from which a scene counts as one of many


@dataclass(frozen=True, slots=True)
class Collection:
    """Every picture's stored vectors, so that each way can score all of them exactly."""

    names: list[str]
    rows: NDArray[np.float32]  # (n, dim)
    starts: NDArray[np.int64]  # (pictures,)
    boxes: list[tuple[Box, ...]]

    def wholes(self) -> "Collection":
        """The same without regions."""
        starts = np.arange(len(self.names))
        return Collection(self.names, self.rows[self.starts], starts, [(WHOLE,)] * len(self.names))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--originals", type=int, default=120)
    parser.add_argument("--model", default="cosmos-mini")
    parser.add_argument("--regions", default=None, help="left out, as suits the encoder")
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    encoder = load_encoder(options.model)
    regions = options.regions or encoder.default_regions
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "scenes")
        scenes = make_scenes(folder, options.originals)
        collection = _indexed(folder, Path(scratch, "index"), encoder, regions)
    print(describe("onnxruntime"))
    print(f"{len(scenes.scenes)} scenes, {options.originals} queries; {encoder.name}, {regions} regions\n")
    _report_retrieval(scenes, collection, encoder)
    _report_no_match(scenes, collection, encoder, options.fit)


def _indexed(folder: Path, place: Path, encoder: Encoder, regions: str) -> Collection:
    with cosmos_search.open(place, encoder=encoder) as library:
        report = library.add(folder, regions=regions)
        print(f"indexed at {report.images_per_second:.1f} pictures/s")
    index = Index.open(place)
    with index.snapshot() as snapshot:
        assert snapshot is not None
        ids = snapshot.catalog.vector_ids(snapshot.encoder.id).tolist()
        (row_ids, data), *_ = snapshot.catalog.vectors_of(ids, snapshot.encoder)
        pictures = snapshot.catalog.pictures(ids)
    index.close()
    _, starts = np.unique(row_ids, return_index=True)
    facts = [pictures[i].facts for i in ids]
    boxes = [(WHOLE, *pyramid(regions, f.width, f.height)) for f in facts]
    return Collection([pictures[i].paths[0].name for i in ids], data.astype(np.float32), starts, boxes)


def _report_retrieval(scenes: SceneSet, collection: Collection, encoder: Encoder) -> None:
    originals = [scene for scene in scenes.scenes if scene.kind == "original"]
    many = np.array([len(scene.things) >= MANY for scene in originals])
    ways: dict[str, Callable[[Scene], list[PictureScore]]] = {
        "whole text, whole picture (what peers do)": lambda s: _score(_whole_text(s), collection.wholes(), encoder),
        "+ sentences": lambda s: _score(_sentences(s), collection.wholes(), encoder),
        "+ regions": lambda s: _score(_whole_text(s), collection, encoder),
        "+ sentences and regions": lambda s: _score(_sentences(s), collection, encoder),
        "+ places": lambda s: _score(_sentences(s, with_places=True), collection, encoder),
    }
    rows = []
    for label, way in ways.items():
        answers = [(scene, way(scene)) for scene in originals]
        ranks = np.array([_rank(scene, scored, collection, "places" in label) for scene, scored in answers])
        cells = [_recalls(ranks), _recalls(ranks[many])]
        cells += _pointing(answers, collection) if "sentences and regions" in label or "places" in label else ["", ""]
        rows.append([label, *cells])
    print_table(["", "R@1 / R@5 / R@10", f"scenes of {MANY} or more", "pointing", "mean IoU"], rows)


def _whole_text(scene: Scene) -> list[tuple[str, Box | None]]:
    return [(". ".join(thing.caption for thing in scene.things), None)]


def _sentences(scene: Scene, *, with_places: bool = False) -> list[tuple[str, Box | None]]:
    return [(thing.caption, _place(thing) if with_places else None) for thing in scene.things]


def _place(thing: Thing) -> Box | None:
    """The smallest named place that holds the thing's whole box; None if none does."""
    holding = [place for place in PLACES.values() if thing.box.inside(place) > 0.9]
    return min(holding, key=lambda place: place.area, default=None)


def _score(sentences: Sequence[tuple[str, Box | None]], collection: Collection, encoder: Encoder) -> list[PictureScore]:
    """Of every picture, by its number in the collection."""
    vectors = encoder.encode_texts([text for text, _ in sentences])
    terms = [EncodedTerm(vector, place=place) for vector, (_, place) in zip(vectors, sentences, strict=True)]
    return score_pictures(terms, range(len(collection.names)), collection.rows, collection.starts, collection.boxes)


def _rank(scene: Scene, scored: Sequence[PictureScore], collection: Collection, knows_places: bool) -> int:
    """How many pictures score higher. The twin with the same things elsewhere is as right, unless places are known."""
    scores = np.array([s.score for s in scored])
    twin = scene.name.replace("original", "moved")
    better = scores > scores[collection.names.index(scene.name)]
    better[collection.names.index(twin)] &= knows_places
    return int(better.sum())


def _recalls(ranks: NDArray[np.int64]) -> str:
    return " / ".join(f"{(ranks < k).mean():.2f}" for k in (1, 5, 10))


def _pointing(answers: Sequence[tuple[Scene, list[PictureScore]]], collection: Collection) -> list[str]:
    """In the right scene: the share of sentences whose box has its centre in the thing, and the mean IoU."""
    hits, overlaps = [], []
    for scene, scored in answers:
        place = collection.names.index(scene.name)
        for thing, region in zip(scene.things, scored[place].regions, strict=True):
            box = collection.boxes[place][region]
            x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
            hits.append(thing.box.left <= x <= thing.box.right and thing.box.top <= y <= thing.box.bottom)
            overlaps.append(box.iou(thing.box))
    return [f"{np.mean(hits):.2f}", f"{np.mean(overlaps):.2f}"]


def _report_no_match(scenes: SceneSet, collection: Collection, encoder: Encoder, should_fit: bool) -> None:
    """Single sentences: of things that are somewhere in the collection, and of things that are nowhere."""
    matching, others = _pairs(scenes, collection, encoder)
    curve = fit(matching[0], others[0]) if should_fit else encoder.calibration
    if curve is None:
        print("\nno calibration")
        return
    best = {kind: _best_scores(captions, collection, encoder) for kind, captions in _captions(scenes).items()}
    present, absent = best["present"], best["absent"]
    auroc = float((np.array(present)[:, None] > np.array(absent)).mean())
    print(f"\npairs of sentence and picture, held out: AUROC {_auroc(matching[1], others[1]):.3f}")
    print(f"best picture for a sentence, present against absent things: AUROC {auroc:.3f}")
    print_table(
        ["cut-off", "absent things answered (false alarms)", "present things answered"],
        [
            [
                f"{cut:.2f}",
                *(f"{np.mean([curve.probability(s) >= cut for s in group]):.2f}" for group in (absent, present)),
            ]
            for cut in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
        ],
    )
    print(curve)
    if should_fit:
        target = Path(__file__).parents[2] / f"cosmos_search/data/{encoder.name}.calibration.json"
        replace(curve, cut_off=encoder.calibration.cut_off if encoder.calibration else 0.5).save(target)


def _captions(scenes: SceneSet) -> dict[str, list[str]]:
    present = dict.fromkeys(t.caption for s in scenes.scenes if s.kind == "original" for t in s.things)
    return {"present": list(present), "absent": list(scenes.absent)}


def _best_scores(captions: Sequence[str], collection: Collection, encoder: Encoder) -> list[float]:
    return [max(s.score for s in _score([(c, None)], collection, encoder)) for c in captions]


def _pairs(
    scenes: SceneSet, collection: Collection, encoder: Encoder
) -> tuple[tuple[list[float], list[float]], tuple[list[float], list[float]]]:
    """Scores of sentences with pictures that show them and with others: ((matching, held out), (others, held out))."""
    matching: tuple[list[float], list[float]] = ([], [])
    others: tuple[list[float], list[float]] = ([], [])
    shown = {scene.name: {t.caption for t in scene.things} for scene in scenes.scenes}
    for number, caption in enumerate(_captions(scenes)["present"]):
        for name, scored in zip(collection.names, _score([(caption, None)], collection, encoder), strict=True):
            (matching if caption in shown[name] else others)[number % 2].append(scored.score)
    return matching, others


def _auroc(matching: Sequence[float], others: Sequence[float]) -> float:
    order = np.sort(np.array(others))
    return float(np.searchsorted(order, np.array(matching)).mean() / len(order))


if __name__ == "__main__":
    main()
