"""Captions of a pair, and text cropping (paper §3.2): sentences of long captions, sampled and joined at random."""

import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from trainer.config import TextMode
from trainer.data.errors import SampleError
from trainer.data.samples import Pair, read_content
from trainer.method.losses import N_GLOBAL_VIEWS

__all__ = [
    "DREAMLIP_KEYS",
    "dreamlip_pool",
    "pixelprose_pool",
    "read_caption_record",
    "read_captions",
    "sample_captions",
    "split_caption",
]

MAX_SENTENCES = 5  # of a global caption
DREAMLIP_KEYS = (
    "raw_caption",
    *(f"{size}{model}_captions" for size in ("short", "long") for model in ("IB", "SV", "LLA")),
)


def read_captions(pair: Pair, text_mode: TextMode) -> tuple[str, list[str]]:
    """The original caption, and the pool of sentences of all captions; either may be empty.

    Several captions of one picture, {"captions": [...]} in the mode "sentences", are one sentence each; the original
    caption is all of them, joined as `sample_captions` joins sentences.
    Raises SampleError if they are damaged or have another form than text_mode. A .txt holds one caption in any mode.
    """
    record = read_caption_record(pair)
    try:
        if pair.kind != ".txt" and text_mode == "dreamlip":
            lists = {key: _get_sentences(record, key) for key in DREAMLIP_KEYS}
            return ". ".join(lists["raw_caption"]), dreamlip_pool(lists)
        if pair.kind != ".txt" and text_mode == "pixelprose":
            texts = {key: _get_text(record, key) for key in ("original_caption", "caption")}
            return texts["original_caption"], [sentence for sentence in pixelprose_pool(texts) if sentence]
        if "captions" in record:
            captions = [" ".join(caption.split()).rstrip(" .") for caption in _get_sentences(record, "captions")]
            pool = [caption for caption in captions if caption]
            return ". ".join(pool), pool
        caption = _get_text(record, "caption")
        return " ".join(caption.split()), split_caption(caption)
    except KeyError as error:
        raise SampleError(f"its captions have no key {error}") from error


def read_caption_record(pair: Pair) -> dict[str, Any]:
    """The JSON object of a .json, {"caption": text} for a .txt. Raises SampleError if it is not valid UTF-8 or JSON."""
    try:
        text = read_content(pair.captions).decode("utf-8-sig")
        record = {"caption": text} if pair.kind == ".txt" else json.loads(text)
    except OSError as error:
        raise SampleError(f"its captions cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise SampleError(f"its captions cannot be read: {reason}") from error
    if not isinstance(record, dict):
        raise SampleError("its captions cannot be read: not a JSON object")
    return record


def split_caption(text: str) -> list[str]:
    """Sentences by the authors' rule: split at line ends, "</s>" and every dot, including those in 3.5 and U.S."""
    parts = (part.strip() for part in re.split(r"\n|</s>|\.", text))
    return [part for part in parts if part]


def dreamlip_pool(record: Mapping[str, Sequence[str]]) -> list[str]:
    """The sentences of a DreamLIP record: of the original caption and of six synthetic ones, already split."""
    return [sentence for key in DREAMLIP_KEYS for sentence in record[key]]


def pixelprose_pool(record: Mapping[str, str]) -> list[str]:
    """The sentences of a PixelProse record: the original caption unsplit, then those of the long synthetic caption."""
    return [record["original_caption"], *split_caption(record["caption"])]


def sample_captions(pool: Sequence[str], n_captions: int, random: Random) -> list[str]:
    """Two global captions of 1 to 5 sentences each, and `n_captions - 2` local ones of one sentence (paper §3.2).

    The sentences of a caption are drawn without replacement and joined by ". ", without a final dot. A pool with too
    few sentences is repeated. Random numbers are drawn in the authors' order: both lengths, then the sentences.
    Raises ValueError for an empty pool.
    """
    if not pool:
        raise ValueError("a caption pool is empty")
    lengths = [random.randint(1, MAX_SENTENCES) for _ in range(N_GLOBAL_VIEWS)]
    captions = [". ".join(_draw(pool, n, random)) for n in lengths]
    return captions + _draw(pool, n_captions - N_GLOBAL_VIEWS, random)


def _get_text(record: Mapping[str, Any], key: str) -> str:
    if not isinstance(record[key], str):
        raise SampleError(f"its {key} is not a text")
    return str(record[key])


def _get_sentences(record: Mapping[str, Any], key: str) -> list[str]:
    """Without empty ones."""
    if not isinstance(record[key], list) or not all(isinstance(sentence, str) for sentence in record[key]):
        raise SampleError(f"its {key} is not a list of sentences")
    return [sentence for sentence in record[key] if sentence.strip()]


def _draw(pool: Sequence[str], n: int, random: Random) -> list[str]:
    """n sentences without replacement; from a smaller pool: the whole pool as often as it fits, then a sample of it."""
    n_times, rest = divmod(n, len(pool))
    return [*pool] * n_times + random.sample(pool, rest) if n > len(pool) else random.sample(pool, n)
