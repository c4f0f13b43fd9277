"""Presence of named things in folders of photos: whether absent ones stay unanswered, and what scores mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.collection import Collection, score_sentences
from benchmarks.data.captioned_photos import CaptionedPhoto
from benchmarks.data.named_things import KINDS, NamedThing
from benchmarks.data.rare_things import RARE
from benchmarks.reliability import bin_scores, calibration_error
from benchmarks.tables import print_table
from benchmarks.vectors import pair_auroc
from cosmos_search import Hit
from cosmos_search.encoders.protocol import Encoder

__all__ = ["Answer", "ask", "print_presence", "score_things"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The best hits of one folder for one thing, likely or not. is_present: a photo of the folder shows the thing."""

    thing: NamedThing
    is_present: bool
    scores: NDArray[np.float64]  # (hits,), descending
    is_right: NDArray[np.bool_]  # (hits,)


def ask(
    search: Callable[[str, str], Sequence[Hit]], things: Sequence[NamedThing], photos: Sequence[CaptionedPhoto]
) -> list[Answer]:
    """The answers of every folder of the photos for each thing.

    search: the best hits for a query in a folder, also unlikely ones.
    """
    captions = {photo.path: photo.plain_captions for photo in photos}
    answers = []
    for folder in sorted({path.parent for path in captions}):
        own = {path: texts for path, texts in captions.items() if path.parent == folder}
        for thing in things:
            showing = {path for path, texts in own.items() if thing.is_shown(texts)}
            hits = search(thing.query, str(folder))
            scores = np.array([hit.score for hit in hits], dtype=np.float64)
            is_right = np.array([not showing.isdisjoint((hit.path, *hit.copies)) for hit in hits], dtype=bool)
            answers.append(Answer(thing, bool(showing), scores, is_right))
    return answers


def print_presence(answers: Sequence[Answer], cut_off: float) -> None:
    """Print tables by kind of thing, and the reliability of the scores that are shown: those from the cut-off on.

    A common thing that no caption of a folder names may be there all the same; a rare one hardly ever is.
    """
    groups = {"all": list(answers), "the rare things": [answer for answer in answers if answer.thing in RARE]}
    groups |= {kind: [answer for answer in answers if answer.thing.kind == kind] for kind in KINDS}
    print(f"\nthings in folders, cut-off {cut_off}\n")
    header = ["", "present / absent", "AUROC of the best score", "absent answered", "present answered"]
    header += ["hits shown", "right", "mean score", "ECE"]
    print_table(header, [[label, *_describe_answers(group, cut_off)] for label, group in groups.items() if group])
    print("\nreliability of the hits shown\n")
    bins = bin_scores(*_join_hits(answers, cut_off))
    rows = [[f"{part.lower:.1f}", part.count, f"{part.mean_score:.2f}", f"{part.share_right:.2f}"] for part in bins]
    print_table(["score from", "hits", "mean score", "share right"], rows)
    everything = bin_scores(*_join_hits(answers, 0.0))
    print(f"\nECE of all hits, with those below the cut-off: {calibration_error(everything):.3f}")


def score_things(
    collection: Collection, encoder: Encoder, things: Sequence[NamedThing], photos: Sequence[CaptionedPhoto]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Cosine scores before any calibration, and whether the photo shows the thing; both (things, pictures).

    The order of the pictures is that of the collection. For the pictures of one folder, select columns.
    """
    vectors = encoder.encode_texts([thing.query for thing in things])
    captions = {photo.path.name: photo.plain_captions for photo in photos}
    shown = [[thing.is_shown(captions[name]) for name in collection.names] for thing in things]
    return score_sentences(collection, vectors).T, np.array(shown, dtype=bool)


def _describe_answers(answers: Sequence[Answer], cut_off: float) -> list[str]:
    """The cells of a row of the table."""
    best = np.array([answer.scores.max(initial=0.0) for answer in answers])
    is_present = np.array([answer.is_present for answer in answers])
    present, absent = best[is_present], best[~is_present]
    auroc = pair_auroc(present, absent) if len(present) and len(absent) else float("nan")
    answered = [f"{(group >= cut_off).mean():.2f}" if len(group) else "" for group in (absent, present)]
    scores, is_right = _join_hits(answers, cut_off)
    cells = [f"{len(present)} / {len(absent)}", f"{auroc:.3f}", *answered, str(len(scores))]
    if not len(scores):
        return [*cells, "", "", ""]
    error = calibration_error(bin_scores(scores, is_right))
    return [*cells, f"{is_right.mean():.2f}", f"{scores.mean():.2f}", f"{error:.3f}"]


def _join_hits(answers: Sequence[Answer], cut_off: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The scores from the cut-off on of all answers, and whether they are right."""
    scores = np.concatenate([answer.scores for answer in answers])
    is_right = np.concatenate([answer.is_right for answer in answers])
    return scores[scores >= cut_off], is_right[scores >= cut_off]
