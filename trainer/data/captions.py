"""Text cropping (paper §3.2): long captions taken apart into sentences, and put together at random."""

import re
from collections.abc import Mapping, Sequence
from random import Random

__all__ = ["DREAMLIP_KEYS", "dreamlip_pool", "pixelprose_pool", "sample_captions", "split_caption"]

N_GLOBAL = 2
MAX_SENTENCES = 5  # of a global caption
DREAMLIP_KEYS = (
    "raw_caption",
    *(f"{size}{model}_captions" for size in ("short", "long") for model in ("IB", "SV", "LLA")),
)


def split_caption(text: str) -> list[str]:
    """Sentences as the authors cut them: at a line's end, at "</s>", and at every dot, in 3.5 and U.S. too."""
    parts = (part.strip() for part in re.split(r"\n|</s>|\.", text))
    return [part for part in parts if part]


def dreamlip_pool(sample: Mapping[str, Sequence[str]]) -> list[str]:
    """The sentences of a DreamLIP sample: the web's caption and those of three captioners, split already."""
    return [sentence for key in DREAMLIP_KEYS for sentence in sample[key]]


def pixelprose_pool(sample: Mapping[str, str]) -> list[str]:
    """The sentences of a PixelProse sample: the web's caption whole, then the long one's."""
    return [sample["original_caption"], *split_caption(sample["caption"])]


def sample_captions(pool: Sequence[str], n_captions: int, random: Random) -> list[str]:
    """Two global captions of 1 to 5 sentences each, and `n_captions - 2` local ones of one sentence.

    Sentences are drawn without replacement, in random order, joined by ". " with no final dot; a pool with too
    few is repeated. The order of draws is the authors': both lengths, then the sentences. Raises ValueError for
    an empty pool.
    """
    if not pool:
        raise ValueError("a caption pool is empty")
    lengths = [random.randint(1, MAX_SENTENCES) for _ in range(N_GLOBAL)]
    captions = [". ".join(_draw(pool, n, random)) for n in lengths]
    return captions + _draw(pool, n_captions - N_GLOBAL, random)


def _draw(pool: Sequence[str], n: int, random: Random) -> list[str]:
    """n sentences without replacement; more than there are: the whole pool as often as it fits, then a part."""
    n_times, rest = divmod(n, len(pool))
    return [*pool] * n_times + random.sample(pool, rest) if n > len(pool) else random.sample(pool, n)
