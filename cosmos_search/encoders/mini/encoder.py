"""The built-in encoder, with and without trained weights, as an `Encoder`."""

import logging
import shutil
import threading
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from onnxruntime import __version__ as runtime_version

from cosmos_search.encoders.calibration import Calibration, load_packaged
from cosmos_search.encoders.devices import Device, PrecisionError, has_nvidia_gpu
from cosmos_search.encoders.mini.class_vectors import ClassVectors, embed_classes, load_or_embed
from cosmos_search.encoders.mini.config import MiniConfig, TrainedConfig
from cosmos_search.encoders.mini.head import FeatureHead
from cosmos_search.encoders.mini.image_tower import ImageTower, PreparedPicture, prepare_picture, squash
from cosmos_search.encoders.mini.region_pooling import pool_neighbours
from cosmos_search.encoders.mini.text_tower import TextTower
from cosmos_search.encoders.mini.version import make_version
from cosmos_search.encoders.mini.weights import MiniWeights, find_weights
from cosmos_search.encoders.onnx_session import choose_session_device, model_cache_folder, open_or_make, open_session
from cosmos_search.encoders.precision_check import MIN_COSINE
from cosmos_search.model_config import MINI_DIM
from cosmos_search.models.store import MINI, MINI_CONSE
from cosmos_search.models.trained import CALIBRATION, PACKAGED, read_trained
from indexer.encoder import Vectors
from indexer.pictures.regions import Box, Regions

if TYPE_CHECKING:  # a search for a text needs no Pillow
    from PIL import Image

__all__ = ["MiniEncoder"]

log = logging.getLogger(__name__)


class MiniEncoder:
    """An Encoder (see cosmos_search.encoders.protocol). Each tower is opened on its first use.

    The first use of a tower on a machine writes its ONNX graph into `cache`, which takes a second. torch is not used.
    """

    is_english = True

    def __init__(
        self,
        cache: Path | None = None,
        config: MiniConfig | None = None,
        device: Device = "auto",
        precision: Literal["auto", "fp32", "int8"] = "auto",
        trained: str | Path | None = PACKAGED,
        name: str | None = None,
    ) -> None:
        """cache: by default in the user's cache folder. device: of the image tower; "cuda" needs onnxruntime-gpu.

        precision: of the image tower. "auto": int8 on a CPU on which it agrees with fp32, else fp32. An index may hold
        vectors of both, which agree to 0.997 (centred cosine).

        trained: weights that a training run exported (trainer.runs.export), by default the packaged ones; None: ConSE
        alone. name: by default cosmos-mini, and cosmos-mini-conse without trained weights.
        Raises CosmosSearchError if a package with weights is missing or `trained` is not such a file, DeviceError for a
        device that cannot be used.
        """
        self._session_device = choose_session_device(device)
        if precision == "int8" and self._session_device != "cpu":
            raise PrecisionError(precision, self._session_device)
        self._is_quantised = precision != "fp32" and self._session_device == "cpu"
        self._wants_gpu = device != "cpu"
        self._config = config or MiniConfig()
        self._weights = find_weights()
        self._trained_file = Path(trained) if trained is not None else None
        self._trained = read_trained(self._trained_file) if self._trained_file is not None else {}
        self._shares = TrainedConfig() if self._trained else TrainedConfig(0.0, 0.0, 0.0)
        self._name = name or (MINI if self._trained else MINI_CONSE)
        self._version = make_version(self._config, self._weights, self._trained)
        cache = cache or model_cache_folder()
        self._folder = cache / f"{MINI}-{self._version}"
        # Training changes neither the text tower nor the class vectors, so their files are shared
        self._untrained_folder = cache / f"{MINI}-{make_version(self._config, self._weights, {})}"
        self._lock = threading.RLock()
        self._images: ImageTower | None = None
        self._texts: TextTower | None = None
        self._classes: ClassVectors | None = None
        self._head: FeatureHead | None = None

    @property
    def name(self) -> str:
        """cosmos-mini, cosmos-mini-conse, or the name under which trained weights are installed."""
        return self._name

    @property
    def version(self) -> str:
        """12 hex digits of a digest of the configuration and the weights."""
        return self._version

    @property
    def dim(self) -> int:
        """The dimension of MiniLM's vectors."""
        return MINI_DIM

    @property
    def class_vectors(self) -> NDArray[np.float32]:
        """The text vectors of ImageNet's classes: (1000, 384), unit rows, not centred."""
        return self._class_vectors().vectors

    @property
    def device(self) -> str:
        """Where the image tower runs, for display; opens it, since the session determines that."""
        return self._image_tower().device

    @property
    def batch_size(self) -> int:
        """Pictures per call of `encode_images`."""
        return 8

    @property
    def is_on_cpu(self) -> bool:
        """False if the image tower runs on a GPU; opens it."""
        return self._image_tower().is_on_cpu

    @property
    def default_regions(self) -> Regions:
        """The finer pyramid, since all regions are pooled from one larger input, whatever their number."""
        return "fine"

    @property
    def min_side(self) -> int:
        """Twice the network's side: from a JPEG decoded at that scale the 260 pixels are the same, to 54 dB."""
        return max(2 * self._config.side, self._config.region_side)

    @cached_property
    def calibration(self) -> Calibration | None:
        """Of the built-in encoders: packaged. Of other trained weights: from a file beside them, or None."""
        if self._trained_file is None:
            return load_packaged(MINI_CONSE)
        if self._trained_file == PACKAGED:
            return load_packaged(MINI)
        file = self._trained_file.with_name(CALIBRATION)
        return Calibration.load(file) if file.is_file() else None

    def prepare(self, picture: "Image.Image", regions: Sequence[Box] = ()) -> PreparedPicture:
        """The whole picture squashed to a square, so that nothing is cropped, and to a larger one for its regions."""
        return prepare_picture(picture, regions, self._config)

    def encode_images(self, prepared: Sequence[PreparedPicture]) -> list[Vectors]:
        """Each (1 + regions, 384), unit rows."""
        if not prepared:
            return []
        tower, head, shares = self._image_tower(), self._feature_head(), self._shares
        vectors = []
        for picture, features in zip(prepared, tower.features([one.whole for one in prepared]), strict=True):
            rows = head.embed(features[None], shares.global_share)
            if picture.large is not None:
                features_at = tower.feature_map(picture.large)
                regions = head.embed_regions(features_at, picture.regions, shares.region_share)
                if shares.context:
                    regions += shares.context * rows
                    regions /= np.linalg.norm(regions, axis=1, keepdims=True)
                rows = np.concatenate([rows, regions])
            vectors.append(rows)
        return vectors

    def activation(self, picture: "Image.Image", query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of each place with a query's vector (dim,): (rows, columns), from the top left.

        As in a class activation map (Zhou et al. 2016), each position is embedded like a picture. The features of
        neighbours are averaged before that: on scenes the centre of a box that is fitted to the map then
        lies in the thing in 0.58 of the cases instead of 0.55.
        """
        features = pool_neighbours(self._image_tower().feature_map(squash(picture, self._config.region_side)))
        rows = self._feature_head().embed(features.reshape(-1, features.shape[-1]), self._shares.region_share)
        cosines: NDArray[np.float32] = rows @ query
        return cosines.reshape(features.shape[:2])

    def fits(self, text: str) -> bool:
        """True if the text is not truncated."""
        return self._text_tower().n_tokens(text) <= self._config.n_tokens

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, 384), unit rows. An empty text has a vector, too, which has no meaning."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        tower = self._text_tower()
        rows = tower.encode(texts)
        short = [i for i, text in enumerate(texts) if self._trained and len(text.split()) <= self._shares.short_words]
        if short:
            means = rows[short] + tower.encode([self._shares.short_text.format(text=texts[i]) for i in short])
            rows[short] = means / np.linalg.norm(means, axis=1, keepdims=True)
        return self._class_vectors().centre_texts(rows)

    def image_graph(self) -> Path:
        """The ONNX file of the image tower in fp32: pixels (n, height, width, 3) uint8 -> features (n, 1472)."""
        self._open_exact_images()
        return self._image_file()

    def _image_file(self) -> Path:
        return self._folder / f"features-{runtime_version}.onnx"

    def _open_exact_images(self) -> InferenceSession:
        return open_or_make(self._image_file(), self._export_image_tower, self._session_device)

    def _open_quantised_images(self) -> InferenceSession:
        return open_or_make(self._folder / f"features-int8-{runtime_version}.onnx", self._quantise_image_tower)

    def _image_tower(self) -> ImageTower:
        with self._lock:
            if self._images is None:
                self._feature_head()  # every picture needs it; loaded here, not in the middle of a run
                session = self._open_quantised_images() if self._is_quantised else self._open_exact_images()
                self._images = ImageTower(session)
                if self._wants_gpu and self._images.is_on_cpu and has_nvidia_gpu():
                    log.warning("There is a GPU, but it is not used: %s needs onnxruntime-gpu for it.", self.name)
            return self._images

    def _text_tower(self) -> TextTower:
        with self._lock:
            if self._texts is None:
                graph = self._untrained_folder / f"text-mapped-{runtime_version}.onnx"
                # Not a method of this encoder: it would be in a reference cycle, and its 60 MB freed late
                open_tower = partial(open_or_make, graph, partial(_export_text_tower, self._weights))
                self._texts = TextTower(open_tower, self._weights.tokenizer, self._config.n_tokens)
            return self._texts

    def _class_vectors(self) -> ClassVectors:
        with self._lock:
            if self._classes is None:
                vectors = load_or_embed(
                    self._untrained_folder / "classes.npy",
                    lambda: embed_classes(self._weights.class_texts(), self._text_tower(), self._config),
                )
                self._classes = ClassVectors(vectors)
            return self._classes

    def _feature_head(self) -> FeatureHead:
        with self._lock:
            if self._head is None:
                self._head = FeatureHead(open_or_make(self._folder / f"head-{runtime_version}.onnx", self._export_head))
            return self._head

    def _read_weights(self) -> dict[str, NDArray[np.float32]]:
        return self._weights.read_image() | self._trained

    def _export_image_tower(self, target: Path) -> None:
        from cosmos_search.encoders.mini.export import export_image_tower  # imports onnx

        export_image_tower(self._read_weights(), self._config.mean, self._config.scale, target)

    def _export_head(self, target: Path) -> None:
        from cosmos_search.encoders.mini.export import export_head

        export_head(self._read_weights(), self.class_vectors, self._config.temperature, target)

    def _quantise_image_tower(self, target: Path) -> None:
        from cosmos_search.encoders.mini.quantise import measure_agreement, quantise_image_tower, read_sample_photos

        sessions, photos = [self._open_exact_images()], read_sample_photos(self._config.region_side)
        quantise_image_tower(self._image_file(), photos, target)
        sessions.append(open_session(target))
        features = (ImageTower(session).features(photos) for session in sessions)
        exact, quantised = (self._feature_head().embed(rows, self._shares.global_share) for rows in features)
        cosine = measure_agreement(exact, quantised)
        if cosine < MIN_COSINE:  # on processors whose int8 products overflow: x86 without VNNI
            log.warning("int8 is not accurate enough on this processor (%.3f); %s runs in fp32.", cosine, self.name)
            shutil.copyfile(self._image_file(), target)


def _export_text_tower(weights: MiniWeights, target: Path) -> None:
    from cosmos_search.encoders.mini.export import export_text_tower

    export_text_tower(*weights.read_text(), target)
