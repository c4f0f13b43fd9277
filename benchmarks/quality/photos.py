"""Retrieval on photos with captions by people, named things that are present or absent, and what scores mean.

    python -m benchmarks.quality.photos --data flickr8k-dev.tar [--model cosmos-mini] [--limit 1000]

--data: what the trainer reads: webdataset shards, or pictures with caption files beside them. The photos are indexed
by the product in four folders; a caption's only right answer is its own photo. About two minutes for 1,000 photos.
"""

import argparse
import re
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import cosmos_search
from benchmarks.collection import Collection, index_pictures, score_sentences
from benchmarks.data.captioned_photos import CaptionedPhoto, write_photos
from benchmarks.data.common_things import COMMON
from benchmarks.data.named_things import KINDS, NamedThing, normalize
from benchmarks.data.rare_things import RARE
from benchmarks.machine import describe_machine
from benchmarks.quality.presence import ask, print_presence, score_things
from benchmarks.tables import print_table
from cosmos_search import Filters, Hit, Library
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.evaluation.metrics import compute_cosines, compute_retrieval_metrics

N_FOLDERS = 4
NO_CUT_OFF = 0.0  # of an encoder without calibration

# Kinds of captions, by words that occur in them; a caption may be of several kinds.
CAPTION_KINDS = {
    "people": r"m[ae]n|wom[ae]n|boys?|girls?|child(?:ren)?|people|persons?|kids?|bab(?:y|ies)|lad(?:y|ies)|guys?",
    "colours": r"red|blue|green|yellow|orange|pink|purple|black|white|brown|gr[ae]y|tan",
    "scenes": r"beach|snow\w*|mountains?|street|city|park|field|grass\w*|water|lake|river|ocean|pool|woods|forest|road",
    "counts": r"two|three|four|five|six|several|many|group|crowd|couple|another",
    "actions": r"run\w*|jump\w*|play\w*|climb\w*|rid(?:es?|ing)|walk\w*|swim\w*|sit\w*|danc\w*|throw\w*|catch\w*"
    r"|leap\w*",
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a .tar shard, or a folder that the trainer reads")
    parser.add_argument("--model", default="cosmos-mini")
    parser.add_argument("--limit", type=int, help="of the photos; by default all")
    options = parser.parse_args()
    encoder = load_encoder(options.model)
    with tempfile.TemporaryDirectory() as scratch:
        photos = write_photos(options.data, Path(scratch, "photos"), N_FOLDERS, options.limit)
        collection = index_pictures(Path(scratch, "photos"), Path(scratch, "index"), encoder)
        print(describe_machine("onnxruntime"))
        print(f"{len(photos)} photos, {len(collection.names)} different ones; {encoder.name}\n")
        print_retrieval(collection, encoder, photos)
        print_named_things(collection, encoder, photos)
        with cosmos_search.open(Path(scratch, "index"), encoder=encoder) as library:
            answers = ask(partial(search_folder, library), COMMON + RARE, photos)
        print_presence(answers, encoder.calibration.cut_off if encoder.calibration else NO_CUT_OFF)


def search_folder(library: Library, query: str, folder: str) -> list[Hit]:
    """The best ten hits of a folder, also those that are unlikely by the encoder's calibration."""
    return library.search(query, top=10, filters=Filters(directory=folder), include_unlikely=True)


def print_retrieval(collection: Collection, encoder: Encoder, photos: Sequence[CaptionedPhoto]) -> None:
    """Print R@1, R@5 and R@10 of captions, each and all of a photo together, by kind, and of photo to caption."""
    captions_by_name = {photo.path.name: photo.captions for photo in photos}
    captions_of = [captions_by_name[name] for name in collection.names]
    captions = [caption for own in captions_of for caption in own]
    picture_of = np.repeat(np.arange(len(captions_of)), [len(own) for own in captions_of])  # (captions,)
    columns_of = {i: np.flatnonzero(picture_of == i).tolist() for i in range(len(captions_of))}
    vectors = encoder.encode_texts(captions)
    with_regions = score_sentences(collection, vectors)  # (pictures, captions)
    whole = compute_cosines(collection.without_regions().rows, vectors)
    rows = []
    for label, scores in (("global vectors", whole), ("global vectors and regions", with_regions)):
        single = compute_retrieval_metrics(scores, columns_of)
        together = np.stack([scores[:, columns].mean(axis=1) for columns in columns_of.values()], axis=1)
        joined = compute_retrieval_metrics(together, {i: [i] for i in columns_of})
        back = "" if scores is with_regions else _format_recalls(single, "image_to_text")
        rows.append([label, _format_recalls(single, "text_to_image"), _format_recalls(joined, "text_to_image"), back])
    print_table(["R@1 / R@5 / R@10", "a caption", "all captions of a photo", "photo to caption"], rows)
    print(f"\n{len(captions)} captions, with regions, by words in them\n")
    ranks = (with_regions > with_regions[picture_of, np.arange(len(captions))]).sum(axis=0)  # (captions,)
    print_table(["", "captions", "R@1", "R@10"], _list_kinds(captions, ranks))


def print_named_things(collection: Collection, encoder: Encoder, photos: Sequence[CaptionedPhoto]) -> None:
    """Print the share of right first hits and the mean average precision over the things that a photo shows."""
    things: tuple[NamedThing, ...] = COMMON + RARE
    scores, shown = score_things(collection, encoder, things, photos)
    found = [i for i in range(len(things)) if shown[i].any()]
    print(f"\nnamed things that at least one of the photos shows: {len(found)} of {len(things)}\n")
    order = np.argsort(-scores, axis=1, kind="stable")
    right = np.take_along_axis(shown, order, axis=1)  # (things, pictures), by rank
    rows = []
    for label in ("all", *KINDS):
        own = [i for i in found if label in ("all", things[i].kind)]
        if own:
            precision = np.mean([average_precision(right[i]) for i in own])
            rows.append(
                [label, len(own), f"{right[own, 0].mean():.2f}", f"{precision:.2f}", f"{shown[own].mean():.3f}"]
            )
    print_table(["", "things", "first hit right", "mean average precision", "by chance"], rows)


def average_precision(is_right: NDArray[np.bool_]) -> float:
    """The mean, over the right answers, of the precision at their ranks. is_right: (n,), by rank; one or more True."""
    ranks = np.flatnonzero(is_right)
    return float(np.mean(np.arange(1, len(ranks) + 1) / (ranks + 1)))


def _format_recalls(metrics: dict[str, float], direction: str) -> str:
    return " / ".join(f"{metrics[f'{direction}_R@{k}']:.3f}" for k in (1, 5, 10))


def _list_kinds(captions: Sequence[str], ranks: NDArray[np.int64]) -> list[list[str]]:
    rows = []
    for kind, words in CAPTION_KINDS.items():
        pattern = re.compile(rf"\b(?:{words})\b")
        own = ranks[[bool(pattern.search(normalize(caption))) for caption in captions]]
        if len(own):
            rows.append([kind, str(len(own)), f"{(own < 1).mean():.3f}", f"{(own < 10).mean():.3f}"])
    return rows


if __name__ == "__main__":
    main()
