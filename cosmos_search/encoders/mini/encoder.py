"""cosmos-mini, the encoder in the box: it needs no download and no training.

ConSE (Norouzi et al. 2014, "Zero-shot learning by convex combination of semantic embeddings"): a picture's
vector is the mean of the text vectors of the ImageNet classes, weighted with the probabilities that a
classifier gives them. The classifier is EfficientNet-Lite2, the text vectors are all-MiniLM-L6-v2's. What
ImageNet has no class for (the moon, a coin, an astronaut) it can only see through what it has.
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from onnxruntime import __version__ as runtime_version
from PIL import Image
from tokenizers import Tokenizer

from cosmos_search.encoders.calibration import Calibration, packaged
from cosmos_search.encoders.devices import has_nvidia_gpu
from cosmos_search.encoders.mini.weights import MiniWeights, find_weights
from cosmos_search.encoders.onnx_session import (
    choose_session_device,
    device_of,
    is_on_cpu,
    model_cache_folder,
    open_cached,
    write_beside,
)
from indexer.encoder import Vectors
from indexer.pictures.regions import Box

__all__ = ["MiniEncoder", "Recipe"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes a vector what it is. Figures: 430 photo stamps and their captions (benchmarks/quality/mini.py)."""

    # R@10 is 0.54. On the centre square instead of the whole picture, squashed, it is 0.50.
    side: int = 260  # pixels, as trained; the stamps, which are small, rank the same at 224
    mean: float = 127.0  # with ImageNet's mean and deviation 0.49
    scale: float = 128.0
    # A class is the mean of two texts: with the first alone 0.51, with the mean of its WordNet synonyms 0.49.
    name_text: str = "A {name}."
    described_text: str = "{name}: {description}"
    # With 1.5, and the classes' mean text taken off every vector, the scores of different sentences compare:
    # right pairs against wrong ones, over all sentences, have an AUC of 0.89; with 1.0 and uncentred 0.77.
    temperature: float = 1.5
    n_tokens: int = 128  # longer texts are cut: what MiniLM was trained with
    region_side: int = 512  # pixels; a larger look, pooled inside each region
    revision: int = 2  # raise it when the code changes vectors and nothing above does


class MiniEncoder:
    """An Encoder (see cosmos_search.encoders.protocol). A tower opens when it is first used: a search loads only text.

    The first use of a tower on a machine writes its ONNX graph into `cache`, which takes a second. torch is not used.
    """

    def __init__(self, cache: Path | None = None, recipe: Recipe | None = None, device: str = "auto") -> None:
        """device: of the image tower: "auto", "cpu" or "cuda" (needs onnxruntime-gpu); texts run on the CPU.

        Raises CosmosSearchError if a package with weights is missing, UsageError for a device that can't be had.
        """
        self._session_device = choose_session_device(device)
        self._wants_gpu = device != "cpu"
        self._recipe = recipe or Recipe()
        self._weights = find_weights()
        made_of = f"{self._recipe} {self._weights.fingerprint()}"
        self._version = hashlib.sha256(made_of.encode()).hexdigest()[:12]
        self._folder = (cache or model_cache_folder()) / f"{self.name}-{self._version}"
        self._lock = threading.RLock()
        self._text: _TextTower | None = None
        self._image: InferenceSession | None = None
        self._classes: NDArray[np.float32] | None = None

    @property
    def name(self) -> str:
        """As `--model` takes it."""
        return "cosmos-mini"

    @property
    def version(self) -> str:
        """12 hex digits over the recipe and the weights."""
        return self._version

    @property
    def dim(self) -> int:
        """MiniLM's."""
        return 384

    @property
    def device(self) -> str:
        """Where the image tower runs, for a person; opens it, since only an open session knows."""
        return device_of(self._image_session())

    @property
    def batch_size(self) -> int:
        """Pictures between two looks at the disk; see `encode_images`."""
        return 8

    @property
    def default_regions(self) -> str:
        """They are pooled from one larger look, so that many cost no more than few."""
        return "fine"

    @property
    def min_side(self) -> int:
        """Twice the network's side: a JPEG decoded at that scale gives the same 260 pixels to 54 dB."""
        return max(2 * self._recipe.side, self._recipe.region_side)

    def prepare(self, picture: Image.Image, regions: Sequence[Box] = ()) -> "_Prepared":
        """The picture squashed to a square, so that nothing of it is cut off; a larger one for its regions."""
        assert picture.mode == "RGB", f"expected RGB, got {picture.mode}"
        large = _squashed(picture, self._recipe.region_side) if regions else None
        return _Prepared(_squashed(picture, self._recipe.side), large, tuple(regions))

    def encode_images(self, prepared: Sequence["_Prepared"]) -> list[Vectors]:
        """Each (1 + regions, 384).

        On a CPU one picture a call: two callers made 164 pictures/s, and 136 in batches of 8. Besides, neighbours
        then cannot change a picture's vector.
        """
        session = self._image_session()
        batch = 1 if is_on_cpu(session) else 32
        parts = [np.stack([p.whole for p in prepared[i : i + batch]]) for i in range(0, len(prepared), batch)]
        logits = [row[None] for pixels in parts for row in session.run(["logits"], {"pixels": pixels})[0]]
        return [
            self._conse(whole if one.large is None else np.concatenate([whole, self._region_logits(one)]))
            for one, whole in zip(prepared, logits, strict=True)
        ]

    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """How near each place is to a query's vector (dim,): cosines, (rows, columns), from the top left.

        The class activation map (Zhou et al. 2016), brought into the space of texts as everything else.
        """
        logits = self._map(_squashed(picture, self._recipe.region_side))
        cosines: NDArray[np.float32] = self._conse(logits.reshape(-1, logits.shape[-1])) @ query
        return cosines.reshape(logits.shape[:2])

    def _map(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """pixels: (side, side, 3). Logits at each position: (rows, columns, 1000)."""
        logits: NDArray[np.float32] = self._image_session().run(["map"], {"pixels": pixels[None]})[0][0]
        return logits

    def _region_logits(self, prepared: "_Prepared") -> NDArray[np.float32]:
        """(regions, 1000): the mean of the positions in each box, those on its edge by their share."""
        assert prepared.large is not None
        logits = self._map(prepared.large)
        rows, columns = logits.shape[:2]
        shares = np.stack([_shares(box, rows, columns) for box in prepared.regions])  # (regions, rows · columns)
        pooled: NDArray[np.float32] = shares @ logits.reshape(rows * columns, -1)
        return pooled

    @property
    def calibration(self) -> Calibration | None:
        """Measured on scenes (benchmarks/quality/scenes.py)."""
        return packaged(self.name)

    def fits(self, text: str) -> bool:
        """Whether a text has at most as many tokens as MiniLM was trained with."""
        return self._text_tower().n_tokens(text) <= self._recipe.n_tokens

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, 384). An empty text has a vector too (of nothing in particular)."""
        if not texts:
            return _no_vectors(self.dim)
        return _unit(self._text_tower().encode(texts) - self._class_vectors().mean(axis=0))

    def _conse(self, logits: NDArray[np.float32]) -> Vectors:
        """logits: (n, 1000) -> (n, 384), equation 3 of the paper with all the classes."""
        scaled = (logits - logits.max(axis=1, keepdims=True)) / self._recipe.temperature
        weights = np.exp(scaled)
        classes = self._class_vectors()
        centre = classes.mean(axis=0)
        return _unit(weights / weights.sum(axis=1, keepdims=True) @ classes - centre)

    def image_graph(self) -> Path:
        """The image tower's ONNX file: pixels (n, height, width, 3) uint8 -> logits (n, 1000)."""
        self._image_session()
        return self._folder / f"image-{runtime_version}.onnx"

    def _image_session(self) -> InferenceSession:
        with self._lock:
            if self._image is None:
                self._class_vectors()  # of use to every picture: now, not in the middle of a run
                graph = self._folder / f"image-{runtime_version}.onnx"
                self._image = open_cached(graph, self._export_image, self._session_device)
                if self._wants_gpu and is_on_cpu(self._image) and has_nvidia_gpu():
                    log.warning("There is a GPU, and it is not used: cosmos-mini needs onnxruntime-gpu for it.")
            return self._image

    def _text_tower(self) -> "_TextTower":
        with self._lock:
            if self._text is None:
                session = open_cached(self._folder / f"text-{runtime_version}.onnx", self._export_text)
                self._text = _TextTower(session, self._weights, self._recipe.n_tokens)
            return self._text

    def _class_vectors(self) -> NDArray[np.float32]:
        """(1000, 384), unit rows, as the text tower gives them: not centred."""
        with self._lock:
            if self._classes is None:
                self._classes = self._cached_classes(self._folder / "classes.npy")
            return self._classes

    def _cached_classes(self, file: Path) -> NDArray[np.float32]:
        try:
            return _load_classes(file)
        except (EOFError, OSError, ValueError):  # absent, cut short, or something else altogether
            write_beside(file, self._embed_classes)
            return _load_classes(file)

    def _embed_classes(self, target: Path) -> None:
        texts = self._weights.class_texts()
        recipe, tower = self._recipe, self._text_tower()
        named = tower.encode([recipe.name_text.format(name=name) for name, _ in texts])
        described = tower.encode([recipe.described_text.format(name=n, description=d) for n, d in texts])
        np.save(target, _unit(named + described))

    def _export_image(self, target: Path) -> None:
        from cosmos_search.encoders.mini.export import export_image_tower  # imports onnx

        export_image_tower(self._weights.read_image(), self._recipe.mean, self._recipe.scale, target)

    def _export_text(self, target: Path) -> None:
        from cosmos_search.encoders.mini.export import export_text_tower

        export_text_tower(*self._weights.read_text(), target)


class _TextTower:
    """MiniLM: texts in, unit rows out."""

    def __init__(self, session: InferenceSession, weights: MiniWeights, n_tokens: int) -> None:
        self._session = session
        self._tokenizer = Tokenizer.from_file(str(weights.tokenizer))
        self._tokenizer.enable_truncation(n_tokens)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384). One text a call: 4 ms, no padding, and neighbours cannot change a vector."""
        return np.concatenate([self._encode_one(text) for text in texts])

    def n_tokens(self, text: str) -> int:
        """How many there are before any is cut."""
        encoding = self._tokenizer.encode(_readable(text))
        return len(encoding.ids) + sum(len(rest.ids) for rest in encoding.overflowing)

    def _encode_one(self, text: str) -> NDArray[np.float32]:
        tokens = np.array([self._tokenizer.encode(_readable(text)).ids], dtype=np.int64)  # (1, length)
        return np.asarray(self._session.run(["vector"], {"tokens": tokens})[0], dtype=np.float32)  # (1, 384)


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # a shell may hand over lone surrogates


@dataclass(frozen=True, slots=True)
class _Prepared:
    whole: NDArray[np.uint8]  # (side, side, 3)
    large: NDArray[np.uint8] | None  # (region_side, region_side, 3)
    regions: tuple[Box, ...]


def _squashed(picture: Image.Image, side: int) -> NDArray[np.uint8]:
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0))


def _shares(box: Box, rows: int, columns: int) -> NDArray[np.float32]:
    """How much of a box lies in each cell of a grid: (rows · columns,), sum 1."""
    down = _cover(box.top, box.bottom, rows)
    across = _cover(box.left, box.right, columns)
    shares: NDArray[np.float32] = (down[:, None] * across).ravel()
    return shares


def _cover(start: float, end: float, n: int) -> NDArray[np.float32]:
    edges = np.arange(n + 1) / n
    cover = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None)
    shares: NDArray[np.float32] = (cover / cover.sum()).astype(np.float32)
    return shares


def _load_classes(file: Path) -> NDArray[np.float32]:
    classes: NDArray[np.float32] = np.load(file, allow_pickle=False)
    if classes.shape != (1000, 384) or not np.isfinite(classes).all():
        raise ValueError(f"{file} holds {classes.shape}")
    return classes


def _no_vectors(dim: int) -> Vectors:
    return np.zeros((0, dim), dtype=np.float32)


def _unit(rows: NDArray[np.float32]) -> Vectors:
    lengths: NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, np.maximum(lengths, 1e-12), dtype=np.float32)
