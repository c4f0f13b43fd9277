"""An installed model as an encoder: COSMOS, and any other of the CLIP family."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.encoders.calibration import Calibration
from cosmos_search.encoders.devices import choose_device, choose_precision
from cosmos_search.encoders.precision_check import PrecisionCheck
from cosmos_search.extras import require_extra
from cosmos_search.models.store import ModelCard, check_unchanged
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer
from indexer.encoder import Vectors
from indexer.pictures.regions import Box

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from cosmos_search.network.attention_maps import DenseMaps

__all__ = ["DualEncoder", "ImageRuntime", "PreparedCrops"]

CALIBRATION = "calibration.json"


class ImageRuntime(Protocol):
    """What runs the image tower. `encode` is called from several threads."""

    @property
    def device(self) -> str:
        """For a person."""

    @property
    def batch_size(self) -> int:
        """Pictures a call of the encoder that suit it."""

    def encode(self, pixels: NDArray[np.uint8]) -> Vectors:
        """pixels: (n, side, side, 3), n above 0, of the whole's side or of the crops'. Returns (n, dim), unit rows.

        Any n will do: it makes batches of its own.
        """


class DualEncoder:
    """An Encoder (see cosmos_search.encoders.protocol). A tower opens when it is first used.

    Texts run in ONNX Runtime on the CPU whatever the device: a query is one text, and torch takes seconds to import.
    ONNX Runtime is imported when a graph is opened: images on a GPU need none.
    The version is that of the weights alone; vectors of int8 and fp16 may stand in one index.
    """

    def __init__(self, folder: Path, card: ModelCard, device: str = "auto", precision: str = "auto") -> None:
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
        """The name it was installed under."""
        return self._card.name

    @property
    def version(self) -> str:
        """A hash of the weights."""
        return self._card.version

    @property
    def dim(self) -> int:
        """Of the joint space."""
        return self._card.dim

    @property
    def device(self) -> str:
        """Where the image tower runs, for a person; opens it."""
        return self._image_runtime().device

    @property
    def batch_size(self) -> int:
        """Pictures a call that suit the device; opens the image tower."""
        return self._image_runtime().batch_size

    @property
    def default_regions(self) -> str:
        """Each region is a crop of its own to encode."""
        return "fast"

    @property
    def min_side(self) -> int:
        """Twice the network's side: more makes no difference that survives the resizing."""
        return 2 * self._preprocess.side

    def prepare(self, picture: Image.Image, regions: Sequence[Box] = ()) -> "PreparedCrops":
        """The whole at the network's size; regions squashed to the size of its local crops."""
        size = (self._card.crop_side, self._card.crop_side)
        crops = [picture.resize(size, self._preprocess.resample, box.pixels(*picture.size)) for box in regions]
        return PreparedCrops(self._preprocess.pixels(picture), [np.asarray(crop) for crop in crops])

    def encode_images(self, prepared: Sequence["PreparedCrops"]) -> list[Vectors]:
        """Each (1 + regions, dim), unit rows. The regions of all the pictures go through the network together."""
        runtime = self._image_runtime()
        wholes = list(runtime.encode(np.stack([p.whole for p in prepared]))) if prepared else []
        crops = [crop for p in prepared for crop in p.crops]
        regions: Iterator[Vectors] = iter(runtime.encode(np.stack(crops)) if crops else ())
        return [np.stack([whole, *islice(regions, len(p.crops))]) for p, whole in zip(prepared, wholes, strict=True)]

    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of each patch with a query's vector (dim,): (rows, columns). Imports torch."""
        with self._lock:
            if self._maps is None:
                require_extra(f"A heat map of the model {self.name}", "models", "torch", "transformers")
                from cosmos_search.network.attention_maps import DenseMaps

                check_unchanged(self._folder, self._card, weights=True)
                self._maps = DenseMaps(self._folder, self._card.kind, choose_device(self._wanted_device))
        return self._maps.activation(picture, query)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dim), unit rows. A text beyond the context loses its end; see `fits`."""
        session, tokenizer = self._text_session(), self._text_tokenizer()
        rows = [np.array([tokenizer.cut_ids(text)], dtype=np.int64) for text in texts]
        vectors = [session.run(["vectors"], {"ids": row})[0] for row in rows]  # one by one: no padding to compute
        return np.concatenate(vectors) if vectors else np.zeros((0, self.dim), dtype=np.float32)

    @property
    def calibration(self) -> Calibration | None:
        """Fitted when the text tower's graph was made; None for a model that can't tell the photos there apart."""
        self._text_session()
        return self._calibration

    def fits(self, text: str) -> bool:
        """Whether the whole of a text is read."""
        return self._text_tokenizer().fits(text)

    def _image_runtime(self) -> ImageRuntime:
        with self._lock:
            if self._images is None:
                device = choose_device(self._wanted_device)
                precision = choose_precision(self._wanted_precision, device)
                if device == "cpu" and precision != "bf16":
                    from cosmos_search.encoders.onnx_images import OnnxImages

                    whole, chosen = self._open("image", precision)
                    crops, _ = self._open("crops", precision) if self._card.has_small_crops else (whole, chosen)
                    self._images = OnnxImages(whole, crops, self._preprocess.side, chosen)
                else:
                    require_extra(
                        f"The model {self.name} in {precision} on {device}", "models", "torch", "transformers"
                    )
                    from cosmos_search.encoders.torch_images import TorchImages

                    check_unchanged(self._folder, self._card, weights=True)
                    self._images = TorchImages(self._folder, self._card.kind, device, precision)
                    if find_spec("onnxruntime") and find_spec("onnx"):
                        self._text_session()  # its graph is exported now, while torch is imported anyway
            return self._images

    def _text_session(self) -> "InferenceSession":
        with self._lock:
            if self._texts is None:
                precision = self._text_precision()
                self._texts, _ = self._open("text", precision)
                curve = self._graphs(precision) / CALIBRATION
                self._calibration = Calibration.load(curve) if curve.exists() else None
            return self._texts

    def _text_tokenizer(self) -> TextTokenizer:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = TextTokenizer.from_file(self._folder / "tokenizer.json", self._card.context_length)
            return self._tokenizer

    def _open(self, tower: str, precision: str) -> tuple["InferenceSession", str]:
        """A session on a tower's graph, and its precision. Graphs are made on first use, and anew if damaged."""
        from cosmos_search.encoders.onnx_session import write_beside

        place = self._graphs(precision)
        if place.exists():
            try:
                return _opened(place, tower)
            except Exception:  # ONNX Runtime raises a dozen unrelated classes for a damaged file
                shutil.rmtree(place)
        write_beside(place, lambda draft: self._make_graphs(draft, precision))
        return _opened(place, tower)

    def _text_precision(self) -> str:
        """What was asked for, or what is there already: a query should not wait for an export."""
        wanted = self._wanted_precision
        there = [name for name in ("auto", "int8", "fp32") if self._graphs(name).exists()]
        return wanted if wanted in ("fp32", "int8") else next(iter(there), "auto")

    def _graphs(self, precision: str) -> Path:
        from onnxruntime import __version__ as runtime_version

        return self._folder / "graphs" / f"{precision}-{runtime_version}"

    def _make_graphs(self, draft: Path, precision: str) -> None:
        require_extra(f"The first use of the model {self.name} on this machine", "models", "torch", "transformers")
        from cosmos_search.encoders.onnx_export import make_graphs

        check_unchanged(self._folder, self._card, weights=True)
        make_graphs(self._folder, self._card, draft, precision)


def _opened(graphs: Path, tower: str) -> tuple["InferenceSession", str]:
    from cosmos_search.encoders.onnx_session import open_session

    if (curve := graphs / CALIBRATION).exists():
        Calibration.load(curve)  # damaged, all is made anew
    return open_session(graphs / f"{tower}.onnx"), PrecisionCheck.load(graphs).precision


@dataclass(frozen=True, slots=True)
class PreparedCrops:
    """A picture, ready for its network."""

    whole: NDArray[np.uint8]  # (side, side, 3)
    crops: list[NDArray[np.uint8]]  # each (crop_side, crop_side, 3)
