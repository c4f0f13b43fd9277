"""Fit the calibration of a built-in encoder on photos with captions, and write it into the package.

    python -m benchmarks.quality.calibrate --train flickr8k-train.tar --val flickr8k-dev.tar [--model cosmos-mini]

The background are photos of --train with a caption of each; only their vectors are kept. The curve is fitted on named
things (benchmarks/data/{common,rare}_things.py) in the photos of --val, where about one pair in a hundred matches. The
weights of the background are compared in a table and set by hand below. The curve is judged on things and folders that
were held out from its fit, in random halves; the one that is written is fitted on all.
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.collection import Collection, index_pictures
from benchmarks.data.captioned_photos import CaptionedPhoto, write_photos
from benchmarks.data.common_things import COMMON
from benchmarks.data.rare_things import RARE
from benchmarks.machine import describe_machine
from benchmarks.quality.presence import score_things
from benchmarks.reliability import bin_scores, calibration_error
from benchmarks.tables import print_table
from benchmarks.vectors import pair_auroc
from cosmos_search.encoders.calibration import Background, Calibration, fit
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.protocol import Encoder

N_BACKGROUND = 1000  # photos
N_FOLDERS = 4
TOP = 10  # hits that are shown
PHOTO_WEIGHT, CAPTION_WEIGHT = 0.5, -0.7  # chosen by the table
WEIGHTS = ((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.0, -0.5), (0.3, -0.5), (0.5, -0.7), (0.5, -1.0))
N_SPLITS = 10
MOST_ABSENT = 0.2  # share of absent things that may be answered

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Things:
    """Scores of named things with the photos of folders, and whether they are shown: (things, photos)."""

    scores: Floats
    shown: NDArray[np.bool_]
    folders: NDArray[np.int64]  # of each photo: (photos,)

    def select(self, things: NDArray[np.bool_], folders: NDArray[np.bool_]) -> "Things":
        """Of some things and folders."""
        photos = folders[self.folders]
        return Things(self.scores[things][:, photos], self.shown[things][:, photos], self.folders[photos])

    def best_scores(self) -> tuple[Floats, Floats]:
        """The best score of each thing in each folder where it is present, and where it is absent."""
        best = np.stack([self.scores[:, self.folders == i].max(axis=1) for i in np.unique(self.folders)])
        present = np.stack([self.shown[:, self.folders == i].any(axis=1) for i in np.unique(self.folders)])
        return best[present], best[~present]

    def shown_hits(self, cut_off: float) -> tuple[Floats, NDArray[np.bool_]]:
        """The first hits of each thing in each folder with scores from the cut-off on, and whether they are right."""
        hits = []
        for i in np.unique(self.folders):
            scores, shown = self.scores[:, self.folders == i], self.shown[:, self.folders == i]
            first = np.argsort(-scores, axis=1)[:, :TOP]
            hits.append((np.take_along_axis(scores, first, axis=1), np.take_along_axis(shown, first, axis=1)))
        scores, shown = (np.concatenate(parts).ravel() for parts in zip(*hits, strict=True))
        return scores[scores >= cut_off], shown[scores >= cut_off]


def main() -> None:
    """Print the tables, and write the calibration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True, help="photos with captions, for the background")
    parser.add_argument("--val", type=Path, required=True, help="other photos with captions, for the curve")
    parser.add_argument("--model", default="cosmos-mini")
    options = parser.parse_args()
    encoder = load_encoder(options.model)
    with tempfile.TemporaryDirectory() as scratch:
        background = make_background(encoder, write_photos(options.train, Path(scratch, "train"), 1, N_BACKGROUND))
        photos = write_photos(options.val, Path(scratch, "val"), N_FOLDERS)
        collection = index_pictures(Path(scratch, "val"), Path(scratch, "index"), encoder)
    print(describe_machine("onnxruntime"))
    things = score_in_folders(collection, encoder, photos)
    measures = np.array([background.measure(v) for v in encoder.encode_texts([t.query for t in COMMON + RARE])])
    print(f"{encoder.name}; {things.shown.mean():.4f} of the pairs of a thing and a photo match\n")
    compare_weights(things, measures)
    levels = measures @ np.array([PHOTO_WEIGHT, CAPTION_WEIGHT])
    judge_held_out(things, levels)
    curve = fit_curve(things, levels)
    target = Path(__file__).parents[2] / f"cosmos_search/data/{encoder.name}.calibration.json"
    replace(curve, background=background).save(target)
    print(f"\nwritten: slope {curve.slope}, middle {curve.middle}, cut-off {curve.cut_off}")


def make_background(encoder: Encoder, photos: list[CaptionedPhoto]) -> Background:
    """The vectors of whole photos and of the first caption of each."""
    rows = []
    for photo in photos:
        with Image.open(photo.path) as picture:
            rows.append(encoder.encode_images([encoder.prepare(picture.convert("RGB"))])[0][0])
    captions = encoder.encode_texts([photo.captions[0] for photo in photos])
    return Background(np.stack(rows), captions, PHOTO_WEIGHT, CAPTION_WEIGHT)


def score_in_folders(collection: Collection, encoder: Encoder, photos: list[CaptionedPhoto]) -> Things:
    """All things with all photos."""
    folders = sorted({photo.path.parent for photo in photos})
    folder_of = {photo.path.name: folders.index(photo.path.parent) for photo in photos}
    scores, shown = score_things(collection, encoder, COMMON + RARE, photos)
    return Things(scores, shown, np.array([folder_of[name] for name in collection.names]))


def compare_weights(things: Things, measures: NDArray[np.float64]) -> None:
    """Print the AUROC of the best score, present against absent, for weights of the two measures of a sentence."""
    is_common = np.arange(len(measures)) < len(COMMON)
    rows = []
    for weights in WEIGHTS:
        changed = replace(things, scores=things.scores - (measures @ np.array(weights))[:, None])
        groups = (np.ones_like(is_common), is_common, ~is_common)
        aurocs = [pair_auroc(*changed.select(g, np.ones(N_FOLDERS, dtype=bool)).best_scores()) for g in groups]
        rows.append([*weights, *(f"{auroc:.3f}" for auroc in aurocs)])
    header = ["weight of photos", "of captions", "all things", "common ones", "rare ones"]
    print("best score in a folder, things that are present against absent ones: AUROC\n")
    print_table(header, rows)


def judge_held_out(things: Things, levels: NDArray[np.float64]) -> None:
    """Fit on half of the things and folders, and print what scores mean on the others; over several random halves."""
    answered, hits = [], []
    for seed in range(N_SPLITS):
        rng = np.random.default_rng(seed)
        is_first, folders = (rng.permutation(n) % 2 == 0 for n in (len(levels), N_FOLDERS))
        curve = fit_curve(things.select(is_first, folders), levels[is_first])
        rest = calibrate(things.select(~is_first, ~folders), levels[~is_first], curve)
        answered.append([(group >= curve.cut_off).mean() for group in rest.best_scores()])
        hits.append(rest.shown_hits(curve.cut_off))
    scores, right = (np.concatenate(parts) for parts in zip(*hits, strict=True))
    present, absent = np.mean(answered, axis=0)
    bins = bin_scores(scores, right)
    print(f"\nheld out, {N_SPLITS} random halves of things and folders:")
    print(f"{present:.2f} of the present and {absent:.2f} of the absent things are answered;")
    print(f"{right.mean():.2f} of the hits are right; calibration error {calibration_error(bins):.3f}\n")
    rows = [[f"{b.lower:.1f}", b.count, f"{b.mean_score:.2f}", f"{b.share_right:.2f}"] for b in bins]
    print_table(["score from", "hits", "mean score", "share right"], rows)


def fit_curve(things: Things, levels: NDArray[np.float64]) -> Calibration:
    """The curve for all pairs, with the lowest cut-off that leaves most absent things unanswered."""
    scores = things.scores - levels[:, None]
    share = float(things.shown.mean())
    curve = fit(scores[things.shown].tolist(), scores[~things.shown].tolist(), match_share=share)
    _, absent = calibrate(things, levels, curve).best_scores()
    cut_off = next(cut for cut in np.arange(0.01, 1, 0.01) if (absent >= cut).mean() <= MOST_ABSENT)
    return replace(curve, cut_off=round(float(cut_off), 2))


def calibrate(things: Things, levels: NDArray[np.float64], curve: Calibration) -> Things:
    """With probabilities in place of the scores."""
    probability = np.vectorize(curve.probability, otypes=[np.float32])
    return replace(things, scores=probability(things.scores, levels[:, None]))


if __name__ == "__main__":
    main()
