"""From texts to rows of token ids, without torch and transformers; and CLIP's byte-level BPE (Radford et al. 2021)."""

import gzip
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import regex
import tokenizers
from numpy.typing import NDArray
from tokenizers import decoders, models, pre_tokenizers, processors

from cosmos_search.model_config import CLIP_VOCAB_SIZE
from cosmos_search.processing.text_format import CLIP_FORMAT, END, START, TextFormat, clean
from cosmos_search.processing.tokenizer_file import is_panic, read_tokenizer
from indexer.errors import CosmosSearchError

__all__ = ["END", "START", "TextTokenizer", "clip_tokenizer", "has_clip_merges", "save_clip_tokenizer"]

N_MERGES = CLIP_VOCAB_SIZE - 2 * 256 - 2  # without the bytes, alone and at the end of a word, and start and end
ChooseFormat = Callable[[tokenizers.Tokenizer], TextFormat]
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


class TextTokenizer:
    """A tokenizer, with the context length and the text format of its model.

    >>> clip_tokenizer()(["a cat"])[0, :5].tolist()
    [49406, 320, 2368, 49407, 0]
    """

    def __init__(
        self, tokenizer: tokenizers.Tokenizer, context_length: int = 77, text_format: TextFormat = CLIP_FORMAT
    ) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.no_truncation()  # some files enable truncation or padding
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # typed by a user, "<end_of_text>" is plain text
        self._clean = text_format.clean
        self._is_clip = text_format is CLIP_FORMAT and tokenizer.get_vocab_size() == CLIP_VOCAB_SIZE
        if self._is_clip:
            # `_encode` splits the words, because the official split uses Python's `regex` and its Unicode tables
            self._tokenizer.pre_tokenizer = _make_byte_level()
        self.context_length = context_length
        self.start = self._find_special(text_format.start, text_format.needs_start)
        self.pad = self._find_special(text_format.pad)
        end = self._find_special(text_format.end)
        assert end is not None, text_format
        self.end = end

    @classmethod
    def from_file(
        cls,
        path: Path,
        context_length: int,
        text_format: TextFormat | ChooseFormat = CLIP_FORMAT,
        cache: Path | None = None,
    ) -> "TextTokenizer":
        """Read a model directory's tokenizer.json. Raises CosmosSearchError for one that does not fit the format.

        text_format: that of the model's family, or a function that chooses it by the tokenizer.
        cache: see `read_tokenizer`.
        """
        tokenizer = read_tokenizer(path, cache)
        chosen = text_format if isinstance(text_format, TextFormat) else text_format(tokenizer)
        return cls(tokenizer, context_length, chosen)

    @property
    def n_ids(self) -> int:
        """The largest token id plus 1."""
        return 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values())

    def __call__(self, texts: Sequence[str], *, specials: bool = False) -> NDArray[np.int64]:
        """(n, context_length): start, tokens, end, padding. A text that is too long is truncated; see `fits`.

        specials: treat a literal <start_of_text> or <end_of_text> as that token, as the authors' tokenizer does.
        """
        rows = np.full((len(texts), self.context_length), self.pad or 0, dtype=np.int64)
        for row, text in zip(rows, texts, strict=True):
            ids = self.encode(text, specials=specials)
            row[: len(ids)] = ids
        return rows

    def encode(self, text: str, *, specials: bool = False) -> list[int]:
        """The row of token ids of a text: including start, end and padding, truncated to the context length."""
        ids = self.ids(text, specials=specials)
        if len(ids) > self.context_length:
            return [*ids[: self.context_length - 1], self.end]
        return ids if self.pad is None else ids + [self.pad] * (self.context_length - len(ids))

    def ids(self, text: str, *, specials: bool = False) -> list[int]:
        """The token ids of a text, including start and end, without a limit."""
        cleaned = self._clean(text)
        special_ids = {START: self.start, END: self.end}
        ids = [] if self.start is None else [self.start]
        for part in re.split(f"({START}|{END})", cleaned) if specials else [cleaned]:
            special = special_ids.get(part) if specials else None
            ids += self._encode(part) if special is None else [special]
        return [*ids, self.end]

    def words(self, text: str) -> list[tuple[str, int, int]]:
        """The text's words with the positions of their tokens in its row: (word, first, last + 1)."""
        found, position = [], 1
        for word in regex.findall(WORDS, clean(text), regex.IGNORECASE):
            end = position + len(self._encode(word))
            if end >= self.context_length:
                break
            found.append((word, position, end))
            position = end
        return found

    def fits(self, text: str) -> bool:
        """True if the text fits into the context without truncation."""
        return len(self.ids(text)) <= self.context_length

    def _encode(self, text: str) -> list[int]:
        words = regex.findall(WORDS, text, regex.IGNORECASE) if self._is_clip else text
        try:
            encoding = self._tokenizer.encode(words, is_pretokenized=self._is_clip, add_special_tokens=False)
        except BaseException as error:  # such as a vocabulary without a token for unknown characters
            if not isinstance(error, Exception) and not is_panic(error):
                raise
            reason = (str(error).splitlines() or [""])[0][:200]
            raise CosmosSearchError(f"The model's tokenizer can't read {text[:40]!r} ({reason}).") from error
        ids: list[int] = encoding.ids
        return ids

    def _find_special(self, names: tuple[str, ...], is_needed: bool = True) -> int | None:
        """The id of the first of these tokens that there is; None if none is needed and there is none."""
        for id_ in (self._tokenizer.token_to_id(name) for name in names):
            if id_ is not None:
                return int(id_)
        if names and is_needed:
            raise CosmosSearchError(f"The tokenizer has no token {' or '.join(names)}, which models of this kind need.")
        return None


@cache
def clip_tokenizer(context_length: int = 77) -> TextTokenizer:
    """The tokenizer of CLIP and COSMOS, from the merges in this package's data."""
    return TextTokenizer(_build_clip_tokenizer(), context_length)


def save_clip_tokenizer(path: Path) -> None:
    """Write the tokenizer of CLIP as a tokenizer.json, as the libraries `tokenizers` and `transformers` read it."""
    tokenizer = _build_clip_tokenizer()
    ends = [(token, tokenizer.token_to_id(token)) for token in (START, END)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A {END}", special_tokens=ends)
    tokenizer.save(str(path))


def has_clip_merges(content: bytes) -> bool:
    """True if a merges.txt has the merges of CLIP, so that its vocabulary is CLIP's."""
    lines = content.decode("utf-8", "replace").splitlines()
    return [line for line in lines if line and not line.startswith("#version")][:N_MERGES] == _read_merges()


def _build_clip_tokenizer() -> tokenizers.Tokenizer:
    merges = [(left, right) for left, right in (line.split() for line in _read_merges())]
    symbols = list(_list_byte_symbols().values())
    vocabulary = [*symbols, *(symbol + "</w>" for symbol in symbols), *("".join(merge) for merge in merges), START, END]
    model = models.BPE(
        vocab={token: i for i, token in enumerate(vocabulary)},
        merges=merges,
        end_of_word_suffix="</w>",
    )
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(WORDS), behavior="removed", invert=True),
            _make_byte_level(),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([START, END])
    return tokenizer


def _make_byte_level() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def _read_merges() -> list[str]:
    packed = files("cosmos_search").joinpath("data/clip_bpe_merges.txt.gz").read_bytes()
    return gzip.decompress(packed).decode("utf-8").split("\n")[1 : N_MERGES + 1]


def _list_byte_symbols() -> dict[int, str]:
    """A printable character for each byte, in the vocabulary's order; printable bytes represent themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}
