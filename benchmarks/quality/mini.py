"""Retrieval quality of cosmos-mini on photo stamps, with an ablation of the configuration of ConSE, and its speed.

    python -m benchmarks.quality.mini            # all tables, about 2 minutes on two cores
    python -m benchmarks.quality.mini --quick    # retrieval with the chosen configuration only

The pictures are the photo stamps of Debian's tuxpaint-stamps-default (downloaded with apt-get) on white; the queries
are their English captions, ranked against all stamps. Nothing was trained on them. The first row is cosmos-mini with
its trained weights, the others are ConSE alone (cosmos-mini-conse). Texts, temperature and centring were chosen on a
random half of the captions, with the results of the other half known; the image size is that of the network's training.
Differences below 0.02, one standard error of R@1, are noise.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from PIL import Image

from benchmarks.data.stamps import Stamp, load_stamps, paste_on_white
from benchmarks.machine import describe_machine
from benchmarks.tables import format_row, print_table
from benchmarks.timing import measure_python_process, measure_seconds
from benchmarks.vectors import pair_auroc, unit_rows
from cosmos_search.encoders.mini.config import MiniConfig
from cosmos_search.encoders.mini.encoder import MiniEncoder

SENTENCES = ["a cat", "a cup of coffee", "a motorcycle", "a rocket launch", "old coins", "an astronaut"]
SENTENCES += ["a page of text", "the moon", "a horse", "a brick wall", "a man with a camera"]

Floats = NDArray[np.float32]
Prepare = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the ablation."""

    label: str
    logits: Floats  # (n, 1000)
    classes: Floats  # (1000, dim), unit rows
    temperature: float
    is_centred: bool


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only retrieval with the chosen configuration")
    quick = parser.parse_args().quick
    print(describe_machine("onnxruntime"), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        print_retrieval(cache, quick)
        if not quick:
            print_rankings(MiniEncoder(cache))
            print_speed(cache)
            print_cold_start(cache)


def print_retrieval(cache: Path, quick: bool) -> None:
    """Print R@1, R@10, median rank and AUROC of caption to stamp, on both halves and on all."""
    stamps = load_stamps()
    captions = [stamp.caption for stamp in stamps]
    encoder = MiniEncoder(cache, trained=None)
    queries = encoder._text_tower().encode(captions)  # before centring
    half = np.random.default_rng(0).permutation(len(stamps))
    halves = [half[: len(half) // 2], half[len(half) // 2 :], half]
    print(f"{len(stamps)} photo stamps; R@1 / R@10 / median rank, AUROC of matching pairs\n")
    print_table(["configuration", "chosen on", "second half", "all"], [])
    matches = compare_captions(captions)
    trained = score_wholes(MiniEncoder(cache), stamps)
    scored = ((v.label, score(v, queries)) for v in open_variants(cache, encoder, stamps, quick))
    for label, scores in ("**cosmos-mini**, trained", trained), *scored:
        cells = [describe_ranking(scores[rows], matches[rows]) for rows in halves]
        print(format_row([label, *cells]), flush=True)
    print()


def score_wholes(encoder: MiniEncoder, stamps: list[Stamp]) -> Floats:
    """(caption, stamp): the cosine of the caption and the whole picture."""
    pictures = [encoder.prepare(paste_on_white(stamp)) for stamp in stamps]
    rows = np.concatenate(encoder.encode_images(pictures))
    return np.asarray(encoder.encode_texts([stamp.caption for stamp in stamps]) @ rows.T)


def open_variants(cache: Path, encoder: MiniEncoder, stamps: list[Stamp], quick: bool) -> Iterator[Variant]:
    """The chosen configuration, then the alternatives."""
    chosen = encoder._class_vectors().vectors
    logits = classify(encoder, stamps)
    temperature = MiniConfig().temperature
    yield Variant("**ConSE**, chosen", logits, chosen, temperature, True)
    if quick:
        return
    texts = encoder._weights.class_texts()
    named = encoder._text_tower().encode([f"A {name}." for name, _ in texts])
    described = encoder._text_tower().encode([f"{name}: {text}" for name, text in texts])
    yield Variant("plain ConSE: names, temperature 1, not centred", logits, named, 1.0, False)
    yield Variant("both texts, temperature 1, not centred", logits, chosen, 1.0, False)
    yield Variant("chosen with temperature 1", logits, chosen, 1.0, True)
    yield Variant("chosen, not centred", logits, chosen, temperature, False)
    yield Variant("chosen with names only", logits, named, temperature, True)
    yield Variant("chosen with descriptions only", logits, described, temperature, True)
    yield Variant("chosen with all synonyms", logits, encode_synonyms(encoder), temperature, True)
    cropped = classify(encoder, stamps, crop_centre_square)
    yield Variant("chosen on the centre square", cropped, chosen, temperature, True)
    scaled = [("scaled by ImageNet's mean and deviation", MiniConfig(mean=116.3, scale=57.4))]
    sides = [(f"at {side} px", MiniConfig(side=side)) for side in (224, 292)]
    for label, config in scaled + sides:
        other = classify(MiniEncoder(cache, config, trained=None), stamps)
        yield Variant(f"chosen, {label}", other, chosen, temperature, True)


def crop_centre_square(picture: Image.Image) -> Image.Image:
    """The part that a resize of the shorter side and a centre crop would keep."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def classify(encoder: MiniEncoder, stamps: list[Stamp], change: Prepare = lambda picture: picture) -> Floats:
    """The logits of ImageNet's classes: (n, 1000)."""
    wholes = [encoder.prepare(change(paste_on_white(stamp))).whole for stamp in stamps]
    return encoder._feature_head().classify(encoder._image_tower().features(wholes))


def encode_synonyms(encoder: MiniEncoder) -> Floats:
    """The mean vector of all names that WordNet has for each class: (1000, dim), unit rows."""
    file = encoder._weights.names.with_name("imagenet1k_label_to_names.json")
    entries: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    tower = encoder._text_tower()
    means = [tower.encode(entries[str(i)].split(", ")).mean(axis=0) for i in range(len(entries))]
    return unit_rows(np.stack(means))


def score(variant: Variant, queries: Floats) -> Floats:
    """(query, picture): the cosine of the caption and the ConSE vector."""
    weights = np.exp((variant.logits - variant.logits.max(axis=1, keepdims=True)) / variant.temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    centre = variant.classes.mean(axis=0) * variant.is_centred
    return np.asarray(unit_rows(queries - centre) @ unit_rows(weights @ variant.classes - centre).T)


def describe_ranking(scores: Floats, matches: NDArray[np.bool_]) -> str:
    """R@1 / R@10 / median rank, AUROC. Of several stamps with the same caption, the best one counts."""
    best = np.where(matches, scores, -np.inf).max(axis=1, keepdims=True)
    before = (scores > best).sum(axis=1)
    ranks = f"{(before == 0).mean():.2f} / {(before < 10).mean():.2f} / {np.median(before) + 1:.0f}"
    return f"{ranks}, {pair_auroc(scores[matches], scores[~matches]):.3f}"


def compare_captions(captions: Sequence[str]) -> NDArray[np.bool_]:
    """True where two captions are the same: (n, n)."""
    texts = np.array(captions)
    return np.asarray(texts[:, None] == texts[None])


def print_rankings(encoder: MiniEncoder) -> None:
    """Print the best three of scikit-image's sample pictures for each sentence."""
    from skimage import data

    paths = sorted(Path(data.__file__).parent.glob("*.[pj][np]g"))
    pictures = [encoder.prepare(Image.open(path).convert("RGB")) for path in paths]
    global_vectors = np.stack([vectors[0] for vectors in encoder.encode_images(pictures)])
    scores = encoder.encode_texts(SENTENCES) @ global_vectors.T
    print(f"scikit-image's {len(paths)} pictures\n")
    rows = [
        [sentence, *(f"{paths[i].stem} {row[i]:.2f}" for i in row.argsort()[::-1][:3])]
        for sentence, row in zip(SENTENCES, scores, strict=True)
    ]
    print_table(["sentence", "first", "second", "third"], rows)
    print()


def print_speed(cache: Path) -> None:
    """Print pictures a second, the best of three, by batch size and number of threads."""
    graph = MiniEncoder(cache).image_graph()
    print_table(["batch", "1 caller", "2 callers", "1 caller, 2 threads inside"], [])
    for batch in (1, 4, 8, 16):
        rates = [max(measure_rate(graph, batch, *threads) for _ in range(3)) for threads in ((1, 1), (2, 1), (1, 2))]
        print(format_row([batch, *(f"{rate:.0f}" for rate in rates)]), flush=True)
    print()


def measure_rate(graph: Path, batch: int, n_callers: int, n_inside: int, n_pictures: int = 96) -> float:
    """Pictures a second of the image network alone; its idle threads do not spin.

    n_callers: threads that call the session. n_inside: threads of the session.
    """
    options = SessionOptions()
    options.intra_op_num_threads = n_inside
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).integers(0, 256, (batch, 260, 260, 3), dtype=np.uint8)

    def run(_: int) -> None:
        session.run(["features"], {"pixels": pixels})

    with ThreadPoolExecutor(n_callers) as callers:
        return n_pictures / measure_seconds(lambda: list(callers.map(run, range(n_pictures // batch))))


def print_cold_start(cache: Path) -> None:
    """Print the time of a new process to its first text vector, the best of five."""
    code = "import sys, pathlib; from cosmos_search.encoders.mini.encoder import MiniEncoder; "
    code += "MiniEncoder(pathlib.Path(sys.argv[1])).encode_texts(['a cat'])"
    seconds = min(measure_python_process(code, str(cache)) for _ in range(5))
    print(f"A new process to its first text vector: {seconds:.2f} s")


if __name__ == "__main__":
    main()
