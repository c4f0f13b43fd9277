"""An installed model as an encoder: COSMOS, or another model of the CLIP family."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.encoders.calibration import Calibration
from cosmos_search.encoders.devices import Device, Precision, choose_device, choose_precision
from cosmos_search.encoders.precision_check import ExportedPrecision, PrecisionCheck
from cosmos_search.extras import require_extra
from cosmos_search.models.store import ModelCard, check_unchanged
from cosmos_search.network.families.registry import FAMILIES
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer
from indexer.encoder import Vectors
from indexer.pictures.regions import Box, Regions

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from cosmos_search.encoders.dense_maps import DenseMaps

__all__ = ["DualEncoder", "ImageRuntime", "PreparedCrops"]

CALIBRATION, TOKENIZER = "calibration.json", "tokenizer.json"
Tower = Literal["image", "crops", "text"]  # names of graphs; "crops" is the image tower at the size of regions
GraphPrecision = ExportedPrecision | Literal["auto"]


class ImageRuntime(Protocol):
    """An implementation of the image tower. `encode` is called from several threads."""

    @property
    def device(self) -> str:
        """The device and the precision, for display."""

    @property
    def batch_size(self) -> int:
        """The number of pictures per call of `encode_images` that is fastest."""

    @property
    def is_on_cpu(self) -> bool:
        """False if `encode` waits for another device."""

    def resize(
        self, picture: Image.Image, boxes: Sequence[tuple[int, int, int, int]], side: int, resample: Image.Resampling
    ) -> list[NDArray[np.uint8]]:
        """Parts of a picture, squashed to squares, each (side, side, 3). Called from several threads.

        boxes: left, top, right, bottom in pixels.
        """

    def encode(self, pixels: NDArray[np.uint8]) -> Vectors:
        """pixels: (n, side, side, 3), n above 0; side: of whole pictures or of crops. Returns (n, dim), unit rows.

        The implementation splits the pixels into batches.
        """


class DualEncoder:
    """An Encoder (see cosmos_search.encoders.protocol). Each tower is opened on its first use.

    Texts always run in ONNX Runtime on the CPU: a query is a single text, and importing torch takes seconds.
    ONNX Runtime is imported when a graph is opened, since images on a GPU do not need it.
    The version depends on the weights only, so an index may contain vectors computed in int8 and in fp16.
    """

    def __init__(self, folder: Path, card: ModelCard, device: Device = "auto", precision: Precision = "auto") -> None:
        check_unchanged(folder, card)
        self._folder = folder
        self._card = card
        self._wanted_device = device
        self._wanted_precision = precision
        self._preprocess = Preprocess.load(folder / "preprocessor_config.json")
        self._lock = threading.RLock()
        self._images: ImageRuntime | None = None
        self._texts: InferenceSession | None = None
        self._tokenizer: TextTokenizer | None = None
        self._calibration: Calibration | None = None
        self._maps: DenseMaps | None = None

    @property
    def name(self) -> str:
        """The name under which the model is installed."""
        return self._card.name

    @property
    def version(self) -> str:
        """A digest of the weights."""
        return self._card.version

    @property
    def dim(self) -> int:
        """The dimension of the joint space."""
        return self._card.dim

    @property
    def device(self) -> str:
        """Where the image tower runs, for display; opens it."""
        return self._image_runtime().device

    @property
    def batch_size(self) -> int:
        """The number of pictures per call that suits the device; opens the image tower."""
        return self._image_runtime().batch_size

    @property
    def is_on_cpu(self) -> bool:
        """False if the image tower runs on a GPU; opens it."""
        return self._image_runtime().is_on_cpu

    @property
    def default_regions(self) -> Regions:
        """The coarser pyramid, since every region is encoded separately."""
        return "fast"

    @property
    def is_english(self) -> bool:
        """True if its family, with a vocabulary of this size, was trained on English texts only."""
        return self._card.is_english

    @property
    def min_side(self) -> int:
        """Twice the network's side; more resolution makes no difference after resizing."""
        return 2 * self._preprocess.side

    def prepare(self, picture: Image.Image, regions: Sequence[Box] = ()) -> "PreparedCrops":
        """The whole picture at the network's size; regions squashed to the size of its local crops."""
        crops: list[NDArray[np.uint8]] = []
        if regions:
            boxes = [box.pixels(*picture.size) for box in regions]
            crops = self._image_runtime().resize(picture, boxes, self._card.crop_side, self._preprocess.resample)
        return PreparedCrops(self._preprocess.pixels(picture), crops)

    def encode_images(self, prepared: Sequence["PreparedCrops"]) -> list[Vectors]:
        """Each (1 + regions, dim), unit rows. The regions of all pictures are encoded together."""
        runtime = self._image_runtime()
        global_vectors = list(runtime.encode(np.stack([p.whole for p in prepared]))) if prepared else []
        crops = [crop for p in prepared for crop in p.crops]
        regions: Iterator[Vectors] = iter(runtime.encode(np.stack(crops)) if crops else ())
        return [
            np.stack([global_vector, *islice(regions, len(p.crops))])
            for p, global_vector in zip(prepared, global_vectors, strict=True)
        ]

    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of each patch with a query's vector (dim,): (rows, columns). Imports torch."""
        with self._lock:
            if self._maps is None:
                require_extra(f"A heat map of the model {self.name}", "models", "torch", "transformers")
                from cosmos_search.encoders.dense_maps import DenseMaps

                check_unchanged(self._folder, self._card, weights=True)
                self._maps = DenseMaps(self._folder, choose_device(self._wanted_device))
        return self._maps.activation(picture, query)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dim), unit rows. A text beyond the context is truncated; see `fits`."""
        session, tokenizer = self._text_session(), self._text_tokenizer()
        rows = [np.array([tokenizer.encode(text)], dtype=np.int64) for text in texts]
        vectors = [session.run(["vectors"], {"ids": row})[0] for row in rows]  # one by one, without padding
        return np.concatenate(vectors) if vectors else np.zeros((0, self.dim), dtype=np.float32)

    @property
    def calibration(self) -> Calibration | None:
        """Fitted when the graphs were exported; None if scores did not separate matching pairs of the photos there."""
        self._text_session()
        return self._calibration

    def fits(self, text: str) -> bool:
        """True if the text fits into the context without truncation."""
        return self._text_tokenizer().fits(text)

    def _image_runtime(self) -> ImageRuntime:
        with self._lock:
            if self._images is None:
                device = choose_device(self._wanted_device)
                precision = choose_precision(self._wanted_precision, device)
                if device == "cpu" and precision != "bf16":
                    from cosmos_search.encoders.onnx_images import OnnxImages

                    wanted = cast(GraphPrecision, precision)  # fp16 is for GPUs only
                    whole, chosen = self._open("image", wanted)
                    crops, _ = self._open("crops", wanted) if self._card.has_small_crops else (whole, chosen)
                    self._images = OnnxImages(whole, crops, self._preprocess.side, chosen)
                else:
                    require_extra(
                        f"The model {self.name} in {precision} on {device}", "models", "torch", "transformers"
                    )
                    from cosmos_search.encoders.torch_images import TorchImages

                    check_unchanged(self._folder, self._card, weights=True)
                    self._images = TorchImages(self._folder, device, precision)
                    if find_spec("onnxruntime") and find_spec("onnx"):
                        self._text_session()  # exports its graph now, while torch is imported anyway
            return self._images

    def _text_session(self) -> "InferenceSession":
        with self._lock:
            if self._texts is None:
                precision = self._choose_text_precision()
                self._texts, _ = self._open("text", precision)
                curve = self._graph_folder(precision) / CALIBRATION
                self._calibration = Calibration.load(curve) if curve.exists() else None
            return self._texts

    def _text_tokenizer(self) -> TextTokenizer:
        with self._lock:
            if self._tokenizer is None:
                family = FAMILIES[self._card.kind]
                path = self._folder / TOKENIZER
                # check_unchanged has compared the file with the digest, which older cards lack
                digest = self._card.digests.get(TOKENIZER)
                cache = self._folder / f"checked-{digest}-{TOKENIZER}" if digest else None
                length = self._card.context_length
                self._tokenizer = TextTokenizer.from_file(path, length, family.text_format, cache)
            return self._tokenizer

    def _open(self, tower: Tower, precision: GraphPrecision) -> tuple["InferenceSession", ExportedPrecision]:
        """A session for a tower's graph, and its precision. Exports the graphs if they are missing or damaged."""
        from cosmos_search.encoders.onnx_session import write_atomically

        place = self._graph_folder(precision)
        if place.exists():
            try:
                return _open_graph(place, tower)
            except Exception:  # ONNX Runtime raises a dozen unrelated classes for a damaged file
                shutil.rmtree(place)
        write_atomically(place, lambda draft: self._export(draft, precision))
        return _open_graph(place, tower)

    def _choose_text_precision(self) -> GraphPrecision:
        """The wanted precision, if it is one of graphs, else one that is exported already, so that queries are fast."""
        if self._wanted_precision in ("fp32", "int8"):
            return self._wanted_precision
        names: tuple[GraphPrecision, ...] = ("auto", "int8", "fp32")
        return next((name for name in names if self._graph_folder(name).exists()), "auto")

    def _graph_folder(self, precision: GraphPrecision) -> Path:
        from onnxruntime import __version__ as runtime_version

        return self._folder / "graphs" / f"{precision}-{runtime_version}"

    def _export(self, draft: Path, precision: GraphPrecision) -> None:
        require_extra(f"The first use of the model {self.name} on this machine", "models", "torch", "transformers")
        from cosmos_search.encoders.onnx_export import make_graphs

        check_unchanged(self._folder, self._card, weights=True)
        make_graphs(self._folder, self._card, draft, precision)


def _open_graph(graphs: Path, tower: Tower) -> tuple["InferenceSession", ExportedPrecision]:
    from cosmos_search.encoders.onnx_session import open_session

    if (curve := graphs / CALIBRATION).exists():
        Calibration.load(curve)  # raises an error if it is damaged, so that all files are exported again
    return open_session(graphs / f"{tower}.onnx"), PrecisionCheck.load(graphs).precision


@dataclass(frozen=True, slots=True)
class PreparedCrops:
    """A picture, and its regions, resized for the network."""

    whole: NDArray[np.uint8]  # (side, side, 3)
    crops: list[NDArray[np.uint8]]  # each (crop_side, crop_side, 3)
