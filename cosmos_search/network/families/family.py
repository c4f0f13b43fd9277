"""The interface of an adapter for a family of dual encoders."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from cosmos_search.model_config import ModelKind, Sizes
from cosmos_search.processing.text_format import TextFormat

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Family", "NetworkConfig", "Sigmoid"]


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """What a config.json says: the sizes, and the checked values from which the network is built."""

    sizes: Sizes
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """The probability of a match by the network itself: the sigmoid of scale · cosine + bias."""

    scale: float
    bias: float


class Family(ABC):
    """Of a config.json only the values that determine shapes and results are used.

    So it cannot select code, kernels or quantisation. Methods with `model` get the network that `make` builds.
    """

    kind: ModelKind

    @abstractmethod
    def read_config(self, content: Mapping[str, Any], path: Path) -> NetworkConfig:
        """The config in a file. Raises CosmosSearchError for a value that is missing or out of bounds."""

    @abstractmethod
    def make(self, config: NetworkConfig) -> "nn.Module":
        """The network, with random weights."""

    @abstractmethod
    def encode_images(self, model: Any, pixels: "Tensor") -> "Tensor":
        """pixels: (n, 3, side, side), normalised. Returns (n, dim), rows of any length."""

    @abstractmethod
    def encode_texts(self, model: Any, ids: "Tensor") -> "Tensor":
        """ids: (n, length), each row as the text format says. Returns (n, dim), rows of any length."""

    @abstractmethod
    def encode_patches(self, model: Any, pixels: "Tensor") -> "Tensor":
        """Vectors of the joint space at each place of a square map: (n, places, dim), row by row, of any length."""

    @abstractmethod
    def text_format(self, tokenizer: Tokenizer) -> TextFormat:
        """How the family forms texts, for one of the tokenizers that it comes with."""

    def sigmoid(self, model: Any) -> Sigmoid | None:
        """The network's own probabilities; None if it was trained to rank only."""
        return None

    def is_english(self, vocab_size: int) -> bool:
        """True if networks with a vocabulary of this size were trained on English texts only."""
        return True
