"""How well cosmos-mini finds pictures, how fast it is, and what each part of its recipe is worth.

    python -m benchmarks.quality.mini            # everything, about 2 minutes on two cores
    python -m benchmarks.quality.mini --quick    # the chosen recipe only

The pictures are the photo stamps of Debian's tuxpaint-stamps-default (downloaded with apt-get, never stored
here), pasted on white; the sentences are their English captions. Nothing was trained on them. Texts,
temperature and centring were chosen on a random half of the captions, with the other half in sight; the side
is as trained. A step of 0.02 is noise (one standard error of R@1). Captions are ranked against all stamps.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from PIL import Image

from benchmarks.data.stamps import Stamp, load_stamps, on_white
from cosmos_search.encoders.mini.config import MiniConfig
from cosmos_search.encoders.mini.encoder import MiniEncoder

SENTENCES = ["a cat", "a cup of coffee", "a motorcycle", "a rocket launch", "old coins", "an astronaut"]
SENTENCES += ["a page of text", "the moon", "a horse", "a brick wall", "a man with a camera"]

Floats = NDArray[np.float32]
Prepare = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the table: what is done differently."""

    label: str
    logits: Floats  # (n, 1000)
    classes: Floats  # (1000, dim), unit rows
    temperature: float
    is_centred: bool


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the chosen recipe's retrieval figures")
    quick = parser.parse_args().quick
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        print_retrieval(cache, quick)
        if not quick:
            print_rankings(MiniEncoder(cache))
            print_speed(cache)
            print_cold_start(cache)


def processor() -> str:
    """Its name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def print_retrieval(cache: Path, quick: bool) -> None:
    """R@1, R@10, median rank and AUC of caption -> stamp, on both halves and on all."""
    stamps = load_stamps()
    captions = [stamp.caption for stamp in stamps]
    encoder = MiniEncoder(cache)
    queries = encoder._text_tower().encode(captions)  # before centring
    half = np.random.default_rng(0).permutation(len(stamps))
    halves = [half[: len(half) // 2], half[len(half) // 2 :], half]
    print(f"{len(stamps)} photo stamps; R@1 / R@10 / median rank, AUC of right pairs against wrong ones\n")
    print("| recipe | chosen on | held out | all |\n|---|---|---|---|")
    for variant in variants(cache, encoder, stamps, quick):
        scores, is_right = score(variant, queries), same_caption(captions)
        cells = [describe(scores[rows], is_right[rows]) for rows in halves]
        print(f"| {variant.label} | {' | '.join(cells)} |", flush=True)
    print()


def variants(cache: Path, encoder: MiniEncoder, stamps: list[Stamp], quick: bool) -> Iterator[Variant]:
    """The chosen recipe, then what else was tried."""
    chosen = encoder._class_vectors().vectors
    logits = logits_of(encoder, stamps)
    temperature = MiniConfig().temperature
    yield Variant("**chosen**", logits, chosen, temperature, True)
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
    yield Variant("chosen with all synonyms", logits, synonyms(encoder), temperature, True)
    cropped = logits_of(encoder, stamps, centre_square)
    yield Variant("chosen on the centre square", cropped, chosen, temperature, True)
    scaled = [("scaled as ImageNet usually is", MiniConfig(mean=116.3, scale=57.4))]
    sides = [(f"at {side} px", MiniConfig(side=side)) for side in (224, 292)]
    for label, config in scaled + sides:
        other = logits_of(MiniEncoder(cache, config), stamps)
        yield Variant(f"chosen, {label}", other, chosen, temperature, True)


def centre_square(picture: Image.Image) -> Image.Image:
    """What a shorter-side resize and a centre crop would show the network."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def logits_of(encoder: MiniEncoder, stamps: list[Stamp], change: Prepare = lambda picture: picture) -> Floats:
    """(n, 1000)."""
    tower = encoder._image_tower()
    return np.concatenate([tower.logits([encoder.prepare(change(on_white(stamp))).whole]) for stamp in stamps])


def synonyms(encoder: MiniEncoder) -> Floats:
    """(1000, dim): the mean over all the names that WordNet gives a class."""
    file = encoder._weights.names.with_name("imagenet1k_label_to_names.json")
    entries: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    tower = encoder._text_tower()
    means = [tower.encode(entries[str(i)].split(", ")).mean(axis=0) for i in range(len(entries))]
    return unit(np.stack(means))


def score(variant: Variant, queries: Floats) -> Floats:
    """(query, picture): the cosine of the caption and the ConSE vector."""
    weights = np.exp((variant.logits - variant.logits.max(axis=1, keepdims=True)) / variant.temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    centre = variant.classes.mean(axis=0) * variant.is_centred
    return np.asarray(unit(queries - centre) @ unit(weights @ variant.classes - centre).T)


def describe(scores: Floats, is_right: NDArray[np.bool_]) -> str:
    """R@1 / R@10 / median rank, AUC. Some captions belong to several stamps: the best of them counts."""
    best = np.where(is_right, scores, -np.inf).max(axis=1, keepdims=True)
    before = (scores > best).sum(axis=1)
    ranks = f"{(before == 0).mean():.2f} / {(before < 10).mean():.2f} / {np.median(before) + 1:.0f}"
    return f"{ranks}, {pair_auc(scores.ravel(), is_right.ravel()):.3f}"


def pair_auc(scores: Floats, is_right: NDArray[np.bool_]) -> float:
    """How often a right pair scores above a wrong one, whatever their sentences. Both: (n_pairs,)."""
    places = np.empty(scores.size)
    places[scores.argsort()] = np.arange(scores.size)
    n_right = is_right.sum()
    wrong_below = places[is_right].sum() - n_right * (n_right - 1) / 2
    return float(wrong_below / (n_right * (scores.size - n_right)))


def same_caption(captions: Sequence[str]) -> NDArray[np.bool_]:
    """(n, n)."""
    texts = np.array(captions)
    return np.asarray(texts[:, None] == texts[None])


def print_rankings(encoder: MiniEncoder) -> None:
    """The first three of scikit-image's sample pictures for each sentence."""
    from skimage import data

    paths = sorted(Path(data.__file__).parent.glob("*.[pj][np]g"))
    pictures = [encoder.prepare(Image.open(path).convert("RGB")) for path in paths]
    wholes = np.stack([vectors[0] for vectors in encoder.encode_images(pictures)])
    scores = encoder.encode_texts(SENTENCES) @ wholes.T
    print(f"scikit-image's {len(paths)} pictures\n\n| sentence | first | second | third |\n|---|---|---|---|")
    for sentence, row in zip(SENTENCES, scores, strict=True):
        cells = [f"{paths[i].stem} {row[i]:.2f}" for i in row.argsort()[::-1][:3]]
        print(f"| {sentence} | {' | '.join(cells)} |")
    print()


def print_speed(cache: Path) -> None:
    """Pictures a second, the best of three; sessions of one thread against one of two."""
    graph = next(cache.rglob("image-*.onnx"))
    print("| batch | 1 caller | 2 callers | 1 caller, 2 threads inside |\n|---|---|---|---|")
    for batch in (1, 4, 8, 16):
        cells = [max(pictures_per_second(graph, batch, *how) for _ in range(3)) for how in ((1, 1), (2, 1), (1, 2))]
        print(f"| {batch} | {' | '.join(f'{cell:.0f}' for cell in cells)} |", flush=True)
    print()


def pictures_per_second(graph: Path, batch: int, n_callers: int, n_inside: int, n_pictures: int = 96) -> float:
    """Of the image tower alone, nothing spinning."""
    options = SessionOptions()
    options.intra_op_num_threads = n_inside
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).integers(0, 256, (batch, 260, 260, 3), dtype=np.uint8)
    with ThreadPoolExecutor(n_callers) as callers, clock() as seconds:
        list(callers.map(lambda _: session.run(["logits"], {"pixels": pixels}), range(n_pictures // batch)))
    return n_pictures / seconds()


@contextmanager
def clock() -> Iterator[Callable[[], float]]:
    """Hands out the seconds between entering and leaving."""
    start = time.perf_counter()
    taken: list[float] = []
    yield lambda: taken[0]
    taken.append(time.perf_counter() - start)


def print_cold_start(cache: Path) -> None:
    """A new process up to the first text vector, the best of five."""
    code = "import sys, pathlib; from cosmos_search.encoders.mini.encoder import MiniEncoder; "
    code += "MiniEncoder(pathlib.Path(sys.argv[1])).encode_texts(['a cat'])"
    runs = []
    for _ in range(5):
        with clock() as seconds:
            subprocess.run([sys.executable, "-c", code, str(cache)], check=True)
        runs.append(seconds())
    print(f"A new process to the first text vector: {min(runs):.2f} s")


def unit(rows: Floats) -> Floats:
    """The rows scaled to length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


if __name__ == "__main__":
    main()
