"""The configuration of the built-in encoder: every value that changes its vectors."""

from dataclasses import dataclass, fields

from cosmos_search.model_config import MINI_REGION_SIDE, MINI_SIDE, MINI_TOKENS

__all__ = ["MiniConfig", "TrainedConfig"]


@dataclass(frozen=True, slots=True)
class MiniConfig:
    """Chosen on 430 photo stamps and their captions (benchmarks/quality/mini.py), where R@10 is 0.54."""

    # With the centre square instead of the whole picture, squashed, R@10 is 0.50.
    side: int = MINI_SIDE  # as in training; the stamps, which are small, rank the same at 224
    mean: float = 127.0  # with ImageNet's mean and deviation R@10 is 0.49
    scale: float = 128.0
    # The vector of a class is the mean of two texts. R@10 is 0.51 with the first alone, 0.49 with WordNet synonyms.
    name_text: str = "A {name}."
    described_text: str = "{name}: {description}"
    # With 1.5, and the mean text of the classes subtracted from every vector, scores of different sentences are
    # comparable: the AUC of matching pairs against others, over all sentences, is 0.89; with 1.0 and uncentred 0.77.
    temperature: float = 1.5
    n_tokens: int = MINI_TOKENS  # longer texts are truncated
    region_side: int = MINI_REGION_SIDE
    revision: int = 2  # increase it if a change of the code, but of none of these values, changes vectors

    def describe(self) -> str:
        """All values as a text, which is a part of the encoder's version."""
        values = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"Recipe({values})"  # an earlier name of this class, which the versions in existing indexes depend on


@dataclass(frozen=True, slots=True)
class TrainedConfig:
    """How much a trained head contributes: its share in the vectors of pictures and of regions.

    context: how much of its picture's vector is added to that of a region, before it is normalised.
    Chosen on held-out photos of Flickr8k, the stamps and scenes: with more of each the photos' captions find more, with
    less the stamps and scenes do (benchmarks/README.md).
    """

    global_share: float = 0.55
    region_share: float = 0.35
    context: float = 0.9
    # The vector of a short text is the mean of two texts (prompt ensembling, Radford et al. 2021): captions, which the
    # head has learned from, are sentences. For queries of one or two words in 500 photos of Flickr8k the first hit is
    # right in 0.55 of the cases instead of 0.51, and "night" is answered.
    short_words: int = 2
    short_text: str = "a photo of {text}"
